//! The smallest patches that bring a Node to where it should be, and lose nothing that others write meanwhile.
//!
//! - Every patch names the Node's uid, so that a Node re-created under the same name is refused (409 or 422), not changed.
//! - Both are JSON patches (RFC 6902), which the API server applies to the object as it is at that moment, all of it or
//!   nothing. `spec.taints` is a list that every other kind of patch replaces whole, and so would lose a taint that
//!   somebody adds in the same instant; here each entry that is removed is first tested to be the one that was meant.
//! - `status.addresses` is ours to replace whole, but only on the Node that we took it for: a provider ID that somebody
//!   has set meanwhile may make it another cloud's.

use json_patch::jsonptr::PointerBuf;
use json_patch::{AddOperation, Patch, PatchOperation, RemoveOperation, TestOperation};
use serde_json::{Value, json};

use super::addresses::NodeAddress;
use super::names::UNINITIALIZED_TAINT;
use super::node::Node;
use super::taint::Taint;

/// What a Node should have. What is not named here is not ours, and is not written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Desired {
    /// `status.addresses`, whole; `None` leaves them as they are.
    pub addresses: Option<Vec<NodeAddress>>,
    /// Labels with their values.
    pub labels: Vec<(&'static str, String)>,
    /// The provider ID for a Node that has none.
    pub provider_id: Option<String>,
    /// Whether the Node is complete with this, and loses the uninitialized taint.
    pub initialised: bool,
    /// Whether the Node is to carry the shutdown taint, for its machine is switched off, or not, for it is Ready; `None`
    /// leaves that as it is.
    pub shut_down: Option<bool>,
}

/// The patch of the `status` subresource; `None` where the addresses are right already.
#[must_use]
pub fn of_status(node: &Node, desired: &Desired) -> Option<Patch> {
    let addresses = desired.addresses.as_ref().filter(|addresses| ***addresses != *node.addresses)?;
    Some(Patch(vec![
        test(&["metadata", "uid"], json!(node.uid)),
        same_device(node),
        add(&["status", "addresses"], json!(addresses)),
    ]))
}

/// The patch of labels, provider ID and taints together, so that a Node without the taint is complete; `None` where nothing
/// differs.
#[must_use]
pub fn of_node(node: &Node, desired: &Desired) -> Option<Patch> {
    let mut operations = of_labels(node, desired);
    // Were it set meanwhile by somebody else, the API server refuses the whole patch: a provider ID never changes
    // (Kubernetes core validation, `ValidateNodeUpdate`).
    if let (None, Some(provider_id)) = (&node.provider_id, &desired.provider_id) {
        operations.push(add(&["spec", "providerID"], json!(provider_id)));
    }
    // Both in one go, so that the places of the one stay true while the other is removed.
    let unmark = desired.shut_down == Some(false);
    operations.extend(untaint(node, |taint| {
        (desired.initialised && taint.key == UNINITIALIZED_TAINT) || (unmark && taint.is_shutdown())
    }));
    let other_mark = desired.shut_down.is_some_and(|shut_down| shut_down != node.is_marked_shut_down());
    if other_mark && !unmark {
        operations.extend(mark_shut_down(node));
    }
    if operations.is_empty() {
        return None;
    }
    // Before any of it changes what is tested.
    let mut tests = vec![test(&["metadata", "uid"], json!(node.uid))];
    let is_known = desired.initialised && node.provider_id.is_some();
    tests.extend((other_mark || is_known).then(|| same_device(node)));
    Some(Patch([tests, operations].concat()))
}

/// Adds the shutdown taint behind the others. Were it there already by then, the API server refuses a second one (Kubernetes
/// core validation, `validateNodeTaints`).
fn mark_shut_down(node: &Node) -> Vec<PatchOperation> {
    let taint = json!(Taint::shutdown());
    if node.taints.is_empty() {
        // The list itself has to be made, but not in place of one that somebody else makes meanwhile.
        vec![test(&["spec", "taints"], Value::Null), add(&["spec", "taints"], json!([taint]))]
    } else {
        vec![add(&["spec", "taints", "-"], taint)]
    }
}

