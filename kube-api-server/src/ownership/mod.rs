//! Who owns which field: `metadata.managedFields` under updates and under server-side apply.
//!
//! The rules are those of Kubernetes' structured merge: an update takes what it changes from whoever had it; an apply
//! owns what its configuration names, is refused where that would change what others own (unless forced), and gives up,
//! removing where nobody else cares, what it no longer names.

mod edit;
mod field_set;
mod kept;
mod managed;
mod walk;

use axum::body::Bytes;
use serde_json::Value;

use crate::decode;
use crate::resource::Resource;
use crate::schema::Shape;
use crate::status::{ApiError, Cause};
use field_set::FieldSet;
use managed::{
    Entry, Identity, Managed, cap, describe, is_reset, read, set_managed_fields, strip_identity, take_managed_fields,
    without_managed_fields,
};
use walk::Comparison;

/// Who owns what was there before the first apply to an object that nobody kept track of.
const BEFORE_FIRST_APPLY: &str = "before-first-apply";

/// Who writes, and through which door.
#[derive(Debug, Clone)]
pub(crate) struct Writer<'a> {
    pub(crate) resource: Resource,
    pub(crate) shape: &'a Shape,
    /// What an object with nothing in it looks like.
    pub(crate) empty: &'a Value,
    /// The field manager's name.
    pub(crate) manager: String,
    /// "status" or nothing.
    pub(crate) subresource: &'static str,
    /// When, as `metav1.Time`.
    pub(crate) now: String,
}

