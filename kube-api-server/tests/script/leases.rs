//! Leases.

use serde_json::{Value, json};

use super::{APPLY, MERGE, Step, delete, get, patch, post, put};

const LEASES: &str = "/apis/coordination.k8s.io/v1/namespaces/default/leases";

fn lease(name: &str, spec: Value) -> Value {
    json!({ "metadata": { "name": name }, "spec": spec })
}

pub(super) fn steps() -> Vec<Step> {
    vec![
        post(
            LEASES,
            lease(
                "l1",
                json!({ "holderIdentity": "me", "leaseDurationSeconds": 15, "acquireTime": "2001-01-01T00:00:00.000000Z", "renewTime": "2001-01-01T00:00:00.500000Z", "leaseTransitions": 0 }),
            ),
        ),
        post(LEASES, lease("l2", json!({ "renewTime": "2001-01-01T00:00:00.5Z" }))),
        post(LEASES, lease("l2", json!({ "leaseDurationSeconds": 0, "leaseTransitions": -1 }))),
        post(LEASES, lease("l2", json!({ "leaseDurationSeconds": "x" }))),
        post(LEASES, lease("l2", json!({ "holderIdentity": "" }))),
        post(LEASES, json!({ "metadata": { "name": "l3" } })),
        post(LEASES, json!({ "apiVersion": "v1", "kind": "Lease", "metadata": { "name": "l4" } })),
        post(LEASES, json!({ "metadata": { "name": "l4", "namespace": "kube-system" } })),
        put(format!("{LEASES}/l1"), lease("l1", json!({ "holderIdentity": "you" }))),
        put(format!("{LEASES}/l1"), json!({ "metadata": { "name": "l1", "resourceVersion": "1" }, "spec": {} })),
        put(format!("{LEASES}/l1"), json!({ "metadata": { "name": "l1", "uid": "x" }, "spec": {} })),
        put(
            format!("{LEASES}/l1"),
            json!({ "metadata": { "name": "l1", "resourceVersion": "${rv:l1}" }, "spec": { "holderIdentity": "third" } }),
        ),
        put(format!("{LEASES}/l5"), lease("l5", json!({ "holderIdentity": "new" }))),
        put(format!("{LEASES}/l6"), json!({ "metadata": { "name": "l6", "resourceVersion": "1" } })),
        patch(MERGE, format!("{LEASES}/l1"), json!({ "spec": { "holderIdentity": null, "leaseTransitions": 3 } })),
        patch(
            APPLY,
            format!("{LEASES}/l7?fieldManager=m"),
            json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": { "name": "l7" }, "spec": { "leaseDurationSeconds": 15 } }),
        ),
        patch(
            APPLY,
            format!("{LEASES}/l7?fieldManager=n"),
            json!({ "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": { "name": "l7" }, "spec": { "leaseDurationSeconds": 16 } }),
        ),
        patch(
            MERGE,
            format!("{LEASES}/l1"),
            json!({ "metadata": { "resourceVersion": null }, "spec": { "leaseTransitions": 4 } }),
        ),
        patch(
            MERGE,
            format!("{LEASES}/l1"),
            json!({ "metadata": { "resourceVersion": "1" }, "spec": { "leaseTransitions": 4 } }),
        ),
        get(LEASES),
        get(format!("{LEASES}?fieldSelector=metadata.name%3Dl1,metadata.namespace%3Ddefault")),
        get(format!("{LEASES}?fieldSelector=bogus%3Dl1")),
        get(format!("{LEASES}?watch=true&resourceVersion=${{rv:l5}}&timeoutSeconds=1")),
        get(format!("{LEASES}/none")),
        delete(format!("{LEASES}/none")),
        delete(format!("{LEASES}/l1")),
        delete(LEASES),
    ]
}
