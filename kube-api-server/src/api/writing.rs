//! POST, PUT, PATCH and DELETE: from the request's body and options to a write.

use axum::http::StatusCode;
use axum::http::header::USER_AGENT;
use axum::response::Response;
use serde_json::{Value, json};

use super::path::Target;
use super::query::WriteOptions;
use super::{Api, Call, list, warn};
use crate::status::ApiError;
use crate::store::Step;
use crate::write::{self, Delete, Deleted, Outcome, Patch, Write};

const JSON: &str = "application/json";
const YAML: &str = "application/yaml";
const APPLY_YAML: &str = "application/apply-patch+yaml";
/// The longest prefix of a user agent that is taken for a field manager, in characters.
const LONGEST_PREFIX: usize = 128;

fn write_of(call: &Call, target: &Target, options: WriteOptions) -> Write {
    let agent = call.header(&USER_AGENT);
    let prefix: String = agent.split('/').next().unwrap_or_default().chars().take(LONGEST_PREFIX).collect();
    let named = if prefix.is_empty() { "unknown".to_owned() } else { prefix };
    Write {
        door: target.door,
        manager: options.manager.unwrap_or(named),
        dry_run: options.dry_run,
        field_validation: options.field_validation,
        ..Write::new(target.resource, &target.namespace, &target.name)
    }
}

fn shown(body: &[u8]) -> String {
    if body.is_empty() { "<empty>".to_owned() } else { String::from_utf8_lossy(body).into_owned() }
}

/// A whole object in the body.
fn object_of(call: &Call, target: &Target) -> Result<Value, ApiError> {
    let unreadable = |why: String| {
        let kind = target.resource.kind();
        ApiError::bad_request(format!("the object provided is unrecognized (must be of type {kind}): {why}"))
    };
    match call.content_type() {
        "" | JSON => serde_json::from_slice(&call.body).map_err(|error| {
            unreadable(format!("couldn't get version/kind; json parse error: {error} ({})", shown(&call.body)))
        }),
        YAML => serde_saphyr::from_slice(&call.body)
            .map_err(|error| unreadable(format!("couldn't get version/kind; yaml parse error: {error}"))),
        _ => Err(ApiError::unsupported_media_type()),
    }
}

/// Lets those know who want to hear of writes.
fn tell(api: &Api, call: &Call, step: Option<&Step>) {
    if let Some(step) = step {
        api.hooks.run_after(call.method.as_str(), &call.path, call.header(&USER_AGENT), step);
    }
}

fn done(api: &Api, call: &Call, outcome: &Outcome) -> Response {
    tell(api, call, outcome.step.as_ref());
    let status = if outcome.created { StatusCode::CREATED } else { StatusCode::OK };
    let mut response = super::json(status, outcome.object.to_bytes());
    warn(&mut response, &outcome.warnings);
    response
}

pub(super) fn create(api: &Api, call: &Call, target: &Target) -> Result<Response, ApiError> {
    call.accepted()?;
    let options = call.query.write_options("CreateOptions", false)?;
    let object = object_of(call, target)?;
    write::create(&api.store, &write_of(call, target, options), object).map(|outcome| done(api, call, &outcome))
}

pub(super) fn replace(api: &Api, call: &Call, target: &Target) -> Result<Response, ApiError> {
    call.accepted()?;
    let options = call.query.write_options("UpdateOptions", false)?;
    let object = object_of(call, target)?;
    write::replace(&api.store, &write_of(call, target, options), object).map(|outcome| done(api, call, &outcome))
}