impl Writer<'_> {
    fn identity(&self, manager: &str, applied: bool) -> Identity {
        Identity {
            manager: manager.to_owned(),
            applied,
            subresource: self.subresource.to_owned(),
            api_version: self.resource.api_version().to_owned(),
        }
    }

    /// The part of the object that this door cannot change, and so does not own.
    fn out_of_reach(&self) -> Option<&'static str> {
        match (self.resource.has_status(), self.subresource) {
            (true, "status") => Some("spec"),
            (true, _) => Some("status"),
            _ => None,
        }
    }

    fn within_reach(&self, set: FieldSet) -> FieldSet {
        match self.out_of_reach() {
            Some(field) => set.without_field(field),
            None => set,
        }
    }

    fn compare(&self, old: &Value, new: &Value) -> Comparison {
        let comparison = walk::compare(self.shape, old, new);
        Comparison {
            added: self.within_reach(comparison.added),
            modified: self.within_reach(comparison.modified),
            removed: self.within_reach(comparison.removed),
        }
    }

    /// `new`, about to replace `live` by anything but an apply, with `managedFields` brought up to date.
    ///
    /// `live` is `None` for a creation.
    pub(crate) fn update(&self, live: Option<&Value>, mut new: Value) -> Value {
        let requested = new.pointer("/metadata/managedFields").cloned();
        let mut managed = self.starting_point(live, requested.as_ref());
        take_managed_fields(&mut new);
        // An object that is not kept track of stays so until the first apply.
        if live.is_none() || !managed.is_empty() {
            let old = live.map_or_else(|| self.empty.clone(), |live| without_managed_fields(live.clone()));
            self.take_over(&self.compare(&old, &new), &mut managed, &self.manager);
        }
        set_managed_fields(&mut new, managed);
        new
    }

    /// The same for an update that leaves `managedFields` itself alone: both objects are without it, and `managed` is what
    /// it says of `old`.
    pub(crate) fn update_apart(&self, old: &Value, new: &Value, mut managed: Option<Bytes>) -> Option<Bytes> {
        let comparison = self.compare(old, new);
        // An object that is not kept track of stays so until the first apply.
        let Some(before) = managed.take_if(|_| !comparison.is_empty()) else { return managed };
        let me = self.identity(&self.manager, false);
        kept::update(&before, &comparison, &me, |managed| self.take_over(&comparison, managed, &self.manager))
    }

    fn starting_point(&self, live: Option<&Value>, requested: Option<&Value>) -> Managed {
        let of_live = || live.and_then(|live| live.pointer("/metadata/managedFields")).map(read).unwrap_or_default();
        match requested.and_then(Value::as_array) {
            // A client clears the bookkeeping by sending a list that is empty or holds one empty entry.
            Some(entries) if self.subresource.is_empty() && is_reset(entries) => Managed::new(),
            Some(_) if self.subresource.is_empty() => {
                let given = requested.map(read).unwrap_or_default();
                if given.is_empty() { of_live() } else { given }
            }
            _ => of_live(),
        }
    }

    /// An update by `manager`: it owns what it changed, and nobody owns what it removed.
    fn take_over(&self, comparison: &Comparison, managed: &mut Managed, who: &str) {
        let mut mine = strip_identity(&comparison.added);
        mine.add(strip_identity(&comparison.modified));
        for entry in managed.values_mut() {
            for gone in [&comparison.added, &comparison.modified, &comparison.removed] {
                entry.set.subtract(gone);
            }
        }
        if !mine.is_empty() {
            let entry = managed.entry(self.identity(who, false)).or_default();
            entry.set.add(mine);
            self.now.clone_into(&mut entry.time);
        }
        managed.retain(|_, entry| !entry.set.is_empty());
        cap(managed);
    }

    /// `live` with the configuration applied. `live` is the empty object for a creation.
    pub(crate) fn apply(&self, live: Option<&Value>, config: &Value, force: bool) -> Result<Value, ApiError> {
        let empty = self.empty;
        let mut managed = live.and_then(|live| live.pointer("/metadata/managedFields")).map(read).unwrap_or_default();
        let old = live.map_or_else(|| empty.clone(), |live| without_managed_fields(live.clone()));
        if managed.is_empty() && live.is_some() {
            self.take_over(&self.compare(empty, &old), &mut managed, BEFORE_FIRST_APPLY);
        }
        let before = managed.clone();
        let me = self.identity(&self.manager, true);
        let last = managed.get(&me).map(|entry| entry.set.clone());
        let mine = self.within_reach(walk::fields_of(self.shape, config));
        managed.insert(me.clone(), Entry { set: mine, time: self.now.clone() });

        let merged = edit::merge(self.shape, &old, config);
        let pruned = match &last {
            Some(last) if !last.is_empty() => self.prune(&merged, &managed, last),
            _ => merged,
        };
        self.settle_conflicts(&old, &pruned, &mut managed, &me, force)?;

        if let Some(entry) = managed.get_mut(&me) {
            entry.set = strip_identity(&entry.set);
            // The time is that of the last apply that changed the object; there may have been none.
            if live.is_some() && self.same_content(&old, &pruned) {
                entry.time = before.get(&me).map(|previous| previous.time.clone()).unwrap_or_default();
            }
        }
        managed.retain(|_, entry| !entry.set.is_empty());
        cap(&mut managed);
        let mut out = pruned;
        set_managed_fields(&mut out, managed);
        Ok(out)
    }

    fn same_content(&self, old: &Value, new: &Value) -> bool {
        let decoded = |value: &Value| decode::decode(self.shape, value.clone()).map(|decoded| decoded.value);
        decoded(old) == decoded(new)
    }

    /// Takes out what this applier named last time, does not name now, and nobody else names.
    fn prune(&self, merged: &Value, managed: &Managed, last: &FieldSet) -> Value {
        let last = last.with_fields_as_members();
        let pruned = edit::remove(self.shape, merged, &last);
        let everything = walk::fields_of(self.shape, merged).with_fields_as_members();
        let left = walk::fields_of(self.shape, &pruned).with_fields_as_members();
        let owned = managed.values().fold(FieldSet::default(), |all, entry| all.union(&entry.set));
        let unowned = everything.difference(&left.union(&owned.with_fields_as_members()));
        let pruned = edit::remove(self.shape, merged, &unowned);
        // What hangs on something removed, but was never this applier's, stays.
        let left = walk::fields_of(self.shape, &pruned).with_fields_as_members();
        edit::remove(self.shape, merged, &everything.difference(&left).intersection(&last))
    }

    fn settle_conflicts(
        &self,
        old: &Value,
        new: &Value,
        managed: &mut Managed,
        me: &Identity,
        force: bool,
    ) -> Result<(), ApiError> {
        let comparison = self.compare(old, new);
        let changed = comparison.added.union(&comparison.modified);
        let conflicts: Vec<(Identity, FieldSet)> = managed
            .iter()
            .filter(|(identity, _)| *identity != me)
            .map(|(identity, entry)| (identity.clone(), entry.set.intersection(&changed)))
            .filter(|(_, set)| !set.is_empty())
            .collect();
        if !force && !conflicts.is_empty() {
            return Err(refusal(&conflicts));
        }
        for (identity, entry) in managed.iter_mut() {
            if identity == me {
                continue;
            }
            let lost = conflicts.iter().find(|(other, _)| other == identity).map(|(_, set)| set);
            if let Some(lost) = lost {
                entry.set = entry.set.difference(lost);
            }
            entry.set = entry.set.difference(&comparison.removed);
        }
        Ok(())
    }
}

