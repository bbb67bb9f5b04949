//! Nodes as a kubelet registers them, for tests and demonstrations.

mod realistic;

use std::time::SystemTime;

use axum::body::Bytes;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::clock;
use crate::drawn::Drawn;
use crate::store::part::{Apart, Part};
use crate::store::record::Draft;

const UNINITIALIZED: &str = "node.cloudprovider.kubernetes.io/uninitialized";
const PROVIDED_NODE_IP: &str = "alpha.kubernetes.io/provided-node-ip";

/// A Node as a kubelet with `--cloud-provider=external` registers it: with the uninitialized taint, the kubelet's own
/// labels, conditions, capacity and node info, and no address that it does not know of itself.
#[derive(Debug, Clone)]
pub struct NodeSpec {
    name: String,
    uninitialized: bool,
    ready: bool,
    provider_id: Option<String>,
    provided_node_ip: Option<String>,
    taints: Vec<Value>,
    labels: Map<String, Value>,
    annotations: Map<String, Value>,
    realistic_size: bool,
}

impl NodeSpec {
    /// A ready Node of that name.
    #[must_use]
    pub fn new(name: &str) -> NodeSpec {
        let labels = [
            ("beta.kubernetes.io/arch", "amd64"),
            ("beta.kubernetes.io/os", "linux"),
            ("kubernetes.io/arch", "amd64"),
            ("kubernetes.io/hostname", name),
            ("kubernetes.io/os", "linux"),
        ];
        NodeSpec {
            name: name.to_owned(),
            uninitialized: true,
            ready: true,
            provider_id: None,
            provided_node_ip: None,
            taints: Vec::new(),
            labels: labels.into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect(),
            annotations: Map::new(),
            realistic_size: false,
        }
    }

    /// Sets `spec.providerID`.
    #[must_use]
    pub fn provider_id(mut self, id: &str) -> NodeSpec {
        self.provider_id = Some(id.to_owned());
        self
    }

    /// Started with `--node-ip`: the annotation that says so, and the addresses that the kubelet then reports.
    #[must_use]
    pub fn provided_node_ip(mut self, ip: &str) -> NodeSpec {
        self.provided_node_ip = Some(ip.to_owned());
        self
    }

    /// Adds a taint; an empty value is none.
    #[must_use]
    pub fn taint(mut self, key: &str, value: &str, effect: &str) -> NodeSpec {
        self.taints.push(json!({ "key": key, "value": value, "effect": effect }));
        self
    }

    /// Sets a label.
    #[must_use]
    pub fn label(mut self, key: &str, value: &str) -> NodeSpec {
        self.labels.insert(key.to_owned(), value.into());
        self
    }

    /// Sets an annotation.
    #[must_use]
    pub fn annotation(mut self, key: &str, value: &str) -> NodeSpec {
        self.annotations.insert(key.to_owned(), value.into());
        self
    }

    /// Sets the `Ready` condition to `True`, or to `Unknown` as when the kubelet no longer reports.
    #[must_use]
    pub fn ready(mut self, ready: bool) -> NodeSpec {
        self.ready = ready;
        self
    }

    /// Leaves out the uninitialized taint.
    #[must_use]
    pub fn without_uninitialized_taint(mut self) -> NodeSpec {
        self.uninitialized = false;
        self
    }

    /// Adds what makes a real cluster's Nodes 10 to 20 KB of JSON: images, labels and annotations of what runs there, and
    /// the bookkeeping of field owners. How much of each follows from the name, so that Nodes differ, and a run does not
    /// differ from the next.
    #[must_use]
    pub fn realistic_size(mut self) -> NodeSpec {
        self.realistic_size = true;
        self
    }

