//! The slim Node: what this program reads of the 10 to 20 KB that a Node of a real kubelet has.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use k8s_openapi::ClusterResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use serde::{Deserialize, Deserializer, Serialize};

use super::addresses::NodeAddress;
use super::names::{LABEL_TWINS, PROVIDED_NODE_IP_ANNOTATION, UNINITIALIZED_TAINT};

/// The name of a Node.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeName(Arc<str>);

impl NodeName {
    /// Takes a name that Kubernetes gave.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name as Kubernetes writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A taint, with all that identifies an entry of the list (Kubernetes core/v1 `Taint`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Taint {
    /// The key.
    pub key: String,
    /// The value; absent where empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
    /// When it was put on, as the API server wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_added: Option<String>,
}

/// A Node as far as this program looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: NodeName,
    /// What tells it from another Node of the same name, earlier or later.
    pub uid: String,
    /// Which state of the object this is. Numbers of one API server can be compared (KEP-5504).
    pub resource_version: Option<u64>,
    /// Whether somebody has asked for its deletion already.
    pub being_deleted: bool,
    /// `spec.providerID`; absent where empty.
    pub provider_id: Option<String>,
    /// All of its taints, in order.
    pub taints: Vec<Taint>,
    /// Those of its labels that are ours.
    pub labels: BTreeMap<String, String>,
    /// Whether it has any labels at all: a patch must not make a map that another writer is making too.
    pub has_labels: bool,
    /// The annotation that names the kubelet's `--node-ip`.
    pub provided_node_ip: Option<String>,
    /// `status.addresses`.
    pub addresses: Vec<NodeAddress>,
}

impl Node {
    /// Whether no cloud controller has filled the Node in. The taint counts whatever its value and effect, as in
    /// Kubernetes' cloud node controller.
    #[must_use]
    pub fn is_uninitialized(&self) -> bool {
        self.taints.iter().any(|taint| taint.key == UNINITIALIZED_TAINT)
    }

    /// Whether `other` is an older state of this very object, as a watch may deliver after a write was answered.
    #[must_use]
    pub fn is_newer_than(&self, other: &Self) -> bool {
        self.uid == other.uid && matches!((self.resource_version, other.resource_version), (Some(a), Some(b)) if a > b)
    }
}

/// A Node as it comes from the API: decoded from the fields in use, the rest skipped.
#[derive(Debug, Clone, Deserialize)]
pub struct NodeObject {
    #[serde(deserialize_with = "slim_metadata")]
    metadata: ObjectMeta,
    #[serde(default)]
    spec: Option<Spec>,
    #[serde(default)]
    status: Option<Status>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default, rename = "providerID")]
    provider_id: Option<String>,
    #[serde(default)]
    taints: Option<Vec<Taint>>,
}

#[derive(Debug, Clone, Default, Deserialize)]
struct Status {
    #[serde(default)]
    addresses: Option<Vec<NodeAddress>>,
}

/// The metadata in use. `managedFields` alone is half of a Node's bytes.
fn slim_metadata<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ObjectMeta, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Slim {
        name: String,
        #[serde(default)]
        uid: Option<String>,
        #[serde(default)]
        resource_version: Option<String>,
        #[serde(default)]
        deletion_timestamp: Option<Time>,
        #[serde(default)]
        labels: Option<BTreeMap<String, String>>,
        #[serde(default)]
        annotations: Option<BTreeMap<String, String>>,
    }
    let slim = Slim::deserialize(deserializer)?;
    Ok(ObjectMeta {
        name: Some(slim.name),
        uid: slim.uid,
        resource_version: slim.resource_version,
        deletion_timestamp: slim.deletion_timestamp,
        labels: slim.labels,
        annotations: slim.annotations,
        ..ObjectMeta::default()
    })
}

impl From<NodeObject> for Node {
    fn from(object: NodeObject) -> Self {
        let NodeObject { metadata, spec, status } = object;
        let spec = spec.unwrap_or_default();
        let has_labels = metadata.labels.as_ref().is_some_and(|labels| !labels.is_empty());
        let mut labels = metadata.labels.unwrap_or_default();
        labels.retain(|key, _| LABEL_TWINS.iter().any(|(ga, beta)| key == ga || key == beta));
        Self {
            name: NodeName::new(&metadata.name.unwrap_or_default()),
            uid: metadata.uid.unwrap_or_default(),
            resource_version: metadata.resource_version.and_then(|version| version.parse().ok()),
            being_deleted: metadata.deletion_timestamp.is_some(),
            provider_id: spec.provider_id.filter(|id| !id.is_empty()),
            taints: spec.taints.unwrap_or_default(),
            labels,
            has_labels,
            provided_node_ip: metadata.annotations.and_then(|mut all| all.remove(PROVIDED_NODE_IP_ANNOTATION)),
            addresses: status.and_then(|status| status.addresses).unwrap_or_default(),
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
    use serde_json::json;

    fn node(value: serde_json::Value) -> Node {
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
        assert!(node.has_labels);
        assert_eq!(node.labels.keys().collect::<Vec<_>>(), ["topology.kubernetes.io/region"]);
        assert_eq!(node.provided_node_ip.as_deref(), Some("10.0.0.1"));
        assert_eq!(node.taints[0].time_added.as_deref(), Some("2026-01-01T00:00:00Z"));
        assert!(!node.is_uninitialized());
    }

    #[test]
    fn a_node_with_nothing_but_a_name_is_read() {
        for value in
            [json!({"metadata": {"name": "a"}}), json!({"metadata": {"name": "a"}, "spec": null, "status": null})]
        {
            assert!(!node(value).has_labels);
        }
    }

    #[test]
    fn a_node_of_the_same_name_but_another_uid_is_neither_older_nor_newer() {
        let state = |uid, version| node(json!({"metadata": {"name": "a", "uid": uid, "resourceVersion": version}}));
        assert!(state("u", "18").is_newer_than(&state("u", "17")));
        assert!(!state("u", "17").is_newer_than(&state("u", "17")));
        assert!(!state("v", "18").is_newer_than(&state("u", "17")));
    }
}
