//! A Node as a user sees it.

use serde_json::Value;

const UNINITIALIZED: &str = "node.cloudprovider.kubernetes.io/uninitialized";

/// A Node at one moment.
#[derive(Debug, Clone)]
pub(crate) struct SeenNode(pub(crate) Value);

impl SeenNode {
    /// Whether it carries the uninitialized taint.
    pub(crate) fn is_uninitialized(&self) -> bool {
        self.taints().iter().any(|taint| taint == UNINITIALIZED)
    }

    /// The keys of its taints.
    pub(crate) fn taints(&self) -> Vec<String> {
        let taints = self.0["spec"]["taints"].as_array().cloned().unwrap_or_default();
        taints.iter().map(|taint| taint["key"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Its provider ID, empty where it has none.
    pub(crate) fn provider_id(&self) -> &str {
        self.0["spec"]["providerID"].as_str().unwrap_or_default()
    }

    /// The value of a label, empty where it has none.
    pub(crate) fn label(&self, key: &str) -> &str {
        self.0["metadata"]["labels"][key].as_str().unwrap_or_default()
    }

    /// Its addresses, as `InternalIP 10.0.0.1`.
    pub(crate) fn addresses(&self) -> Vec<String> {
        let addresses = self.0["status"]["addresses"].as_array().cloned().unwrap_or_default();
        let text = |address: &Value, key: &str| address[key].as_str().unwrap_or_default().to_owned();
        addresses.iter().map(|address| format!("{} {}", text(address, "type"), text(address, "address"))).collect()
    }
}