/// The provider ID is still the one that the device was found by. A test for `null` holds where the field is absent, as an
/// empty provider ID is.
fn same_device(node: &Node) -> PatchOperation {
    test(&["spec", "providerID"], json!(node.provider_id))
}

fn of_labels(node: &Node, desired: &Desired) -> Vec<PatchOperation> {
    let differing = || desired.labels.iter().filter(|(label, value)| node.labels.get(label) != Some(value));
    if !node.labels.is_empty() || differing().next().is_none() {
        return differing().map(|(label, value)| add(&["metadata", "labels", label], json!(value))).collect();
    }
    // The map itself has to be made, but not in place of one that somebody else makes meanwhile.
    let labels: Value = differing().map(|(label, value)| ((*label).to_owned(), json!(value))).collect();
    vec![test(&["metadata", "labels"], Value::Null), add(&["metadata", "labels"], labels)]
}

/// Removes each entry of a taint of ours, the last first, so that the places of the others stay true.
fn untaint(node: &Node, is_it: impl Fn(&Taint) -> bool) -> impl Iterator<Item = PatchOperation> {
    let ours = node.taints.iter().enumerate().filter(move |(_, taint)| is_it(taint));
    ours.rev().flat_map(|(index, taint)| {
        let path = ["spec", "taints", &index.to_string()];
        let path = PointerBuf::from_tokens(path);
        [
            PatchOperation::Test(TestOperation { path: path.clone(), value: json!(taint) }),
            PatchOperation::Remove(RemoveOperation { path }),
        ]
    })
}

fn add(path: &[&str], value: Value) -> PatchOperation {
    PatchOperation::Add(AddOperation { path: PointerBuf::from_tokens(path.iter().copied()), value })
}

