//! What a Node needs of us, told by looking at the Node alone.

use super::labels;
use super::node::Node;
use super::provider_id::{self, ProviderIdError};

/// What is to be done about a Node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// Nothing: it is initialised and ours, or on its way out.
    Nothing,
    /// It waits for its device to be found.
    Initialise,
    /// It is initialised, and these labels of it differ from their beta twins.
    RestoreLabels(Vec<(&'static str, String)>),
    /// It is another cloud's, or nobody's that we know: it is never touched.
    LeaveAlone(ProviderIdError),
}

impl Need {
    /// What `node` needs.
    #[must_use]
    pub fn of(node: &Node) -> Self {
        if let Some(Err(error)) = node.provider_id.as_deref().map(provider_id::parse) {
            return Self::LeaveAlone(error);
        }
        if node.being_deleted {
            return Self::Nothing;
        }
        if node.is_uninitialized() {
            return Self::Initialise;
        }
        // Without a provider ID it was never ours: a Node of a kubelet that runs without a cloud provider.
        if node.provider_id.is_none() {
            return Self::Nothing;
        }
        let labels = labels::to_restore(&node.labels);
        if labels.is_empty() { Self::Nothing } else { Self::RestoreLabels(labels) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::kubernetes::{NodeObject, names};
    use serde_json::{Value, json};

    fn need(metadata: &Value, spec: &Value) -> Need {
        let object: NodeObject = serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap();
        Need::of(&object.into())
    }

    fn tainted(provider_id: &str) -> Value {
        json!({"providerID": provider_id, "taints": [{"key": names::UNINITIALIZED_TAINT, "value": "true", "effect": "NoSchedule"}]})
    }

    #[test]
    fn a_tainted_node_is_initialised_with_and_without_a_provider_id() {
        for provider_id in ["", "packet://e781ae1b", "equinixmetal://e781ae1b", "7f0c2f5e-58a1-4a3e-9d3c-3b8e5a3c1d20"]
        {
            assert_eq!(need(&json!({"name": "a"}), &tainted(provider_id)), Need::Initialise);
        }
    }

    #[test]
    fn another_clouds_node_is_left_alone_tainted_or_not() {
        let labels = json!({"name": "a", "labels": {names::BETA_REGION_LABEL: "eu"}});
        for spec in [tainted("aws:///eu/i-1"), json!({"providerID": "aws:///eu/i-1"})] {
            assert!(matches!(need(&labels, &spec), Need::LeaveAlone(ProviderIdError::OtherCloud(_))));
        }
    }

    #[test]
    fn a_node_on_its_way_out_needs_nothing() {
        let metadata = json!({"name": "a", "deletionTimestamp": "2026-01-01T00:00:00Z"});
        assert_eq!(need(&metadata, &tainted("")), Need::Nothing);
    }

    #[test]
    fn labels_are_restored_on_initialised_nodes_of_ours_only() {
        let metadata = json!({"name": "a", "labels": {names::BETA_REGION_LABEL: "ny"}});
        let restore = Need::RestoreLabels(vec![(names::REGION_LABEL, "ny".to_owned())]);
        assert_eq!(need(&metadata, &json!({"providerID": "packet://e781ae1b"})), restore);
        assert_eq!(need(&metadata, &json!({})), Need::Nothing);
    }
}
