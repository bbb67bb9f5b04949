//! Nodes of a real kube-apiserver.

use std::time::{Duration, Instant};

use control_plane::ControlPlane;
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::{Event, Node};
use kube::api::{ListParams, Patch, PatchParams, PostParams};
use kube::{Api, Client};
use kube_api_server::NodeSpec;
use packet_api_server::{DeviceSpec, Server};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::program::{Running, program};

const ACCESS: &str = include_str!("../../deploy/manifests/access.yaml");
const UNINITIALIZED: &str = "node.cloudprovider.kubernetes.io/uninitialized";
/// Longer than anything takes that works, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);
/// Requests that the test has under way at once.
const SIDE_BY_SIDE: usize = 16;

/// A real cluster, a simulated Packet API, and a folder for the program's files.
struct Stage {
    cluster: ControlPlane,
    packet: Server,
    admin: Client,
    nodes: Api<Node>,
    folder: TempDir,
}

impl Stage {
    async fn set(devices_per_page: u32) -> Self {
        let cluster = ControlPlane::start().await.unwrap_or_else(|error| panic!("{error}"));
        cluster.apply(ACCESS).await.unwrap();
        let packet = Server::builder().max_per_page(devices_per_page).start().await.unwrap();
        let admin = cluster.client();
        let nodes = Api::all(admin.clone());
        Self { cluster, packet, admin, nodes, folder: tempfile::tempdir().unwrap() }
    }

    async fn register(&self, nodes: impl IntoIterator<Item = NodeSpec>) {
        let create = |node: NodeSpec| async move {
            let node: Node = serde_json::from_value(node.into_value()).unwrap();
            self.nodes.create(&PostParams::default(), &node).await.map(drop)
        };
        stream::iter(nodes).map(create).buffer_unordered(SIDE_BY_SIDE).try_collect::<()>().await.unwrap();
    }

    /// Starts the program under the ServiceAccount of `deploy/`.
    async fn start_program(&self) -> Running {
        let kubeconfig =
            self.cluster.service_account_kubeconfig("kube-system", "cloud-controller-manager").await.unwrap();
        let (path, config) = (self.folder.path().join("kubeconfig"), self.folder.path().join("cloud-sa.json"));
        std::fs::write(&path, kubeconfig).unwrap();
        let settings = json!({"apiKey": self.packet.token(), "projectID": self.packet.project_id(), "base-url": self.packet.url()});
        std::fs::write(&config, settings.to_string()).unwrap();
        let flags = [
            "--cloud-provider=equinixmetal".to_owned(),
            format!("--kubeconfig={}", path.display()),
            format!("--cloud-config={}", config.display()),
            "--v=4".to_owned(),
        ];
        Running::start(program(&flags.each_ref().map(String::as_str)), &self.log())
    }

    fn log(&self) -> std::path::PathBuf {
        self.folder.path().join("program.log")
    }

    /// Waits until every Node of the cluster but the exempt ones is initialised.
    async fn initialised(&self, exempt: &[&str]) -> Vec<Node> {
        let begun = Instant::now();
        let mut glances = tokio::time::interval(Duration::from_millis(200));
        loop {
            glances.tick().await;
            let nodes = self.nodes.list(&ListParams::default()).await.unwrap().items;
            let waiting: Vec<_> = nodes
                .iter()
                .map(named)
                .filter(|(name, node)| !exempt.contains(&&**name) && taints(node).contains(&UNINITIALIZED.to_owned()))
                .map(|(name, _)| name)
                .collect();
            if waiting.is_empty() {
                return nodes;
            }
            let log = || std::fs::read_to_string(self.log()).unwrap();
            assert!(begun.elapsed() < PATIENCE, "not initialised: {waiting:?}\n{}", log());
        }
    }

    async fn events(&self) -> Vec<Event> {
        Api::<Event>::namespaced(self.admin.clone(), "default").list(&ListParams::default()).await.unwrap().items
    }

    /// Waits for so many Events of a reason.
    async fn events_of(&self, reason: &str, count: usize) -> Vec<Event> {
        let begun = Instant::now();
        let mut glances = tokio::time::interval(Duration::from_millis(200));
        loop {
            glances.tick().await;
            let mut events = self.events().await;
            events.retain(|event| event.reason.as_deref() == Some(reason));
            if events.len() >= count {
                return events;
            }
            assert!(
                begun.elapsed() < PATIENCE,
                "{} Events {reason}\n{}",
                events.len(),
                std::fs::read_to_string(self.log()).unwrap()
            );
        }
    }
}

fn named(node: &Node) -> (String, &Node) {
    (node.metadata.name.clone().unwrap(), node)
}

fn taints(node: &Node) -> Vec<String> {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_ref());
    taints.into_iter().flatten().map(|taint| taint.key.clone()).collect()
}

fn addresses(node: &Node) -> Vec<String> {
    let addresses = node.status.as_ref().and_then(|status| status.addresses.as_ref());
    addresses.into_iter().flatten().map(|address| format!("{} {}", address.type_, address.address)).collect()
}

