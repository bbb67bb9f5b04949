//! A Node as a user sees it.

use std::sync::atomic::{AtomicI64, Ordering};

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

const UNINITIALIZED: &str = "node.cloudprovider.kubernetes.io/uninitialized";

/// How often Nodes have become Ready or not.
static TRANSITIONS: AtomicI64 = AtomicI64::new(0);

/// Lets a Node become Ready, or not, as a kubelet or the node lifecycle controller writes it.
pub(crate) fn set_ready(node: &mut Value, is_ready: bool) {
    let conditions = node["status"]["conditions"].as_array_mut().unwrap();
    let ready = conditions.iter_mut().find(|condition| condition["type"] == "Ready").unwrap();
    ready["status"] = if is_ready { "True".into() } else { "Unknown".into() };
    // Times are to the second, and no two transitions of a test are of the same.
    let second = 1_800_000_000 + TRANSITIONS.fetch_add(1, Ordering::Relaxed);
    ready["lastTransitionTime"] = Timestamp::from_second(second).unwrap().to_string().into();
}

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
