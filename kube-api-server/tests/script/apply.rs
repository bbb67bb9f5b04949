//! Server-side apply: owners, conflicts, giving up, and the two doors.

use serde_json::{Value, json};

use super::{APPLY, MERGE, Step, delete, get, patch, patch_text, post};

const NODE: &str = "/api/v1/nodes/a1";

fn config(metadata: Value, rest: Value) -> Value {
    let mut config = json!({ "apiVersion": "v1", "kind": "Node", "metadata": metadata });
    config["metadata"]["name"] = "a1".into();
    for (name, value) in rest.as_object().unwrap() {
        config[name] = value.clone();
    }
    config
}

fn by(manager: &str, metadata: Value, rest: Value) -> Step {
    patch(APPLY, format!("{NODE}?fieldManager={manager}"), config(metadata, rest))
}

fn forced(manager: &str, metadata: Value, rest: Value) -> Step {
    patch(APPLY, format!("{NODE}?fieldManager={manager}&force=true"), config(metadata, rest))
}

fn status(manager: &str, status: Value) -> Step {
    patch(APPLY, format!("{NODE}/status?fieldManager={manager}"), config(json!({}), json!({ "status": status })))
}

fn labels(labels: Value) -> Value {
    json!({ "labels": labels })
}

fn taints(keys: &[&str]) -> Value {
    let taints: Vec<Value> = keys.iter().map(|key| json!({ "key": key, "effect": "NoSchedule" })).collect();
    json!({ "spec": { "taints": taints } })
}

fn owners() -> Vec<Step> {
    vec![
        by("m1", labels(json!({ "a": "1", "b": "2" })), taints(&["k"])),
        by("m1", labels(json!({ "a": "1", "b": "2" })), taints(&["k"])),
        by("m1", labels(json!({ "a": "1", "b": "2" })), taints(&["k"])),
        by("m2", labels(json!({ "a": "9", "b": "2" })), taints(&["z"])),
        by("m2", labels(json!({ "b": "2", "c": "3" })), json!({})),
        forced("m2", labels(json!({ "a": "9", "b": "2" })), json!({})),
        by("m1", json!({}), json!({})),
        by("m2", json!({}), json!({})),
        status(
            "m3",
            json!({ "conditions": [{ "type": "Ready", "status": "True" }], "addresses": [{ "type": "Hostname", "address": "x" }] }),
        ),
        status(
            "m4",
            json!({ "conditions": [{ "type": "Ready", "status": "False" }, { "type": "Other", "status": "False" }] }),
        ),
        status("m4", json!({ "conditions": [{ "type": "Other", "status": "False" }] })),
        status("m3", json!({ "conditions": [{ "type": "Third", "status": "True" }] })),
        // Items in the order of the object and of the configuration.
        status(
            "m8",
            json!({ "conditions": [{ "type": "A", "status": "True" }, { "type": "B", "status": "True" }, { "type": "C", "status": "True" }, { "type": "D", "status": "True" }] }),
        ),
        status(
            "m8",
            json!({ "conditions": [{ "type": "D", "status": "True" }, { "type": "N", "status": "True" }, { "type": "B", "status": "True" }, { "type": "A", "status": "True" }, { "type": "C", "status": "True" }] }),
        ),
        status(
            "m8",
            json!({ "conditions": [{ "type": "X", "status": "True" }, { "type": "C", "status": "True" }, { "type": "A", "status": "True" }] }),
        ),
        status(
            "m8",
            json!({ "conditions": [{ "type": "A", "status": "True" }, { "type": "Y", "status": "True" }, { "type": "C", "status": "True" }, { "type": "Third", "status": "True" }] }),
        ),
        patch(MERGE, format!("{NODE}?fieldManager=up"), json!({ "metadata": { "labels": { "y": "no" } } })),
        by("m1", labels(json!({ "y": "maybe" })), json!({ "spec": { "unschedulable": false } })),
        by("m1", labels(json!({ "y": "no" })), json!({})),
        forced("m1", labels(json!({ "y": "maybe" })), json!({ "spec": { "unschedulable": false } })),
        patch(MERGE, format!("{NODE}?fieldManager=up"), json!({ "metadata": { "labels": { "y": "mine", "z": "1" } } })),
        by("m1", labels(json!({ "z": "2" })), json!({})),
        by("m5", json!({ "annotations": { "x": "1" }, "finalizers": ["a.b/c"] }), json!({})),
        by("m6", json!({ "finalizers": ["a.b/d", "a.b/c"] }), json!({})),
        by("m5", json!({}), json!({})),
        by("m6", json!({}), json!({})),
        patch(MERGE, format!("{NODE}?fieldManager=up"), json!({ "metadata": { "managedFields": [{}] } })),
        by("m7", labels(json!({ "after": "reset" })), json!({})),
        patch(MERGE, NODE, json!({ "metadata": { "labels": { "after": null } } })),
        get(NODE),
    ]
}

fn refused() -> Vec<Step> {
    let apply = |path: &str, body: Value| patch(APPLY, path, body);
    let named = |manager: &str| format!("{NODE}?fieldManager={manager}");
    vec![
        apply(NODE, config(json!({}), json!({}))),
        apply(&named("m"), json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "other" } })),
        apply(&named("m"), json!({ "kind": "Node", "metadata": { "name": "a1" } })),
        apply(&named("m"), json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "a1" } })),
        apply(&named("m"), config(json!({ "managedFields": [{ "manager": "q" }] }), json!({}))),
        apply(&named("m"), config(json!({}), json!({ "spec": { "zork": 1 } }))),
        apply(&named("m"), config(json!({ "resourceVersion": "1" }), json!({}))),
        apply(&named("m"), config(json!({ "uid": "1" }), json!({}))),
        apply(&named("m"), config(labels(json!({ "a b": "1" })), json!({}))),
        apply(&named("m"), config(json!({}), json!({ "spec": { "taints": [{ "key": "k", "effect": "x" }] } }))),
        apply(
            "/api/v1/nodes/nn?fieldManager=m",
            json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "nn", "uid": "1" } }),
        ),
        apply(
            "/api/v1/nodes/nn/status?fieldManager=m",
            json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": "nn" } }),
        ),
    ]
}

pub(super) fn steps() -> Vec<Step> {
    let mut steps = owners();
    steps.extend(refused());
    steps.extend([
        patch_text(APPLY, format!("{NODE}?fieldManager=yaml"), "apiVersion: v1\nkind: Node\nmetadata:\n  name: a1\n  labels:\n    from: \"yaml\"\n"),
        delete(NODE),
        // An object that nobody keeps track of, then applied to.
        post("/api/v1/nodes", json!({ "metadata": { "name": "a1", "labels": { "l": "1" } }, "status": { "phase": "Running", "nodeInfo": { "machineID": "m" } } })),
        patch(MERGE, NODE, json!({ "metadata": { "managedFields": [] } })),
        by("late", labels(json!({ "l": "2" })), json!({})),
        by("late", labels(json!({ "n": "2" })), json!({})),
        status("late", json!({ "phase": "Pending" })),
        delete(NODE),
    ]);
    steps
}
