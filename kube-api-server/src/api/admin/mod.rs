//! The address for whoever runs the simulation: a person or a script changes the weather and the Nodes while clients are at
//! work, and reads what they asked for. What is asked here is neither written down nor met by any fault.

mod nodes;
mod weather;

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::query::Query;
use super::{Api, LARGEST_BODY};
use crate::store::Refused;

/// What no path of the real API starts with.
const ROOT: &str = "/_admin";
/// How many requests are shown unless it is said.
const SHOWN_REQUESTS: usize = 100;

/// What there is: method, path below the root, what it does.
const MENU: [(&str, &str, &str); 14] = [
    ("GET", "/", "this list"),
    ("GET", "/weather", "latencies, limit and periods in force"),
    (
        "PATCH",
        "/weather",
        "change those named, null ends one: {\"latency\": \"5ms\", \"methodLatency\": {\"PATCH\": \"p50=5ms,p99=80ms\"}, \"requestLimit\": \"500,burst=1000\", \"dropWatchesEvery\": \"30s\", \"compactEvery\": \"2m\"}",
    ),
    ("GET", "/faults", "the faults in force"),
    ("POST", "/faults", "add some: {\"faults\": [\"409,method=PATCH,share=0.01\"]}"),
    ("DELETE", "/faults", "end all faults"),
    ("POST", "/drop-watches", "cut every watch"),
    ("POST", "/compact", "forget all history: older versions are answered 410 Gone"),
    (
        "POST",
        "/nodes",
        "register Nodes: {\"count\": 100, \"prefix\": \"node-\", \"first\": 1, \"realisticSize\": true}",
    ),
    (
        "PATCH",
        "/nodes",
        "change Nodes by names, or by prefix and count: {\"prefix\": \"node-\", \"count\": 5, \"ready\": false, \"taint\": {\"key\": \"k\", \"effect\": \"NoSchedule\"}}",
    ),
    ("DELETE", "/nodes", "delete Nodes by names, or by prefix and count: {\"names\": [\"node-0001\"]}"),
    ("GET", "/requests", "the newest requests, ?limit=100 of them"),
    ("GET", "/requests/summary", "how many of each kind, and how many each second"),
    ("DELETE", "/requests", "forget all requests"),
];

/// Why nothing was done. It is answered as `{"error": …}`.
#[derive(Debug, thiserror::Error)]
enum Problem {
    #[error("there is no {0}; GET {ROOT}/ lists what there is")]
    NoSuchPath(String),
    #[error("{path} does not take {method}, but {allowed}; GET {ROOT}/ says what each does")]
    NoSuchMethod { path: String, method: Method, allowed: String },
    #[error("reading the body: {0}; GET {ROOT}/ shows what it looks like")]
    Body(String),
    #[error("{0}")]
    Value(String),
    #[error("Node {name}: {source}")]
    Refused { name: String, source: Box<Refused> },
    #[error("the work did not come to its end: {0}")]
    Interrupted(String),
}

impl Problem {
    fn status(&self) -> StatusCode {
        match self {
            Problem::NoSuchPath(_) => StatusCode::NOT_FOUND,
            Problem::NoSuchMethod { .. } => StatusCode::METHOD_NOT_ALLOWED,
            Problem::Body(_) | Problem::Value(_) => StatusCode::BAD_REQUEST,
            Problem::Refused { source, .. } => {
                StatusCode::from_u16(source.code()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
            Problem::Interrupted(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// Whether a request is for this address.
pub(super) fn is_for_it(path: &str) -> bool {
    path.strip_prefix(ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

pub(super) async fn answer(api: &Arc<Api>, request: Request) -> Response {
    let (status, value) = match perform(api, request).await {
        Ok(value) => (StatusCode::OK, value),
        Err(problem) => (problem.status(), json!({ "error": problem.to_string() })),
    };
    super::json(status, format!("{value:#}\n"))
}

async fn perform(api: &Arc<Api>, request: Request) -> Result<Value, Problem> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path().strip_prefix(ROOT).unwrap_or_default().trim_end_matches('/').to_owned();
    let body = axum::body::to_bytes(body, LARGEST_BODY).await.map_err(|error| Problem::Body(error.to_string()))?;
    match (parts.method.as_str(), path.as_str()) {
        ("GET", "") => Ok(menu()),
        ("GET", "/weather") => Ok(weather::shown(api)),
        ("PATCH", "/weather") => weather::change(api, read(&body)?),
        ("GET", "/faults") => Ok(weather::faults(api)),
        ("POST", "/faults") => weather::add_faults(api, &read(&body)?),
        ("DELETE", "/faults") => {
            api.faults.clear();
            Ok(weather::faults(api))
        }
        ("POST", "/drop-watches") => {
            api.store.drop_watches();
            Ok(json!({ "dropped": true }))
        }
        ("POST", "/compact") => {
            api.store.compact();
            Ok(json!({ "compactedAt": api.store.resource_version() }))
        }
        ("POST", "/nodes") => nodes::register(api, read(&body)?).await,
        ("PATCH", "/nodes") => nodes::change(api, read(&body)?).await,
        ("DELETE", "/nodes") => nodes::delete(api, read(&body)?).await,
        ("GET", "/requests") => {
            let query = Query::parse(parts.uri.query().unwrap_or_default());
            let limit = match query.get("limit") {
                "" => SHOWN_REQUESTS,
                text => text.parse().map_err(|_| Problem::Value(format!("limit={text} is no whole number")))?,
            };
            Ok(json!({ "count": api.requests.count(), "newest": api.requests.newest(limit) }))
        }
        ("GET", "/requests/summary") => Ok(json!(api.requests.summary())),
        ("DELETE", "/requests") => {
            api.requests.clear();
            Ok(json!({ "count": 0 }))
        }
        _ => Err(nothing(&parts.method, &path)),
    }
}

fn nothing(method: &Method, path: &str) -> Problem {
    let known: Vec<&str> =
        MENU.iter().filter(|(_, known, _)| known.trim_end_matches('/') == path).map(|(method, ..)| *method).collect();
    let path = format!("{ROOT}{path}");
    if known.is_empty() {
        return Problem::NoSuchPath(path);
    }
    Problem::NoSuchMethod { path, method: method.clone(), allowed: known.join(", ") }
}

fn menu() -> Value {
    let entries =
        MENU.iter().map(|(method, path, what)| json!({ "request": format!("{method} {ROOT}{path}"), "does": what }));
    entries.collect()
}

fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    serde_json::from_slice(body).map_err(|error| Problem::Body(error.to_string()))
}
