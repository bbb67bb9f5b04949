//! `/healthz`, `/livez` and `/readyz`, in the form that Kubernetes' own components answer in: `ok`, or what is not; each check
//! on a line of its own with `?verbose`, and without those that `?exclude=` names.

use std::fmt::Write;

use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::Sources;
use crate::telemetry::health::Scope;

/// Whether the process works at all.
pub(super) async fn live(State(sources): State<Sources>, RawQuery(query): RawQuery) -> Response {
    answer(&sources, |scope| scope == Scope::Live, "livez", query.as_deref())
}

/// Whether it does its work.
pub(super) async fn ready(State(sources): State<Sources>, RawQuery(query): RawQuery) -> Response {
    answer(&sources, |_| true, "readyz", query.as_deref())
}

fn answer(sources: &Sources, is_asked: impl Fn(Scope) -> bool, name: &str, query: Option<&str>) -> Response {
    let parameters: Vec<_> = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes()).collect();
    let is_verbose = parameters.iter().any(|(key, _)| key == "verbose");
    let is_excluded = |check: &str| parameters.iter().any(|(key, value)| key == "exclude" && value == check);
    let (mut lines, mut all_well) = ("[+]ping ok\n".to_owned(), true);
    for (check, found) in sources.health.all().into_iter().filter(|(_, check)| is_asked(check.scope)) {
        // A text takes whatever is written to it.
        let _ = match (&found.state, is_excluded(check)) {
            (_, true) => writeln!(lines, "[+]{check} excluded: ok"),
            (Ok(message), false) => writeln!(lines, "[+]{check} ok: {message}"),
            (Err(message), false) => {
                all_well = false;
                writeln!(lines, "[-]{check} failed: {message}")
            }
        };
    }
    match (all_well, is_verbose) {
        (true, false) => "ok".into_response(),
        (true, true) => format!("{lines}{name} check passed\n").into_response(),
        (false, _) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{lines}{name} check failed\n")).into_response(),
    }
}
