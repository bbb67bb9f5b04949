//! What is measured of Nodes on their way to being initialised, and from then on.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};

use super::{Alone, Reason, Word};

/// The metrics about Nodes.
#[derive(Debug, Clone)]
pub struct NodeMetrics {
    /// Nodes, by state: `initialised`, `uninitialized`, `left_alone`.
    pub nodes: Family<State, Gauge>,
    /// Nodes that wait to be tried again, by why the last attempt failed.
    pub waiting: Family<Reason, Gauge>,
    /// For how long the Node has waited that has waited longest to be initialised.
    pub longest_wait: Gauge,
    /// Pieces of work for Nodes that have ended.
    pub errands: Family<Errand, Counter>,
    /// From a Node's registration to when this program knew and could begin, to when it was complete.
    pub initialised_after: Histogram,
    /// Whether all Nodes are known.
    pub watch_synced: Family<Alone, Gauge>,
    /// How often the watch failed and was started again.
    pub watch_failures: Counter,
    /// From a Node's creation to when its uninitialized taint was taken off.
    pub taint_removal_delay: Histogram,
    /// From a Node's creation to when its first synchronisation was complete.
    pub initial_sync_delay: Histogram,
}

/// The state of a Node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct State {
    /// In one word.
    pub state: Word,
}

/// A piece of work for a Node that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Errand {
    /// `initialise`, `refresh` or `restore_labels`.
    pub errand: Word,
    /// `ok`, `gone`, or the kind of the failure.
    pub result: Word,
}

/// What waiting Nodes are sorted into, in seconds: a single one waits for milliseconds, one of a burst for seconds.
const WAITS: [f64; 12] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

impl Default for NodeMetrics {
    fn default() -> Self {
        // As Kubernetes' cloud node controller has them, so that dashboards read the same: 1 s to some 17 min.
        let upstream = || Histogram::new(exponential_buckets(1.0, 4.0, 6));
        Self {
            nodes: Family::default(),
            waiting: Family::default(),
            longest_wait: Gauge::default(),
            errands: Family::default(),
            initialised_after: Histogram::new(WAITS),
            watch_synced: Family::default(),
            watch_failures: Counter::default(),
            taint_removal_delay: upstream(),
            initial_sync_delay: upstream(),
        }
    }
}

impl NodeMetrics {
    /// Takes note that a Node is initialised: after how long since it was seen uninitialized, whether for the first time, and
    /// how long after its creation, where that is known.
    pub fn initialised(&self, waited: Duration, is_first: bool, age: Option<Duration>) {
        self.initialised_after.observe(waited.as_secs_f64());
        if let Some(age) = age {
            self.taint_removal_delay.observe(age.as_secs_f64());
            if is_first {
                self.initial_sync_delay.observe(age.as_secs_f64());
            }
        }
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("nodes", "Nodes, by state", self.nodes.clone());
        let waiting = "Nodes that wait to be tried again, by why the last attempt failed";
        registry.register("nodes_waiting", waiting, self.waiting.clone());
        let longest = "For how long the Node has waited that has waited longest to be initialised";
        registry.register_with_unit("node_longest_wait", longest, Unit::Seconds, self.longest_wait.clone());
        let errands = "Pieces of work for Nodes that have ended, and how";
        registry.register("node_errands", errands, self.errands.clone());
        let after = "From when a Node was seen uninitialized to when it was initialised";
        registry.register_with_unit("node_initialisation", after, Unit::Seconds, self.initialised_after.clone());
        registry.register("watch_synced", "Whether all Nodes are known", self.watch_synced.clone());
        let failures = "How often the watch of Nodes failed and was started again";
        registry.register("watch_failures", failures, self.watch_failures.clone());
    }

    /// Under the names of Kubernetes' cloud node controller.
    pub(super) fn register_upstream(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("node_controller");
        let removed = "From a Node's creation to when its uninitialized taint was taken off";
        let delay = self.taint_removal_delay.clone();
        registry.register_with_unit("cloud_provider_taint_removal_delay", removed, Unit::Seconds, delay);
        let synced = "From a Node's creation to when it was complete for the first time";
        let delay = self.initial_sync_delay.clone();
        registry.register_with_unit("initial_node_sync_delay", synced, Unit::Seconds, delay);
    }
}
