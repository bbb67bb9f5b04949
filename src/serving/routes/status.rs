//! `/status`: what the program is doing, as JSON.

use axum::Json;
use axum::extract::State;

use super::Sources;
use crate::telemetry::status::Status;

/// What the program is doing.
pub(super) async fn get(State(sources): State<Sources>) -> Json<Status> {
    Json(sources.inquiry.status().await)
}
