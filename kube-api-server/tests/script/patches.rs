//! JSON Patch and JSON Merge Patch, those that are refused among them.

use serde_json::{Value, json};

use super::{JSON, JSON_PATCH, MERGE, Step, delete, get, patch, patch_text, post};

const NODE: &str = "/api/v1/nodes/p1";

fn test(path: &str, value: Value) -> Value {
    json!({ "op": "test", "path": path, "value": value })
}

fn json_patches() -> Vec<Step> {
    let operations = |operations: Value| patch(JSON_PATCH, NODE, operations);
    let taint = |key: &str| json!({ "key": key, "effect": "NoSchedule" });
    vec![
        operations(
            json!([test("/spec/providerID", Value::Null), { "op": "add", "path": "/spec/providerID", "value": "packet://x" }]),
        ),
        operations(json!([test("/spec/providerID", Value::Null)])),
        operations(json!([{ "op": "test", "path": "/spec/absent" }])),
        operations(json!([test("/spec/nothing/deep", Value::Null)])),
        operations(json!([test("/nope/deep", Value::Null)])),
        operations(json!([test("/nope", Value::Null)])),
        operations(json!([test("/spec/taints/7", Value::Null)])),
        operations(json!([test("/spec/taints/7", json!(1))])),
        operations(json!([test("/spec/nothing", json!("1"))])),
        operations(json!([test("/spec/taints/0/key", json!("zz"))])),
        operations(
            json!([test("/spec/taints/0", json!({ "effect": "NoSchedule", "key": "k1" })), { "op": "remove", "path": "/spec/taints/0" }]),
        ),
        operations(json!([test("/spec/taints", json!([{ "key": "k2", "value": "v", "effect": "NoExecute" }]))])),
        operations(json!([{ "op": "remove", "path": "/metadata/labels/zzz" }])),
        operations(json!([{ "op": "remove", "path": "/metadata/annotations/zzz" }])),
        operations(json!([{ "op": "replace", "path": "/metadata/labels/zzz", "value": "1" }])),
        operations(json!([{ "op": "replace", "path": "/spec/taints/9", "value": taint("a") }])),
        operations(json!([{ "op": "add", "path": "/metadata/annotations/zzz", "value": "1" }])),
        operations(json!([{ "op": "add", "path": "/metadata/annotations", "value": { "a/b": "1" } }])),
        operations(
            json!([test("/metadata/annotations/a~1b", json!("1")), { "op": "remove", "path": "/metadata/annotations/a~1b" }]),
        ),
        operations(json!([{ "op": "add", "path": "/spec/taints/9", "value": taint("a") }])),
        operations(json!([{ "op": "add", "path": "/spec/taints/-", "value": taint("a") }])),
        operations(json!([{ "op": "add", "path": "/spec/taints/0", "value": taint("first") }])),
        operations(json!([{ "op": "add", "path": "/spec/taints/-1", "value": taint("last") }])),
        operations(json!([{ "op": "remove", "path": "/spec/taints/-1" }])),
        operations(json!([{ "op": "replace", "path": "/spec/taints/-1", "value": taint("r") }])),
        operations(json!([{ "op": "add", "path": "/spec/taints/x", "value": taint("x") }])),
        operations(json!([{ "op": "bogus", "path": "/spec/taints" }])),
        operations(json!([{ "op": "add", "path": "spec/taints", "value": [] }])),
        operations(json!([{ "op": "add", "path": "/spec/unschedulable" }])),
        operations(
            json!([{ "op": "copy", "from": "/metadata/labels/a", "path": "/metadata/labels/b" }, { "op": "move", "from": "/metadata/labels/a", "path": "/metadata/labels/c" }]),
        ),
        operations(json!([{ "op": "move", "from": "/metadata/labels/none", "path": "/metadata/labels/c" }])),
        operations(json!([])),
        operations(json!({ "a": 1 })),
        patch_text(JSON_PATCH, NODE, "nope").by_reason(),
        operations(json!([{ "op": "add", "path": "/metadata/labels/n", "value": 5 }])).by_reason(),
        operations(json!([{ "op": "add", "path": "/spec/taints", "value": "x" }])).by_reason(),
        operations(json!([{ "op": "add", "path": "/spec/zork", "value": "x" }])),
        patch(
            JSON_PATCH,
            format!("{NODE}?fieldValidation=Strict"),
            json!([{ "op": "add", "path": "/spec/zork", "value": "x" }]),
        )
        .by_reason(),
        operations(json!([{ "op": "add", "path": "/status/phase", "value": "Running" }])),
        operations(json!([{ "op": "add", "path": "/spec/taints/-", "value": taint("a") }])),
        operations(json!([{ "op": "replace", "path": "/spec", "value": {} }])),
        patch(JSON_PATCH, "/api/v1/nodes/nonesuch", json!([])),
        patch(JSON, NODE, json!([])),
        patch("text/plain", NODE, json!([])),
    ]
}

