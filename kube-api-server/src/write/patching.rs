//! Patches of all four kinds, from the wire to the object.

use serde_json::{Value, json};

use super::changing::change;
use super::creating::insert;
use super::{Outcome, Write, answer, in_part, normal, with_type, without_type};
use crate::decode;
use crate::patch::{json_patch, strategic};
use crate::resource::Resource;
use crate::schema::Shape;
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
    if let Patch::Apply { config, force } = patch {
        return apply(store, write, config, *force);
    }
    let mut warnings = Vec::new();
    // Refusals quote the whole object, so that what is refused here is looked at again as a whole.
    if write.resource == Resource::Nodes
        && let Some(touched) = in_part::touched(patch)
        && let Ok(changed) = in_part::patch(store, write, patch, &touched, &mut warnings)
    {
        return answer(Ok(changed), false, warnings);
    }
    let changed = change(store, write, |_, current| {
        let (mut object, emptied) = patched(store, write, patch, current, &mut warnings)?;
        if emptied {
            object["metadata"]["managedFields"] = json!([]);
        }
        Ok(write.writer(store).update(Some(current), object))
    });
    answer(changed, false, warnings)
}

/// The object with a patch applied, decoded, and whether the patch emptied the list of field owners: the server takes that
/// for a wish to forget who owns what.
pub(super) fn patched(
    store: &Store,
    write: &Write,
    patch: &Patch,
    current: &Value,
    warnings: &mut Vec<String>,
) -> Result<(Value, bool), ApiError> {
    let shape = store.schema().of(write.resource);
    let applied = || applied(shape, with_type(write.resource, current.clone()), patch);
    let unprocessable = |patched: &Value, why: &str| {
        let cause = Cause::invalid_text("patch", &patched.to_string(), why);
        ApiError::invalid("", "", "", &[cause])
    };
    let patched = applied()?;
    check_kept_type(write.resource, &patched).map_err(|why| unprocessable(&patched, &why))?;
    let emptied = patched.pointer("/metadata/managedFields").and_then(Value::as_array).is_some_and(Vec::is_empty);
    // Nearly every patch decodes. One that does not is applied a second time, to be quoted.
    let refuse = |why: String| applied().map_or_else(|error| error, |patched| unprocessable(&patched, &why));
    let decoded = decode::decode_over(shape, patched, current).map_err(refuse)?;
    warnings.clear();
    write.judge_unknown(&decoded.unknown, warnings).map_err(refuse)?;
    let mut object = write.completed(decoded.value);
    write.check_address(&mut object)?;
    Ok((object, emptied))
}

fn applied(shape: &Shape, live: Value, patch: &Patch) -> Result<Value, ApiError> {
    match patch {
        Patch::Json(operations) => json_patch::apply(live, operations),
        Patch::Strategic(patch) => strategic::apply(shape, &live, patch),
        Patch::Merge(patch) | Patch::Apply { config: patch, .. } => merge_patch(live, patch),
    }
}

fn merge_patch(mut live: Value, patch: &Value) -> Result<Value, ApiError> {
    if !patch.is_object() {
        return Err(ApiError::bad_request("error decoding patch: Invalid JSON Patch"));
    }
    ::json_patch::merge(&mut live, patch);
    Ok(live)
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
    let decoded = decode::decode(shape, config.clone()).map_err(|why| {
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
        let object = normal(store, write.resource, applied, &Value::Null)?;
        return answer(insert(store, write, object), true, Vec::new());
    }
    let changed = change(store, write, |_, current| {
        let applied = write.writer(store).apply(Some(current), &config, force)?;
        let mut object = normal(store, write.resource, applied, current)?;
        write.check_address(&mut object)?;
        Ok(object)
    });
    answer(changed, false, Vec::new())
}

fn describe(write: &Write) -> String {
    let (group, version) = write.resource.api_version().split_once('/').unwrap_or(("", write.resource.api_version()));
    format!("{}/{}; {group}/{version}, Kind={}", write.namespace, write.name, write.resource.kind())
}
