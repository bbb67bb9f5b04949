//! Nodes as packet-ccm and cloud-provider-equinix-metal left them, and whether anything was written to them since.

use std::time::{Duration, Instant};

use control_plane::ControlPlane;
use k8s_openapi::api::core::v1::Node;
use kube::api::{Patch, PatchParams};
use kube_api_server::NodeSpec;
use packet_api_server::{Device, DeviceSpec};
use serde_json::{Value, json};

use crate::program::Running;
use crate::stage::{PATIENCE, Stage, UNINITIALIZED, addresses, taints};

/// Refreshes often enough that a test sees one.
const REFRESH: &str = "--node-status-update-frequency=500ms";

/// What an older program wrote.
#[derive(Clone, Copy)]
pub(crate) struct Forms {
    pub(crate) provider_id: &'static str,
    pub(crate) region: &'static str,
    pub(crate) zone: Option<&'static str>,
    /// Whether there is one address of each kind only.
    pub(crate) one_of_each: bool,
}

pub(crate) const PACKET_CCM: Forms = Forms { provider_id: "packet://", region: "ewr1", zone: None, one_of_each: true };
/// cloud-provider-equinix-metal in its beginnings.
pub(crate) const BY_FACILITY: Forms =
    Forms { provider_id: "equinixmetal://", region: "ewr1", zone: None, one_of_each: false };
pub(crate) const BY_METRO: Forms = Forms { region: "ny", ..BY_FACILITY };
/// The same, as it was in the end.
pub(crate) const BY_METRO_AND_FACILITY: Forms = Forms { region: "ny", zone: Some("ewr1"), ..BY_FACILITY };

