//! The cloud under test: one call gives a test both simulated APIs, stores to seed, and the actors that run against them.

mod node;

use std::sync::Arc;
use std::time::Duration;

use clap::Parser;
use kube_api_server::NodeSpec;
use packet_api_server::{DeviceSpec, DeviceState};
use packet_cloud_controller_manager::actors::lifecycle::Lifecycle;
use packet_cloud_controller_manager::actors::node_watcher::NodeWatcher;
use packet_cloud_controller_manager::actors::packet_api::PacketApi;
use packet_cloud_controller_manager::actors::supervisor::{Means, Running};
use packet_cloud_controller_manager::config::{Config, Flags, LiveSettings};
use packet_cloud_controller_manager::election::{Gate, Gatekeeper};
use packet_cloud_controller_manager::messages::settings::{NewSettings, TryAgain};
use packet_cloud_controller_manager::packet;
use packet_cloud_controller_manager::telemetry::health::Health;
use packet_cloud_controller_manager::telemetry::logging;
use packet_cloud_controller_manager::telemetry::metrics::Metrics;
use serde_json::Value;
use tokio::time::Instant;

pub(crate) use self::node::{SeenNode, set_ready};

/// The taint that the API server itself puts on every new Node (Kubernetes admission `TaintNodesByCondition`).
pub(crate) const NOT_READY: &str = "node.kubernetes.io/not-ready";

/// The taint of a Node whose machine is switched off.
pub(crate) const SHUTDOWN: &str = "node.cloudprovider.kubernetes.io/shutdown";

/// Longer than anything takes that works, retries included.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a condition is looked at.
const GLANCE: Duration = Duration::from_millis(10);

/// The cloud under test. Everything stops when it is dropped.
pub(crate) struct Cloud {
    /// The simulated Packet API.
    pub(crate) packet: packet_api_server::Server,
    /// The simulated Kubernetes API.
    pub(crate) kubernetes: kube_api_server::Server,
    /// The actors.
    pub(crate) running: Running,
    /// Whether the actors may write.
    pub(crate) gatekeeper: Gatekeeper,
    /// What the actors measure.
    pub(crate) metrics: Metrics,
    /// What the actors say of how they are.
    health: Health,
    /// What the actors are made of, for the next that are started.
    config: Config,
}

/// A cloud that is yet to be started.
pub(crate) struct Builder {
    packet: packet_api_server::ServerBuilder,
    flags: Vec<String>,
    variables: Vec<(&'static str, String)>,
    deletion_window: Option<Duration>,
}

impl Cloud {
    /// A cloud with no devices and no Nodes, as `packet-ccm` runs.
    pub(crate) async fn start() -> Self {
        Self::packet().start().await
    }

    /// A cloud as `packet-ccm` runs.
    pub(crate) fn packet() -> Builder {
        Builder::new("packet")
    }

    /// A cloud as `cloud-provider-equinix-metal` runs.
    pub(crate) fn equinixmetal() -> Builder {
        Builder::new("equinixmetal")
    }

    /// Seeds a device, and a Node that a kubelet on it has registered.
    pub(crate) fn join(&self, device: DeviceSpec, node: NodeSpec) -> packet_api_server::Device {
        let device = self.packet.store().create_device(device);
        self.register(node);
        device
    }

    /// Seeds a device, and its Node, initialised, Ready or not.
    pub(crate) fn joined(&self, name: &str, is_ready: bool) -> packet_api_server::Device {
        let device = self.packet.store().create_device(DeviceSpec::new(name));
        let node = NodeSpec::new(name).provider_id(&format!("packet://{}", device.id));
        self.register(node.without_uninitialized_taint().ready(is_ready));
        device
    }

    /// Lets a Node become Ready, or not.
    pub(crate) fn ready(&self, name: &str, is_ready: bool) {
        self.kubernetes.store().update_node(name, |node| set_ready(node, is_ready)).unwrap();
    }

    /// Waits until all Nodes have been looked after twice more: a Node that is well is seen switched off, and well again.
    pub(crate) async fn two_rounds(&self, name: &str) {
        let is_marked = || self.node(name).taints().iter().any(|taint| taint == SHUTDOWN);
        let device = self.packet.store().devices_named(name).remove(0).id;
        self.packet.store().set_device_state(&device, DeviceState::Inactive);
        self.ready(name, false);
        until("a Node that is switched off to be marked", || is_marked().then_some(())).await;
        self.packet.store().set_device_state(&device, DeviceState::Active);
        self.ready(name, true);
        until("a Node that is Ready to be unmarked", || (!is_marked()).then_some(())).await;
    }

