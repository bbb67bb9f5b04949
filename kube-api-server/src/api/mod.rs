//! The HTTP face: from a request to what reads or writes the store, and back to a response.

mod accept;
mod admin;
mod discovery;
mod entrance;
pub(crate) mod list;
mod openapi;
pub(crate) mod path;
pub(crate) mod query;
mod reading;
mod table;
pub(crate) mod watch;
mod writing;

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{ACCEPT, CONTENT_TYPE, RETRY_AFTER, WARNING};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use axum::response::Response;
use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::hooks::Hooks;
use crate::request_log::RequestLog;
use crate::status::ApiError;
use crate::store::Store;
use crate::weather::faults::Faults;
use crate::weather::latency::Latencies;
use crate::weather::limit::Limiter;
use crate::weather::periodic::Periodic;
use accept::Accepted;
pub(crate) use entrance::answer;
use path::{Place, Target};
use query::Query;

/// The largest body that is read, as kube-apiserver's limit for a write.
const LARGEST_BODY: usize = 3 * 1024 * 1024;
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// Everything that a request may touch.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    pub(crate) store: Store,
    pub(crate) requests: RequestLog,
    pub(crate) faults: Faults,
    pub(crate) hooks: Hooks,
    pub(crate) latencies: Latencies,
    pub(crate) limiter: Limiter,
    pub(crate) cuts: Periodic,
    pub(crate) compactions: Periodic,
    pub(crate) watches: watch::Surroundings,
    pub(crate) stopping: CancellationToken,
    pub(crate) address: String,
}

/// A request, taken apart.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: Query,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Call {
    fn header(&self, name: &HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The content type without its parameters.
    fn content_type(&self) -> &str {
        self.header(&CONTENT_TYPE).split(';').next().unwrap_or_default().trim()
    }

    fn accepted(&self) -> Result<Accepted, ApiError> {
        let header = self.headers.get(ACCEPT).and_then(|value| value.to_str().ok());
        accept::negotiate(header).ok_or_else(ApiError::not_acceptable)
    }
}

async fn route(api: &Api, call: &Call) -> Result<Response, ApiError> {
    match path::parse(&call.path) {
        Place::Target(target) => resource(api, call, &target).await,
        Place::Pods => reading::no_pods(api, call),
        Place::NoSuchResource => Err(ApiError::no_such_resource()),
        Place::Other => fixed(api, call),
    }
}

async fn resource(api: &Api, call: &Call, target: &Target) -> Result<Response, ApiError> {
    let collection = target.name.is_empty();
    let everywhere = target.resource.namespaced() && target.namespace.is_empty();
    if call.method != Method::GET && call.method != Method::HEAD {
        api.hooks.run_before(call.method.as_str(), &call.path, &api.store);
    }
    match (call.method.as_str(), collection) {
        ("GET" | "HEAD", true) => reading::collection(api, call, target).await,
        ("GET" | "HEAD", false) => reading::one(api, call, target).await,
        ("POST", true) if !everywhere => writing::create(api, call, target),
        ("DELETE", true) if !everywhere && target.resource.verbs().contains(&"deletecollection") => {
            writing::delete_collection(api, call, target)
        }
        ("PUT", false) => writing::replace(api, call, target),
        ("PATCH", false) => writing::patch(api, call, target),
        ("DELETE", false) if target.door == crate::validation::Door::Main => writing::delete(api, call, target),
        _ => Err(ApiError::method_not_allowed()),
    }
}

/// Everything that is not an object: health, version, discovery, OpenAPI.
fn fixed(api: &Api, call: &Call) -> Result<Response, ApiError> {
    if call.method != Method::GET && call.method != Method::HEAD {
        return Err(ApiError::method_not_allowed());
    }
    let aggregated = call.accepted()? == Accepted::Aggregated;
    let path = call.path.trim_end_matches('/');
    let value = match path {
        "/healthz" | "/livez" | "/readyz" => return Ok(plain(StatusCode::OK, "ok")),
        "/version" => discovery::version(),
        "/api" if aggregated => return Ok(aggregated_json(&discovery::aggregated(""))),
        "/apis" if aggregated => return Ok(aggregated_json(&discovery::aggregated("coordination.k8s.io"))),
        "/api" => discovery::core_versions(&api.address),
        "/apis" => discovery::groups(),
        "/api/v1" => discovery::resources(""),
        "/apis/coordination.k8s.io" => discovery::group(),
        "/apis/coordination.k8s.io/v1" => discovery::resources("coordination.k8s.io"),
        "/openapi/v3" => openapi::index(),
        _ => {
            let document =
                path.strip_prefix("/openapi/v3/").and_then(|rest| openapi::document(api.store.schema(), rest));
            match document {
                Some(document) => document,
                None => return Ok(plain(StatusCode::NOT_FOUND, "404 page not found\n")),
            }
        }
    };
    Ok(json(StatusCode::OK, value.to_string()))
}

fn plain(status: StatusCode, text: &'static str) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

fn json(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, JSON);
    response
}

fn aggregated_json(value: &Value) -> Response {
    let mut response = json(StatusCode::OK, value.to_string());
    let form = HeaderValue::from_static("application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
    response.headers_mut().insert(CONTENT_TYPE, form);
    response
}

fn refusal(error: &ApiError) -> Response {
    let mut response = json(error.status_code(), error.to_json().to_string());
    if let Some(seconds) = error.retry_after_seconds() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    warn(&mut response, error.warnings());
    response
}

fn warn(response: &mut Response, warnings: &[String]) {
    for warning in warnings {
        let text = format!("299 - {}", crate::status::quoted(warning));
        if let Ok(value) = HeaderValue::try_from(text) {
            response.headers_mut().append(WARNING, value);
        }
    }
}

/// How long a reader waits for a version that is not there yet, as kube-apiserver does.
const VERSION_WAIT: Duration = Duration::from_secs(3);

/// Waits until the store has reached a version, for a while.
async fn wait_for(api: &Api, version: u64) -> Result<(), ApiError> {
    match tokio::time::timeout(VERSION_WAIT, api.store.newest().reaches(version)).await {
        Ok(()) => Ok(()),
        Err(_) => Err(ApiError::too_large_resource_version(version, api.store.resource_version())),
    }
}
