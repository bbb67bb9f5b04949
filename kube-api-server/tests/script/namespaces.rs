//! Namespaces.

use serde_json::json;

use super::{MERGE, Step, delete, get, patch, post};

const NAMESPACES: &str = "/api/v1/namespaces";

pub(super) fn steps() -> Vec<Step> {
    vec![
        get("/api/v1/namespaces/default"),
        get(NAMESPACES),
        get("/api/v1/namespaces?labelSelector=kubernetes.io/metadata.name%3Dkube-system"),
        post(NAMESPACES, json!({ "metadata": { "name": "n1", "labels": { "a": "1" } } })),
        post(NAMESPACES, json!({ "metadata": { "name": "N1" } })),
        post(NAMESPACES, json!({ "metadata": { "name": "a.b" } })),
        post(NAMESPACES, json!({ "metadata": { "name": "x".repeat(64) } })),
        post(NAMESPACES, json!({ "metadata": { "name": "n1" } })),
        patch(
            MERGE,
            "/api/v1/namespaces/n1",
            json!({ "metadata": { "labels": { "b": "2", "kubernetes.io/metadata.name": null } } }),
        ),
        post(
            "/api/v1/namespaces/n1/events",
            json!({ "metadata": { "name": "e" }, "involvedObject": { "namespace": "n1" } }),
        ),
        delete("/api/v1/namespaces/n1/events/e"),
        delete("/api/v1/namespaces/default"),
        delete("/api/v1/namespaces/kube-node-lease"),
        delete("/api/v1/namespaces/nonesuch"),
        delete("/api/v1/namespaces/n1"),
        get("/api/v1/namespaces/n1"),
        post(
            "/api/v1/namespaces/n1/events",
            json!({ "metadata": { "name": "e" }, "involvedObject": { "namespace": "n1" } }),
        ),
    ]
}
