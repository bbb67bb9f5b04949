//! The bookkeeping itself: entries of `managedFields`, how they are told apart, ordered, bounded and written.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value, json};

use super::field_set::FieldSet;

/// The most entries that updates may hold; beyond it the oldest are put together.
pub(super) const MOST_UPDATE_MANAGERS: usize = 10;
/// Who owns what the oldest updates did, once they are put together.
pub(super) const ANCIENT_CHANGES: &str = "ancient-changes";

/// What tells one entry of `managedFields` from another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Identity {
    pub(super) manager: String,
    pub(super) applied: bool,
    pub(super) subresource: String,
    pub(super) api_version: String,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Entry {
    pub(super) set: FieldSet,
    /// `metav1.Time`; empty where there was never a change.
    pub(super) time: String,
}

pub(super) type Managed = BTreeMap<Identity, Entry>;

/// A manager as a conflict names it.
pub(super) fn describe(identity: &Identity) -> String {
    let through = match identity.subresource.as_str() {
        "" => String::new(),
        subresource => format!(" with subresource \"{subresource}\""),
    };
    let by_update = if identity.applied { String::new() } else { format!(" using {}", identity.api_version) };
    format!("{}{through}{by_update}", Value::from(identity.manager.as_str()))
}

/// Nobody owns what says which object it is, nor what only the server writes.
pub(super) fn strip_identity(set: &FieldSet) -> FieldSet {
    set.difference(&SERVER_OWNED)
}

static SERVER_OWNED: LazyLock<FieldSet> = LazyLock::new(|| {
    let mut server_owned = FieldSet::default();
    let field = |name: &str| format!("f:{name}");
    server_owned.insert(&[field("apiVersion")]);
    server_owned.insert(&[field("kind")]);
    server_owned.insert(&[field("metadata")]);
    for name in [
        "name",
        "namespace",
        "creationTimestamp",
        "selfLink",
        "uid",
        "clusterName",
        "generation",
        "managedFields",
        "resourceVersion",
    ] {
        server_owned.insert(&[field("metadata"), field(name)]);
    }
    server_owned
});

/// Whether these entries are a client's way to have the bookkeeping forgotten.
pub(super) fn is_reset(entries: &[Value]) -> bool {
    match entries {
        [] => true,
        [only] => only.as_object().is_some_and(|entry| entry.values().all(|field| field.is_null() || field == "")),
        _ => false,
    }
}

/// Puts the oldest updates together until there are few enough.
pub(super) fn cap(managed: &mut Managed) {
    loop {
        let mut updates: Vec<(&String, &Identity)> = managed
            .iter()
            .filter(|(identity, _)| !identity.applied)
            .map(|(identity, entry)| (&entry.time, identity))
            .collect();
        if updates.len() <= MOST_UPDATE_MANAGERS {
            return;
        }
        updates.sort_unstable();
        let oldest: Vec<Identity> = updates.iter().take(2).map(|(_, identity)| (*identity).clone()).collect();
        let mut merged = Entry { set: FieldSet::default(), time: String::new() };
        for identity in &oldest {
            if let Some(entry) = managed.remove(identity) {
                merged.set = merged.set.union(&entry.set);
                merged.time = merged.time.max(entry.time);
            }
        }
        let api_version = oldest.into_iter().next().map(|identity| identity.api_version).unwrap_or_default();
        let bucket =
            Identity { manager: ANCIENT_CHANGES.to_owned(), applied: false, subresource: String::new(), api_version };
        if let Some(entry) = managed.remove(&bucket) {
            merged.set = merged.set.union(&entry.set);
        }
        managed.insert(bucket, merged);
    }
}

pub(super) fn without_managed_fields(mut object: Value) -> Value {
    take_managed_fields(&mut object);
    object
}

pub(super) fn take_managed_fields(object: &mut Value) {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
}

pub(super) fn set_managed_fields(object: &mut Value, managed: Managed) {
    let entries = write(managed);
    if entries.is_empty() {
        return;
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.insert("managedFields".to_owned(), entries.into());
    }
}

fn text(entry: &Value, field: &str) -> String {
    entry.get(field).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// The entries as kept; a list with an entry that makes no sense counts as none.
pub(super) fn read(entries: &Value) -> Managed {
    let mut managed = Managed::new();
    for entry in entries.as_array().into_iter().flatten() {
        let operation = text(entry, "operation");
        let known =
            matches!(operation.as_str(), "Apply" | "Update") && entry.get("fieldsType") == Some(&json!("FieldsV1"));
        let Some(set) = entry.get("fieldsV1").and_then(FieldSet::from_json).filter(|_| known) else {
            return Managed::new();
        };
        let identity = Identity {
            manager: text(entry, "manager"),
            applied: operation == "Apply",
            subresource: text(entry, "subresource"),
            api_version: text(entry, "apiVersion"),
        };
        managed.insert(identity, Entry { set, time: text(entry, "time") });
    }
    managed
}

fn write(managed: Managed) -> Vec<Value> {
    let mut entries: Vec<(Identity, Entry)> = managed.into_iter().collect();
    // Appliers come first, then by age, then by name.
    entries.sort_by(|(one, one_entry), (other, other_entry)| {
        (!one.applied, &one_entry.time, &one.manager, &one.api_version, &one.subresource).cmp(&(
            !other.applied,
            &other_entry.time,
            &other.manager,
            &other.api_version,
            &other.subresource,
        ))
    });
    entries
        .into_iter()
        .map(|(identity, entry)| {
            let mut out = Map::new();
            out.insert("manager".to_owned(), identity.manager.into());
            out.insert("operation".to_owned(), if identity.applied { "Apply" } else { "Update" }.into());
            out.insert("apiVersion".to_owned(), identity.api_version.into());
            if !entry.time.is_empty() {
                out.insert("time".to_owned(), entry.time.into());
            }
            out.insert("fieldsType".to_owned(), "FieldsV1".into());
            out.insert("fieldsV1".to_owned(), entry.set.to_json());
            if !identity.subresource.is_empty() {
                out.insert("subresource".to_owned(), identity.subresource.into());
            }
            out.into()
        })
        .collect()
}
