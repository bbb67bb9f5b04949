//! Creating Nodes: what the server adds, drops and refuses.

use serde_json::{Value, json};

use super::{Step, delete, get, post, post_text};

const NODES: &str = "/api/v1/nodes";

fn node(name: &str, spec: Value, status: Value) -> Value {
    json!({ "apiVersion": "v1", "kind": "Node", "metadata": { "name": name }, "spec": spec, "status": status })
}

fn refused() -> Vec<Step> {
    let with_metadata =
        |metadata: Value| post(NODES, json!({ "apiVersion": "v1", "kind": "Node", "metadata": metadata }));
    vec![
        with_metadata(json!({ "name": "A_b" })),
        with_metadata(json!({ "name": "a..b" })),
        with_metadata(json!({ "name": "x".repeat(254) })),
        with_metadata(json!({})),
        with_metadata(json!({ "name": "v", "resourceVersion": "5" })),
        with_metadata(json!({ "name": "v", "labels": { "a b": "x y" }, "annotations": { "A b": "x" } })),
        // Go's maps have no order, so one wrong label at a time.
        with_metadata(json!({ "name": "v", "labels": { "a": "x".repeat(64) } })),
        with_metadata(json!({ "name": "v", "labels": { "/b": "" } })),
        with_metadata(json!({ "name": "v", "labels": { "a/b/c": "" } })),
        with_metadata(json!({ "name": "v", "labels": { "-": "" } })),
        with_metadata(json!({ "name": "v", "labels": { "x".repeat(64): "1" } })),
        with_metadata(json!({ "name": "v", "labels": { "Upper.example/a": "1" } })),
        with_metadata(json!({ "name": "v", "finalizers": ["nosuch", "a b/c"] })),
        with_metadata(json!({ "name": "v", "annotations": { "big": "x".repeat(262_145) } })),
        with_metadata(json!({ "name": 1 })),
        with_metadata(json!({ "name": "v", "labels": { "a": 1 } })),
        with_metadata(json!({ "name": "v", "labels": [] })),
        post(NODES, json!({ "apiVersion": "v1", "kind": "Pod", "metadata": { "name": "v" } })),
        post(NODES, json!({ "apiVersion": "v2", "kind": "Node", "metadata": { "name": "v" } })),
        post_text(NODES, "{bad").by_reason(),
        post_text(NODES, "[]").by_reason(),
        post(
            NODES,
            node(
                "v",
                json!({ "taints": [
                    { "key": "k", "effect": "Nope" },
                    { "key": "k", "effect": "NoSchedule" },
                    { "key": "k", "effect": "NoSchedule", "value": "a b" },
                    { "key": "", "effect": "" },
                ], "podCIDRs": ["x"] }),
                json!({}),
            ),
        ),
        post(NODES, node("v", json!({ "podCIDRs": ["10.0.0.0/24", "10.1.0.0/24"] }), json!({}))),
        post(NODES, node("v", json!({ "taints": "x" }), json!({}))),
        post(NODES, node("v", json!({ "unschedulable": "yes" }), json!({}))),
        post(NODES, node("v", json!({}), json!({ "capacity": { "cpu": "x" } }))),
        post(NODES, node("v", json!({}), json!({ "capacity": { "cpu": "-1" } }))),
        post(NODES, node("v", json!({}), json!({ "conditions": [{ "type": "Ready", "lastHeartbeatTime": "soon" }] }))),
        post(
            "/api/v1/nodes?fieldValidation=Strict",
            json!({ "metadata": { "name": "v", "foo": 1 }, "spec": { "bar": 1, "taints": [{ "key": "k", "effect": "NoSchedule", "x": 1 }] } }),
        ),
        post("/api/v1/nodes?fieldValidation=Bogus", json!({ "metadata": { "name": "v" } })),
        post("/api/v1/nodes?dryRun=x", json!({ "metadata": { "name": "v" } })),
    ]
}

fn accepted() -> Vec<Step> {
    vec![
        post(NODES, json!({ "metadata": { "name": "c1" } })),
        post(NODES, json!({ "metadata": { "name": "c1" } })),
        post(NODES, json!({ "metadata": { "generateName": "gen-" } })),
        post(
            NODES,
            json!({ "metadata": {
                "name": "c2", "uid": "abc", "creationTimestamp": "2001-01-01T00:00:00Z", "selfLink": "/x", "generation": 7,
                "deletionTimestamp": "2001-01-01T00:00:00Z", "labels": { "b": "2", "a": "" }, "annotations": { "Upper/K": "v" },
                "ownerReferences": [], "finalizers": [],
            } }),
        ),
        post(
            NODES,
            node(
                "c3",
                json!({ "providerID": "packet://1", "podCIDR": "10.0.0.0/24", "foo": 1, "taints": [
                    { "key": "node.cloudprovider.kubernetes.io/uninitialized", "value": "true", "effect": "NoSchedule" },
                    { "key": "t", "effect": "NoExecute", "timeAdded": "2001-01-01T02:00:00+02:00" },
                ] }),
                json!({
                    "phase": "Running",
                    "addresses": [{ "type": "Hostname", "address": "c3" }, { "type": "InternalIP", "address": "10.0.0.1" }],
                    "conditions": [{ "type": "Ready", "status": "True", "lastHeartbeatTime": "2001-01-01T00:00:00.5Z" }],
                    "capacity": { "cpu": "1000m", "memory": "1048576Ki", "pods": 110, "a": "0.5", "b": "16384000Ki", "c": "1e3",
                        "d": "1.5Gi", "e": "100M", "f": "1000000", "g": "0", "h": "1536Mi", "i": "12E", "j": "0.1" },
                    "nodeInfo": { "machineID": "m", "kubeletVersion": "v1.36.3" },
                    "images": [{ "names": ["a", "b"], "sizeBytes": 5 }, { "names": [] }],
                    "volumesInUse": [], "daemonEndpoints": { "kubeletEndpoint": { "Port": 10250 } },
                    "features": { "supplementalGroupsPolicy": false },
                }),
            ),
        ),
        post(
            NODES,
            node(
                "c4",
                json!({ "podCIDRs": ["10.0.0.0/24", "fd00::/64"], "taints": [{ "key": "node.kubernetes.io/not-ready", "effect": "NoSchedule" }] }),
                json!({}),
            ),
        ),
        post(NODES, json!({ "metadata": { "name": "c5", "foo": 1 }, "spec": { "bar": 1 } })),
        post("/api/v1/nodes?dryRun=All", json!({ "metadata": { "name": "dry" } })),
        get("/api/v1/nodes/dry"),
        post("/api/v1/nodes?fieldManager=me", json!({ "metadata": { "name": "c6", "labels": { "a": "1" } } })),
        get("/api/v1/nodes/c6"),
        get("/api/v1/nodes/c6/status"),
        delete(NODES),
    ]
}

pub(super) fn steps() -> Vec<Step> {
    let mut steps = refused();
    steps.extend(accepted());
    steps
}
