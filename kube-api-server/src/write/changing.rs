//! Changing an object that is there: what may be changed by whom, and doing it on the newest version.

use serde_json::Value;

use super::creating::{insert, wipe_system_fields};
use super::{Outcome, Write, answer, metadata, normal, with_type};
use crate::admission;
use crate::ownership::Writer;
use crate::resource::Resource;
use crate::status::{ApiError, Cause, quoted};
use crate::store::record::Stored;
use crate::store::{Decision, Store};
use crate::validation::{self, Door, text};

/// How often a write starts over because somebody else wrote in between.
const MOST_RACES: usize = 1_000;

/// Replaces an object.
pub(crate) fn replace(store: &Store, write: &Write, body: &Value) -> Result<Outcome, ApiError> {
    let mut warnings = Vec::new();
    let mut object = write.decode(store, body, &mut warnings)?;
    write.check_address(&mut object)?;
    if store.get(write.resource, &write.namespace, &write.name).is_none() && write.resource.created_by_update() {
        metadata(&mut object).map(|metadata| metadata.remove("resourceVersion"));
        wipe_system_fields(&mut object);
        let object = write.writer(store).update(None, object);
        return answer(insert(store, write, object), true, warnings);
    }
    let uid = text(&object, "/metadata/uid").to_owned();
    let changed = change(store, write, |current| {
        let known = text(&current.value, "/metadata/uid");
        if !uid.is_empty() && uid != known {
            let key = if write.resource == Resource::Nodes { "minions" } else { write.resource.plural() };
            let key = format!("/registry/{key}/{}", current.record.key);
            return Err(write.conflict(&format!(
                "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: \
                 Precondition failed: UID in precondition: {uid}, UID in object meta: {known}"
            )));
        }
        Ok(write.writer(store).update(Some(&current.value), object.clone()))
    });
    answer(changed, false, warnings)
}

/// Changes an object that is there: whoever computes the new one sees the newest, and nobody writes in between.
pub(super) fn change(
    store: &Store,
    write: &Write,
    mut compute: impl FnMut(&Stored) -> Result<Value, ApiError>,
) -> Result<Value, ApiError> {
    for _ in 0..MOST_RACES {
        let current = store.get(write.resource, &write.namespace, &write.name).ok_or_else(|| write.not_found())?;
        let new = settle(store, write, &current, compute(&current)?)?;
        let mut raced = false;
        let stored = store.decide(write.resource, &write.namespace, &write.name, |now| -> Result<_, ApiError> {
            raced = now.is_none_or(|now| now.record.version != current.record.version);
            Ok(if raced || write.dry_run { Decision::Leave } else { decision(&current.value, &new) })
        })?;
        if raced {
            continue;
        }
        let answer = match (write.dry_run, &stored) {
            (true, _) | (false, None) => &new,
            (false, Some(stored)) => &*stored.value,
        };
        return Ok(with_type(write.resource, answer));
    }
    Err(write.modified())
}

/// An unchanged object is not written, and one that is being deleted and has no finalizer left goes.
fn decision(current: &Value, new: &Value) -> Decision {
    let finalizers = |object: &Value| object.pointer("/metadata/finalizers").is_some();
    if current == new {
        Decision::Leave
    } else if new.pointer("/metadata/deletionTimestamp").is_some() && !finalizers(new) && finalizers(current) {
        Decision::Remove(new.clone())
    } else {
        Decision::Put(new.clone())
    }
}

/// Preconditions, what the door does not let through, and validation.
fn settle(store: &Store, write: &Write, current: &Stored, mut new: Value) -> Result<Value, ApiError> {
    let version = text(&new, "/metadata/resourceVersion");
    if version.is_empty() || version == "0" {
        if write.resource.replaced_by_version_only() {
            let cause = Cause::invalid("metadata.resourceVersion", "0", "must be specified for an update");
            return Err(ApiError::invalid(write.resource.plural(), write.resource.group(), &write.name, &[cause]));
        }
    } else {
        let asked: u64 = version.parse().map_err(|_| {
            ApiError::internal(format!("strconv.ParseUint: parsing {}: invalid syntax", quoted(version)))
        })?;
        if asked != current.record.version {
            return Err(write.modified());
        }
    }
    admission::on_update(write.resource, write.door, &current.value, &mut new);
    keep_identity(&current.value, &mut new);
    let new = normal(store, write.resource, &new)?;
    validation::update(write.resource, write.door, &current.value, &new)?;
    Ok(new)
}

/// What only the server sets stays as it is, whatever the client sent.
fn keep_identity(current: &Value, new: &mut Value) {
    let Some(metadata) = metadata(new) else { return };
    for field in [
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "resourceVersion",
        "selfLink",
        "generation",
    ] {
        match current.pointer(&format!("/metadata/{field}")) {
            Some(value) => metadata.insert(field.to_owned(), value.clone()),
            None => metadata.remove(field),
        };
    }
    // A uid left out means the one that is there.
    if metadata.get("uid").and_then(Value::as_str).is_none_or(str::is_empty)
        && let Some(uid) = current.pointer("/metadata/uid")
    {
        metadata.insert("uid".to_owned(), uid.clone());
    }
}

/// Lets a test change an object through both doors at once while nobody else can write.
pub(crate) fn update_in_place(
    store: &Store,
    write: &Write,
    change: impl FnOnce(&mut Value),
) -> Result<Value, ApiError> {
    let writer = write.writer(store);
    let stored = store.decide(write.resource, &write.namespace, &write.name, |current| {
        let current = current.ok_or_else(|| write.not_found())?;
        let mut wanted = with_type(write.resource, &current.value);
        change(&mut wanted);
        let mut ignored = Vec::new();
        let mut wanted = write.decode(store, &wanted, &mut ignored)?;
        write.check_address(&mut wanted)?;
        keep_identity(&current.value, &mut wanted);
        validation::update(write.resource, Door::Main, &current.value, &wanted)?;
        // One entry for each door, as two writes would have left.
        let status = Writer { subresource: "status", ..writer.clone() };
        let mut through_main = wanted.clone();
        through_main["status"] = current.value["status"].clone();
        let through_main = writer.update(Some(&current.value), through_main);
        wanted["metadata"]["managedFields"] = through_main["metadata"]["managedFields"].clone();
        let new = normal(store, write.resource, &status.update(Some(&through_main), wanted))?;
        Ok(decision(&current.value, &new))
    })?;
    stored.map(|stored| with_type(write.resource, &stored.value)).ok_or_else(|| write.not_found())
}
