//! Health, discovery, and what is not there.

use super::{Step, delete, get, post, put};
use serde_json::json;

pub(super) fn steps() -> Vec<Step> {
    vec![
        get("/healthz"),
        get("/livez"),
        get("/readyz"),
        get("/apis/coordination.k8s.io"),
        get("/apis/coordination.k8s.io/v1"),
        get("/api/v1/pods"),
        get("/api/v1/namespaces/default/pods?fieldSelector=spec.nodeName%3Dn"),
        get("/nope"),
        get("/api/v1/nope"),
        get("/apis/no.such.group/v1/things"),
        get("/api/v1/nodes/n/nope"),
        get("/api/v1/namespaces/default/nodes"),
        get("/api/v1/nodes").accepting("text/html").by_reason(),
        post("/api/v1/nodes/n", json!({})),
        put("/api/v1/nodes", json!({})),
        post("/api/v1/events", json!({})),
        delete("/api/v1/namespaces"),
        delete("/api/v1/nodes/n/status"),
    ]
}
