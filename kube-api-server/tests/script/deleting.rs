//! Deletion: preconditions, finalizers, collections.

use serde_json::{Value, json};

use super::{JSON, MERGE, Step, delete, delete_with, get, patch, post};

const NODE: &str = "/api/v1/nodes/d1";

fn create(name: &str, label: &str) -> Step {
    post("/api/v1/nodes", json!({ "metadata": { "name": name, "labels": { "l": label } } }))
}

pub(super) fn steps() -> Vec<Step> {
    let with = |options: Value| delete_with(NODE, options);
    vec![
        delete(NODE),
        create("d1", "1"),
        with(json!({ "preconditions": { "uid": "x" } })),
        with(json!({ "kind": "DeleteOptions", "apiVersion": "v1", "preconditions": { "resourceVersion": "1" } })),
        with(json!({ "dryRun": ["All"] })),
        delete(format!("{NODE}?dryRun=All")),
        with(json!({ "preconditions": { "uid": "${uid:d1}", "resourceVersion": "${rv:d1}" } })),
        get(NODE),
        create("d1", "1"),
        with(json!("garbage")).by_reason(),
        patch(MERGE, NODE, json!({ "metadata": { "finalizers": ["a.b/c"] } })),
        with(json!({ "gracePeriodSeconds": 5, "propagationPolicy": "Background" })),
        delete(NODE),
        patch(MERGE, NODE, json!({ "metadata": { "finalizers": ["a.b/c", "c.d/e"] } })),
        patch(MERGE, NODE, json!({ "metadata": { "labels": { "still": "here" } } })),
        patch(MERGE, NODE, json!({ "metadata": { "deletionTimestamp": null } })),
        patch(MERGE, NODE, json!({ "metadata": { "finalizers": null } })),
        get(NODE),
        create("d2", "x"),
        create("d3", "y"),
        create("d4", "x"),
        delete("/api/v1/nodes?labelSelector=l%3Dx"),
        get("/api/v1/nodes"),
        delete_with("/api/v1/nodes", json!({ "preconditions": { "uid": "x" } })),
        delete("/api/v1/nodes"),
        get("/api/v1/nodes").accepting(JSON),
    ]
}
