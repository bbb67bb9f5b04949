//! `/debug/flags/v`: how much is logged, to read and to change, as in Kubernetes' own components.

use axum::extract::State;
use axum::http::StatusCode;

use super::Sources;

/// The verbosity.
pub(super) async fn verbosity(State(sources): State<Sources>) -> String {
    format!("{}\n", sources.verbosity.get())
}

/// Changes the verbosity to the number in the body.
pub(super) async fn set_verbosity(
    State(sources): State<Sources>,
    body: String,
) -> Result<String, (StatusCode, String)> {
    let bad = |why: String| (StatusCode::BAD_REQUEST, format!("{why}\n"));
    let level = body.trim().parse::<u8>().map_err(|_| bad("expected a number from 0 to 10 as the body".to_owned()))?;
    sources.verbosity.set(level).map_err(|error| bad(error.to_string()))?;
    Ok(format!("successfully set the verbosity to {}\n", sources.verbosity.get()))
}
