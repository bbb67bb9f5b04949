//! Metrics: what there is, and how it reads as Prometheus text. Names begin with `packet_ccm_`, units are base units, and no
//! label has as many values as there are Nodes. Names that dashboards of the programs before this one use stay as they are.

mod access;
mod lifecycle;
mod nodes;
mod packet_api;
mod process;
mod program;
#[cfg(test)]
mod reference;
mod word;
mod writes;

use std::sync::Arc;

use prometheus_client::encoding::prometheus_text::encode;
use prometheus_client::registry::Registry;

pub use self::access::{AccessMetrics, AuthenticationCounts, AuthorizationCounts, ReviewCounts};
pub use self::lifecycle::{Device, LifecycleMetrics, Reason, Taint};
pub use self::nodes::{Errand, NodeMetrics, State};
pub use self::packet_api::{Kept, Lookup, PacketMetrics, PacketRequest};
pub use self::program::{Leadership, ProgramMetrics, Served};
pub use self::word::{Alone, Outcome, Word};
pub use self::writes::{Write, WriteMetrics};

/// What every name of our own begins with.
const PREFIX: &str = "packet_ccm";

/// Every metric. Clones share them.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    /// Those about the Packet API.
    pub packet: PacketMetrics,
    /// Those about Nodes on their way to being initialised, and refreshed.
    pub nodes: NodeMetrics,
    /// Those about Nodes that are not Ready.
    pub lifecycle: LifecycleMetrics,
    /// Those about writes to Kubernetes.
    pub writes: WriteMetrics,
    /// Those about who asks for what is served.
    pub access: AccessMetrics,
    /// Those about the program itself.
    pub program: ProgramMetrics,
}

impl Metrics {
    /// All metrics, with nothing counted yet.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::default();
        let (packet, nodes) = (PacketMetrics::default(), NodeMetrics::default());
        let (lifecycle, writes) = (LifecycleMetrics::default(), WriteMetrics::default());
        let (access, program) = (AccessMetrics::default(), ProgramMetrics::default());
        nodes.register_upstream(&mut registry);
        program.register_upstream(&mut registry);
        process::register(&mut registry);
        let own = registry.sub_registry_with_prefix(PREFIX);
        packet.register(own);
        nodes.register(own);
        lifecycle.register(own);
        writes.register(own);
        access.register(own);
        program.register(own);
        Self { registry: Arc::new(registry), packet, nodes, lifecycle, writes, access, program }
    }

    /// All of them as text, in the format that Prometheus reads (text exposition format 0.0.4).
    ///
    /// # Errors
    /// Never, as a text takes whatever is written to it.
    pub fn text(&self) -> Result<String, std::fmt::Error> {
        let mut text = String::new();
        encode(&mut text, &self.registry)?;
        Ok(text)
    }
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

/// The value of a gauge that counts.
pub(crate) fn gauge(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn counters_end_in_total_and_labels_are_words() {
        let metrics = Metrics::new();
        metrics.lifecycle.deleted.inc();
        metrics.lifecycle.held_back.get_or_create(&Reason { reason: Word("share") }).set(3);
        let text = metrics.clone().text().unwrap();
        for line in [
            "# TYPE packet_ccm_nodes_deleted_total counter",
            "packet_ccm_nodes_deleted_total 1",
            "packet_ccm_node_deletions_held_back{reason=\"share\"} 3",
            "# TYPE node_controller_initial_node_sync_delay_seconds histogram",
        ] {
            assert!(text.lines().any(|seen| seen == line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn every_name_is_our_own_or_one_that_is_in_use_already() {
        let text = Metrics::new().text().unwrap();
        let names = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
        for (name, _) in names {
            let known = ["packet_ccm_", "node_controller_", "leader_election_", "process_"];
            assert!(known.iter().any(|prefix| name.starts_with(prefix)), "{name}");
        }
    }
}
