//! The paths of the API, and what stands before all of them: the log, the faults, the token.

mod catalogue;
mod create;
mod devices;
mod door;
mod ips;
mod projects;
mod reserve;

pub(crate) use door::Door;

use crate::admin::{self, Admin};
use crate::answer::Refusal;
use crate::clock::Clock;
use crate::server::BASE_PATH;
use crate::store::{Access, State, Store};
use crate::transport;
use axum::Router;
use axum::extract::Request;
use axum::http::{Uri, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// What every handler has at hand.
#[derive(Debug, Clone)]
pub(crate) struct Api {
    pub(crate) store: Store,
    /// The most that a page holds, whatever is asked for.
    pub(crate) max_per_page: u32,
    /// Whether `meta` lacks `current_page` and `last_page`.
    pub(crate) legacy_meta: bool,
    pub(crate) clock: Clock,
}

/// How many devices an answer shows; goes with it as far as the door.
#[derive(Debug, Clone, Copy)]
struct DevicesShown(usize);

/// The whole service.
pub(crate) fn router(api: Api, door: Door) -> Router {
    let admin = admin::router(Admin {
        store: door.store.clone(),
        requests: door.requests.clone(),
        faults: door.faults.clone(),
        weather: door.weather.clone(),
    });
    let edge = Edge { stopping: door.stopping.clone(), clock: door.clock.clone() };
    let at = |path: &str| format!("{BASE_PATH}{path}");
    let api = Router::new()
        .route(&at("/devices/{id}"), get(devices::show).put(devices::update).delete(devices::delete))
        .route(&at("/devices/{id}/ips"), get(ips::of_device).post(ips::assign))
        .route(&at("/facilities"), get(catalogue::facilities))
        .route(&at("/ips/{id}"), get(ips::show).patch(ips::update).delete(ips::delete))
        .route(&at("/locations/metros"), get(catalogue::metros))
        .route(&at("/plans"), get(catalogue::plans))
        .route(&at("/projects/{id}"), get(projects::show).put(projects::update).delete(projects::delete))
        .route(&at("/projects/{id}/devices"), get(devices::list).post(create::create))
        .route(&at("/projects/{id}/facilities"), get(catalogue::facilities_of_project))
        .route(&at("/projects/{id}/ips"), get(reserve::list).post(reserve::reserve))
        .with_state(api)
        .fallback(async || Refusal::NotFound)
        .method_not_allowed_fallback(async || Refusal::MethodNotAllowed)
        .layer(from_fn_with_state(door, door::pass));
    // Whoever starts the program asks here whether it is up; that is not part of the API and not in the log.
    Router::new()
        .route("/healthz", get(async || "ok"))
        .merge(admin)
        .fallback_service(api)
        .layer(from_fn_with_state(edge, around))
}

/// What is around all paths, those of the API and others.
#[derive(Debug, Clone)]
struct Edge {
    stopping: CancellationToken,
    clock: Clock,
}

async fn around(axum::extract::State(edge): axum::extract::State<Edge>, request: Request, next: Next) -> Response {
    // Whoever asks while the server stops gets no answer. Otherwise it would depend on chance: a connection looks for a
    // request and for the server's end in an order that is drawn anew each time (`axum::serve`).
    if edge.stopping.is_cancelled() {
        return transport::no_answer();
    }
    let mut answer = next.run(request).await;
    if let Some(date) = edge.clock.date() {
        answer.headers_mut().entry(header::DATE).or_insert(date);
    }
    answer
}

/// The id in a path. What is no UUID names nothing.
fn uuid(id: &str) -> Result<Uuid, Refusal> {
    Uuid::try_parse(id).map_err(|_| Refusal::NotFound)
}

/// Whether the token may see a project.
fn enter(state: &State, project: &Uuid) -> Result<(), Refusal> {
    match state.project(project) {
        Some((_, Access::Allowed)) => Ok(()),
        Some((_, Access::Forbidden)) => Err(Refusal::Forbidden),
        None => Err(Refusal::NotFound),
    }
}

/// JSON that is written already.
fn json(body: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/json; charset=utf-8")], body).into_response()
}

/// The query of a request.
fn query(uri: &Uri) -> Result<crate::query::Query, Refusal> {
    crate::query::Query::of(uri)
}