fn label<'a>(node: &'a Node, key: &str) -> &'a str {
    node.metadata.labels.as_ref().and_then(|labels| labels.get(key)).map_or("", String::as_str)
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_tainted_nodes_whose_devices_lie_on_many_pages_are_initialised() {
    let stage = Stage::set(50).await;
    let devices = stage.packet.store().create_devices(500, "node-");
    let node = |device: &packet_api_server::Device| NodeSpec::new(&device.hostname).taint("theirs", "yes", "NoExecute");
    stage.register(devices.iter().map(node)).await;
    let running = stage.start_program().await;
    let nodes = stage.initialised(&[]).await;
    assert_eq!(nodes.len(), devices.len());
    for (name, node) in nodes.iter().map(named) {
        let device = devices.iter().find(|device| device.hostname == name).unwrap();
        let provider_id = node.spec.as_ref().unwrap().provider_id.clone().unwrap();
        assert_eq!(provider_id, format!("equinixmetal://{}", device.id));
        assert_eq!(
            (label(node, "node.kubernetes.io/instance-type"), label(node, "topology.kubernetes.io/region")),
            ("c3.small.x86", "ny")
        );
        assert!(taints(node).contains(&"theirs".to_owned()), "{name}: {:?}", taints(node));
        let shown = addresses(node);
        assert_eq!(shown[0], format!("Hostname {name}"));
        for ip in device.ip_addresses.iter().filter(|ip| ip.address.is_ipv4()) {
            let kind = if ip.public { "ExternalIP" } else { "InternalIP" };
            assert!(shown.contains(&format!("{kind} {}", ip.address)), "{name}: {shown:?}");
        }
        assert_eq!(shown.len(), 3, "{name}: {shown:?}");
    }
    let asked = stage.packet.requests().count();
    assert!(asked <= 500 / 50 + 3, "{asked} requests: {:?}", stage.packet.requests().all());
    stage.events_of("Synced", devices.len()).await;
    assert_eq!(running.terminate().await, Some(0));
    let log = std::fs::read_to_string(stage.log()).unwrap();
    assert!(!log.contains(stage.packet.token()), "the token is in the log");
    assert!(!log.contains("orbidden"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_node_that_fails_or_is_not_ours_holds_up_no_other_and_is_told_of() {
    let stage = Stage::set(100).await;
    for hostname in ["good-1", "good-2", "twin", "twin", "bad-ip"] {
        stage.packet.store().create_device(DeviceSpec::new(hostname));
    }
    let mut without_labels: Value = NodeSpec::new("good-2").into_value();
    without_labels["metadata"].as_object_mut().unwrap().remove("labels");
    let without_labels: Node = serde_json::from_value(without_labels).unwrap();
    stage.nodes.create(&PostParams::default(), &without_labels).await.unwrap();
    let others = [
        NodeSpec::new("good-1"),
        NodeSpec::new("twin"),
        NodeSpec::new("missing"),
        NodeSpec::new("other-cloud").provider_id("aws:///eu/i-1"),
        NodeSpec::new("bad-ip").annotation("alpha.kubernetes.io/provided-node-ip", "eth0"),
    ];
    stage.register(others).await;
    let running = stage.start_program().await;
    let failing = ["twin", "missing", "other-cloud", "bad-ip"];
    let nodes = stage.initialised(&failing).await;
    assert_eq!(
        label(nodes.iter().find(|node| named(node).0 == "good-2").unwrap(), "topology.kubernetes.io/region"),
        "ny"
    );
    let events = stage.events_of("SyncFailed", failing.len()).await;
    for (name, part) in failing.into_iter().zip([
        "share the hostname",
        "no device of the project",
        "left alone: provider name",
        "not an IP address",
    ]) {
        let told = |event: &Event| {
            event.involved_object.name.as_deref() == Some(name)
                && event.message.as_deref().is_some_and(|message| message.contains(part))
        };
        assert!(events.iter().any(told), "{name}: {events:?}");
        let node = stage.nodes.get(name).await.unwrap();
        assert!(taints(&node).contains(&UNINITIALIZED.to_owned()));
    }
    assert_eq!(running.terminate().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn taints_that_others_add_and_remove_all_the_while_are_neither_lost_nor_brought_back() {
    let stage = Stage::set(100).await;
    let devices = stage.packet.store().create_devices(60, "node-");
    stage
        .register(devices.iter().map(|device| NodeSpec::new(&device.hostname).taint("removed", "", "NoSchedule")))
        .await;
    let running = stage.start_program().await;
    // As a controller that updates whole objects: reads, changes, and writes back only if nothing else was written.
    let write = |device: &packet_api_server::Device| {
        let (nodes, name) = (stage.nodes.clone(), device.hostname.clone());
        async move {
            loop {
                let node = nodes.get(&name).await.unwrap();
                let mut taints = node.spec.unwrap().taints.unwrap_or_default();
                taints.retain(|taint| taint.key != "removed");
                taints.insert(0, serde_json::from_value(json!({"key": "added", "effect": "NoSchedule"})).unwrap());
                let patch = json!({"metadata": {"resourceVersion": node.metadata.resource_version}, "spec": {"taints": taints}});
                match nodes.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await {
                    Ok(_) => return,
                    Err(kube::Error::Api(status)) if status.is_conflict() => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
    };
    stream::iter(&devices).map(write).buffer_unordered(SIDE_BY_SIDE).collect::<()>().await;
    for node in stage.initialised(&[]).await {
        let taints = taints(&node);
        assert!(taints.contains(&"added".to_owned()) && !taints.contains(&"removed".to_owned()), "{taints:?}");
        assert_eq!(addresses(&node).len(), 3);
    }
    assert_eq!(running.terminate().await, Some(0));
}
