//! The way in of every request: past the limit and the weather, into the request log.

use std::sync::Arc;
use std::time::Duration;

use axum::body::HttpBody;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{DATE, RETRY_AFTER, USER_AGENT};
use axum::http::{HeaderValue, StatusCode};
use axum::response::Response;
use tokio::time::Instant;

use super::query::Query;
use super::{Api, Call, LARGEST_BODY, admin, plain, refusal, route};
use crate::connection::Cut;
use crate::request_log::RequestRecord;
use crate::status::ApiError;
use crate::weather::faults::FaultKind;

/// What the weather does to one request.
struct Weather {
    fault: Option<FaultKind>,
    /// How long it waits before it is looked at.
    wait: Duration,
}

/// Answers any request.
pub(crate) async fn answer(
    State(api): State<Arc<Api>>,
    ConnectInfo(cut): ConnectInfo<Cut>,
    request: Request,
) -> Response {
    let mut response = undated(&api, &cut, request).await;
    if let Some(date) = api.store.clock().date() {
        response.headers_mut().insert(DATE, date);
    }
    response
}

async fn undated(api: &Arc<Api>, cut: &Cut, request: Request) -> Response {
    if api.stopping.is_cancelled() {
        // Otherwise it would depend on chance whether there is an answer: a connection looks for a request and for the
        // server's end in an order that is drawn anew each time (`axum::serve`).
        return never_seen(cut);
    }
    if admin::is_for_it(request.uri().path()) {
        return admin::answer(api, request).await;
    }
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let user_agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let record = RequestRecord {
        method: parts.method.to_string(),
        path: path.clone(),
        query: query.clone(),
        status: 0,
        at: api.store.clock().now(),
        user_agent: user_agent.to_owned(),
    };
    if let Some(response) = turned_away(api, &path) {
        return written_down(api, record, response);
    }
    let weather = Weather::of(api, &record);
    if !weather.wait.is_zero() {
        tokio::time::sleep(weather.wait).await;
    }
    let cut_short = |record| {
        api.requests.push(record, 0);
        never_seen(cut)
    };
    match &weather.fault {
        Some(FaultKind::Reset) => return cut_short(record),
        Some(FaultKind::Status { code, retry_after }) => {
            let error = ApiError::injected(*code, retry_after.map(whole_seconds));
            return written_down(api, record, refusal(&error));
        }
        Some(FaultKind::Delay(_) | FaultKind::ResetAfter) | None => {}
    }
    let response = match axum::body::to_bytes(body, LARGEST_BODY).await {
        Ok(body) => {
            let call = Call { method: parts.method, path, query: Query::parse(&query), headers: parts.headers, body };
            route(api, &call).await.unwrap_or_else(|error| refusal(&error))
        }
        Err(_) => refusal(&ApiError::too_large(format!("Request entity too large: limit is {LARGEST_BODY}"))),
    };
    if weather.fault == Some(FaultKind::ResetAfter) {
        return cut_short(record);
    }
    written_down(api, record, response)
}

/// Cuts the connection, which refuses to write the answer then.
fn never_seen(cut: &Cut) -> Response {
    cut.now();
    refusal(&ApiError::injected(StatusCode::SERVICE_UNAVAILABLE.as_u16(), None))
}

/// `Retry-After` is in whole seconds; less than one would be none.
fn whole_seconds(wait: Duration) -> u64 {
    wait.as_secs() + u64::from(wait.subsec_nanos() > 0)
}

impl Weather {
    fn of(api: &Api, record: &RequestRecord) -> Weather {
        let fault = api.faults.take(&record.method, &format!("{}?{}", record.path, record.query));
        let delay = match &fault {
            Some(FaultKind::Delay(delay)) => *delay,
            _ => Duration::ZERO,
        };
        Weather { fault, wait: api.latencies.draw(&record.method) + delay }
    }
}

/// The answer to a request beyond the limit. Probes are exempt, as they are in API Priority and Fairness.
fn turned_away(api: &Api, path: &str) -> Option<Response> {
    if matches!(path, "/healthz" | "/livez" | "/readyz") {
        return None;
    }
    let wait = api.limiter.admit(Instant::now()).err()?;
    let mut response = plain(StatusCode::TOO_MANY_REQUESTS, "Too many requests, please try again later.\n");
    // Whole seconds, of which 0 would be an invitation.
    response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs() + 1));
    Some(response)
}

fn written_down(api: &Api, mut record: RequestRecord, response: Response) -> Response {
    record.status = response.status().as_u16();
    api.requests.push(record, response.body().size_hint().exact().unwrap_or(0));
    response
}
