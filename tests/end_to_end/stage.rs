//! A real kube-apiserver and etcd, a simulated Packet API, and the program between them under the ServiceAccount of `deploy/`.

use std::time::{Duration, Instant};

use control_plane::ControlPlane;
use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::{Event, Node};
use kube::api::{ListParams, PostParams};
use kube::{Api, Client};
use kube_api_server::NodeSpec;
use packet_api_server::Server;
use serde_json::json;
use tempfile::TempDir;

use crate::program::{Running, program};

const ACCESS: &str = include_str!("../../deploy/template/access.yaml");
pub(crate) const UNINITIALIZED: &str = "node.cloudprovider.kubernetes.io/uninitialized";
/// Longer than anything takes that works, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(2);
/// Requests that the test has under way at once.
pub(crate) const SIDE_BY_SIDE: usize = 16;

/// A real cluster, a simulated Packet API, and a folder for the program's files.
pub(crate) struct Stage {
    pub(crate) cluster: ControlPlane,
    pub(crate) packet: Server,
    pub(crate) admin: Client,
    pub(crate) nodes: Api<Node>,
    pub(crate) folder: TempDir,
}

impl Stage {
    pub(crate) async fn set(devices_per_page: u32) -> Self {
        Self::set_in(ControlPlane::start().await.unwrap_or_else(|error| panic!("{error}")), devices_per_page).await
    }

    /// The same in a cluster that is there already.
    pub(crate) async fn set_in(cluster: ControlPlane, devices_per_page: u32) -> Self {
        cluster.apply(ACCESS).await.unwrap();
        Self::bare_in(cluster, devices_per_page).await
    }

    /// The same without anything of `deploy/`.
    pub(crate) async fn bare_in(cluster: ControlPlane, devices_per_page: u32) -> Self {
        let packet = Server::builder().max_per_page(devices_per_page).start().await.unwrap();
        let admin = cluster.client();
        let nodes = Api::all(admin.clone());
        Self { cluster, packet, admin, nodes, folder: tempfile::tempdir().unwrap() }
    }

    pub(crate) async fn register(&self, nodes: impl IntoIterator<Item = NodeSpec>) {
        let create = |node: NodeSpec| async move {
            let node: Node = serde_json::from_value(node.into_value()).unwrap();
            self.nodes.create(&PostParams::default(), &node).await.map(drop)
        };
        stream::iter(nodes).map(create).buffer_unordered(SIDE_BY_SIDE).try_collect::<()>().await.unwrap();
    }

    /// Starts the program under the ServiceAccount of `deploy/`.
    pub(crate) async fn start_program(&self) -> Running {
        self.start_program_with(&[], &[]).await
    }

    /// Starts it with further flags and variables.
    pub(crate) async fn start_program_with(&self, further: &[&str], variables: &[(&str, &str)]) -> Running {
        let kubeconfig = self.kubeconfig_of("cloud-controller-manager").await;
        self.start_program_as("program", &kubeconfig, further, variables)
    }

    /// A kubeconfig of this ServiceAccount.
    pub(crate) async fn kubeconfig_of(&self, account: &str) -> String {
        self.cluster.service_account_kubeconfig("kube-system", account).await.unwrap()
    }

    /// Starts it with that kubeconfig. Its files and its log bear that name.
    pub(crate) fn start_program_as(
        &self,
        name: &str,
        kubeconfig: &str,
        further: &[&str],
        variables: &[(&str, &str)],
    ) -> Running {
        let path = |ending: &str| self.folder.path().join(format!("{name}{ending}"));
        let (kubeconfig_path, config) = (path("-kubeconfig"), path("-cloud-sa.json"));
        std::fs::write(&kubeconfig_path, kubeconfig).unwrap();
        let settings = json!({"apiKey": self.packet.token(), "projectID": self.packet.project_id(), "base-url": self.packet.url()});
        std::fs::write(&config, settings.to_string()).unwrap();
        let flags = [
            "--cloud-provider=equinixmetal".to_owned(),
            format!("--kubeconfig={}", kubeconfig_path.display()),
            format!("--cloud-config={}", config.display()),
            "--v=10".to_owned(),
            // Tests run side by side, and few are about what is served; the last mention of a flag counts.
            "--secure-port=0".to_owned(),
        ];
        let flags: Vec<_> = flags.iter().map(String::as_str).chain(further.iter().copied()).collect();
        let mut command = program(&flags);
        command.envs(variables.iter().copied());
        Running::start(command, &self.log_of(name))
    }

    /// What the program of that name has logged.
    pub(crate) fn log_of(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(format!("{name}.log"))
    }

    pub(crate) fn log(&self) -> std::path::PathBuf {
        self.log_of("program")
    }

    /// Waits until the program says that.
    pub(crate) async fn log_says(&self, part: &str) {
        let begun = Instant::now();
        let mut glances = tokio::time::interval(Duration::from_millis(100));
        loop {
            glances.tick().await;
            let log = std::fs::read_to_string(self.log()).unwrap();
            if log.contains(part) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "`{part}` is not in\n{log}");
        }
    }

    /// Waits until every Node of the cluster but the exempt ones is initialised.
    pub(crate) async fn initialised(&self, exempt: &[&str]) -> Vec<Node> {
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

    pub(crate) async fn events(&self) -> Vec<Event> {
        Api::<Event>::namespaced(self.admin.clone(), "default").list(&ListParams::default()).await.unwrap().items
    }

    /// Waits for so many Events of a reason.
    pub(crate) async fn events_of(&self, reason: &str, count: usize) -> Vec<Event> {
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

impl Drop for Stage {
    /// Nothing that any of the programs has ever logged shows the token.
    fn drop(&mut self) {
        if std::thread::panicking() {
            return;
        }
        let files = std::fs::read_dir(self.folder.path()).unwrap().map(|file| file.unwrap().path());
        for log in files.filter(|file| file.extension().is_some_and(|ending| ending == "log")) {
            let said = std::fs::read(&log).unwrap();
            let said = String::from_utf8_lossy(&said);
            assert!(!said.contains(self.packet.token()), "the token is in {}", log.display());
        }
    }
}

/// The token in a kubeconfig of the control plane.
pub(crate) fn token_of(kubeconfig: &str) -> String {
    let line = kubeconfig.lines().find_map(|line| line.trim().strip_prefix("token: ")).unwrap();
    serde_json::from_str(line).unwrap()
}

pub(crate) fn named(node: &Node) -> (String, &Node) {
    (node.metadata.name.clone().unwrap(), node)
}

pub(crate) fn taints(node: &Node) -> Vec<String> {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_ref());
    taints.into_iter().flatten().map(|taint| taint.key.clone()).collect()
}

pub(crate) fn addresses(node: &Node) -> Vec<String> {
    let addresses = node.status.as_ref().and_then(|status| status.addresses.as_ref());
    addresses.into_iter().flatten().map(|address| format!("{} {}", address.type_, address.address)).collect()
}

pub(crate) fn label<'a>(node: &'a Node, key: &str) -> &'a str {
    node.metadata.labels.as_ref().and_then(|labels| labels.get(key)).map_or("", String::as_str)
}
