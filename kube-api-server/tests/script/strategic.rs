//! Strategic merge patch and its directives.

use serde_json::{Value, json};

use super::{STRATEGIC, Step, delete, patch, patch_text, post};

const NODE: &str = "/api/v1/nodes/s1";

pub(super) fn steps() -> Vec<Step> {
    let main = |body: Value| patch(STRATEGIC, NODE, body);
    let status = |body: Value| patch(STRATEGIC, format!("{NODE}/status"), json!({ "status": body }));
    vec![
        post(
            "/api/v1/nodes",
            json!({
                "metadata": { "name": "s1", "labels": { "a": "1" } },
                "status": {
                    "addresses": [{ "type": "InternalIP", "address": "10.0.0.9" }],
                    "conditions": [{ "type": "Ready", "status": "True", "reason": "x" }, { "type": "Memory", "status": "False" }],
                },
            }),
        ),
        status(
            json!({ "addresses": [{ "type": "ExternalIP", "address": "1.2.3.4" }, { "type": "InternalIP", "address": "10.0.0.10" }] }),
        ),
        status(json!({ "conditions": [{ "type": "Ready", "status": "False" }, { "type": "New", "status": "True" }] })),
        status(json!({
            "$setElementOrder/conditions": [{ "type": "New" }, { "type": "Memory" }, { "type": "Ready" }],
            "conditions": [{ "type": "New", "status": "False" }],
        })),
        status(
            json!({ "$setElementOrder/conditions": [{ "type": "Ready" }, { "type": "New" }, { "type": "Memory" }] }),
        ),
        status(json!({ "conditions": [{ "type": "Memory", "status": "True" }] })),
        status(
            json!({ "conditions": [{ "type": "Last", "status": "True" }, { "type": "Memory", "status": "False" }, { "type": "New", "reason": null }] }),
        ),
        status(
            json!({ "conditions": [{ "$patch": "delete", "type": "Last" }, { "type": "Ready", "$patch": "replace", "status": "Unknown" }] }),
        ),
        status(json!({ "conditions": [{ "type": "Memory", "status": "False", "reason": "r" }] })),
        status(json!({ "addresses": [{ "$patch": "delete", "type": "ExternalIP" }] })),
        status(
            json!({ "addresses": [{ "$patch": "replace" }, { "type": "ExternalIP", "address": "1.2.3.4" }, { "type": "InternalIP", "address": "10.0.0.10" }, { "type": "InternalIP", "address": "10.0.0.11" }] }),
        ),
        status(json!({ "addresses": [{ "type": "InternalIP", "address": "10.0.0.12" }] })),
        status(json!({ "addresses": [{ "type": "Hostname", "address": "h" }] })),
        status(json!({ "conditions": [{ "status": "nokey" }] })),
        status(json!({ "addresses": null })),
        status(json!({ "capacity": { "cpu": "4" } })),
        status(json!({ "capacity": { "$patch": "replace", "memory": "1Gi" } })),
        status(json!({ "nodeInfo": { "$patch": "replace", "machineID": "m" } })),
        main(json!({ "spec": { "taints": [{ "key": "s1", "effect": "NoSchedule" }] } })),
        main(
            json!({ "spec": { "taints": [{ "key": "s2", "effect": "NoSchedule" }, { "key": "s3", "effect": "NoExecute" }] } }),
        ),
        main(json!({ "spec": { "taints": [{ "$patch": "delete", "key": "s2" }] } })),
        main(json!({ "spec": { "taints": [] } })),
        main(json!({ "spec": { "unschedulable": true } })),
        main(json!({ "spec": { "unschedulable": null } })),
        main(json!({ "spec": { "podCIDRs": ["10.1.0.0/24"], "podCIDR": "10.1.0.0/24" } })),
        main(json!({ "spec": { "$deleteFromPrimitiveList/podCIDRs": ["10.1.0.0/24"] } })),
        main(json!({ "metadata": { "labels": { "b": "2", "a": null } } })),
        main(json!({ "metadata": { "labels": { "$patch": "replace", "only": "1" } } })),
        main(json!({ "metadata": { "labels": { "$patch": "delete" } } })),
        main(json!({ "metadata": { "labels": { "$patch": "merge", "m": "1" } } })),
        main(json!({ "metadata": { "labels": { "back": "1", "never": null } } })),
        main(json!({ "metadata": { "labels": { "$patch": "merge", "m": "1" } } })),
        main(json!({ "metadata": { "labels": { "$patch": "replace" } } })),
        main(json!({ "metadata": { "annotations": { "$patch": "replace", "absent": "1" } } })),
        main(json!({ "metadata": { "finalizers": ["a.b/c"] } })),
        main(json!({ "metadata": { "finalizers": ["a.b/d", "a.b/c"] } })),
        main(
            json!({ "metadata": { "$setElementOrder/finalizers": ["a.b/c", "a.b/d", "a.b/e"], "finalizers": ["a.b/e"] } }),
        ),
        main(json!({ "metadata": { "$deleteFromPrimitiveList/finalizers": ["a.b/c", "a.b/d", "a.b/e"] } })),
        main(json!({ "metadata": { "$patch": "bogus" } })),
        main(json!({ "spec": { "taints": "x" } })).by_reason(),
        main(json!({ "spec": { "zork": "x" } })),
        main(json!({ "metadata": { "$retainKeys": ["name"], "labels": { "z": "1" } } })),
        patch_text(STRATEGIC, NODE, "nah").by_reason(),
        patch_text(STRATEGIC, NODE, "[]").by_reason(),
        main(json!({})),
        delete(NODE),
    ]
}
