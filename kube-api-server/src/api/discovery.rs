//! Discovery: which groups, versions and resources there are, in the plain and in the aggregated form.

use serde_json::{Value, json};

use crate::resource::Resource;

const COORDINATION: &str = "coordination.k8s.io";

fn served(group: &str) -> impl Iterator<Item = Resource> {
    let group = group.to_owned();
    Resource::ALL.into_iter().filter(move |resource| resource.group() == group)
}

/// `/version`.
pub(crate) fn version() -> Value {
    json!({
        "major": "1",
        "minor": "36",
        "emulationMajor": "1",
        "emulationMinor": "36",
        "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35",
        "gitVersion": format!("v1.36.3+kube-api-server-{}", env!("CARGO_PKG_VERSION")),
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, std::env::consts::ARCH),
    })
}

/// `/api`.
pub(crate) fn core_versions(address: &str) -> Value {
    json!({
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{ "clientCIDR": "0.0.0.0/0", "serverAddress": address }],
    })
}

/// `/apis`.
pub(crate) fn groups() -> Value {
    let mut group = group();
    if let Some(fields) = group.as_object_mut() {
        fields.remove("kind");
        fields.remove("apiVersion");
    }
    json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": [group] })
}

/// `/apis/coordination.k8s.io`.
pub(crate) fn group() -> Value {
    let version = json!({ "groupVersion": format!("{COORDINATION}/v1"), "version": "v1" });
    json!({
        "kind": "APIGroup",
        "apiVersion": "v1",
        "name": COORDINATION,
        "versions": [version],
        "preferredVersion": version,
    })
}

/// `/api/v1` or `/apis/coordination.k8s.io/v1`.
pub(crate) fn resources(group: &str) -> Value {
    let mut out = Vec::new();
    for resource in served(group) {
        let mut entry = json!({
            "name": resource.plural(),
            "singularName": resource.singular(),
            "namespaced": resource.namespaced(),
            "kind": resource.kind(),
            "verbs": resource.verbs(),
            "storageVersionHash": resource.storage_version_hash(),
        });
        if !resource.short_names().is_empty() {
            entry["shortNames"] = json!(resource.short_names());
        }
        out.push(entry);
        if resource.has_status() {
            out.push(json!({
                "name": format!("{}/status", resource.plural()),
                "singularName": "",
                "namespaced": false,
                "kind": resource.kind(),
                "verbs": ["get", "patch", "update"],
            }));
        }
    }
    let (group_version, named) =
        if group.is_empty() { ("v1".to_owned(), false) } else { (format!("{group}/v1"), true) };
    let mut list = json!({ "kind": "APIResourceList", "groupVersion": group_version, "resources": out });
    if named {
        list["apiVersion"] = "v1".into();
    }
    list
}

/// `/api` or `/apis` in the aggregated form, which saves a client the other questions.
pub(crate) fn aggregated(group: &str) -> Value {
    let resources: Vec<Value> = served(group)
        .map(|resource| {
            let kind = json!({ "group": "", "version": "", "kind": resource.kind() });
            let mut entry = json!({
                "resource": resource.plural(),
                "responseKind": kind,
                "scope": if resource.namespaced() { "Namespaced" } else { "Cluster" },
                "singularResource": resource.singular(),
                "verbs": resource.verbs(),
            });
            if !resource.short_names().is_empty() {
                entry["shortNames"] = json!(resource.short_names());
            }
            if resource.has_status() {
                entry["subresources"] =
                    json!([{ "subresource": "status", "responseKind": kind, "verbs": ["get", "patch", "update"] }]);
            }
            entry
        })
        .collect();
    let metadata = if group.is_empty() { json!({}) } else { json!({ "name": group }) };
    let version = json!({ "version": "v1", "resources": resources, "freshness": "Current" });
    json!({
        "kind": "APIGroupDiscoveryList",
        "apiVersion": "apidiscovery.k8s.io/v2",
        "metadata": {},
        "items": [{ "metadata": metadata, "versions": [version] }],
    })
}
