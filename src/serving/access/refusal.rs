//! What a client is told that is not let in, in the words of Kubernetes' own servers.

use std::sync::Arc;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use http::{Method, StatusCode};
use serde_json::json;

use super::PathError;
use crate::serving::bounds::{MAX_BODY, REQUEST_TIME};

/// Why a request does not get to its route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The certificate or the token is no good: 401.
    Unauthorized {
        /// What else there is to say; an invalid token is just that.
        reason: Option<String>,
    },
    /// This user may not: 403.
    Forbidden {
        /// The user.
        user: String,
        /// What it wants to do.
        verb: String,
        /// Where.
        path: String,
        /// What the API server said about it; often nothing.
        reason: Arc<str>,
    },
    /// It could not be found out whether the user may: 500.
    Undecided {
        /// What it wants to read.
        path: String,
        /// Why.
        reason: Arc<str>,
    },
    /// Nothing can be at such a path: 400, or 414 where it is too long.
    Path(PathError),
    /// No such method is known: 501.
    Method,
    /// Too many requests are open: 429.
    Busy,
    /// The body is larger than anything takes: 413.
    Body,
    /// The body did not arrive whole: 400.
    Truncated,
    /// It took too long: 504.
    Late,
}

/// The methods that there are for a server; a path for `CONNECT` there is none.
pub(in crate::serving) fn is_known(method: &Method) -> bool {
    [Method::GET, Method::HEAD, Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::OPTIONS]
        .contains(method)
}

/// Nothing in an answer looks like HTML (apiserver `responsewriters`).
fn harmless(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

impl Refusal {
    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized { .. } => StatusCode::UNAUTHORIZED,
            Self::Forbidden { .. } => StatusCode::FORBIDDEN,
            Self::Undecided { .. } => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Path(PathError::TooLong) => StatusCode::URI_TOO_LONG,
            Self::Path(_) | Self::Truncated => StatusCode::BAD_REQUEST,
            Self::Method => StatusCode::NOT_IMPLEMENTED,
            Self::Busy => StatusCode::TOO_MANY_REQUESTS,
            Self::Body => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Late => StatusCode::GATEWAY_TIMEOUT,
        }
    }

    /// What Kubernetes calls it (`metav1.StatusReason`).
    fn name(&self) -> &'static str {
        match self {
            Self::Unauthorized { .. } => "Unauthorized",
            Self::Forbidden { .. } => "Forbidden",
            Self::Undecided { .. } => "InternalError",
            Self::Path(_) | Self::Truncated => "BadRequest",
            Self::Method => "MethodNotAllowed",
            Self::Busy => "TooManyRequests",
            Self::Body => "RequestEntityTooLarge",
            Self::Late => "Timeout",
        }
    }

    fn message(&self) -> String {
        match self {
            Self::Unauthorized { reason: None } => "Unauthorized".to_owned(),
            Self::Unauthorized { reason: Some(reason) } => format!("Unauthorized: {}", harmless(reason)),
            Self::Forbidden { user, verb, path, reason } => {
                let message = harmless(&format!("User {user:?} cannot {verb} path {path:?}"));
                let reason = harmless(reason);
                if reason.is_empty() {
                    format!("forbidden: {message}")
                } else {
                    format!("forbidden: {message}: {reason}")
                }
            }
            Self::Undecided { path, reason } => harmless(&format!("Internal Server Error: {path:?}: {reason}")),
            Self::Path(error) => error.to_string(),
            Self::Method => "the method of the request is not known".to_owned(),
            Self::Busy => "too many requests are open; try again".to_owned(),
            Self::Body => format!("the body of the request is larger than {MAX_BODY} bytes"),
            Self::Truncated => "the body of the request has not arrived whole".to_owned(),
            Self::Late => format!("the request took longer than {} s", REQUEST_TIME.as_secs()),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (status, message) = (self.status(), self.message());
        let (kind, body) = if matches!(self, Self::Undecided { .. }) {
            // Plain text, as upstream's (apiserver `responsewriters.InternalError`).
            ("text/plain; charset=utf-8", message + "\n")
        } else {
            let mut body = json!({
                "kind": "Status",
                "apiVersion": "v1",
                "metadata": {},
                "status": "Failure",
                "message": message,
                "reason": self.name(),
                "code": status.as_u16(),
            });
            if matches!(self, Self::Forbidden { .. }) {
                body["details"] = json!({});
            }
            ("application/json", format!("{body:#}"))
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        if self == Self::Busy {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_that_may_not_is_told_as_upstream_tells_it() {
        let (user, verb) = ("system:anonymous".to_owned(), "get".to_owned());
        let refusal = Refusal::Forbidden { user, verb, path: "/<script>".to_owned(), reason: "".into() };
        let expected = r#"forbidden: User "system:anonymous" cannot get path "/&lt;script&gt;""#;
        assert_eq!(refusal.message(), expected);
    }

    #[test]
    fn undecided_is_told_with_the_reason() {
        let refusal = Refusal::Undecided { path: "/metrics".to_owned(), reason: "forbidden".into() };
        assert_eq!(refusal.message(), r#"Internal Server Error: "/metrics": forbidden"#);
        assert_eq!(refusal.into_response().headers()[CONTENT_TYPE], "text/plain; charset=utf-8");
    }
}