fn test(path: &[&str], value: Value) -> PatchOperation {
    PatchOperation::Test(TestOperation { path: PointerBuf::from_tokens(path.iter().copied()), value })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::kubernetes::names::{REGION_LABEL, SHUTDOWN_TAINT, ZONE_LABEL};
    use crate::kubernetes::{AddressType, NodeObject};
    use proptest::prelude::*;

    fn node(object: &Value) -> Node {
        serde_json::from_value::<NodeObject>(object.clone()).unwrap().into()
    }

    fn registered() -> Value {
        json!({"metadata": {"name": "a", "uid": "u", "labels": {"kubernetes.io/os": "linux"}},
               "spec": {"taints": [{"key": "other", "effect": "NoExecute"},
                                   {"key": UNINITIALIZED_TAINT, "value": "true", "effect": "NoSchedule"}]}})
    }

    fn desired() -> Desired {
        Desired {
            addresses: Some(vec![NodeAddress { kind: AddressType::Hostname, address: "a".into() }]),
            labels: vec![(REGION_LABEL, "ny".into()), (ZONE_LABEL, "ny5".into())],
            provider_id: Some("packet://d".into()),
            initialised: true,
            shut_down: None,
        }
    }

    #[test]
    fn one_patch_brings_labels_and_provider_id_and_takes_the_taint() {
        let mut object = registered();
        let patch = of_node(&node(&object), &desired()).unwrap();
        json_patch::patch(&mut object, &patch).unwrap();
        assert_eq!(
            object["spec"],
            json!({"providerID": "packet://d", "taints": [{"key": "other", "effect": "NoExecute"}]})
        );
        assert_eq!(
            object["metadata"]["labels"],
            json!({"kubernetes.io/os": "linux", REGION_LABEL: "ny", ZONE_LABEL: "ny5"})
        );
        assert_eq!(of_node(&node(&object), &desired()), None);
    }

    #[test]
    fn nothing_is_written_where_nothing_differs() {
        let object = json!({"metadata": {"name": "a", "uid": "u", "labels": {REGION_LABEL: "ny", ZONE_LABEL: "ny5"}},
            "spec": {"providerID": "packet://d"}, "status": {"addresses": [{"type": "Hostname", "address": "a"}]}});
        assert_eq!(of_node(&node(&object), &desired()), None);
        assert_eq!(of_status(&node(&object), &desired()), None);
    }

    #[test]
    fn a_provider_id_that_is_set_is_never_in_a_patch() {
        let mut object = registered();
        object["spec"]["providerID"] = json!("packet://other");
        let patch = of_node(&node(&object), &desired()).unwrap();
        let is_write = |operation: &PatchOperation| !matches!(operation, PatchOperation::Test(_));
        let writes: Vec<_> = patch.0.iter().filter(|operation| is_write(operation)).collect();
        assert!(!json!(writes).to_string().contains("providerID"), "{patch}");
    }

    #[test]
    fn a_node_without_labels_is_given_the_map_only_if_nobody_else_does() {
        let mut object = registered();
        object["metadata"]["labels"] = Value::Null;
        let patch = of_node(&node(&object), &desired()).unwrap();
        assert_eq!(json!(patch)[1], json!({"op": "test", "path": "/metadata/labels", "value": null}));
        json_patch::patch(&mut object, &patch).unwrap();
        assert_eq!(object["metadata"]["labels"], json!({REGION_LABEL: "ny", ZONE_LABEL: "ny5"}));
    }

    fn shut_down(shut_down: bool) -> Desired {
        Desired { shut_down: Some(shut_down), ..Desired::default() }
    }

    #[test]
    fn the_shutdown_taint_comes_behind_the_others_and_goes_alone() {
        for before in [json!(null), json!([{"key": "other", "effect": "NoExecute"}])] {
            let mut object = registered();
            object["spec"] = json!({"providerID": "packet://d", "taints": before});
            let patch = of_node(&node(&object), &shut_down(true)).unwrap();
            json_patch::patch(&mut object, &patch).unwrap();
            let ours = json!({"key": SHUTDOWN_TAINT, "effect": "NoSchedule"});
            assert_eq!(object["spec"]["taints"].as_array().unwrap().last(), Some(&ours));
            assert_eq!(of_node(&node(&object), &shut_down(true)), None, "it is there already");
            let patch = of_node(&node(&object), &shut_down(false)).unwrap();
            json_patch::patch(&mut object, &patch).unwrap();
            assert_eq!(object["spec"]["taints"], before.as_array().map_or(json!([]), |before| json!(before)));
        }
    }

    #[test]
    fn a_node_that_another_cloud_claims_meanwhile_is_neither_marked_nor_unmarked() {
        let mut object = registered();
        object["spec"]["providerID"] = json!("packet://d");
        let mark = of_node(&node(&object), &shut_down(true)).unwrap();
        object["spec"]["taints"] = json!([Taint::shutdown()]);
        let unmark = of_node(&node(&object), &shut_down(false)).unwrap();
        object["spec"]["providerID"] = json!("aws:///eu/i-1");
        for patch in [mark, unmark] {
            assert!(json_patch::patch(&mut object.clone(), &patch).is_err(), "{patch}");
        }
    }

    #[test]
    fn everything_can_be_wanted_of_a_node_at_once() {
        for (shut_down, marked) in [(true, false), (false, true)] {
            let mut object = registered();
            object["spec"]["providerID"] = Value::Null;
            if marked {
                object["spec"]["taints"].as_array_mut().unwrap().push(json!(Taint::shutdown()));
            }
            let desired = Desired { shut_down: Some(shut_down), ..desired() };
            let patch = of_node(&node(&object), &desired).unwrap();
            json_patch::patch(&mut object, &patch).unwrap();
            assert_eq!(node(&object).is_marked_shut_down(), shut_down);
            assert_eq!(of_node(&node(&object), &desired), None);
        }
    }

    /// Another writer's taints: any but ours, in any number and place.
    fn taints() -> impl Strategy<Value = Vec<Value>> {
        let key = prop_oneof![Just("a"), Just("b"), Just(UNINITIALIZED_TAINT), Just(SHUTDOWN_TAINT)];
        let effect = prop_oneof![Just("NoSchedule"), Just("NoExecute")];
        prop::collection::vec((key, effect).prop_map(|(key, effect)| json!({"key": key, "effect": effect})), 0..5)
    }

    proptest! {
        /// The patch was made of one state of the Node and is applied to another: a Node that loses the uninitialized taint by
        /// it has its provider ID and labels then, and one that had a provider ID has the same.
        #[test]
        fn a_node_is_complete_once_it_is_untainted_and_its_provider_id_stays(
            seen in taints(),
            then in taints(),
            ids in (0..3_usize, 0..3_usize),
            labelled in (any::<bool>(), any::<bool>()),
        ) {
            let state = |taints: &[Value], id: usize, is_labelled: bool| {
                let mut object = registered();
                object["spec"]["taints"] = json!(taints);
                object["spec"]["providerID"] = json!([None, Some("packet://d"), Some("aws:///eu/i-1")][id]);
                object["metadata"]["labels"] = if is_labelled { json!({"theirs": "yes", REGION_LABEL: "sv"}) } else { Value::Null };
                object
            };
            let Some(patch) = of_node(&node(&state(&seen, ids.0, labelled.0)), &desired()) else { return Ok(()) };
            let before = state(&then, ids.1, labelled.1);
            let mut after = before.clone();
            if json_patch::patch(&mut after, &patch).is_err() {
                return Ok(());
            }
            let is_tainted = |object: &Value| node(object).is_uninitialized();
            if is_tainted(&before) && !is_tainted(&after) {
                prop_assert!(after["spec"]["providerID"].is_string(), "{}", after);
                prop_assert_eq!(&after["metadata"]["labels"][REGION_LABEL], "ny");
            }
            // That one is set meanwhile where there was none the API server refuses.
            if before["spec"]["providerID"].is_string() && ids.0 != 0 {
                prop_assert_eq!(&after["spec"]["providerID"], &before["spec"]["providerID"]);
            }
        }

        /// The patch was made of one state of the Node and is applied to another: either it is refused, or exactly the
        /// taints that were meant are gone or come, and every other taint stands, in its order.
        #[test]
        fn no_taint_of_another_writer_is_ever_lost(seen in taints(), then in taints(), what in 0..3_usize) {
            let with = |taints: &[Value]| {
                let mut object = registered();
                object["spec"]["taints"] = json!(taints);
                object
            };
            let is_shutdown = |taint: &&Value| taint["key"] == SHUTDOWN_TAINT && taint["effect"] == "NoSchedule";
            let is_uninitialized = |taint: &&Value| taint["key"] == UNINITIALIZED_TAINT;
            let desired = [desired(), shut_down(true), shut_down(false)][what].clone();
            let Some(patch) = of_node(&node(&with(&seen)), &desired) else {
                prop_assert_eq!(seen.iter().any(|taint| is_shutdown(&taint)), what == 1);
                return Ok(());
            };
            let mut object = with(&then);
            let is_ours = |taint: &&Value| if what == 0 { is_uninitialized(taint) } else { is_shutdown(taint) };
            if json_patch::patch(&mut object, &patch).is_ok() {
                let now = object["spec"]["taints"].as_array().unwrap();
                let left: Vec<_> = now.iter().filter(|t| !is_ours(t)).collect();
                let others: Vec<_> = then.iter().filter(|taint| !is_ours(taint)).collect();
                prop_assert_eq!(left, others);
            } else {
                prop_assert_eq!(object, with(&then));
            }
        }
    }
}
