//! Creating an object: completing it, checking it, and keeping it unless its name is taken.

use serde_json::Value;

use super::{Outcome, Stepped, Write, Written, answer, metadata, with_type};
use crate::status::ApiError;
use crate::store::part::Apart;
use crate::store::record::Draft;
use crate::store::{Decision, Store};
use crate::validation::text;
use crate::{admission, validation};

/// Creates an object.
pub(crate) fn create(store: &Store, write: &Write, body: Value) -> Result<Outcome, ApiError> {
    let mut warnings = Vec::new();
    let mut object = write.decode(store, body, &mut warnings)?;
    write.check_namespace(&mut object)?;
    wipe_system_fields(&mut object);
    object = write.writer(store).update(None, object);
    answer(insert(store, write, object), true, warnings)
}

/// What is to be kept of an object that is registered, some parts of which may already be as they are to be kept, field
/// owners among them.
pub(crate) fn registration(store: &Store, write: &Write, body: Value, apart: Apart) -> Result<Draft, ApiError> {
    let mut object = write.decode(store, body, &mut Vec::new())?;
    if apart == Apart::default() {
        object = write.writer(store).update(None, object);
    }
    complete(store, write, object, apart)
}

/// What only the server sets; a client that creates an object may send it, in vain.
pub(super) fn wipe_system_fields(object: &mut Value) {
    if let Some(metadata) = metadata(object) {
        for field in ["creationTimestamp", "uid", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
            metadata.remove(field);
        }
    }
}

/// Completes, checks and keeps a new object.
pub(super) fn insert(store: &Store, write: &Write, object: Value) -> Result<Stepped, ApiError> {
    keep(store, write, complete(store, write, object, Apart::default())?)
}

/// Completes and checks a new object, all but its uid.
fn complete(store: &Store, write: &Write, mut object: Value, apart: Apart) -> Result<Draft, ApiError> {
    if !text(&object, "/metadata/resourceVersion").is_empty() {
        return Err(ApiError::internal("resourceVersion should not be set on objects to be created"));
    }
    let prefix = text(&object, "/metadata/generateName").to_owned();
    if let Some(metadata) = metadata(&mut object) {
        metadata.insert("creationTimestamp".to_owned(), store.clock().seconds().into());
        let unnamed = metadata.get("name").and_then(Value::as_str).is_none_or(str::is_empty);
        if unnamed && !prefix.is_empty() {
            metadata.insert("name".to_owned(), format!("{prefix}{}", store.new_name_suffix()).into());
        }
    }
    write.check_namespace_exists(store, text(&object, "/metadata/name"))?;
    admission::on_creation(write.resource, &mut object);
    validation::creation(write.resource, &object)?;
    Ok(Draft::partly(write.resource, object, apart))
}

/// Gives a new object its uid and keeps it, unless its name is taken.
pub(crate) fn keep(store: &Store, write: &Write, mut draft: Draft) -> Result<Stepped, ApiError> {
    // Here, where objects come one after the other also when they were made side by side.
    draft.rest["metadata"]["uid"] = store.new_uid().into();
    let name = text(&draft.rest, "/metadata/name").to_owned();
    let mut draft = Some(draft);
    let kept = store.decide(write.resource, &write.namespace, &name, |current| {
        if current.is_some() {
            return Err(ApiError::already_exists(write.resource.plural(), write.resource.group(), &name));
        }
        let draft = if write.dry_run { None } else { draft.take() };
        Ok(draft.map_or(Decision::Leave, Decision::Put))
    })?;
    let written = match kept.now {
        Some(record) => Written::Kept(record),
        None => Written::Shown(with_type(write.resource, draft.map(Draft::into_value).unwrap_or_default())),
    };
    Ok((written, kept.step))
}
