//! What every request goes through before a handler sees it, in this order: the log, the faults, the latency, the token.

use crate::faults::{FaultKind, Faults};
use crate::log::RequestLog;
use crate::store::Store;
use crate::transport;
use axum::body::{Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::time::Duration;
use tokio::sync::watch;

/// What stands at the door.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    pub(crate) store: Store,
    pub(crate) requests: RequestLog,
    pub(crate) faults: Faults,
    /// How long every answer takes at least.
    pub(crate) latency: Duration,
    /// Turns true, or is closed, when the server stops: nobody is kept waiting beyond that.
    pub(crate) stopping: watch::Receiver<bool>,
}

/// What the client gets, and what the log says of it.
struct Outcome {
    response: Response,
    status: u16,
    bytes: u64,
}

pub(super) async fn pass(State(door): State<Door>, request: Request, next: Next) -> Response {
    let (method, path) = (request.method().as_str().to_owned(), request.uri().path().to_owned());
    let ticket = door.requests.arrived(&method, &path, request.uri().query());
    let outcome = match door.faults.take(&method, &path) {
        None => Outcome::plain(door.answer(request, next).await),
        Some(fault) => door.spoil(fault, request, next).await,
    };
    door.requests.answered(ticket, outcome.status, outcome.bytes);
    outcome.response
}

impl Door {
    /// The real answer.
    async fn answer(&self, request: Request, next: Next) -> Response {
        self.pause(self.latency).await;
        if let Err(refusal) = self.store.token().admits(request.headers()) {
            return refusal.into_response();
        }
        next.run(request).await
    }

    async fn spoil(&self, fault: FaultKind, request: Request, next: Next) -> Outcome {
        match fault {
            FaultKind::Status { code, body, content_type, headers } => {
                self.pause(self.latency).await;
                Outcome::plain(canned(code, body, &content_type, headers))
            }
            FaultKind::Html { code } => {
                self.pause(self.latency).await;
                Outcome::plain(canned(code, page(code), "text/html; charset=utf-8", Vec::new()))
            }
            FaultKind::Delay(time) => {
                self.pause(time).await;
                Outcome::plain(self.answer(request, next).await)
            }
            FaultKind::Hang => {
                self.stopped().await;
                Outcome::none()
            }
            FaultKind::Reset => Outcome::none(),
            FaultKind::Truncated => {
                let (status, body) = whole(self.answer(request, next).await).await;
                let bytes = body.len() / 2;
                Outcome { response: transport::half_of(status, &body), status: status.as_u16(), bytes: bytes as u64 }
            }
            FaultKind::Malformed => {
                let (status, body) = whole(self.answer(request, next).await).await;
                let half = body.slice(..body.len() / 2);
                Outcome::plain(
                    (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], half).into_response(),
                )
            }
        }
    }

    /// Waits, but not beyond the server's end.
    async fn pause(&self, time: Duration) {
        if !time.is_zero() {
            tokio::select! {
                () = tokio::time::sleep(time) => {}
                () = self.stopped() => {}
            }
        }
    }

    async fn stopped(&self) {
        // An error means that the server is gone, which is as good as stopping.
        let _ = self.stopping.clone().wait_for(|stopping| *stopping).await;
    }
}

impl Outcome {
    fn plain(response: Response) -> Self {
        let status = response.status().as_u16();
        let bytes = response.body().size_hint().exact().unwrap_or_default();
        Self { response, status, bytes }
    }

    fn none() -> Self {
        Self { response: transport::no_answer(), status: 0, bytes: 0 }
    }
}

fn canned(code: u16, body: String, content_type: &str, headers: Vec<(String, String)>) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, body).into_response();
    let content_type = ("content-type".to_owned(), content_type.to_owned());
    for (name, value) in std::iter::once(content_type).chain(headers) {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

/// The page of a proxy that is in the way.
fn page(code: u16) -> String {
    let reason = StatusCode::from_u16(code).ok().and_then(|status| status.canonical_reason()).unwrap_or("Error");
    format!(
        "<html>\n<head><title>{code} {reason}</title></head>\n<body>\n<center><h1>{code} {reason}</h1></center>\n\
         <hr><center>simulated proxy</center>\n</body>\n</html>\n"
    )
}

/// A response's status and body. Where there is no body to spoil, the beginning of one stands in.
async fn whole(response: Response) -> (StatusCode, Bytes) {
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default();
    if body.is_empty() {
        return (StatusCode::OK, Bytes::from_static(br#"{"devices": [{"#));
    }
    (status, body)
}