    /// Waits until a Node is gone.
    pub(crate) async fn gone(&self, name: &str) {
        let what = || format!("Node {name} to be deleted; its Events: {:?}", self.messages(name));
        until(what, || self.kubernetes.store().node(name).is_none().then_some(())).await;
    }

    /// The value of a metric, by its name and labels as Prometheus text has them; 0 where it is not there.
    pub(crate) fn metric(&self, name: &str) -> u64 {
        let text = self.metrics.text().unwrap();
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        value.map_or(0, |value| value.parse().unwrap())
    }

    /// Stops the actors and starts others, as when the process is started anew.
    pub(crate) async fn restart(&mut self) {
        self.running.stop().await.unwrap();
        self.gatekeeper.close();
        self.health = Health::default();
        (self.running, self.gatekeeper, self.metrics) =
            start_actors(&self.config, &self.kubernetes, self.health.clone());
    }

    /// Starts further actors, which may write while that gate is open.
    pub(crate) fn start_actors_behind(&self, gate: Gate) -> Running {
        actors_behind(gate, &self.config, &self.kubernetes, Metrics::new(), Health::default())
    }

    /// Changes settings under the running actors, as when the file is written anew.
    pub(crate) fn set(&self, change: impl FnOnce(&mut LiveSettings)) {
        let mut settings = self.config.live();
        change(&mut settings);
        let settings = NewSettings(Arc::new(settings));
        self.running.address::<PacketApi>().unwrap().do_send(settings.clone());
        self.running.address::<Lifecycle>().unwrap().do_send(settings);
        self.running.address::<NodeWatcher>().unwrap().do_send(TryAgain);
    }

    /// What is wrong with a check of readiness, or nothing where it is well.
    pub(crate) fn unready(&self, check: &str) -> Option<String> {
        self.health.all()[check].state.clone().err()
    }

    /// Seeds a Node.
    pub(crate) fn register(&self, node: NodeSpec) {
        self.kubernetes.store().create_node(node).unwrap();
    }

    /// The Node as it is now.
    pub(crate) fn node(&self, name: &str) -> SeenNode {
        SeenNode(self.kubernetes.store().node(name).unwrap_or_else(|| panic!("there is no Node {name}")))
    }

    /// Waits until a Node is initialised.
    pub(crate) async fn initialised(&self, name: &str) -> SeenNode {
        let what = || format!("Node {name} to be initialised; its Events: {:?}", self.messages(name));
        until(what, || Some(self.node(name)).filter(|node| !node.is_uninitialized())).await
    }

    /// The messages of the Events of a Node, each after its reason.
    pub(crate) fn messages(&self, name: &str) -> Vec<String> {
        let text = |event: &Value, key: &str| event[key].as_str().unwrap_or_default().to_owned();
        let events = self.kubernetes.store().events();
        let of_node = events.iter().filter(|event| event["involvedObject"]["name"] == name);
        of_node.map(|event| format!("{}: {}", text(event, "reason"), text(event, "message"))).collect()
    }

    /// Waits for an Event of a Node whose message contains `part`, and answers it.
    pub(crate) async fn told(&self, name: &str, part: &str) -> String {
        let what = || {
            let (all, own) = (self.kubernetes.store().events().len(), self.messages(name));
            format!("an Event of Node {name} with `{part}`; of {all} Events its own are: {own:?}")
        };
        until(what, || self.messages(name).into_iter().find(|message| message.contains(part))).await
    }

    /// Requests to the Packet API for devices: lists, pages and single ones.
    pub(crate) fn device_requests(&self) -> usize {
        let path = |path: &str| path.ends_with("/devices") || path.contains("/devices/");
        self.packet.requests().all().iter().filter(|request| path(&request.path)).count()
    }

    /// Writes to the Kubernetes API for a Node.
    pub(crate) fn writes(&self, name: &str) -> usize {
        let path = format!("/nodes/{name}");
        self.kubernetes.requests().writes().iter().filter(|request| request.path.contains(&path)).count()
    }
}

impl Builder {
    fn new(provider: &str) -> Self {
        Self {
            packet: packet_api_server::Server::builder(),
            flags: vec!["test".to_owned(), format!("--cloud-provider={provider}")],
            variables: Vec::new(),
            deletion_window: None,
        }
    }

    /// Adds a flag.
    pub(crate) fn flag(mut self, flag: &str) -> Self {
        self.flags.push(flag.to_owned());
        self
    }

    /// Sets an environment variable for the cloud alone.
    pub(crate) fn variable(mut self, name: &'static str, value: &str) -> Self {
        self.variables.push((name, value.to_owned()));
        self
    }

    /// Counts deletions within a time that is shorter than any that can be set, so that a test may wait for it.
    pub(crate) fn deletion_window(mut self, window: Duration) -> Self {
        self.deletion_window = Some(window);
        self
    }

