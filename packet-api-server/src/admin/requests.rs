//! What was asked of the API.

use super::{Admin, Mistake};
use crate::log::ExchangeJson;
use crate::time;
use axum::Extension;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Json, Query};
use serde::Deserialize;
use serde_json::{Value, json};
use std::time::Duration;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Since {
    since: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Window {
    window: Option<String>,
}

pub(super) async fn list(
    Extension(admin): Extension<Admin>,
    query: Result<Query<Since>, QueryRejection>,
) -> Result<Json<Value>, Mistake> {
    let Query(Since { since }) = query.map_err(wrong)?;
    let since = since.map_or(Ok(Duration::ZERO), |text| {
        // As `at` is written, so that the last one's can be used for the next question.
        let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        seconds.ok_or_else(|| Mistake::Value(format!("since must be seconds after the server's start, not {text:?}")))
    })?;
    let exchanges = admin.requests.exchanges_since(since);
    Ok(Json(json!({"requests": exchanges.iter().map(ExchangeJson::from).collect::<Vec<_>>()})))
}

pub(super) async fn summary(
    Extension(admin): Extension<Admin>,
    query: Result<Query<Window>, QueryRejection>,
) -> Result<Json<Value>, Mistake> {
    let Query(Window { window }) = query.map_err(wrong)?;
    let window = window.as_deref().unwrap_or("1s");
    let time = time::parse(window).map_err(|reason| Mistake::Value(format!("window: {reason}")))?;
    let mut json = serde_json::to_value(admin.requests.summary()).unwrap_or_default();
    let (from, counts) = admin.requests.per_second();
    json["most_in"] = json!({"window": window, "requests": admin.requests.most_in(time)});
    json["per_second"] = json!({"from": from, "requests": counts});
    Ok(Json(json))
}

pub(super) async fn clear(Extension(admin): Extension<Admin>) -> Json<Value> {
    let forgotten = admin.requests.count();
    admin.requests.clear();
    Json(json!({"forgotten": forgotten}))
}

#[expect(clippy::needless_pass_by_value, reason = "as map_err hands it over")]
fn wrong(rejection: QueryRejection) -> Mistake {
    Mistake::Value(format!("{}; GET /_admin/ lists what can be asked", rejection.body_text()))
}
