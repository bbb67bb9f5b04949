//! Patches of all four kinds, from the wire to the object.

use serde_json::{Value, json};

use super::changing::change;
use super::creating::insert;
use super::{Outcome, Write, answer, normal, with_type, without_type};
use crate::decode;
use crate::patch::{json_patch, strategic};
use crate::resource::Resource;
use crate::status::{ApiError, Cause, quoted};
use crate::store::Store;
use crate::validation::{Door, text};

/// The four kinds of patch.
#[derive(Debug)]
pub(crate) enum Patch {
    Json(Value),
    Merge(Value),
    Strategic(Value),
    Apply { config: Value, force: bool },
}

/// Patches an object; an apply may also create it.
pub(crate) fn patch(store: &Store, write: &Write, patch: &Patch) -> Result<Outcome, ApiError> {
    let shape = store.schema().of(write.resource);
    if let Patch::Apply { config, force } = patch {
        return apply(store, write, config, *force);
    }
    let mut warnings = Vec::new();
    let changed = change(store, write, |current| {
        let live = with_type(write.resource, &current.value);
        let patched = match patch {
            Patch::Json(operations) => json_patch::apply(&live, operations)?,
            Patch::Strategic(patch) => strategic::apply(shape, &live, patch)?,
            Patch::Merge(patch) | Patch::Apply { config: patch, .. } => merge_patch(&live, patch)?,
        };
        let unprocessable = |why: &str| {
            let cause = Cause::invalid_text("patch", &patched.to_string(), why);
            ApiError::invalid("", "", "", &[cause])
        };
        check_kept_type(write.resource, &patched).map_err(|why| unprocessable(&why))?;
        let decoded = decode::decode(shape, &patched).map_err(|why| unprocessable(&why))?;
        warnings.clear();
        write.judge_unknown(&decoded.unknown, &mut warnings).map_err(|why| unprocessable(&why))?;
        let mut object = write.completed(decoded.value);
        write.check_address(&mut object)?;
        // The server's reading of a list that a patch has emptied is a wish to forget who owns what.
        let emptied = patched.pointer("/metadata/managedFields").and_then(Value::as_array).is_some_and(Vec::is_empty);
        if emptied {
            object["metadata"]["managedFields"] = json!([]);
        }
        Ok(write.writer(store).update(Some(&current.value), object))
    });
    answer(changed, false, warnings)
}

fn merge_patch(live: &Value, patch: &Value) -> Result<Value, ApiError> {
    if !patch.is_object() {
        return Err(ApiError::bad_request("error decoding patch: Invalid JSON Patch"));
    }
    let mut out = live.clone();
    ::json_patch::merge(&mut out, patch);
    Ok(out)
}

fn check_kept_type(resource: Resource, patched: &Value) -> Result<(), String> {
    let (kind, version) = (text(patched, "/kind"), text(patched, "/apiVersion"));
    if kind == resource.kind() && version == resource.api_version() {
        return Ok(());
    }
    Err(format!(
        "no kind {} is registered for version {} in scheme \"pkg/runtime/scheme.go:111\"",
        quoted(kind),
        quoted(version)
    ))
}

fn apply(store: &Store, write: &Write, config: &Value, force: bool) -> Result<Outcome, ApiError> {
    let shape = store.schema().of(write.resource);
    let kind = config.get("kind").and_then(Value::as_str).unwrap_or_default();
    let version = config.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    if kind != write.resource.kind() || version != write.resource.api_version() {
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        return Err(ApiError::bad_request(format!("invalid object type: {group}/{version}, Kind={kind}")));
    }
    if !config.pointer("/metadata/managedFields").is_none_or(Value::is_null) {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    let decoded = decode::decode(shape, config).map_err(|why| {
        ApiError::internal(format!("failed to create typed patch object ({}): {why}", describe(write)))
    })?;
    if let Some(unknown) = decoded.unknown.first() {
        let message = format!(
            "failed to create typed patch object ({}): .{unknown}: field not declared in schema",
            describe(write)
        );
        return Err(ApiError::internal(message));
    }
    // Ownership follows what the client wrote, not what decoding adds to it.
    let mut config = without_type(config.clone());
    write.check_address(&mut config)?;
    if store.get(write.resource, &write.namespace, &write.name).is_none() {
        if write.door == Door::Status {
            return Err(write.not_found());
        }
        let uid = text(&config, "/metadata/uid");
        if !uid.is_empty() {
            let why =
                format!("uid mismatch: the provided object specified uid {uid}, and no existing object was found");
            return Err(write.conflict(&why));
        }
        let applied = write.writer(store).apply(None, &config, force)?;
        let object = normal(store, write.resource, &applied)?;
        return answer(insert(store, write, object), true, Vec::new());
    }
    let changed = change(store, write, |current| {
        let applied = write.writer(store).apply(Some(&current.value), &config, force)?;
        let mut object = normal(store, write.resource, &applied)?;
        write.check_address(&mut object)?;
        Ok(object)
    });
    answer(changed, false, Vec::new())
}

fn describe(write: &Write) -> String {
    let (group, version) = write.resource.api_version().split_once('/').unwrap_or(("", write.resource.api_version()));
    format!("{}/{}; {group}/{version}, Kind={}", write.namespace, write.name, write.resource.kind())
}
