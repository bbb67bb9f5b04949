//! What is wrong with a request to `/_admin/`.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use uuid::Uuid;

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum Mistake {
    #[error("there is nothing at {0}; GET /_admin/ lists what there is")]
    NoSuchPath(String),
    #[error("{0} answers other methods; GET /_admin/ lists them")]
    Method(String),
    #[error("the body does not do: {source}; send a JSON object like {example}")]
    Body { source: serde_json::Error, example: &'static str },
    /// A text or a number in the body or the query that is none.
    #[error("{0}")]
    Value(String),
    #[error("there is no {list} {code:?}; use a code that GET {from} lists")]
    Unknown { list: &'static str, code: String, from: &'static str },
    #[error("there is no fault {0:?} waiting; GET /_admin/faults lists them with their ids")]
    NoSuchFault(String),
    #[error("there is no device with the id or the hostname {0:?}; write one of them in full")]
    NoSuchDevice(String),
    #[error("{} devices have the hostname {hostname:?}; use one of their ids: {}", ids.len(), texts(ids))]
    SeveralDevices { hostname: String, ids: Vec<Uuid> },
    #[error("there is a device with the id {0} already; leave the id out, or delete that device first")]
    SameId(Uuid),
    #[error(
        "this outage closes this port as well, so it could not be lifted here; let it end by itself: \"refuse for=30s\""
    )]
    LockedOut,
}

fn texts(ids: &[Uuid]) -> String {
    ids.iter().map(Uuid::to_string).collect::<Vec<_>>().join(", ")
}

impl IntoResponse for Mistake {
    fn into_response(self) -> Response {
        let status = match self {
            Self::NoSuchPath(_) | Self::NoSuchFault(_) | Self::NoSuchDevice(_) => StatusCode::NOT_FOUND,
            Self::Method(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::SeveralDevices { .. } | Self::SameId(_) => StatusCode::CONFLICT,
            Self::Body { .. } | Self::Value(_) | Self::Unknown { .. } | Self::LockedOut => StatusCode::BAD_REQUEST,
        };
        (status, Json(json!({"error": self.to_string()}))).into_response()
    }
}