pub(super) fn patch(api: &Api, call: &Call, target: &Target) -> Result<Response, ApiError> {
    call.accepted()?;
    let content_type = call.content_type();
    if !matches!(
        content_type,
        "application/json-patch+json"
            | "application/merge-patch+json"
            | "application/strategic-merge-patch+json"
            | APPLY_YAML
    ) {
        return Err(ApiError::unsupported_media_type());
    }
    let options = call.query.write_options("PatchOptions", content_type == APPLY_YAML)?;
    let body = || -> Result<Value, ApiError> {
        serde_json::from_slice(&call.body)
            .map_err(|error| ApiError::bad_request(format!("error decoding patch: {error}")))
    };
    let patch = match content_type {
        "application/json-patch+json" => Patch::Json(body()?),
        "application/merge-patch+json" => Patch::Merge(body()?),
        APPLY_YAML => Patch::Apply { config: configuration(&call.body)?, force: options.force.unwrap_or(false) },
        _ => Patch::Strategic(body()?),
    };
    write::patch(&api.store, &write_of(call, target, options), &patch).map(|outcome| done(api, call, &outcome))
}

/// An apply's body may be YAML, and JSON is YAML; as JSON it is read faster.
fn configuration(body: &[u8]) -> Result<Value, ApiError> {
    serde_json::from_slice(body)
        .or_else(|_| serde_saphyr::from_slice(body))
        .map_err(|error| ApiError::bad_request(format!("error decoding YAML: {error}")))
}

fn delete_options(call: &Call) -> Result<(Delete, bool), ApiError> {
    let query = call.query.write_options("DeleteOptions", false)?;
    if call.body.is_empty() {
        return Ok((Delete::default(), query.dry_run));
    }
    let body: Value = match call.content_type() {
        "" | JSON => serde_json::from_slice(&call.body)
            .map_err(|error| ApiError::bad_request(format!("couldn't get version/kind; json parse error: {error}")))?,
        YAML => serde_saphyr::from_slice(&call.body)
            .map_err(|error| ApiError::bad_request(format!("couldn't get version/kind; yaml parse error: {error}")))?,
        _ => return Err(ApiError::unsupported_media_type()),
    };
    if !body.is_object() {
        return Err(ApiError::bad_request(
            "couldn't get version/kind; json parse error: the options are not an object",
        ));
    }
    let precondition =
        |field: &str| body.pointer(&format!("/preconditions/{field}")).and_then(Value::as_str).map(str::to_owned);
    let dry_run = body.get("dryRun").and_then(Value::as_array).is_some_and(|all| all.iter().any(|one| one == "All"));
    let options = Delete { uid: precondition("uid"), resource_version: precondition("resourceVersion") };
    Ok((options, query.dry_run || dry_run))
}

pub(super) fn delete(api: &Api, call: &Call, target: &Target) -> Result<Response, ApiError> {
    call.accepted()?;
    let (options, dry_run) = delete_options(call)?;
    let write = Write { dry_run, ..Write::new(target.resource, &target.namespace, &target.name) };
    let (deleted, step) = write::delete(&api.store, &write, &options)?;
    tell(api, call, step.as_ref());
    let body = match deleted {
        Deleted::Waiting(record) => record.object(),
        Deleted::Gone { uid } => {
            let mut details = json!({ "name": target.name, "kind": target.resource.plural(), "uid": uid });
            if !target.resource.group().is_empty() {
                details["group"] = target.resource.group().into();
            }
            let status = "Success";
            json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": status, "details": details })
                .to_string()
                .into_bytes()
        }
    };
    Ok(super::json(StatusCode::OK, body))
}

pub(super) fn delete_collection(api: &Api, call: &Call, target: &Target) -> Result<Response, ApiError> {
    call.accepted()?;
    let list_options = call.query.list_options()?;
    let (options, dry_run) = delete_options(call)?;
    let page = list::page(&api.store, target.resource, &target.namespace, &list_options)?;
    for record in &page.records {
        let name = record.key.rsplit('/').next().unwrap_or(&record.key);
        let namespace = record.key.strip_suffix(name).unwrap_or_default().trim_end_matches('/');
        let write = Write { dry_run, ..Write::new(target.resource, namespace, name) };
        match write::delete(&api.store, &write, &options) {
            // Somebody else was faster.
            Err(error) if error.code == StatusCode::NOT_FOUND.as_u16() => {}
            other => tell(api, call, other?.1.as_ref()),
        }
    }
    Ok(super::json(StatusCode::OK, page.to_bytes(target.resource)))
}