    /// Changes the simulated Packet API.
    pub(crate) fn packet_api(
        mut self,
        change: impl FnOnce(packet_api_server::ServerBuilder) -> packet_api_server::ServerBuilder,
    ) -> Self {
        self.packet = change(self.packet);
        self
    }

    /// Starts with nothing seeded.
    pub(crate) async fn start(self) -> Cloud {
        self.start_with(|_, _| {}).await
    }

    /// Starts both APIs, lets `seed` fill them, then starts the actors.
    pub(crate) async fn start_with(
        mut self,
        seed: impl FnOnce(&packet_api_server::Server, &kube_api_server::Server),
    ) -> Cloud {
        logging::start(verbosity(), packet_cloud_controller_manager::config::LogFormat::Text);
        let packet = self.packet.start().await.unwrap();
        let kubernetes = kube_api_server::Server::start().await.unwrap();
        seed(&packet, &kubernetes);
        for (name, value) in [
            ("METAL_API_KEY", packet.token().to_owned()),
            ("METAL_PROJECT_ID", packet.project_id().to_string()),
            ("METAL_BASE_URL", packet.url()),
            // Budgets are a test's own subject; the others should not wait for theirs.
            ("METAL_RATE_LIMIT_REQUESTS_PER_SECOND", "1000".to_owned()),
        ] {
            if self.variables.iter().all(|(set, _)| *set != name) {
                self.variables.push((name, value));
            }
        }
        let variable = |name: &str| self.variables.iter().find(|(set, _)| *set == name).map(|(_, value)| value.clone());
        let mut config = Config::load(&Flags::try_parse_from(&self.flags).unwrap(), variable).unwrap();
        config.deletion.window = self.deletion_window.unwrap_or(config.deletion.window);
        let health = Health::default();
        let (running, gatekeeper, metrics) = start_actors(&config, &kubernetes, health.clone());
        Cloud { packet, kubernetes, running, gatekeeper, metrics, health, config }
    }
}

/// How much the tests log: at the highest verbosity where secrets are looked for in all of it.
fn verbosity() -> u8 {
    std::env::var("TEST_VERBOSITY").ok().and_then(|text| text.parse().ok()).unwrap_or(4)
}

/// Starts the actors, as a process does that leads for good.
fn start_actors(
    config: &Config,
    kubernetes: &kube_api_server::Server,
    health: Health,
) -> (Running, Gatekeeper, Metrics) {
    let ((gatekeeper, gate), metrics) = (Gatekeeper::new(true), Metrics::new());
    (actors_behind(gate, config, kubernetes, metrics.clone(), health), gatekeeper, metrics)
}

fn actors_behind(
    gate: Gate,
    config: &Config,
    kubernetes: &kube_api_server::Server,
    metrics: Metrics,
    health: Health,
) -> Running {
    let packet = packet::Client::new(config.connection.clone()).unwrap();
    let (config, kubernetes) = (config.clone(), client(kubernetes));
    let means = Means { config, packet, kubernetes, gate, metrics, health };
    Running::start(&means).unwrap()
}

/// A client of the simulated Kubernetes API.
pub(crate) fn client(kubernetes: &kube_api_server::Server) -> kube::Client {
    kube::Client::try_from(kube::Config::new(kubernetes.url().parse().unwrap())).unwrap()
}

/// The statuses that requests of that path were answered with.
pub(crate) fn ids(cloud: &Cloud, path: &str) -> Vec<u16> {
    let all = cloud.packet.requests().all();
    all.iter().filter(|request| request.path.ends_with(path)).map(|request| request.status).collect()
}

/// Waits until `look` sees something.
///
/// # Panics
/// When that takes longer than anything that works.
pub(crate) async fn until<T>(what: impl What, look: impl FnMut() -> Option<T>) -> T {
    until_within(PATIENCE, what, look).await
}

/// The same, of what may take so long.
///
/// # Panics
/// When it takes longer.
pub(crate) async fn until_within<T>(patience: Duration, what: impl What, mut look: impl FnMut() -> Option<T>) -> T {
    let begun = Instant::now();
    let mut glances = tokio::time::interval(GLANCE);
    loop {
        glances.tick().await;
        if let Some(seen) = look() {
            return seen;
        }
        assert!(begun.elapsed() < patience, "waited {patience:?} for {}", what.text());
    }
}

/// What is waited for, in words; found out only when it did not come.
pub(crate) trait What {
    fn text(&self) -> String;
}

impl What for &str {
    fn text(&self) -> String {
        (*self).to_owned()
    }
}

impl<F: Fn() -> String> What for F {
    fn text(&self) -> String {
        self()
    }
}
