//! `managedFields` as the bytes that are kept of it. An update reads only its own entry and those that may own something of
//! what it changes; the others are passed on as they are.

use std::borrow::Cow;

use axum::body::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::field_set::FieldSet;
use super::managed::{Entry, Identity, MOST_UPDATE_MANAGERS, Managed};
use super::walk::Comparison;

/// An entry, its fields in the order in which all JSON of this server has them.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kept<'a, F> {
    #[serde(borrow)]
    api_version: Cow<'a, str>,
    #[serde(borrow)]
    fields_type: Cow<'a, str>,
    fields_v1: F,
    #[serde(borrow)]
    manager: Cow<'a, str>,
    #[serde(borrow)]
    operation: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    subresource: Cow<'a, str>,
    #[serde(borrow, default, skip_serializing_if = "str::is_empty")]
    time: Cow<'a, str>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Fields<'a> {
    AsKept(&'a RawValue),
    Anew(FieldSet),
}

impl<'a> Kept<'a, &'a RawValue> {
    fn identity(&self) -> Identity {
        Identity {
            manager: self.manager.clone().into_owned(),
            applied: self.operation == "Apply",
            subresource: self.subresource.clone().into_owned(),
            api_version: self.api_version.clone().into_owned(),
        }
    }

    fn passed_on(self) -> Kept<'a, Fields<'a>> {
        Kept {
            api_version: self.api_version,
            fields_type: self.fields_type,
            fields_v1: Fields::AsKept(self.fields_v1),
            manager: self.manager,
            operation: self.operation,
            subresource: self.subresource,
            time: self.time,
        }
    }
}

impl<'a> Kept<'a, Fields<'a>> {
    fn anew((identity, entry): (Identity, Entry)) -> Kept<'a, Fields<'a>> {
        Kept {
            api_version: identity.api_version.into(),
            fields_type: "FieldsV1".into(),
            fields_v1: Fields::Anew(entry.set),
            manager: identity.manager.into(),
            operation: if identity.applied { "Apply" } else { "Update" }.into(),
            subresource: identity.subresource.into(),
            time: entry.time.into(),
        }
    }
}

/// Lets `change` see the entries of `me` and of whoever may own something of what differs, and keeps what it makes of them.
/// `None` where no entry is left.
pub(super) fn update(
    bytes: &Bytes,
    comparison: &Comparison,
    me: &Identity,
    change: impl FnOnce(&mut Managed),
) -> Option<Bytes> {
    let entries: Vec<Kept<&RawValue>> = serde_json::from_slice(bytes).unwrap_or_default();
    // When there are many, some may have to be put together, whichever they are.
    let few = entries.len() < MOST_UPDATE_MANAGERS;
    let names = names(comparison);
    let (mut managed, mut all) = (Managed::new(), Vec::with_capacity(entries.len() + 1));
    for kept in entries {
        let identity = kept.identity();
        if few && identity != *me && !names.iter().any(|name| kept.fields_v1.get().contains(name)) {
            all.push(kept.passed_on());
        } else {
            let set = serde_json::from_str(kept.fields_v1.get()).unwrap_or_default();
            managed.insert(identity, Entry { set, time: kept.time.into_owned() });
        }
    }
    change(&mut managed);
    all.extend(managed.into_iter().map(Kept::anew));
    // Appliers come first, then by age, then by name.
    all.sort_by(|one, other| {
        let order = |kept: &Kept<Fields>| kept.operation != "Apply";
        (order(one), &one.time, &one.manager, &one.api_version, &one.subresource).cmp(&(
            order(other),
            &other.time,
            &other.manager,
            &other.api_version,
            &other.subresource,
        ))
    });
    let bytes = serde_json::to_vec(&all).ok().filter(|_| !all.is_empty())?;
    Some(Bytes::from(bytes.into_boxed_slice()))
}

/// The second steps of all paths that differ (of a path of one step, that one), as JSON: an entry in whose text none of them stands owns none of the paths.
fn names(comparison: &Comparison) -> Vec<String> {
    let sets = [&comparison.added, &comparison.modified, &comparison.removed];
    let steps = sets.into_iter().flat_map(FieldSet::second_steps);
    let mut names: Vec<String> = steps.map(|step| serde_json::Value::from(step).to_string()).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn an_entry_that_owns_nothing_of_a_change_is_passed_on_unread() {
        let entry = |manager: &str, fields: Value| {
            json!({
                "manager": manager, "operation": "Update", "apiVersion": "v1", "time": "2026-01-01T00:00:00Z",
                "fieldsType": "FieldsV1", "fieldsV1": fields,
            })
        };
        let labels = json!({ "f:metadata": { "f:labels": { "f:a": {} } } });
        let kept = json!([entry("one", labels.clone()), entry("two", json!({ "f:status": { "f:phase": {} } }))]);
        let bytes = Bytes::from(kept.to_string());
        let comparison = Comparison {
            modified: serde_json::from_value(json!({ "f:status": { "f:phase": {} } })).unwrap(),
            ..Comparison::default()
        };
        let me = Identity {
            manager: "me".to_owned(),
            applied: false,
            subresource: String::new(),
            api_version: "v1".to_owned(),
        };
        let updated = update(&bytes, &comparison, &me, |managed| {
            let seen: Vec<&str> = managed.keys().map(|identity| identity.manager.as_str()).collect();
            assert_eq!(seen, ["two"]);
            managed.clear();
        });
        let updated: Value = serde_json::from_slice(&updated.unwrap()).unwrap();
        assert_eq!(updated, json!([entry("one", labels)]));
    }
}
