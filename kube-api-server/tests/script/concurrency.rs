//! PUT, and what a version or a uid in a write means.

use serde_json::{Value, json};

use super::{JSON_PATCH, MERGE, Step, delete, get, patch, post, put};

const NODE: &str = "/api/v1/nodes/u1";
const STATUS: &str = "/api/v1/nodes/u1/status";

fn body(metadata: Value, spec: Value, status: Value) -> Value {
    let mut body = json!({ "apiVersion": "v1", "kind": "Node", "metadata": metadata, "spec": spec, "status": status });
    body["metadata"]["name"] = "u1".into();
    body
}

pub(super) fn steps() -> Vec<Step> {
    let main = |metadata: Value, spec: Value| put(NODE, body(metadata, spec, json!({})));
    vec![
        post("/api/v1/nodes", json!({ "metadata": { "name": "u1", "labels": { "a": "1" } } })),
        put(NODE, json!({ "metadata": { "name": "other" } })),
        put("/api/v1/nodes/nonesuch", json!({ "metadata": { "name": "nonesuch" } })),
        put("/api/v1/nodes/nonesuch", json!({ "metadata": { "name": "nonesuch", "resourceVersion": "4" } })),
        main(json!({ "labels": { "a": "2" }, "resourceVersion": "1" }), json!({})),
        main(json!({ "labels": { "a": "2" }, "resourceVersion": "x" }), json!({})),
        main(json!({ "labels": { "a": "2" }, "uid": "x" }), json!({})),
        main(json!({ "labels": { "a": "2" }, "resourceVersion": "${rv:u1}", "uid": "${uid:u1}" }), json!({})),
        // The same again is no write.
        main(json!({ "labels": { "a": "2" } }), json!({})),
        main(json!({ "labels": { "a": "2" } }), json!({ "providerID": "packet://1", "unschedulable": true })),
        main(json!({}), json!({ "providerID": "packet://2" })),
        main(json!({}), json!({})),
        main(json!({}), json!({ "providerID": "packet://1", "taints": [{ "key": "k", "effect": "x" }] })),
        main(json!({ "labels": { "a b": "" } }), json!({ "providerID": "packet://1" })),
        put(NODE, body(json!({}), json!({ "providerID": "packet://1" }), json!({ "phase": "Running" }))),
        put(
            STATUS,
            body(
                json!({ "labels": { "via": "status" } }),
                json!({ "unschedulable": true }),
                json!({ "phase": "Running" }),
            ),
        ),
        put(
            STATUS,
            body(
                json!({}),
                json!({}),
                json!({ "addresses": [{ "type": "InternalIP", "address": "1" }, { "type": "InternalIP", "address": "1" }] }),
            ),
        ),
        put(STATUS, body(json!({ "resourceVersion": "1" }), json!({}), json!({}))),
        put(format!("{STATUS}?dryRun=All"), body(json!({}), json!({}), json!({ "phase": "Pending" }))),
        put(NODE, json!({ "kind": "Pod", "apiVersion": "v1", "metadata": { "name": "u1" } })),
        get(NODE),
        patch(MERGE, NODE, json!({ "metadata": { "resourceVersion": "1", "labels": { "m": "1" } } })),
        patch(MERGE, NODE, json!({ "metadata": { "resourceVersion": "1" } })),
        patch(MERGE, NODE, json!({ "metadata": { "resourceVersion": "${rv:u1}", "labels": { "m": "1" } } })),
        patch(
            MERGE,
            NODE,
            json!({ "metadata": { "resourceVersion": null, "uid": null, "creationTimestamp": null, "labels": { "m": "3" } } }),
        ),
        patch(MERGE, NODE, json!({ "metadata": { "uid": "x", "labels": { "m": "4" } } })),
        patch(MERGE, NODE, json!({ "metadata": { "uid": "${uid:u1}", "labels": { "m": "5" } } })),
        patch(MERGE, STATUS, json!({ "metadata": { "resourceVersion": "1" }, "status": { "phase": "Pending" } })),
        patch(MERGE, STATUS, json!({ "metadata": { "uid": "x" }, "status": { "phase": "Pending" } })),
        patch(
            MERGE,
            NODE,
            json!({ "metadata": { "creationTimestamp": "2001-01-01T00:00:00Z", "labels": { "m": "2" } } }),
        ),
        patch(JSON_PATCH, NODE, json!([{ "op": "test", "path": "/metadata/resourceVersion", "value": "1" }])),
        patch(
            JSON_PATCH,
            NODE,
            json!([{ "op": "test", "path": "/metadata/resourceVersion", "value": "${rv:u1}" }, { "op": "add", "path": "/metadata/labels/t", "value": "1" }]),
        ),
        patch(JSON_PATCH, NODE, json!([{ "op": "replace", "path": "/metadata/resourceVersion", "value": "1" }])),
        patch(JSON_PATCH, NODE, json!([{ "op": "replace", "path": "/metadata/name", "value": "other" }])),
        patch(JSON_PATCH, NODE, json!([{ "op": "replace", "path": "/metadata/uid", "value": "x" }])),
        delete(NODE),
    ]
}