/// The labels that both programs wrote, with the value that `forms` has.
fn labels(forms: Forms) -> Vec<(&'static str, &'static str)> {
    let zone = |key| forms.zone.map(|zone| (key, zone));
    [
        Some(("beta.kubernetes.io/instance-type", "c3.small.x86")),
        Some(("node.kubernetes.io/instance-type", "c3.small.x86")),
        Some(("failure-domain.beta.kubernetes.io/region", forms.region)),
        Some(("topology.kubernetes.io/region", forms.region)),
        zone("failure-domain.beta.kubernetes.io/zone"),
        zone("topology.kubernetes.io/zone"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// The addresses that `forms` shows of a device.
pub(crate) fn shown(device: &Device, forms: Forms) -> Vec<String> {
    let ips: Vec<_> = device.ip_addresses.iter().filter(|ip| ip.address.is_ipv4()).collect();
    let ips = if forms.one_of_each {
        let last = |public: bool| ips.iter().rfind(|ip| ip.public == public).copied();
        last(false).into_iter().chain(last(true)).collect()
    } else {
        ips
    };
    let kind = |public: bool| if public { "ExternalIP" } else { "InternalIP" };
    let ips = ips.into_iter().map(|ip| format!("{} {}", kind(ip.public), ip.address));
    std::iter::once(format!("Hostname {}", device.hostname)).chain(ips).collect()
}

/// The Node of a device as an older program left it, with what else such Nodes have.
fn left(device: &Device, forms: Forms) -> NodeSpec {
    let labels = labels(forms);
    let node = NodeSpec::new(&device.hostname)
        .provider_id(&format!("{}{}", forms.provider_id, device.id))
        .annotation("metal.equinix.com/network-4-private", "10.0.0.0/8")
        .taint("theirs", "", "NoSchedule")
        .without_uninitialized_taint();
    labels.iter().fold(node, |node, (key, value)| node.label(key, value))
}

/// A cluster in which devices are at work, and who writes is told.
pub(crate) async fn stage() -> Stage {
    Stage::set_in(ControlPlane::start_audited().await.unwrap(), 100).await
}

impl Stage {
    /// Registers Nodes of so many devices as an older program left them.
    pub(crate) async fn inherited(&self, prefix: &str, count: usize, forms: Forms) -> Vec<Device> {
        let devices = self.packet.store().create_devices(count, prefix);
        self.register(devices.iter().map(|device| left(device, forms))).await;
        for device in &devices {
            let split =
                |address: String| address.split_once(' ').map(|(kind, of)| json!({"type": kind, "address": of}));
            let addresses: Vec<_> = shown(device, forms).into_iter().filter_map(split).collect();
            let ready = json!({"type": "Ready", "status": "True", "reason": "Test", "lastHeartbeatTime": null, "lastTransitionTime": null});
            // Kubernetes' own controllers replaced the list, which a merge of lists by their type cannot.
            let patch = Patch::Merge(json!({"status": {"addresses": addresses, "conditions": [ready]}}));
            self.nodes.patch_status(&device.hostname, &PatchParams::default(), &patch).await.unwrap();
        }
        devices
    }

    /// Lets a Node be as one whose kubelet runs with `--node-ip`: that address is the first and the only one of its kind.
    pub(crate) async fn named_by_its_kubelet(&self, device: &Device) {
        let others = shown(device, BY_METRO).into_iter().filter(|address| !address.starts_with("InternalIP"));
        let addresses: Vec<_> = std::iter::once("InternalIP 192.168.7.7".to_owned()).chain(others).collect();
        let split = |address: &String| address.split_once(' ').map(|(kind, of)| json!({"type": kind, "address": of}));
        let addresses: Vec<_> = addresses.iter().filter_map(split).collect();
        let annotation = json!({"alpha.kubernetes.io/provided-node-ip": "192.168.7.7"});
        let (with_annotation, with_addresses) =
            (json!({"metadata": {"annotations": annotation}}), json!({"status": {"addresses": addresses}}));
        let (name, how) = (&device.hostname, PatchParams::default());
        self.nodes.patch(name, &how, &Patch::Merge(with_annotation)).await.unwrap();
        self.nodes.patch_status(name, &how, &Patch::Merge(with_addresses)).await.unwrap();
    }

    pub(crate) async fn node(&self, name: &str) -> Node {
        self.nodes.get(name).await.unwrap()
    }

    /// Waits until `look` sees the Node.
    pub(crate) async fn until(&self, name: &str, what: &str, look: impl Fn(&Node) -> bool) -> Node {
        let begun = Instant::now();
        let mut glances = tokio::time::interval(Duration::from_millis(50));
        loop {
            glances.tick().await;
            let node = self.node(name).await;
            if look(&node) {
                return node;
            }
            let log = || std::fs::read_to_string(self.log()).unwrap();
            assert!(begun.elapsed() < PATIENCE, "waited for {what} of {node:?}\n{}", log());
        }
    }

    /// A Node of a new device, once it is initialised.
    pub(crate) async fn joined(&self, name: &str) -> (Device, Node) {
        let device = self.packet.store().create_device(DeviceSpec::new(name));
        self.register([NodeSpec::new(name).ready(true)]).await;
        let is_complete = |node: &Node| !taints(node).contains(&UNINITIALIZED.to_owned());
        (device, self.until(name, "the end of its taint", is_complete).await)
    }

    /// Has two refreshes pass, so that one of them began after this.
    pub(crate) async fn refreshed(&self, witness: &Device, forms: Forms) {
        for ip in ["203.0.113.7", "203.0.113.8"] {
            self.packet.store().update_device(&witness.id, |device| {
                let public = device.ip_addresses.iter_mut().find(|of| of.public && of.address.is_ipv4()).unwrap();
                public.address = ip.parse().unwrap();
            });
            let now = self.packet.store().device(&witness.id).unwrap();
            let is_shown = |node: &Node| addresses(node) == shown(&now, forms);
            self.until(&witness.hostname, "its new address", is_shown).await;
        }
    }

    /// How often the program wrote to Nodes of these devices.
    pub(crate) fn writes(&self, devices: &[Device]) -> usize {
        let log = self.cluster.audited_writes().unwrap();
        let is_ours = |user: &str| user == "system:serviceaccount:kube-system:cloud-controller-manager";
        log.iter()
            .filter(|write| is_ours(&write.user) && write.resource.starts_with("nodes"))
            .filter(|write| devices.iter().any(|device| device.hostname == write.name))
            .count()
    }

    pub(crate) async fn start(&self, flags: &[&str], topology: &str) -> Running {
        let variables = [
            ("METAL_TOPOLOGY", topology),
            ("METAL_CACHE_DEVICE_TTL", "100ms"),
            ("METAL_RATE_LIMIT_REQUESTS_PER_SECOND", "200"),
        ];
        self.start_program_with(&[&[REFRESH], flags].concat(), &variables).await
    }
}

/// A Node that joins looks like those that are there.
pub(crate) fn assert_forms(device: &Device, node: &Node, forms: Forms) {
    let name = &device.hostname;
    assert_eq!(node.spec.as_ref().unwrap().provider_id, Some(format!("{}{}", forms.provider_id, device.id)), "{name}");
    let ours = |key: &String| key.contains("instance-type") || key.ends_with("/region") || key.ends_with("/zone");
    let mut written: Vec<_> = node.metadata.labels.iter().flatten().filter(|(key, _)| ours(key)).collect();
    written.sort();
    let mut expected: Vec<_> =
        labels(forms).iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    expected.sort();
    assert_eq!(written, expected.iter().map(|(key, value)| (key, value)).collect::<Vec<_>>(), "{name}");
    assert_eq!(addresses(node), shown(device, forms), "{name}");
    assert_eq!(node.metadata.annotations, None, "{name}");
}

/// The Nodes, whole: versions and owners of fields, too.
pub(crate) async fn whole(stage: &Stage, devices: &[Device]) -> Vec<Value> {
    let mut nodes = Vec::new();
    for device in devices {
        nodes.push(serde_json::to_value(stage.node(&device.hostname).await).unwrap());
    }
    nodes
}

/// Those Nodes without their addresses, and without what every write changes.
pub(crate) async fn but_for_addresses(stage: &Stage, devices: &[Device]) -> Vec<Value> {
    let mut nodes = whole(stage, devices).await;
    for node in &mut nodes {
        node["status"].as_object_mut().unwrap().remove("addresses");
        node["metadata"]
            .as_object_mut()
            .unwrap()
            .retain(|key, _| !["managedFields", "resourceVersion"].contains(&&**key));
    }
    nodes
}
