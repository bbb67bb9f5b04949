//! A Node as it comes from the API: read straight into what is kept of it.

use std::borrow::Cow;

use k8s_openapi::ClusterResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer};
use smol_str::SmolStr;

use super::addresses::NodeAddress;
use super::names::PROVIDED_NODE_IP_ANNOTATION;
use super::node::{Node, NodeName};
use super::node_labels::NodeLabels;
use super::picked::pick;
use super::readiness::Readiness;
use super::taint::Taint;

/// A Node as it comes from the API. Whatever is not kept is passed over while it is read.
///
/// Its [`kube::Resource::meta`] tells name, uid and resource version, which is what kube's watcher and clients look at.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "Wire")]
pub struct NodeObject {
    metadata: ObjectMeta,
    created_at: Option<i64>,
    being_deleted: bool,
    labels: NodeLabels,
    provided_node_ip: Option<SmolStr>,
    spec: Spec,
    status: Status,
}

/// The fields in use. The API server leaves out what is empty, or writes `null` for it.
#[derive(Deserialize)]
struct Wire {
    metadata: Metadata,
    #[serde(default)]
    spec: Option<Spec>,
    #[serde(default)]
    status: Option<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Metadata {
    name: String,
    #[serde(default)]
    uid: Option<String>,
    #[serde(default)]
    resource_version: Option<String>,
    #[serde(default, deserialize_with = "second")]
    creation_timestamp: Option<i64>,
    /// When it is to be gone is nothing to us; that it is, is.
    #[serde(default)]
    deletion_timestamp: Option<IgnoredAny>,
    #[serde(default)]
    labels: NodeLabels,
    #[serde(default, deserialize_with = "provided_node_ip")]
    annotations: Option<SmolStr>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Spec {
    #[serde(default, rename = "providerID")]
    provider_id: Option<Box<str>>,
    #[serde(default)]
    taints: Option<Box<[Taint]>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Status {
    #[serde(default)]
    addresses: Option<Box<[NodeAddress]>>,
    #[serde(default)]
    conditions: Readiness,
}

/// Of all annotations the one that names the kubelet's `--node-ip`.
fn provided_node_ip<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SmolStr>, D::Error> {
    let [ip] = pick([PROVIDED_NODE_IP_ANNOTATION], deserializer)?.values;
    Ok(ip)
}

/// The second of a moment; one that cannot be read is none, as nothing that is done depends on it.
fn second<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<i64>, D::Error> {
    let text: Option<Cow<'de, str>> = Option::deserialize(deserializer)?;
    Ok(text.and_then(|text| text.parse::<Timestamp>().ok()).map(Timestamp::as_second))
}

impl From<Wire> for NodeObject {
    fn from(Wire { metadata, spec, status }: Wire) -> Self {
        Self {
            created_at: metadata.creation_timestamp,
            being_deleted: metadata.deletion_timestamp.is_some(),
            labels: metadata.labels,
            provided_node_ip: metadata.annotations,
            metadata: ObjectMeta {
                name: Some(metadata.name),
                uid: metadata.uid,
                resource_version: metadata.resource_version,
                ..ObjectMeta::default()
            },
            spec: spec.unwrap_or_default(),
            status: status.unwrap_or_default(),
        }
    }
}

impl From<NodeObject> for Node {
    fn from(object: NodeObject) -> Self {
        let NodeObject { metadata, created_at, being_deleted, labels, provided_node_ip, spec, status } = object;
        Self {
            name: NodeName::new(metadata.name.as_deref().unwrap_or_default()),
            uid: metadata.uid.unwrap_or_default().into(),
            resource_version: metadata.resource_version.and_then(|version| version.parse().ok()),
            created_at,
            being_deleted,
            provider_id: spec.provider_id.filter(|id| !id.is_empty()),
            taints: spec.taints.unwrap_or_default(),
            labels,
            provided_node_ip,
            addresses: status.addresses.unwrap_or_default(),
            readiness: status.conditions,
        }
    }
}

impl kube::Resource for NodeObject {
    type DynamicType = ();
    type Scope = ClusterResourceScope;

    fn kind((): &()) -> Cow<'_, str> {
        "Node".into()
    }

    fn group((): &()) -> Cow<'_, str> {
        "".into()
    }

    fn version((): &()) -> Cow<'_, str> {
        "v1".into()
    }

