//! The faults that are waiting.

use super::{Admin, Mistake, read};
use crate::fault::Fault;
use crate::faults::FaultId;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Json, Path};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Add {
    fault: String,
}

pub(super) async fn list(Extension(admin): Extension<Admin>) -> Json<Value> {
    let waiting = admin.faults.waiting();
    let faults = waiting.iter().map(|(id, fault)| json!({"id": id.0, "fault": fault.to_string()}));
    Json(json!({"faults": faults.collect::<Vec<_>>()}))
}

pub(super) async fn add(Extension(admin): Extension<Admin>, body: Bytes) -> Result<(StatusCode, Json<Value>), Mistake> {
    let Add { fault } = read(&body, r#"{"fault": "GET /devices/ 500 share=0.05"}"#)?;
    let fault: Fault = fault.parse().map_err(|error: crate::FaultError| Mistake::Value(error.to_string()))?;
    let text = fault.to_string();
    let id = admin.faults.add(fault);
    Ok((StatusCode::CREATED, Json(json!({"id": id.0, "fault": text}))))
}

pub(super) async fn clear(Extension(admin): Extension<Admin>) -> Json<Value> {
    let removed = admin.faults.waiting().len();
    admin.faults.clear();
    Json(json!({"removed": removed}))
}

pub(super) async fn remove(Extension(admin): Extension<Admin>, Path(id): Path<String>) -> Result<Json<Value>, Mistake> {
    let known = id.parse().ok().filter(|id| admin.faults.remove(FaultId(*id)));
    known.map(|_| Json(json!({"removed": 1}))).ok_or(Mistake::NoSuchFault(id))
}
