//! What every request goes through before a handler sees it, in this order: the log, the outage, the rate limit, the faults,
//! the latency, the token.

use super::DevicesShown;
use crate::answer::Refusal;
use crate::clock::Clock;
use crate::fault::{Asked, FaultKind};
use crate::faults::Faults;
use crate::limiter::Verdict;
use crate::log::{Open, RequestLog};
use crate::outage::OutageKind;
use crate::store::Store;
use crate::transport;
use crate::weather::Weather;
use axum::body::{Bytes, HttpBody};
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

/// What stands at the door.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    pub(crate) store: Store,
    pub(crate) requests: RequestLog,
    pub(crate) faults: Faults,
    pub(crate) weather: Weather,
    pub(crate) clock: Clock,
    /// Cancelled when the server stops: nobody is kept waiting beyond that.
    pub(crate) stopping: CancellationToken,
}

/// What comes of a request.
enum Outcome {
    Answer(Response),
    /// So many bytes are sent of more that were announced.
    Broken(Response, u64),
    /// This body is sent at so many bytes a second.
    Slow(StatusCode, Bytes, u32),
    None,
}

pub(super) async fn pass(State(door): State<Door>, request: Request, next: Next) -> Response {
    let (method, uri) = (request.method().as_str().to_owned(), request.uri().clone());
    let asked = Asked { method: &method, path: uri.path(), query: uri.query() };
    let open = door.requests.arrived(asked.method, asked.path, asked.query);
    let now = door.clock.now();
    let (outcome, verdict) = door.outcome(request, next, &asked, &open).await;
    let told = |mut response: Response| {
        if let Some(verdict) = verdict {
            verdict.tell(response.headers_mut(), now);
        }
        response
    };
    match outcome {
        Outcome::Answer(response) => {
            let bytes = response.body().size_hint().exact().unwrap_or_default();
            open.answered(response.status().as_u16(), bytes);
            told(response)
        }
        Outcome::Broken(response, bytes) => {
            open.answered(response.status().as_u16(), bytes);
            told(response)
        }
        Outcome::Slow(status, body, speed) => told(transport::slow(status, body, speed, open, door.stopping)),
        Outcome::None => transport::no_answer(),
    }
}

impl Door {
    /// What comes of a request, and what the rate limit said to it.
    async fn outcome(
        &self,
        request: Request,
        next: Next,
        asked: &Asked<'_>,
        open: &Open,
    ) -> (Outcome, Option<Verdict>) {
        if let Some(outage) = self.weather.outage() {
            open.blame(format!("outage {}", outage.kind));
            return (self.outage(outage.kind).await, None);
        }
        let token = request.headers().get("x-auth-token").map_or(&[][..], HeaderValue::as_bytes);
        let verdict = self.weather.ask(token);
        if verdict.is_some_and(|verdict| !verdict.allowed) {
            open.blame("rate limit");
            self.pause(self.weather.draw_latency()).await;
            return (Outcome::Answer(Refusal::TooManyRequests.into_response()), verdict);
        }
        let outcome = match self.faults.take(asked) {
            None => Outcome::Answer(self.answer(request, next).await),
            Some(fault) => {
                open.blame(fault.to_string());
                self.spoil(fault, request, next).await
            }
        };
        (outcome, verdict)
    }

    /// The real answer.
    async fn answer(&self, request: Request, next: Next) -> Response {
        self.pause(self.weather.draw_latency()).await;
        if let Err(refusal) = self.store.token().admits(request.headers()) {
            return refusal.into_response();
        }
        let answer = next.run(request).await;
        if let Some(DevicesShown(devices)) = answer.extensions().get() {
            self.pause(self.weather.latency().of_devices(*devices)).await;
        }
        answer
    }

    async fn outage(&self, kind: OutageKind) -> Outcome {
        match kind {
            OutageKind::Refuse | OutageKind::Reset => Outcome::None,
            OutageKind::Hang => {
                self.stopping.cancelled().await;
                Outcome::None
            }
            OutageKind::Status(code) => match FaultKind::status(code) {
                FaultKind::Status { body, content_type, headers, .. } => {
                    Outcome::Answer(canned(code, body, &content_type, headers))
                }
                _ => Outcome::None,
            },
        }
    }

    async fn spoil(&self, fault: FaultKind, request: Request, next: Next) -> Outcome {
        match fault {
            FaultKind::Status { code, body, content_type, headers } => {
                self.pause(self.weather.draw_latency()).await;
                Outcome::Answer(canned(code, body, &content_type, headers))
            }
            FaultKind::Html { code } => {
                self.pause(self.weather.draw_latency()).await;
                Outcome::Answer(canned(code, page(code), "text/html; charset=utf-8", Vec::new()))
            }
            FaultKind::Delay(time) => {
                self.pause(time).await;
                Outcome::Answer(self.answer(request, next).await)
            }
            FaultKind::Hang => {
                self.stopping.cancelled().await;
                Outcome::None
            }
            FaultKind::Reset => Outcome::None,
            FaultKind::Truncated => {
                let (status, body) = whole(self.answer(request, next).await).await;
                let bytes = body.len() / 2;
                Outcome::Broken(transport::half_of(status, &body), bytes as u64)
            }
            FaultKind::Malformed => {
                let (status, body) = whole(self.answer(request, next).await).await;
                Outcome::Answer(as_json(status, body.slice(..body.len() / 2)))
            }
            FaultKind::WrongShape => {
                let (status, body) = whole(self.answer(request, next).await).await;
                let wrapped = [br#"{"data":"#.as_slice(), &body, b"}"].concat();
                Outcome::Answer(as_json(status, wrapped.into()))
            }
            FaultKind::SlowBody { bytes_per_second } => {
                let (status, body) = whole(self.answer(request, next).await).await;
                Outcome::Slow(status, body, bytes_per_second)
            }
        }
    }

    /// Waits, but not beyond the server's end.
    async fn pause(&self, time: Duration) {
        if !time.is_zero() {
            tokio::select! {
                biased;
                () = self.stopping.cancelled() => {}
                () = tokio::time::sleep(time) => {}
            }
        }
    }
}

fn as_json(status: StatusCode, body: Bytes) -> Response {
    (status, [(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response()
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

/// A response's status and body. Where there is no body to spoil, another stands in.
async fn whole(response: Response) -> (StatusCode, Bytes) {
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap_or_default();
    if body.is_empty() {
        return (StatusCode::OK, Bytes::from_static(br#"{"devices":[]}"#));
    }
    (status, body)
}
