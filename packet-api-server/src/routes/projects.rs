//! `/projects/{id}`.

use super::{Api, enter, query, uuid};
use crate::answer::Refusal;
use crate::body;
use crate::input::{Field, Kind, optional};
use crate::render;
use crate::selection::Selection;
use crate::store::State as Memory;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use uuid::Uuid;

const UPDATE: &[Field] = &[
    optional("backend_transfer_enabled", Kind::Flag),
    optional("customdata", Kind::Object),
    optional("name", Kind::TextOf(1, 80)),
    optional("payment_method_id", Kind::Uuid),
    optional("tags", Kind::List(&Kind::Text)),
];

pub(super) async fn show(State(api): State<Api>, Path(id): Path<String>, uri: Uri) -> Result<Response, Refusal> {
    let id = uuid(&id)?;
    let selection = query(&uri)?.selection();
    api.store.read(|state| json(state, &id, &selection))
}

pub(super) async fn update(
    State(api): State<Api>,
    Path(id): Path<String>,
    uri: Uri,
    body: Bytes,
) -> Result<Response, Refusal> {
    let id = uuid(&id)?;
    let selection = query(&uri)?.selection();
    api.store.write(|state| {
        enter(state, &id)?;
        let mut update = body::checked(&body, UPDATE)?;
        let project = state.project_mut(&id).ok_or(Refusal::NotFound)?;
        if let Some(name) = body::text(&update, "name") {
            name.clone_into(&mut project.name);
        }
        if let Some(payment) = body::text(&update, "payment_method_id") {
            project.attributes.insert("payment_method".into(), render::href("payment-methods", payment));
        }
        project.attributes.extend(body::take(&mut update, &["backend_transfer_enabled", "customdata", "tags"]));
        project.updated_at = api.clock.text();
        json(state, &id, &selection)
    })
}

/// A project goes only once it is empty; the real API, too, keeps what is still in use.
pub(super) async fn delete(State(api): State<Api>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    let id = uuid(&id)?;
    api.store.write(|state| {
        enter(state, &id)?;
        let devices = state.devices.count(&id);
        if devices > 0 {
            return Err(Refusal::NotNow(format!("The project still has {devices} devices; delete them first")));
        }
        state.remove_project(&id);
        Ok(StatusCode::NO_CONTENT)
    })
}

fn json(state: &Memory, id: &Uuid, selection: &Selection) -> Result<Response, Refusal> {
    enter(state, id)?;
    let (project, _) = state.project(id).ok_or(Refusal::NotFound)?;
    Ok(super::json(render::project_with_devices(state, project, selection)))
}
