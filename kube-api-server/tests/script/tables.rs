//! Tables, as kubectl asks for them.

use serde_json::json;

use super::{Step, TABLE, delete, get, post};

pub(super) fn steps() -> Vec<Step> {
    let table = |path: &str| get(path).accepting(TABLE);
    vec![
        table("/api/v1/nodes"),
        post(
            "/api/v1/nodes",
            json!({
                "metadata": { "name": "t1", "labels": { "node-role.kubernetes.io/worker": "", "node-role.kubernetes.io/a": "", "kubernetes.io/role": "old", "node-role.kubernetes.io/": "x" } },
                "spec": { "unschedulable": true },
                "status": {
                    "addresses": [{ "type": "ExternalIP", "address": "1.2.3.4" }, { "type": "InternalIP", "address": "10.0.0.1" }, { "type": "InternalIP", "address": "10.0.0.2" }],
                    "conditions": [{ "type": "Ready", "status": "Unknown" }],
                    "nodeInfo": { "kubeletVersion": "v1.36.3", "osImage": "Ubuntu", "kernelVersion": "6.8", "containerRuntimeVersion": "containerd://2" },
                },
            }),
        ),
        post(
            "/api/v1/nodes",
            json!({ "metadata": { "name": "t2" }, "status": { "conditions": [{ "type": "Ready", "status": "True" }] } }),
        ),
        post("/api/v1/nodes", json!({ "metadata": { "name": "t3" } })),
        table("/api/v1/nodes"),
        table("/api/v1/nodes?limit=1"),
        table("/api/v1/nodes?includeObject=None"),
        table("/api/v1/nodes/t1?includeObject=Object"),
        table("/api/v1/nodes/t2"),
        table("/api/v1/nodes/nonesuch"),
        delete("/api/v1/nodes"),
        post(
            "/apis/coordination.k8s.io/v1/namespaces/default/leases",
            json!({ "metadata": { "name": "t" }, "spec": { "holderIdentity": "me" } }),
        ),
        post("/apis/coordination.k8s.io/v1/namespaces/default/leases", json!({ "metadata": { "name": "u" } })),
        table("/apis/coordination.k8s.io/v1/namespaces/default/leases"),
        delete("/apis/coordination.k8s.io/v1/namespaces/default/leases"),
        post(
            "/api/v1/namespaces/default/events",
            json!({
                "metadata": { "name": "t1" }, "involvedObject": { "kind": "Node", "name": "n", "fieldPath": "spec.x" }, "reason": "R", "message": " M ", "type": "Normal",
                "source": { "component": "c", "host": "h" }, "firstTimestamp": "2001-01-01T00:00:00Z", "lastTimestamp": "2002-01-01T00:00:00Z", "count": 3,
            }),
        ),
        post(
            "/api/v1/namespaces/default/events",
            json!({ "metadata": { "name": "t2" }, "involvedObject": { "kind": "Node", "name": "n" }, "firstTimestamp": "2001-01-01T00:00:00Z", "reportingComponent": "rc", "reportingInstance": "ri" }),
        ),
        post("/api/v1/namespaces/default/events", json!({ "metadata": { "name": "t3" } })),
        post(
            "/api/v1/namespaces/default/events",
            json!({
                "metadata": { "name": "t4" }, "eventTime": "2001-01-01T00:00:00.000000Z", "reportingComponent": "c.d/e", "reportingInstance": "i", "action": "A", "reason": "R",
                "series": { "count": 4, "lastObservedTime": "2003-01-01T00:00:00.000000Z" },
            }),
        ),
        table("/api/v1/namespaces/default/events"),
        delete("/api/v1/namespaces/default/events"),
        table("/api/v1/namespaces?fieldSelector=metadata.name%3Dkube-system"),
    ]
}
