//! Nodes as a kubelet registers them, for tests and demonstrations.

use serde_json::{Map, Value, json};

use crate::clock;

const UNINITIALIZED: &str = "node.cloudprovider.kubernetes.io/uninitialized";
const PROVIDED_NODE_IP: &str = "alpha.kubernetes.io/provided-node-ip";
/// With names and sizes as kubelets report them, this many images make a Node of some 15 KB.
const REALISTIC_IMAGES: usize = 50;

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

    /// Adds what makes a real cluster's Nodes 10 to 20 KB of JSON: images and the bookkeeping of field owners.
    #[must_use]
    pub fn realistic_size(mut self) -> NodeSpec {
        self.realistic_size = true;
        self
    }

    /// The Node as JSON, with `kind` and `apiVersion`.
    #[must_use]
    pub fn into_value(self) -> Value {
        let conditions = self.conditions();
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
        let mut node = json!({
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
        });
        if self.realistic_size {
            node["status"]["images"] = images();
            node["metadata"]["managedFields"] = managed_fields(&node);
        }
        node
    }

    fn conditions(&self) -> Value {
        let now = clock::now();
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

fn images() -> Value {
    (0..REALISTIC_IMAGES)
        .map(|index| {
            let repository = format!("registry.example.com/platform/service-{index:02}");
            // Not a hash of anything, but as long as one.
            let digest = format!("{:032x}{:032x}", u128::MAX / (index as u128 + 3), u128::MAX / (index as u128 + 5));
            json!({
                "names": [format!("{repository}@sha256:{digest}"), format!("{repository}:v1.{index}.0")],
                "sizeBytes": 20_000_000 + 1_234_567 * index,
            })
        })
        .collect()
}

/// The entries that a kubelet leaves behind: one for what it registered, one for what it reports.
fn managed_fields(node: &Value) -> Value {
    let names = |pointer: &str| -> Map<String, Value> {
        let fields = node.pointer(pointer).and_then(Value::as_object);
        let mut out: Map<String, Value> =
            fields.into_iter().flatten().map(|(key, _)| (format!("f:{key}"), json!({}))).collect();
        out.insert(".".to_owned(), json!({}));
        out
    };
    let conditions = node.pointer("/status/conditions").and_then(Value::as_array);
    let conditions: Map<String, Value> = conditions
        .into_iter()
        .flatten()
        .map(|condition| {
            let fields = ["lastHeartbeatTime", "lastTransitionTime", "message", "reason", "status", "type"];
            let mut owned: Map<String, Value> = fields.iter().map(|field| (format!("f:{field}"), json!({}))).collect();
            owned.insert(".".to_owned(), json!({}));
            (format!("k:{{\"type\":{}}}", condition["type"]), owned.into())
        })
        .collect();
    let entry = |fields: Value, subresource: &str| {
        let mut entry = json!({
            "manager": "kubelet",
            "operation": "Update",
            "apiVersion": "v1",
            "time": clock::now(),
            "fieldsType": "FieldsV1",
            "fieldsV1": fields,
        });
        if !subresource.is_empty() {
            entry["subresource"] = subresource.into();
        }
        entry
    };
    json!([
        entry(
            json!({
                "f:metadata": { "f:annotations": names("/metadata/annotations"), "f:labels": names("/metadata/labels") },
                "f:spec": { "f:taints": {} },
            }),
            ""
        ),
        entry(
            json!({
                "f:status": {
                    "f:allocatable": names("/status/allocatable"),
                    "f:capacity": names("/status/capacity"),
                    "f:conditions": conditions,
                    "f:images": {},
                    "f:nodeInfo": names("/status/nodeInfo"),
                },
            }),
            "status"
        ),
    ])
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
        let store = Store::new(10).unwrap();
        let node = store.create_node(NodeSpec::new("n").taint("k", "", "NoExecute")).unwrap();
        let keys: Vec<&str> =
            node["spec"]["taints"].as_array().unwrap().iter().map(|taint| taint["key"].as_str().unwrap()).collect();
        assert_eq!(keys, [UNINITIALIZED, "k", "node.kubernetes.io/not-ready"]);
    }

    #[test]
    fn a_node_of_realistic_size_has_ten_to_twenty_kilobytes() {
        let store = Store::new(10).unwrap();
        let node = store.create_node(NodeSpec::new("n").realistic_size()).unwrap();
        let size = node.to_string().len();
        assert!((10_000..20_000).contains(&size), "{size}");
        assert!(node["metadata"]["managedFields"].to_string().contains("kubelet"));
    }

    #[test]
    fn a_provided_ip_is_reported_and_annotated() {
        let node = NodeSpec::new("n").provided_node_ip("10.0.0.1").into_value();
        assert_eq!(node["metadata"]["annotations"][PROVIDED_NODE_IP], "10.0.0.1");
        assert_eq!(node["status"]["addresses"][0], json!({ "type": "InternalIP", "address": "10.0.0.1" }));
    }
}
