//! What the server itself puts into an object on its way in: defaults, admission, and what a door does not let change.

use serde_json::{Map, Value, json};

use crate::resource::Resource;
use crate::validation::Door;

const NOT_READY: &str = "node.kubernetes.io/not-ready";
const NAME_LABEL: &str = "kubernetes.io/metadata.name";

/// Fills in what follows from other fields, as decoding does in kube-apiserver: before anybody is noted as the owner.
pub(crate) fn on_decoding(resource: Resource, object: &mut Value) {
    match resource {
        Resource::Nodes => {
            default_allocatable(object);
            pod_cidr_fields(object);
        }
        Resource::Namespaces => label_with_name(object),
        Resource::Events | Resource::Leases => {}
    }
}

/// Completes an object that is about to be created.
pub(crate) fn on_creation(resource: Resource, object: &mut Value) {
    match resource {
        Resource::Nodes => {
            taint_as_not_ready(object);
            object["spec"].as_object_mut().map(|spec| spec.remove("configSource"));
            object["status"].as_object_mut().map(|status| status.remove("config"));
        }
        Resource::Namespaces => {
            object["spec"] = json!({ "finalizers": ["kubernetes"] });
            object["status"] = json!({ "phase": "Active" });
        }
        Resource::Events | Resource::Leases => without_disabled_fields(object),
    }
}

/// Puts back what the door that a write came through cannot change, and what a client may leave out.
pub(crate) fn on_update(resource: Resource, door: Door, old: &Value, new: &mut Value) {
    if resource.has_status() {
        let kept = if door == Door::Main { "status" } else { "spec" };
        match old.get(kept) {
            Some(value) if new.get(kept) == Some(value) => {}
            Some(value) => new[kept] = value.clone(),
            None => {
                new.as_object_mut().map(|fields| fields.remove(kept));
            }
        }
    }
    match resource {
        Resource::Nodes => {
            new["spec"].as_object_mut().map(|spec| spec.remove("configSource"));
        }
        Resource::Namespaces => {
            // Only the `finalize` subresource changes these.
            new["spec"] = old["spec"].clone();
        }
        Resource::Events | Resource::Leases => without_disabled_fields(new),
    }
}

/// The `TaintNodesByCondition` admission plugin: a Node is not ready until the node lifecycle controller says so, however
/// it was created.
fn taint_as_not_ready(node: &mut Value) {
    let Some(spec) = node["spec"].as_object_mut() else { return };
    let taints = spec.entry("taints").or_insert_with(|| json!([]));
    let Some(taints) = taints.as_array_mut() else { return };
    if !taints.iter().any(|taint| taint["key"] == NOT_READY && taint["effect"] == "NoSchedule") {
        taints.push(json!({ "key": NOT_READY, "effect": "NoSchedule" }));
    }
}

/// What a Node can give is what it has, unless it says less.
fn default_allocatable(node: &mut Value) {
    let Some(status) = node["status"].as_object_mut() else { return };
    let Some(capacity) = status.get("capacity").and_then(Value::as_object).cloned() else { return };
    let allocatable = status.entry("allocatable").or_insert_with(|| Map::new().into());
    let Some(allocatable) = allocatable.as_object_mut() else { return };
    if allocatable.is_empty() {
        *allocatable = capacity;
    }
}

/// `podCIDR` is the first of `podCIDRs`; whichever is given makes the other, and the list wins.
fn pod_cidr_fields(node: &mut Value) {
    let Some(spec) = node["spec"].as_object_mut() else { return };
    let first = spec.get("podCIDRs").and_then(|list| list.get(0)).cloned();
    let single = spec.get("podCIDR").cloned();
    match (single, first) {
        (Some(single), None) => {
            spec.insert("podCIDRs".to_owned(), json!([single]));
        }
        (Some(single), Some(first)) if single != first => {
            // Kubernetes takes the single field to be the newer writer's word.
            spec.insert("podCIDRs".to_owned(), json!([single]));
        }
        (None, Some(first)) => {
            spec.insert("podCIDR".to_owned(), first);
        }
        _ => {}
    }
}

fn label_with_name(namespace: &mut Value) {
    let Some(metadata) = namespace["metadata"].as_object_mut() else { return };
    let Some(name) = metadata.get("name").cloned() else { return };
    let labels = metadata.entry("labels").or_insert_with(|| Map::new().into());
    labels[NAME_LABEL] = name;
}

/// Coordinated leader election is behind a feature gate that is off by default.
fn without_disabled_fields(object: &mut Value) {
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        spec.remove("strategy");
        spec.remove("preferredHolder");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_node_is_tainted_as_not_ready_once() {
        let mut node = json!({ "spec": {}, "status": {} });
        on_creation(Resource::Nodes, &mut node);
        let tainted = node.clone();
        on_creation(Resource::Nodes, &mut node);
        assert_eq!(node, tainted);
        assert_eq!(node["spec"]["taints"], json!([{ "key": NOT_READY, "effect": "NoSchedule" }]));
    }

    #[test]
    fn the_main_door_does_not_change_status_nor_the_other_door_spec() {
        let old = json!({ "metadata": {}, "spec": { "unschedulable": true }, "status": { "phase": "Running" } });
        let mut new = json!({ "metadata": {}, "spec": {}, "status": {} });
        on_update(Resource::Nodes, Door::Main, &old, &mut new);
        assert_eq!((&new["spec"], &new["status"]), (&json!({}), &old["status"]));
        let mut new = json!({ "metadata": {}, "spec": {}, "status": {} });
        on_update(Resource::Nodes, Door::Status, &old, &mut new);
        assert_eq!((&new["spec"], &new["status"]), (&old["spec"], &json!({})));
    }
}
