//! `/version`, with the fields that Kubernetes' own components answer with, as far as they say something here.

use axum::Json;
use serde_json::{Value, json};

use crate::config::flags::architecture;

/// Which program this is.
pub(super) async fn get() -> Json<Value> {
    let version = env!("CARGO_PKG_VERSION");
    let part = |n: usize| version.split('.').nth(n).unwrap_or_default();
    Json(json!({
        "major": part(0),
        "minor": part(1),
        "gitVersion": format!("v{version}"),
        "platform": format!("{}/{}", std::env::consts::OS, architecture()),
    }))
}
