//! What is served: one file per question that somebody asks of a running program.

mod configz;
mod debug;
mod health;
mod metrics;
mod status;
#[cfg(test)]
mod tests;
mod version;

use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use tokio::sync::watch;

use crate::config::Config;
use crate::telemetry::health::Health;
use crate::telemetry::logging::Verbosity;
use crate::telemetry::metrics::{Metrics, Served, Word};
use crate::telemetry::status::{SettingsFile, Status};

/// Finds out what the program is doing.
pub trait Inquiry: Send + Sync {
    /// Asks every part that answers in time. What is true only at a moment is measured by that as well.
    fn status(&self) -> Pin<Box<dyn Future<Output = Status> + Send + '_>>;
}

/// The settings that are in use, and how it stands with their file.
#[derive(Debug, Clone)]
pub struct SettingsInUse {
    /// The settings.
    pub config: Arc<Config>,
    /// Their file, where there is one.
    pub file: Option<SettingsFile>,
}

/// Where what is served comes from. Clones share it.
#[derive(Clone)]
pub struct Sources {
    /// What every part says of itself.
    pub health: Health,
    /// What is measured.
    pub metrics: Metrics,
    /// The settings that are in use.
    pub settings: watch::Receiver<SettingsInUse>,
    /// Who finds out what the program is doing.
    pub inquiry: Arc<dyn Inquiry>,
    /// How much is logged.
    pub verbosity: Verbosity,
}

/// The paths that are served, and what is measured under each name.
const PATHS: [(&str, &str); 9] = [
    ("/", "index"),
    ("/healthz", "healthz"),
    ("/livez", "livez"),
    ("/readyz", "readyz"),
    ("/metrics", "metrics"),
    ("/configz", "configz"),
    ("/version", "version"),
    ("/status", "status"),
    ("/debug/flags/v", "debug"),
];

/// Everything that is served; `/debug/` only where that is wanted.
pub fn router(sources: Sources, with_debug: bool) -> Router {
    let router = Router::new()
        .route("/", get(index))
        .route("/healthz", get(health::live))
        .route("/livez", get(health::live))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::get))
        .route("/configz", get(configz::get))
        .route("/version", get(version::get))
        .route("/status", get(status::get));
    let router = if with_debug {
        router.route("/debug/flags/v", get(debug::verbosity).put(debug::set_verbosity))
    } else {
        router
    };
    let count = middleware::from_fn_with_state(sources.metrics.clone(), count);
    router.fallback(|| async { (StatusCode::NOT_FOUND, "404 page not found\n") }).layer(count).with_state(sources)
}

/// What there is to read.
async fn index() -> String {
    let paths = PATHS.iter().skip(1).map(|(path, _)| format!("{path}\n"));
    paths.collect::<Vec<_>>().concat()
}

/// Counts what is answered.
async fn count(State(metrics): State<Metrics>, request: Request, next: Next) -> Response {
    let known = PATHS.iter().find(|(path, _)| request.uri().path() == *path);
    let path = Word(known.map_or("other", |(_, word)| *word));
    let answer = next.run(request).await;
    metrics.program.served.get_or_create(&Served { path, code: answer.status().as_u16() }).inc();
    answer
}
