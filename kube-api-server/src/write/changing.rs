//! Changing an object that is there: what may be changed by whom, and doing it on the newest version.

use std::sync::Arc;

use serde_json::Value;

use super::creating::{insert, wipe_system_fields};
use super::{Outcome, Stepped, Write, Written, answer, metadata, normal, with_type};
use crate::admission;
use crate::ownership::Writer;
use crate::resource::Resource;
use crate::status::{ApiError, Cause, quoted};
use crate::store::record::{Draft, Record};
use crate::store::{Decision, Store};
use crate::validation::{self, Door, at, text};

/// How often a write starts over because somebody else wrote in between.
const MOST_RACES: usize = 1_000;

/// Replaces an object.
pub(crate) fn replace(store: &Store, write: &Write, body: Value) -> Result<Outcome, ApiError> {
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
    let changed = change(store, write, |record, current| {
        let known = text(current, "/metadata/uid");
        if !uid.is_empty() && uid != known {
            let key = if write.resource == Resource::Nodes { "minions" } else { write.resource.plural() };
            let key = format!("/registry/{key}/{}", record.key);
            return Err(write.conflict(&format!(
                "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: \
                 Precondition failed: UID in precondition: {uid}, UID in object meta: {known}"
            )));
        }
        Ok(write.writer(store).update(Some(current), object.clone()))
    });
    answer(changed, false, warnings)
}

/// Changes an object that is there. `compute` sees its newest version, as it is kept and as a whole.
pub(super) fn change(
    store: &Store,
    write: &Write,
    mut compute: impl FnMut(&Record, &Value) -> Result<Value, ApiError>,
) -> Result<Stepped, ApiError> {
    on_the_newest(store, write, |record| {
        let current = record.value();
        let new = settle(store, write, record.version, &current, compute(record, &current)?)?;
        Ok(decision(write, &current, new))
    })
}

/// Does what `decide` says of the newest version: it starts over where somebody else wrote in between.
pub(super) fn on_the_newest(
    store: &Store,
    write: &Write,
    mut decide: impl FnMut(&Record) -> Result<Decision, ApiError>,
) -> Result<Stepped, ApiError> {
    for _ in 0..MOST_RACES {
        let current = store.get(write.resource, &write.namespace, &write.name).ok_or_else(|| write.not_found())?;
        let decision = decide(&current)?;
        let shown = match &decision {
            Decision::Put(draft) if write.dry_run => Some(draft.clone()),
            Decision::Remove(draft) => Some(draft.clone()),
            Decision::Put(_) | Decision::Leave => None,
        };
        let mut raced = false;
        let kept = store.decide(write.resource, &write.namespace, &write.name, |now| -> Result<_, ApiError> {
            raced = now.is_none_or(|now| now.version != current.version);
            Ok(if raced || write.dry_run { Decision::Leave } else { decision })
        })?;
        if raced {
            continue;
        }
        let written = match shown {
            Some(draft) => Written::Shown(with_type(write.resource, draft.into_value())),
            None => Written::Kept(kept.now.unwrap_or(current)),
        };
        return Ok((written, kept.step));
    }
    Err(write.modified())
}

/// An unchanged object is not written, and one that is being deleted and has no finalizer left goes.
pub(super) fn decision(write: &Write, current: &Value, new: Value) -> Decision {
    if *current == new {
        return Decision::Leave;
    }
    let goes = goes(current, &new);
    let draft = Draft::whole(write.resource, new);
    if goes { Decision::Remove(draft) } else { Decision::Put(draft) }
}

/// Whether a change takes the last finalizer from an object that is being deleted.
pub(super) fn goes(current: &Value, new: &Value) -> bool {
    let finalizers = |object: &Value| at(object, "/metadata/finalizers").is_some();
    at(new, "/metadata/deletionTimestamp").is_some() && !finalizers(new) && finalizers(current)
}

/// Preconditions, what the door does not let through, and validation.
pub(super) fn settle(
    store: &Store,
    write: &Write,
    version: u64,
    current: &Value,
    mut new: Value,
) -> Result<Value, ApiError> {
    let given = text(&new, "/metadata/resourceVersion");
    if given.is_empty() || given == "0" {
        if write.resource.replaced_by_version_only() {
            let cause = Cause::invalid("metadata.resourceVersion", "0", "must be specified for an update");
            return Err(ApiError::invalid(write.resource.plural(), write.resource.group(), &write.name, &[cause]));
        }
    } else {
        let asked: u64 = given
            .parse()
            .map_err(|_| ApiError::internal(format!("strconv.ParseUint: parsing {}: invalid syntax", quoted(given))))?;
        if asked != version {
            return Err(write.modified());
        }
    }
    admission::on_update(write.resource, write.door, current, &mut new);
    keep_identity(current, &mut new);
    let new = normal(store, write.resource, new, current)?;
    validation::update(write.resource, write.door, current, &new)?;
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
        match current.get("metadata").and_then(|metadata| metadata.get(field)) {
            Some(value) if metadata.get(field) == Some(value) => {}
            Some(value) => drop(metadata.insert(field.to_owned(), value.clone())),
            None => drop(metadata.remove(field)),
        }
    }
    // A uid left out means the one that is there.
    if metadata.get("uid").and_then(Value::as_str).is_none_or(str::is_empty)
        && let Some(uid) = at(current, "/metadata/uid")
    {
        metadata.insert("uid".to_owned(), uid.clone());
    }
}

/// Lets a test change an object through both doors at once while nobody else can write.
pub(crate) fn update_in_place(
    store: &Store,
    write: &Write,
    change: impl FnOnce(&mut Value),
) -> Result<Arc<Record>, ApiError> {
    let writer = write.writer(store);
    let stored = store.decide(write.resource, &write.namespace, &write.name, |current| {
        let current = current.ok_or_else(|| write.not_found())?.value();
        let mut wanted = with_type(write.resource, current.clone());
        change(&mut wanted);
        let mut ignored = Vec::new();
        let mut wanted = write.decode(store, wanted, &mut ignored)?;
        write.check_address(&mut wanted)?;
        keep_identity(&current, &mut wanted);
        validation::update(write.resource, Door::Main, &current, &wanted)?;
        // One entry for each door, as two writes would have left.
        let status = Writer { subresource: "status", ..writer.clone() };
        let mut through_main = wanted.clone();
        through_main["status"] = current["status"].clone();
        let through_main = writer.update(Some(&current), through_main);
        wanted["metadata"]["managedFields"] = through_main["metadata"]["managedFields"].clone();
        let new = normal(store, write.resource, status.update(Some(&through_main), wanted), &current)?;
        Ok(decision(write, &current, new))
    })?;
    stored.now.ok_or_else(|| write.not_found())
}
