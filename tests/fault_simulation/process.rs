//! A process of the controller, from its start to its end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use clap::Parser;
use packet_cloud_controller_manager::actors::supervisor::{Means, Running};
use packet_cloud_controller_manager::config::{Config, Flags};
use packet_cloud_controller_manager::election::Gatekeeper;
use packet_cloud_controller_manager::packet;
use packet_cloud_controller_manager::telemetry::health::Health;
use packet_cloud_controller_manager::telemetry::metrics::Metrics;

use crate::invariants::Violations;
use crate::network::{Cable, Cutter, ToKubernetes, ToPacket};

/// A process that runs.
pub(crate) struct Process {
    running: Running,
    gatekeeper: Gatekeeper,
    cutter: Cutter,
    leads: Arc<AtomicBool>,
    metrics: Metrics,
}

impl Process {
    /// Starts one, which leads.
    pub(crate) fn start(
        packet: &packet_api_server::Server,
        kubernetes: &kube_api_server::Server,
        variables: &[(&'static str, String)],
        is_careless: bool,
        violations: &Violations,
    ) -> Self {
        let flags = Flags::try_parse_from(["simulated", "--cloud-provider=equinixmetal"]).unwrap();
        let variable = |name: &str| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| value.clone());
        let config = Config::load(&flags, variable).unwrap();
        let (cutter, cable) = Cable::new(is_careless);
        let leads = Arc::new(AtomicBool::new(true));
        let way =
            ToKubernetes::new(kubernetes.connector().unwrap(), cable.clone(), Arc::clone(&leads), violations.clone());
        let transport = Arc::new(ToPacket::new(packet.connector().unwrap(), cable));
        let ((gatekeeper, gate), metrics) = (Gatekeeper::new(true), Metrics::new());
        let means = Means {
            packet: packet::Client::over(transport, config.connection.clone()).unwrap(),
            kubernetes: kube::Client::new(way, "default"),
            config,
            gate,
            metrics: metrics.clone(),
            health: Health::default(),
        };
        Self { running: Running::start(&means).unwrap(), gatekeeper, cutter, leads, metrics }
    }

    /// It is gone at once, and what was on its way may or may not arrive.
    pub(crate) fn crash(self) {
        self.cutter.cut();
        // What is left of it would run on for nothing.
        actix::spawn(async move { self.running.stop().await });
    }

    /// It is asked to stop, and does.
    pub(crate) async fn stop(self) {
        self.running.stop().await.unwrap();
        self.leads.store(false, Ordering::Relaxed);
        self.cutter.cut();
    }

    /// It loses the lead, and ends only later.
    pub(crate) fn lose_the_lead(self) {
        self.gatekeeper.close();
        self.leads.store(false, Ordering::Relaxed);
        actix::spawn(async move {
            tokio::time::sleep(std::time::Duration::from_secs(3)).await;
            self.cutter.cut();
            self.running.stop().await
        });
    }

    /// How many deletions are held back for that reason.
    pub(crate) fn held_back(&self, reason: &str) -> u64 {
        let name = format!(r#"packet_ccm_node_deletions_held_back{{reason="{reason}"}} "#);
        let text = self.metrics.text().unwrap();
        text.lines().find_map(|line| line.strip_prefix(&*name)?.parse().ok()).unwrap_or_default()
    }
}
