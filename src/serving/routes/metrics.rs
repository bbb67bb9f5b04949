//! `/metrics`, for Prometheus.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use prometheus_client::encoding::prometheus_text::CONTENT_TYPE;

use super::Sources;

/// Everything that is measured.
pub(super) async fn get(State(sources): State<Sources>) -> Response {
    // What is true only at a moment is measured when it is asked for.
    sources.inquiry.status().await;
    match sources.metrics.text() {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}
