//! Lists: selectors, pages, versions, compaction.

use serde_json::json;

use super::{MERGE, Step, compact, delete, get, patch, post};

fn nodes(query: &str) -> Step {
    get(format!("/api/v1/nodes?{query}"))
}

pub(super) fn steps() -> Vec<Step> {
    let mut steps: Vec<Step> = (1..=5)
        .map(|number| {
            let labels = json!({ "n": number.to_string(), "odd": (number % 2 == 1).to_string() });
            let metadata = json!({ "name": format!("l{number}"), "labels": labels });
            post("/api/v1/nodes", json!({ "metadata": metadata, "spec": { "unschedulable": number == 3 } }))
        })
        .collect();
    for query in [
        "",
        "labelSelector=odd%3Dtrue",
        "labelSelector=odd%3D%3Dtrue,n!%3D1",
        "labelSelector=n+in+(2,4,9),!nope",
        "labelSelector=n+notin+(2,4)",
        "labelSelector=n%3E3",
        "labelSelector=nope",
        "labelSelector=a+b",
        "labelSelector=a%3D%3Db%20c",
        "labelSelector=n+in+2",
        "fieldSelector=metadata.name%3Dl2",
        "fieldSelector=metadata.name!%3Dl2",
        "fieldSelector=metadata.name%3Dl2&labelSelector=odd%3Dtrue",
        "fieldSelector=spec.unschedulable%3Dtrue",
        "fieldSelector=bogus%3Dx",
        "fieldSelector=bogus",
        "fieldSelector=%3D%3D",
        "limit=0",
        "limit=-1",
        "limit=x",
        "limit=100",
        "limit=5",
        "limit=1&labelSelector=odd%3Dtrue",
        "limit=3&labelSelector=n%3D5",
        "limit=1&resourceVersion=0",
        "resourceVersion=0",
        "resourceVersion=x",
        "resourceVersion=${rv:l2}",
        "resourceVersion=${rv:l2}&resourceVersionMatch=NotOlderThan",
        "resourceVersion=${rv:l2}&resourceVersionMatch=Exact",
        "resourceVersion=${rv:l2}&limit=1",
        "resourceVersion=${rv:l2}&limit=1&resourceVersionMatch=NotOlderThan",
        "resourceVersion=0&resourceVersionMatch=Exact",
        "resourceVersionMatch=Exact",
        "resourceVersion=1&resourceVersionMatch=Bogus",
        "sendInitialEvents=true",
        "timeoutSeconds=x",
        "continue=bogus",
    ] {
        steps.push(nodes(query));
    }
    steps.extend([
        // Pages show what was there when the first was read.
        nodes("limit=2"),
        patch(MERGE, "/api/v1/nodes/l4", json!({ "metadata": { "labels": { "changed": "1" } } })),
        delete("/api/v1/nodes/l5"),
        post("/api/v1/nodes", json!({ "metadata": { "name": "l6" } })),
        nodes("limit=2&resourceVersion=5&continue=${continue}"),
        nodes("limit=2&resourceVersion=5&resourceVersionMatch=Exact&continue=${continue}"),
        nodes("limit=2&continue=${continue}"),
        nodes("limit=2&continue=${continue}"),
        // After a compaction they are gone, and the answer says how to go on.
        nodes("limit=1"),
        post("/api/v1/nodes", json!({ "metadata": { "name": "l7" } })),
        compact(),
        nodes("limit=1&continue=${continue}"),
        nodes("limit=2&continue=${continue}"),
        nodes("resourceVersion=${rv:l1}&resourceVersionMatch=Exact"),
        nodes("resourceVersion=${rv:l1}&limit=1"),
        get("/api/v1/nodes/l1?resourceVersion=0"),
        get("/api/v1/nodes/l1?resourceVersion=x"),
        get("/api/v1/nodes").accepting("application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io"),
        get("/api/v1/nodes/l1").accepting("application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io"),
        delete("/api/v1/nodes"),
    ]);
    steps
}
