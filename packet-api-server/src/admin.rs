//! `/_admin/`: what a library's caller does with a [`Server`](crate::Server), for people and scripts while it runs. The real
//! API has no such path. It asks for no token, since the server is for this machine only, is neither slowed down nor limited
//! nor spoilt, and what is asked here is not in the log.

mod devices;
mod faults;
mod mistake;
mod requests;
mod weather;

use crate::faults::Faults;
use crate::log::RequestLog;
use crate::store::Store;
use crate::weather::Weather;
use axum::body::Bytes;
use axum::extract::Json;
use axum::http::Uri;
use axum::routing::{any, delete, get};
use axum::{Extension, Router};
use mistake::Mistake;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

/// What can be looked at and changed.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    pub(crate) store: Store,
    pub(crate) requests: RequestLog,
    pub(crate) faults: Faults,
    pub(crate) weather: Weather,
}

/// What there is, as (method and path, what it does, the body that it takes).
const THERE_IS: [(&str, &str, &str); 21] = [
    ("GET /_admin/weather", "all of the next four", ""),
    ("GET|PUT /_admin/latency", "how long answers take", r#"{"latency": "p50=80ms,p99=900ms+2ms/device"}"#),
    (
        "GET|PUT /_admin/rate-limit",
        "how many requests each token may make; null lifts it",
        r#"{"rate_limit": {"limit": "60/1m", "burst": 10, "headers": "all", "retry_after": "seconds"}}"#,
    ),
    ("GET|PUT /_admin/outage", "refuse, reset, hang or a status; null lifts it", r#"{"outage": "503 for=30s"}"#),
    ("GET|PUT /_admin/shifting", "how lists move: grows, shrinks or both; null stops it", r#"{"shifting": "both"}"#),
    ("DELETE /_admin/latency", "no latency", ""),
    ("DELETE /_admin/rate-limit", "no rate limit", ""),
    ("DELETE /_admin/outage", "no outage", ""),
    ("DELETE /_admin/shifting", "lists stand still", ""),
    ("GET /_admin/faults", "the faults that are waiting, in the order in which they are tried", ""),
    ("POST /_admin/faults", "adds a fault, as --fault has it", r#"{"fault": "GET /devices/ 500 share=0.05"}"#),
    ("DELETE /_admin/faults", "removes all faults", ""),
    ("DELETE /_admin/faults/{id}", "removes a fault", ""),
    (
        "POST /_admin/devices",
        "creates a device; of all fields but hostname there are defaults",
        r#"{"hostname": "node-a", "facility": "ny5", "plan": "c3.small.x86", "state": "active", "tags": ["x"]}"#,
    ),
    (
        "POST /_admin/devices",
        "creates many devices",
        r#"{"count": 100, "hostname_prefix": "more-", "facilities": ["ny5", "sv15"], "realistic_size": true}"#,
    ),
    ("GET /_admin/devices/{id or hostname}", "a device's id, hostname and state", ""),
    (
        "PATCH /_admin/devices/{id or hostname}",
        "renames a device or puts it into another state",
        r#"{"hostname": "node-b", "state": "inactive"}"#,
    ),
    ("DELETE /_admin/devices/{id or hostname}", "takes a device away at once", ""),
    ("GET /_admin/requests?since=SECONDS", "the requests since then, or all; SECONDS after the server's start", ""),
    (
        "GET /_admin/requests/summary?window=TIME",
        "the requests summed up, with the most in any such window (1s) and how many there were in each second",
        "",
    ),
    ("DELETE /_admin/requests", "forgets the requests", ""),
];

/// The paths below `/_admin/`.
pub(crate) fn router(admin: Admin) -> Router {
    let at = |path: &str| format!("/_admin{path}");
    Router::new()
        .route("/_admin", get(list))
        .route(&at("/"), get(list))
        .route(&at("/weather"), get(weather::all))
        .route(&at("/latency"), get(weather::latency).put(weather::set_latency).delete(weather::no_latency))
        .route(&at("/rate-limit"), get(weather::rate_limit).put(weather::set_rate_limit).delete(weather::no_rate_limit))
        .route(&at("/outage"), get(weather::outage).put(weather::set_outage).delete(weather::no_outage))
        .route(&at("/shifting"), get(weather::shifting).put(weather::set_shifting).delete(weather::no_shifting))
        .route(&at("/faults"), get(faults::list).post(faults::add).delete(faults::clear))
        .route(&at("/faults/{id}"), delete(faults::remove))
        .route(&at("/devices"), axum::routing::post(devices::create))
        .route(&at("/devices/{name}"), get(devices::show).patch(devices::change).delete(devices::delete))
        .route(&at("/requests"), get(requests::list).delete(requests::clear))
        .route(&at("/requests/summary"), get(requests::summary))
        .route(&at("/{*path}"), any(async |uri: Uri| Mistake::NoSuchPath(uri.path().to_owned())))
        .method_not_allowed_fallback(async |uri: Uri| Mistake::Method(uri.path().to_owned()))
        .layer(Extension(admin))
}

async fn list() -> Json<Value> {
    let there_is = THERE_IS.iter().map(|(request, does, body)| {
        let mut json = json!({"request": request, "does": does});
        if let Ok(body) = serde_json::from_str::<Value>(body) {
            json["body"] = body;
        }
        json
    });
    Json(json!({"there_is": there_is.collect::<Vec<_>>()}))
}

/// A request's body. `example` is one that would do.
fn read<T: DeserializeOwned>(body: &Bytes, example: &'static str) -> Result<T, Mistake> {
    serde_json::from_slice(body).map_err(|source| Mistake::Body { source, example })
}

#[cfg(test)]
mod tests {
    use super::THERE_IS;
    use serde_json::Value;

    #[test]
    fn every_body_that_is_shown_is_an_object() {
        let bodies: Vec<_> = THERE_IS.iter().filter(|(_, _, body)| !body.is_empty()).collect();
        assert!(bodies.len() > 5);
        for (request, _, body) in bodies {
            assert!(serde_json::from_str::<Value>(body).is_ok_and(|body| body.is_object()), "{request}: {body}");
        }
    }
}
