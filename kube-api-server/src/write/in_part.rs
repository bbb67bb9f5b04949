//! Patches of Nodes that read only those of a Node's parts that they touch, which makes most of them several times faster.

use serde_json::Value;

use super::changing::{goes, on_the_newest, settle};
use super::patching::patched;
use super::{Patch, Stepped, Write};
use crate::patch::json_patch;
use crate::status::ApiError;
use crate::store::part::Part;
use crate::store::record::Draft;
use crate::store::{Decision, Store};

/// The parts that a patch reads or writes; `None` where it may be more than can be told, or the field owners themselves.
pub(super) fn touched(patch: &Patch) -> Option<Vec<Part>> {
    let paths = match patch {
        Patch::Json(operations) => json_patch::paths(operations),
        _ => Vec::new(),
    };
    let touches = |[section, field]: [&str; 2]| match patch {
        Patch::Json(_) => Some(paths.iter().any(|path| json_patch::meets(path, &[section, field]))),
        Patch::Merge(patch) => match patch.get(section) {
            None => Some(false),
            Some(Value::Object(fields)) => Some(fields.contains_key(field)),
            Some(_) => None,
        },
        // Their directives reach further than the fields they name.
        Patch::Strategic(_) | Patch::Apply { .. } => None,
    };
    let mut parts = Vec::new();
    for part in Part::ALL {
        if touches(part.path())? {
            parts.push(part);
        }
    }
    // What a Node can give follows from what it has.
    let resources = [Part::Allocatable, Part::Capacity];
    if resources.iter().any(|part| parts.contains(part)) {
        parts.extend(resources);
    }
    (!parts.contains(&Part::Owners)).then_some(parts)
}

/// Patches a Node of which only those parts are looked at.
pub(super) fn patch(
    store: &Store,
    write: &Write,
    patch: &Patch,
    touched: &[Part],
    warnings: &mut Vec<String>,
) -> Result<Stepped, ApiError> {
    on_the_newest(store, write, |record| {
        let (current, mut apart) = (record.rest(touched), record.apart());
        let (object, _) = patched(store, write, patch, &current, warnings)?;
        let owners = write.writer(store).update_apart(&current, &object, apart[Part::Owners as usize].clone());
        let new = settle(store, write, record.version, &current, object)?;
        if new == current && owners == apart[Part::Owners as usize] {
            return Ok(Decision::Leave);
        }
        apart[Part::Owners as usize] = owners;
        for part in touched {
            apart[*part as usize] = None;
        }
        let goes = goes(&current, &new);
        let draft = Draft::partly(write.resource, new, apart);
        Ok(if goes { Decision::Remove(draft) } else { Decision::Put(draft) })
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use std::time::{Duration, UNIX_EPOCH};

    use serde_json::json;

    use super::super::changing::change;
    use super::*;
    use crate::node_spec::NodeSpec;
    use crate::resource::Resource;
    use crate::store::Nature;
    use crate::validation::Door;
    use crate::wall_clock::WallClock;

    /// A store in which it is always the same second: field owners are sorted by time before they are by name.
    fn store() -> Store {
        let clock = WallClock::new(|| UNIX_EPOCH + Duration::from_secs(1_600_000_000));
        Store::new(Nature { history: 10, seed: 0, clock, on_one_thread: false }).unwrap()
    }

    /// The Node after a patch done in part on one store, and done on the whole object on another.
    fn both_ways(door: Door, patch: &Patch) -> [Value; 2] {
        let stores = [store(), store()];
        let write = Write { door, ..Write::new(Resource::Nodes, "", "n").by("patcher") };
        for store in &stores {
            store.create_node(NodeSpec::new("n").realistic_size().annotation("a", "1")).unwrap();
        }
        let mut warnings = Vec::new();
        let touched = touched(patch).unwrap();
        super::patch(&stores[0], &write, patch, &touched, &mut warnings).unwrap();
        change(&stores[1], &write, |_, current| {
            let (object, _) = patched(&stores[1], &write, patch, current, &mut warnings)?;
            Ok(write.writer(&stores[1]).update(Some(current), object))
        })
        .unwrap();
        stores.map(|store| store.node("n").unwrap())
    }

    #[test]
    fn a_patch_in_part_comes_to_what_it_comes_to_on_the_whole() {
        let address = json!([{ "type": "Hostname", "address": "n" }]);
        for (door, operations) in [
            (Door::Status, json!([{ "op": "add", "path": "/status/addresses", "value": address }])),
            (Door::Status, json!([{ "op": "replace", "path": "/status/conditions/3/status", "value": "False" }])),
            (Door::Status, json!([{ "op": "remove", "path": "/status/images" }])),
            (Door::Status, json!([{ "op": "remove", "path": "/status/allocatable" }])),
            (Door::Status, json!([{ "op": "add", "path": "/status/capacity/cpu", "value": "16000m" }])),
            (Door::Main, json!([{ "op": "remove", "path": "/spec/taints" }])),
            (Door::Main, json!([{ "op": "remove", "path": "/metadata/annotations" }])),
            (Door::Main, json!([{ "op": "add", "path": "/metadata/labels/l", "value": "1" }])),
            (
                Door::Main,
                json!([{ "op": "copy", "from": "/status/capacity/cpu", "path": "/metadata/annotations/cpu" }]),
            ),
            (Door::Main, json!([{ "op": "test", "path": "/metadata/labels/l", "value": null }])),
        ] {
            let [in_part, whole] = both_ways(door, &Patch::Json(operations.clone()));
            assert_eq!(in_part, whole, "{operations}");
        }
        let merge =
            json!({ "metadata": { "annotations": { "a": null, "b": "2" } }, "spec": { "unschedulable": true } });
        let [in_part, whole] = both_ways(Door::Main, &Patch::Merge(merge));
        assert_eq!(in_part, whole);
    }

    #[test]
    fn a_patch_of_the_owners_is_for_the_whole() {
        assert!(touched(&Patch::Json(json!([{ "op": "remove", "path": "/metadata/managedFields" }]))).is_none());
        assert!(touched(&Patch::Json(json!([{ "op": "test", "path": "", "value": {} }]))).is_none());
        assert!(touched(&Patch::Merge(json!({ "metadata": null }))).is_none());
        assert_eq!(touched(&Patch::Merge(json!({ "spec": null }))), Some(Vec::new()));
    }
}