    /// The Node and, where it is of realistic size, what of it need not be read: those parts as the API keeps them.
    pub(crate) fn into_parts(mut self, at: Timestamp) -> (Value, Apart) {
        let mut apart = Apart::default();
        if !self.realistic_size {
            return (self.into_json(at), apart);
        }
        self.realistic_size = false;
        let mut drawn = Drawn::from_text(&self.name);
        realistic::add_labels(&mut self.labels, &mut drawn);
        realistic::add_annotations(&mut self.annotations, &self.name, &mut drawn);
        let has_addresses = self.provided_node_ip.is_some();
        let mut node = self.into_json(at);
        for id in ["bootID", "machineID", "systemUUID"] {
            let uuid = drawn.uuid();
            let text = if id == "machineID" { uuid.simple().to_string() } else { uuid.to_string() };
            node["status"]["nodeInfo"][id] = text.into();
        }
        apart[Part::Images as usize] =
            Some(Bytes::from(realistic::images(&mut drawn).into_boxed_str().into_boxed_bytes()));
        let owners = realistic::owners(&node, has_addresses, &clock::seconds(at));
        apart[Part::Owners as usize] = Some(Bytes::from(owners.into_boxed_str().into_boxed_bytes()));
        (node, apart)
    }

    /// The Node as JSON, with `kind` and `apiVersion`. Its conditions date from now, by the system's clock.
    #[must_use]
    pub fn into_value(self) -> Value {
        self.into_value_at(SystemTime::now())
    }

    /// The Node as JSON, with `kind` and `apiVersion`, whose conditions date from then.
    #[must_use]
    pub fn into_value_at(self, at: SystemTime) -> Value {
        let (rest, apart) = self.into_parts(Timestamp::try_from(at).unwrap_or_default());
        Draft { rest, apart }.into_value()
    }

    fn into_json(self, at: Timestamp) -> Value {
        let conditions = self.conditions(at);
        let mut taints = self.taints;
        if self.uninitialized {
            taints.insert(0, json!({ "key": UNINITIALIZED, "value": "true", "effect": "NoSchedule" }));
        }
        let mut annotations = self.annotations;
        let mut addresses = Vec::new();
        if let Some(ips) = &self.provided_node_ip {
            annotations.insert(PROVIDED_NODE_IP.to_owned(), ips.clone().into());
            addresses.extend(ips.split(',').map(|ip| json!({ "type": "InternalIP", "address": ip.trim() })));
            addresses.push(json!({ "type": "Hostname", "address": self.name }));
        }
        let mut spec = json!({ "taints": taints });
        if let Some(id) = self.provider_id {
            spec["providerID"] = id.into();
        }
        let resources = json!({
            "cpu": "8",
            "ephemeral-storage": "456783Mi",
            "hugepages-1Gi": "0",
            "hugepages-2Mi": "0",
            "memory": "32824132Ki",
            "pods": "110",
        });
        json!({
            "kind": "Node",
            "apiVersion": "v1",
            "metadata": { "name": self.name, "labels": self.labels, "annotations": annotations },
            "spec": spec,
            "status": {
                "addresses": addresses,
                "allocatable": resources,
                "capacity": resources,
                "conditions": conditions,
                "daemonEndpoints": { "kubeletEndpoint": { "Port": 10250 } },
                "nodeInfo": {
                    "architecture": "amd64",
                    "bootID": "4f0c2a57-3f0e-4d0b-9a55-7f1d5c1f6a01",
                    "containerRuntimeVersion": "containerd://2.1.4",
                    "kernelVersion": "6.8.0-79-generic",
                    "kubeProxyVersion": "",
                    "kubeletVersion": "v1.36.3",
                    "machineID": "a7d3c1e94b7e4f0f8a5d2c6b1e9f3d70",
                    "operatingSystem": "linux",
                    "osImage": "Ubuntu 24.04.3 LTS",
                    "systemUUID": "a7d3c1e9-4b7e-4f0f-8a5d-2c6b1e9f3d70",
                },
            },
        })
    }

    fn conditions(&self, at: Timestamp) -> Value {
        let now = clock::seconds(at);
        let condition = |name: &str, status: &str, reason: &str, message: &str| {
            json!({
                "type": name,
                "status": status,
                "reason": reason,
                "message": message,
                "lastHeartbeatTime": now,
                "lastTransitionTime": now,
            })
        };
        let pressure = |name: &str, resource: &str, reason: &str| {
            condition(name, "False", reason, &format!("kubelet has sufficient {resource} available"))
        };
        let ready = if self.ready {
            condition("Ready", "True", "KubeletReady", "kubelet is posting ready status")
        } else {
            condition("Ready", "Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.")
        };
        json!([
            pressure("MemoryPressure", "memory", "KubeletHasSufficientMemory"),
            pressure("DiskPressure", "disk", "KubeletHasNoDiskPressure"),
            pressure("PIDPressure", "PID", "KubeletHasSufficientPID"),
            ready,
        ])
    }
}

