//! What of a Node the watch looks at: a hundred thousand Nodes change, and nobody here reads their images.

use std::borrow::Cow;

use k8s_openapi::ClusterResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Deserialize;
use serde::de::IgnoredAny;

use crate::nodes::checks::UNINITIALIZED_TAINT;

/// A Node, as far as it matters while it is being initialised.
#[derive(Debug, Clone, Deserialize)]
#[serde(from = "Wire")]
pub(crate) struct Look {
    /// Name, uid and resource version; nothing else is read.
    metadata: ObjectMeta,
    /// The place of the uninitialized taint among the taints, if it is there.
    pub(crate) taint_place: Option<usize>,
    /// Whether it has a provider ID, addresses, and the labels of instance type and region.
    pub(crate) filled_in: bool,
}

impl Look {
    /// Its name.
    pub(crate) fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }

    /// Its uid.
    pub(crate) fn uid(&self) -> Option<&str> {
        self.metadata.uid.as_deref()
    }

    /// Which of two states is newer: resource versions of one resource can be compared as numbers (Kubernetes API concepts,
    /// "Resource versions"). 0 where there is none.
    pub(crate) fn version(&self) -> u64 {
        version(&self.metadata)
    }
}

/// The resource version as a number; 0 where there is none.
pub(crate) fn version(metadata: &ObjectMeta) -> u64 {
    metadata.resource_version.as_deref().and_then(|version| version.parse().ok()).unwrap_or_default()
}

impl kube::Resource for Look {
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

#[derive(Deserialize)]
struct Wire {
    metadata: WireMetadata,
    #[serde(default)]
    spec: WireSpec,
    #[serde(default)]
    status: WireStatus,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct WireMetadata {
    name: Option<String>,
    uid: Option<String>,
    resource_version: Option<String>,
    #[serde(default)]
    labels: WireLabels,
}

/// Those that the program writes; their older names come with them.
#[derive(Default, Deserialize)]
struct WireLabels {
    #[serde(rename = "node.kubernetes.io/instance-type")]
    instance_type: Option<IgnoredAny>,
    #[serde(rename = "topology.kubernetes.io/region")]
    region: Option<IgnoredAny>,
}

#[derive(Default, Deserialize)]
struct WireSpec {
    #[serde(rename = "providerID")]
    provider_id: Option<IgnoredAny>,
    #[serde(default)]
    taints: Vec<WireTaint>,
}

#[derive(Deserialize)]
struct WireTaint {
    key: String,
}

#[derive(Default, Deserialize)]
struct WireStatus {
    #[serde(default)]
    addresses: Vec<IgnoredAny>,
}

impl From<Wire> for Look {
    fn from(Wire { metadata, spec, status }: Wire) -> Self {
        let WireMetadata { name, uid, resource_version, labels } = metadata;
        let labelled = labels.instance_type.is_some() && labels.region.is_some();
        Self {
            metadata: ObjectMeta { name, uid, resource_version, ..ObjectMeta::default() },
            taint_place: spec.taints.iter().position(|taint| taint.key == UNINITIALIZED_TAINT),
            filled_in: spec.provider_id.is_some() && !status.addresses.is_empty() && labelled,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use serde_json::json;

    #[test]
    fn of_a_node_is_kept_what_matters_while_it_is_initialised() {
        let look: Look = serde_json::from_value(json!({
            "apiVersion": "v1", "kind": "Node",
            "metadata": {"name": "n", "uid": "u", "resourceVersion": "17", "managedFields": [{"manager": "kubelet"}]},
            "spec": {"taints": [{"key": "other", "effect": "NoSchedule"}, {"key": UNINITIALIZED_TAINT, "effect": "NoSchedule"}]},
            "status": {"images": [{"names": ["x"]}]},
        }))
        .unwrap();
        assert_eq!((look.name(), look.uid(), look.version()), ("n", Some("u"), 17));
        assert_eq!((look.taint_place, look.filled_in), (Some(1), false));
        assert_eq!(look.metadata.managed_fields, None);
    }

    #[test]
    fn a_node_is_filled_in_once_it_has_a_provider_id_addresses_and_both_labels() {
        let whole = json!({
            "metadata": {"name": "n", "labels": {
                "node.kubernetes.io/instance-type": "c3.small.x86", "topology.kubernetes.io/region": "ny", "other": "x",
            }},
            "spec": {"providerID": "packet://1"},
            "status": {"addresses": [{"type": "Hostname", "address": "n"}]},
        });
        let filled_in = |node| serde_json::from_value::<Look>(node).unwrap().filled_in;
        assert!(filled_in(whole.clone()));
        for (part, lacking) in [
            ("/spec", "providerID"),
            ("/status", "addresses"),
            ("/metadata/labels", "node.kubernetes.io/instance-type"),
            ("/metadata/labels", "topology.kubernetes.io/region"),
            ("/metadata", "labels"),
        ] {
            let mut node = whole.clone();
            node.pointer_mut(part).unwrap().as_object_mut().unwrap().remove(lacking);
            assert!(!filled_in(node), "{lacking}");
        }
    }
}
