//! Facilities, metros and plans: what can be had and where.

use super::{Api, enter, query, uuid};
use crate::answer::Refusal;
use crate::filters::CATEGORIES;
use crate::render;
use crate::selection::Selection;
use crate::store::State as Memory;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::Uri;
use serde_json::{Value, json};

/// The kinds of plan.
const KINDS: [&str; 3] = ["standard", "workload_optimized", "custom"];

pub(super) async fn facilities(State(api): State<Api>, uri: Uri) -> Result<Json<Value>, Refusal> {
    let selection = query(&uri)?.selection();
    Ok(api.store.read(|state| list(state, &selection)))
}

/// A project sees every facility.
pub(super) async fn facilities_of_project(
    State(api): State<Api>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Json<Value>, Refusal> {
    let id = uuid(&id)?;
    let selection = query(&uri)?.selection();
    api.store.read(|state| {
        enter(state, &id)?;
        Ok(list(state, &selection))
    })
}

fn list(state: &Memory, selection: &Selection) -> Json<Value> {
    let facilities = state.catalogue.facilities.iter();
    let facilities = facilities.map(|facility| render::facility(&state.catalogue, facility, selection));
    Json(json!({"facilities": facilities.collect::<Vec<_>>()}))
}

pub(super) async fn metros(State(api): State<Api>) -> Json<Value> {
    let metros: Vec<Value> = api.store.read(|state| state.catalogue.metros.iter().map(render::metro).collect());
    Json(json!({"metros": metros}))
}

pub(super) async fn plans(State(api): State<Api>, uri: Uri) -> Result<Json<Value>, Refusal> {
    let query = query(&uri)?;
    let categories = query.words("categories", &CATEGORIES)?;
    let kind = query.word("type", &KINDS)?;
    let slug = query.text("slug")?;
    let selection = query.selection();
    let plans: Vec<Value> = api.store.read(|state| {
        let plans = state.catalogue.plans.iter().filter(|plan| {
            kind.is_none_or(|kind| plan.kind == kind)
                && slug.is_none_or(|slug| plan.slug == slug)
                && (categories.is_empty() || plan.categories.iter().any(|there| categories.contains(&there.as_str())))
        });
        plans.map(|plan| render::plan(&state.catalogue, plan, &selection)).collect()
    });
    Ok(Json(json!({"plans": plans})))
}