fn refusal(conflicts: &[(Identity, FieldSet)]) -> ApiError {
    let mut causes = Vec::new();
    let mut by_manager: Vec<(String, Vec<String>)> = Vec::new();
    for (identity, set) in conflicts {
        let who = describe(identity);
        let names = set.names();
        causes.extend(names.iter().map(|name| Cause::conflict(&who, name.clone())));
        by_manager.push((who, names));
    }
    let count = causes.len();
    let plural = if count == 1 { "" } else { "s" };
    let what = match by_manager.as_slice() {
        [(who, names)] if count == 1 => format!("conflict with {who}: {}", names.concat()),
        all => {
            let parts = all.iter().map(|(who, names)| format!("conflicts with {who}:\n- {}", names.join("\n- ")));
            parts.collect::<Vec<_>>().join("\n")
        }
    };
    let message = format!("Apply failed with {count} conflict{plural}: {what}");
    ApiError::apply_conflict(message, &causes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use serde_json::json;

    use super::managed::ANCIENT_CHANGES;
    use super::*;
    use crate::schema::Schema;

    fn writer<'a>(schema: &'a Schema, manager: &str) -> Writer<'a> {
        Writer {
            resource: Resource::Nodes,
            shape: schema.of(Resource::Nodes),
            empty: schema.empty(Resource::Nodes),
            manager: manager.to_owned(),
            subresource: "",
            now: "2026-01-01T00:00:00Z".to_owned(),
        }
    }

    fn owned(node: &Value, manager: &str) -> Value {
        let entries = node.pointer("/metadata/managedFields").and_then(Value::as_array).cloned().unwrap_or_default();
        entries
            .into_iter()
            .find(|entry| entry["manager"] == manager)
            .map_or(Value::Null, |entry| entry["fieldsV1"].clone())
    }

    fn node(config: &Value) -> Value {
        decode::decode(Schema::embedded().unwrap().of(Resource::Nodes), config.clone()).unwrap().value
    }

    #[test]
    fn an_update_takes_what_it_changes() {
        let schema = Schema::embedded().unwrap();
        let created = node(&json!({ "metadata": { "name": "n", "labels": { "a": "1", "b": "1" } } }));
        let created = writer(&schema, "one").update(None, created);
        let mut changed = created.clone();
        changed["metadata"]["labels"]["a"] = "2".into();
        let updated = writer(&schema, "two").update(Some(&created), changed);
        assert_eq!(owned(&updated, "one"), json!({ "f:metadata": { "f:labels": { ".": {}, "f:b": {} } } }));
        assert_eq!(owned(&updated, "two"), json!({ "f:metadata": { "f:labels": { "f:a": {} } } }));
    }

    #[test]
    fn an_apply_is_refused_what_another_owns_and_takes_it_by_force() {
        let schema = Schema::embedded().unwrap();
        let config = |value: &str| json!({ "metadata": { "labels": { "a": value } } });
        let live = writer(&schema, "one").apply(None, &config("1"), false).unwrap();
        let refused = writer(&schema, "two").apply(Some(&live), &config("2"), false).unwrap_err();
        assert_eq!(refused.code, 409);
        assert_eq!(
            refused.to_json()["message"],
            "Apply failed with 1 conflict: conflict with \"one\": .metadata.labels.a"
        );
        let forced = writer(&schema, "two").apply(Some(&live), &config("2"), true).unwrap();
        assert_eq!(forced["metadata"]["labels"]["a"], "2");
        assert_eq!(owned(&forced, "one"), Value::Null);
    }

    #[test]
    fn an_applier_that_no_longer_names_a_field_removes_it_unless_another_does() {
        let schema = Schema::embedded().unwrap();
        let both = json!({ "metadata": { "labels": { "a": "1", "b": "1" } } });
        let live = writer(&schema, "one").apply(None, &both, false).unwrap();
        let only_b = json!({ "metadata": { "labels": { "b": "1" } } });
        let live = writer(&schema, "two").apply(Some(&live), &only_b, false).unwrap();
        let live = writer(&schema, "one").apply(Some(&live), &json!({ "metadata": {} }), false).unwrap();
        assert_eq!(live["metadata"]["labels"], json!({ "b": "1" }));
    }

    #[test]
    fn eleven_updaters_become_ten() {
        let schema = Schema::embedded().unwrap();
        let mut live =
            writer(&schema, "m0").update(None, node(&json!({ "metadata": { "name": "n", "labels": { "l0": "1" } } })));
        for index in 1..12 {
            let mut changed = live.clone();
            changed["metadata"]["labels"][format!("l{index}")] = "1".into();
            live = writer(&schema, &format!("m{index}")).update(Some(&live), changed);
        }
        let entries = live["metadata"]["managedFields"].as_array().unwrap();
        assert_eq!(entries.len(), 10);
        assert!(entries.iter().any(|entry| entry["manager"] == ANCIENT_CHANGES));
    }
}
