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
    /// Whether it has a provider ID and addresses.
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
        let WireMetadata { name, uid, resource_version } = metadata;
        Self {
            metadata: ObjectMeta { name, uid, resource_version, ..ObjectMeta::default() },
            taint_place: spec.taints.iter().position(|taint| taint.key == UNINITIALIZED_TAINT),
            filled_in: spec.provider_id.is_some() && !status.addresses.is_empty(),
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
    fn a_node_is_filled_in_once_it_has_a_provider_id_and_addresses() {
        let look = |spec, status| {
            let node = json!({"metadata": {"name": "n"}, "spec": spec, "status": status});
            serde_json::from_value::<Look>(node).unwrap().filled_in
        };
        let addresses = json!({"addresses": [{"type": "Hostname", "address": "n"}]});
        assert!(look(json!({"providerID": "packet://1"}), addresses.clone()));
        assert!(!look(json!({}), addresses));
        assert!(!look(json!({"providerID": "packet://1"}), json!({})));
    }
}
