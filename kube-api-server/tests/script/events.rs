//! Core/v1 Events.

use serde_json::{Value, json};

use super::{APPLY, MERGE, STRATEGIC, Step, delete, get, patch, post, put};

const EVENTS: &str = "/api/v1/namespaces/default/events";

fn event(metadata: Value, more: Value) -> Value {
    let mut event = json!({
        "metadata": metadata,
        "involvedObject": { "kind": "Node", "name": "n", "uid": "u" },
        "reason": "Synced",
        "message": "Node synced successfully",
        "type": "Normal",
        "source": { "component": "cloud-node-controller" },
        "firstTimestamp": "2001-01-01T00:00:00Z",
        "lastTimestamp": "2001-01-01T00:00:00Z",
        "count": 1,
    });
    for (name, value) in more.as_object().unwrap() {
        event[name] = value.clone();
    }
    event
}

pub(super) fn steps() -> Vec<Step> {
    let named = |name: &str| json!({ "name": name });
    vec![
        post(EVENTS, event(json!({ "name": "e1", "namespace": "default" }), json!({}))),
        post(EVENTS, event(named("e1"), json!({}))),
        post(EVENTS, event(json!({ "generateName": "gen-" }), json!({}))),
        post("/api/v1/namespaces/kube-system/events", event(json!({ "name": "e", "namespace": "default" }), json!({}))),
        post("/api/v1/namespaces/kube-system/events", event(named("e"), json!({}))),
        post(
            "/api/v1/namespaces/kube-system/events",
            event(named("e"), json!({ "involvedObject": { "kind": "Lease", "namespace": "kube-system" } })),
        ),
        post(
            "/api/v1/namespaces/nosuch/events",
            event(named("e"), json!({ "involvedObject": { "kind": "Pod", "namespace": "nosuch" } })),
        ),
        post(
            EVENTS,
            event(
                named("e2"),
                json!({ "eventTime": "2001-01-01T00:00:00.123456Z", "reportingComponent": "me", "reportingInstance": "x", "action": "a" }),
            ),
        ),
        post(EVENTS, event(named("e3"), json!({ "eventTime": "2001-01-01T00:00:00.123456Z" }))),
        post(EVENTS, event(named("e3"), json!({ "eventTime": "2001-01-01T00:00:00Z" }))),
        post(EVENTS, json!({ "metadata": { "name": "e4" } })),
        post(
            EVENTS,
            event(
                named("e5"),
                json!({ "type": "Bogus", "series": { "count": 2, "lastObservedTime": "2001-01-01T00:00:00.000000Z" } }),
            ),
        ),
        post(EVENTS, event(named("E_5"), json!({}))),
        patch(MERGE, format!("{EVENTS}/e1"), json!({ "count": 2 })),
        patch(STRATEGIC, format!("{EVENTS}/e1"), json!({ "count": 3, "lastTimestamp": "2001-01-02T00:00:00Z" })),
        patch(MERGE, format!("{EVENTS}/e2"), json!({ "reason": "other" })),
        patch(
            APPLY,
            format!("{EVENTS}/e6?fieldManager=m"),
            json!({ "apiVersion": "v1", "kind": "Event", "metadata": { "name": "e6" }, "involvedObject": { "kind": "Node" } }),
        ),
        put(format!("{EVENTS}/e7"), event(named("e7"), json!({}))),
        put(format!("{EVENTS}/e7"), event(named("e7"), json!({ "count": 5 }))),
        get(
            "/api/v1/events?fieldSelector=involvedObject.name%3Dn,reason%3DSynced,type!%3DWarning,source%3Dcloud-node-controller",
        ),
        get(
            "/api/v1/events?fieldSelector=involvedObject.kind%3DNode,involvedObject.uid%3Du,involvedObject.namespace%3D&limit=2",
        ),
        get("/api/v1/namespaces/kube-system/events"),
        get("/api/v1/namespaces/nosuch/events"),
        get("/api/v1/namespaces/default/events?limit=2"),
        get("/api/v1/namespaces/default/events?limit=2&continue=${continue}"),
        get("/api/v1/events?fieldSelector=bogus%3Dx"),
        get(format!("{EVENTS}/nonesuch")),
        delete(format!("{EVENTS}/e1")),
        delete(EVENTS),
        delete("/api/v1/namespaces/kube-system/events"),
        get("/api/v1/events"),
    ]
}