fn merge_patches() -> Vec<Step> {
    let merge = |body: Value| patch(MERGE, NODE, body);
    let status = |body: Value| patch(MERGE, format!("{NODE}/status"), body);
    vec![
        merge(json!({ "metadata": { "labels": { "m": "1", "b": null } }, "status": { "phase": "Running" } })),
        merge(json!({ "metadata": { "labels": { "m": "1" } } })),
        merge(json!({ "spec": { "providerID": "other" } })),
        merge(json!({ "spec": { "unschedulable": true, "taints": null } })),
        merge(json!({ "spec": { "unschedulable": false } })),
        merge(json!({ "metadata": { "labels": { "x y": "1" } } })),
        merge(json!({ "metadata": { "labels": "q" } })).by_reason(),
        merge(json!({ "kind": "Pod" })).by_reason(),
        merge(json!({ "apiVersion": "v2" })).by_reason(),
        patch_text(MERGE, NODE, "[1]").by_reason(),
        patch_text(MERGE, NODE, "nah").by_reason(),
        merge(json!({ "metadata": { "labels": null } })),
        merge(json!({})),
        status(
            json!({ "metadata": { "annotations": { "via": "status" } }, "spec": { "podCIDR": "10.0.0.0/8" }, "status": { "addresses": [{ "type": "InternalIP", "address": "10.0.0.9" }] } }),
        ),
        status(
            json!({ "status": { "addresses": [{ "type": "InternalIP", "address": "1" }, { "type": "InternalIP", "address": "2" }] } }),
        ),
        status(
            json!({ "status": { "addresses": [{ "type": "InternalIP", "address": "1" }, { "type": "InternalIP", "address": "1" }] } }),
        ),
        status(
            json!({ "status": { "addresses": [{ "type": "InternalIP", "address": "3" }, { "type": "Hostname", "address": "h" }] } }),
        ),
        status(json!({ "status": { "addresses": null, "conditions": [{ "type": "Ready", "status": "True" }] } })),
        patch(
            MERGE,
            format!("{NODE}?fieldManager=other"),
            json!({ "metadata": { "annotations": { "o": "1", "via": "main" } } }),
        ),
        patch(MERGE, format!("{NODE}?dryRun=All"), json!({ "metadata": { "annotations": { "o": "dry" } } })),
        patch(MERGE, format!("{NODE}?force=true"), json!({})),
        merge(json!({ "spec": { "podCIDRs": ["10.1.0.0/24"] } })),
        merge(json!({ "spec": { "podCIDR": "10.2.0.0/24" } })),
        merge(json!({ "spec": { "podCIDRs": ["10.1.0.0/24", "fd00::/64"] } })),
        merge(json!({ "metadata": { "managedFields": [] } })),
        merge(json!({ "metadata": { "labels": { "untracked": "1" } } })),
    ]
}

pub(super) fn steps() -> Vec<Step> {
    let mut steps = vec![post(
        "/api/v1/nodes",
        json!({
            "metadata": { "name": "p1", "labels": { "a": "1" } },
            "spec": { "taints": [{ "key": "k1", "effect": "NoSchedule" }, { "key": "k2", "value": "v", "effect": "NoExecute" }] },
            "status": {
                "addresses": [{ "type": "Hostname", "address": "p1" }, { "type": "InternalIP", "address": "10.0.0.1" }],
                "conditions": [{ "type": "Ready", "status": "True", "reason": "x" }],
            },
        }),
    )];
    // The taint that the server adds goes, so that the script counts its own.
    steps.push(patch(MERGE, NODE, json!({ "spec": { "taints": [{ "key": "k1", "effect": "NoSchedule" }, { "key": "k2", "value": "v", "effect": "NoExecute" }] } })));
    steps.extend(json_patches());
    steps.extend(merge_patches());
    steps.push(get(NODE));
    steps.push(delete(NODE));
    steps
}