/// A Node that is to be registered.
#[derive(Debug, Clone)]
pub enum NewNode {
    /// As a kubelet registers it: its conditions date from then, by the server's clock.
    Spec(Box<NodeSpec>),
    /// Word for word.
    Json(Value),
}

impl From<NodeSpec> for NewNode {
    fn from(spec: NodeSpec) -> NewNode {
        NewNode::Spec(Box::new(spec))
    }
}

impl From<Value> for NewNode {
    fn from(node: Value) -> NewNode {
        NewNode::Json(node)
    }
}

impl From<NodeSpec> for Value {
    fn from(spec: NodeSpec) -> Value {
        spec.into_value()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::store::Store;

    #[test]
    fn a_node_is_registered_with_the_uninitialized_taint() {
        let store = Store::with_history(10).unwrap();
        let node = store.create_node(NodeSpec::new("n").taint("k", "", "NoExecute")).unwrap();
        let keys: Vec<&str> =
            node["spec"]["taints"].as_array().unwrap().iter().map(|taint| taint["key"].as_str().unwrap()).collect();
        assert_eq!(keys, [UNINITIALIZED, "k", "node.kubernetes.io/not-ready"]);
    }

    #[test]
    fn nodes_of_realistic_size_have_ten_to_twenty_kilobytes_and_differ() {
        let store = Store::with_history(10).unwrap();
        let mut sizes: Vec<usize> = (0..200)
            .map(|number| NodeSpec::new(&format!("node-{number:06}")).realistic_size())
            .map(|spec| store.create_node(spec).unwrap().to_string().len())
            .collect();
        sizes.sort_unstable();
        assert!(sizes[0] >= 10_000 && sizes[199] <= 20_000, "{sizes:?}");
        assert!(sizes[180] - sizes[20] >= 3_000, "{sizes:?}");
        let node = store.node("node-000000").unwrap();
        assert!(node["metadata"]["managedFields"].to_string().contains("kubelet"));
        let again = NodeSpec::new("node-000000").realistic_size().into_value();
        assert_eq!(node["status"]["images"], again["status"]["images"]);
    }

    #[test]
    fn a_node_registered_among_many_is_what_it_is_alone() {
        let spec = || NodeSpec::new("n").realistic_size().provided_node_ip("10.0.0.1").label("l", "1");
        let (alone, among_many) = (Store::with_history(10).unwrap(), Store::with_history(10).unwrap());
        alone.create_node(spec()).unwrap();
        assert_eq!(among_many.create_nodes([spec()]).unwrap(), 1);
        let [alone, among_many] = [alone, among_many].map(|store| store.node("n").unwrap());
        assert_eq!(among_many["spec"], alone["spec"]);
        for field in ["capacity", "allocatable", "images", "nodeInfo", "addresses", "daemonEndpoints"] {
            assert_eq!(among_many["status"][field], alone["status"][field], "{field}");
        }
        for field in ["labels", "annotations", "name"] {
            assert_eq!(among_many["metadata"][field], alone["metadata"][field], "{field}");
        }
        // The one was written by a kubelet, the other by the test.
        let owners = |node: &Value| -> Vec<(String, String)> {
            let entries = node["metadata"]["managedFields"].as_array().unwrap().iter();
            entries.map(|entry| (entry["manager"].to_string(), entry["fieldsV1"]["f:status"].to_string())).collect()
        };
        assert_eq!(owners(&among_many)[1], owners(&alone)[0]);
        assert_eq!(owners(&among_many).len(), 2);
    }

    #[test]
    fn a_provided_ip_is_reported_and_annotated() {
        let node = NodeSpec::new("n").provided_node_ip("10.0.0.1").into_value();
        assert_eq!(node["metadata"]["annotations"][PROVIDED_NODE_IP], "10.0.0.1");
        assert_eq!(node["status"]["addresses"][0], json!({ "type": "InternalIP", "address": "10.0.0.1" }));
    }
}
