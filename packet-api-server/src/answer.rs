//! What the API answers when it cannot do what was asked, in its own words.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// Why a request was not carried out.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("the token is missing or wrong; send the server's token in X-Auth-Token")]
    Unauthenticated,
    #[error("the token may not see this; ask for something of its own project")]
    Forbidden,
    #[error("there is nothing under this id; ask for one that a list shows")]
    NotFound,
    #[error("the path answers other methods; see the Allow header")]
    MethodNotAllowed,
    #[error("the request does not do: {}", .0.join("; "))]
    Unprocessable(Vec<String>),
    #[error("the rate limit is used up; come again later")]
    TooManyRequests,
    /// Allowed in principle, but not in the state that things are in.
    #[error("the request cannot be done now: {0}")]
    NotNow(String),
}

impl Refusal {
    pub(crate) fn unprocessable(message: impl Into<String>) -> Self {
        Self::Unprocessable(vec![message.into()])
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, body) = match self {
            Self::Unauthenticated => (StatusCode::UNAUTHORIZED, json!({"error": "Invalid authentication token"})),
            Self::Forbidden => {
                (StatusCode::FORBIDDEN, json!({"errors": ["You are not authorized to view this resource"]}))
            }
            Self::NotFound => (StatusCode::NOT_FOUND, json!({"errors": ["Not found"]})),
            Self::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, json!({"errors": ["Method not allowed"]})),
            Self::Unprocessable(errors) => (StatusCode::UNPROCESSABLE_ENTITY, json!({"errors": errors})),
            Self::TooManyRequests => (StatusCode::TOO_MANY_REQUESTS, json!({"errors": ["API rate limit exceeded"]})),
            Self::NotNow(error) => (StatusCode::FORBIDDEN, json!({"errors": [error]})),
        };
        (status, Json(body)).into_response()
    }
}
