//! `/configz`: the settings that are in use, where each comes from, and whether it may change while the program runs.

use axum::Json;
use axum::extract::State;
use serde_json::{Map, Value, json};

use super::Sources;

/// The settings; secrets are masked.
pub(super) async fn get(State(sources): State<Sources>) -> Json<Value> {
    let in_use = sources.settings.borrow().clone();
    let flags: Map<_, _> =
        in_use.config.shown_flags().into_iter().map(|(flag, value)| (flag.to_owned(), value)).collect();
    Json(json!({
        "settings": in_use.config.shown(),
        "flags": flags,
        "file": in_use.file,
        "verbosity": sources.verbosity.get(),
        "warnings": in_use.config.warnings,
    }))
}
