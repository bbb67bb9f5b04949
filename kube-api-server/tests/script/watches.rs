//! Watches: from a version, from the present, with selectors, bookmarks and initial events.

use serde_json::json;

use super::{MERGE, Step, TABLE, delete, get, patch, post};

fn watch(query: &str) -> Step {
    get(format!("/api/v1/nodes?watch=true&timeoutSeconds=1&{query}"))
}

pub(super) fn steps() -> Vec<Step> {
    let label = |value: &str| patch(MERGE, "/api/v1/nodes/w1", json!({ "metadata": { "labels": { "l": value } } }));
    let mut steps = vec![
        post("/api/v1/nodes", json!({ "metadata": { "name": "w0", "labels": { "l": "0" } } })),
        get("/api/v1/nodes"),
        post("/api/v1/nodes", json!({ "metadata": { "name": "w1", "labels": { "l": "a" } } })),
        label("b"),
        // No change, and so no event.
        label("b"),
        label("a"),
        patch(MERGE, "/api/v1/nodes/w1/status", json!({ "status": { "phase": "Running" } })),
        delete("/api/v1/nodes/w1"),
        post("/api/v1/namespaces/default/events", json!({ "metadata": { "name": "w1" } })),
        post("/api/v1/nodes", json!({ "metadata": { "name": "w2", "labels": { "l": "a" } } })),
    ];
    for query in [
        "resourceVersion=${list}",
        "resourceVersion=${list}&labelSelector=l%3Da",
        "resourceVersion=${list}&labelSelector=l%3Db",
        "resourceVersion=${list}&fieldSelector=metadata.name%3Dw2",
        "resourceVersion=${list}&allowWatchBookmarks=true",
        "resourceVersion=${rv:w2}",
        "resourceVersion=99999999",
        "resourceVersion=0",
        "resourceVersion=0&labelSelector=l%3Da",
    ] {
        steps.push(watch(query));
    }
    // A bookmark's version would be captured as that of the list, so these come after the others.
    for query in [
        "",
        "allowWatchBookmarks=true",
        "allowWatchBookmarks=true&resourceVersion=0",
        "allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
        "allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=0&labelSelector=l%3D0",
        "sendInitialEvents=true&resourceVersionMatch=NotOlderThan",
        "allowWatchBookmarks=true&sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion=${rv:w0}",
        "sendInitialEvents=true",
        "resourceVersionMatch=NotOlderThan",
        "sendInitialEvents=true&resourceVersionMatch=Exact",
        "resourceVersion=x",
        "labelSelector=a+b",
        "fieldSelector=bogus%3D1",
    ] {
        steps.push(watch(query));
    }
    steps.push(watch("allowWatchBookmarks=true").accepting(TABLE));
    steps.push(get("/api/v1/namespaces/default/events?watch=true&timeoutSeconds=1"));
    steps.push(get("/api/v1/namespaces/kube-system/events?watch=true&timeoutSeconds=1"));
    steps.push(delete("/api/v1/namespaces/default/events/w1"));
    steps.push(delete("/api/v1/nodes"));
    steps
}