    fn plural((): &()) -> Cow<'_, str> {
        "nodes".into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::kubernetes::names::REGION_LABEL;
    use kube::ResourceExt;
    use kube::api::WatchEvent;
    use kube::core::ObjectList;
    use serde_json::{Value, json};

    fn node(value: Value) -> Node {
        serde_json::from_value::<NodeObject>(value).unwrap().into()
    }

    #[test]
    fn a_node_keeps_what_is_ours_and_nothing_else() {
        let node = node(json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": "a", "uid": "u", "resourceVersion": "17",
                "managedFields": [{"manager": "kubelet", "fieldsV1": {"f:metadata": {}}}],
                "labels": {"kubernetes.io/os": "linux", "topology.kubernetes.io/region": "ny"},
                "annotations": {"alpha.kubernetes.io/provided-node-ip": "10.0.0.1", "other": "x"}},
            "spec": {"providerID": "", "taints": [{"key": "k", "effect": "NoExecute", "timeAdded": "2026-01-01T00:00:00Z"}]},
            "status": {"addresses": [{"type": "Hostname", "address": "a"}], "images": [{"names": ["x"]}]},
        }));
        assert_eq!(node.resource_version, Some(17));
        assert_eq!(node.provider_id, None);
        assert_eq!(node.labels.get(REGION_LABEL), Some("ny"));
        assert!(!node.labels.is_empty());
        assert_eq!(node.provided_node_ip.as_deref(), Some("10.0.0.1"));
        assert_eq!(node.taints[0].time_added.as_deref(), Some("2026-01-01T00:00:00Z"));
        assert_eq!(&*node.addresses[0].address, "a");
        assert!(!node.is_uninitialized());
    }

    #[test]
    fn a_node_with_nothing_but_a_name_is_read() {
        let metadata = json!({"name": "a", "uid": null, "resourceVersion": null, "creationTimestamp": null,
            "deletionTimestamp": null, "labels": null, "annotations": null, "managedFields": null});
        let null = json!({"metadata": metadata, "spec": {"providerID": null, "taints": null},
            "status": {"addresses": null, "images": null}});
        let nothing = node(json!({"metadata": {"name": "a"}}));
        for value in [json!({"metadata": {"name": "a"}, "spec": null, "status": null}), null] {
            assert_eq!(node(value), nothing);
        }
        assert!(nothing.labels.is_empty() && !nothing.being_deleted);
    }

    #[test]
    fn kube_is_told_the_version_to_resume_its_watch_from() {
        let object = json!({"metadata": {"name": "a", "uid": "u", "resourceVersion": "17"}});
        // The real API server writes the type first; a proxy that sorts keys writes it last.
        for event in
            [json!({"type": "ADDED", "object": object}).to_string(), format!(r#"{{"object":{object},"type":"ADDED"}}"#)]
        {
            let WatchEvent::Added(node) = serde_json::from_str::<WatchEvent<NodeObject>>(&event).unwrap() else {
                panic!("{event}");
            };
            assert_eq!(node.resource_version().as_deref(), Some("17"));
            assert_eq!((node.name_any(), node.uid()), ("a".to_owned(), Some("u".to_owned())));
        }
    }

    #[test]
    fn a_list_of_nodes_is_read_as_kube_reads_it() {
        let list = json!({"kind": "NodeList", "apiVersion": "v1", "metadata": {"resourceVersion": "17"},
            "items": [{"metadata": {"name": "a"}}, {"metadata": {"name": "b"}}]});
        let list: ObjectList<NodeObject> = serde_json::from_str(&list.to_string()).unwrap();
        let names: Vec<_> = list.items.into_iter().map(|object| Node::from(object).name.to_string()).collect();
        assert_eq!(names, ["a", "b"]);
    }
}
