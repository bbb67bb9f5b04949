//! What is measured of writes to Kubernetes, Events among them.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::{Outcome, Word};

/// The metrics about writes to Kubernetes.
#[derive(Debug, Clone)]
pub struct WriteMetrics {
    /// Requests that have ended, by what was written and how they ended.
    pub writes: Family<Write, Counter>,
    /// How long they took, the client's own retries included, and the pace of --kube-api-qps not.
    pub durations: Histogram,
    /// Events: `created`, `repeated` and so left out, `over_limit` and so left out,
    /// `dropped` as too many waited, `failed`.
    pub events: Family<Outcome, Counter>,
    /// Writes that wait for a place or are under way.
    pub under_way: Gauge,
}

/// A write that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Write {
    /// `node`, `status`, `deletion`, `event`, or `read` where the newest state was read in between.
    pub write: Word,
    /// `ok`, `conflict`, `refused`, `unreachable`, `not_leading`.
    pub result: Word,
}

/// In seconds: from an idle API server to one that asks to wait and is tried again.
const DURATIONS: [f64; 10] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 15.0, 60.0];

impl Default for WriteMetrics {
    fn default() -> Self {
        Self {
            writes: Family::default(),
            durations: Histogram::new(DURATIONS),
            events: Family::default(),
            under_way: Gauge::default(),
        }
    }
}

impl WriteMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        for result in ["created", "repeated", "over_limit", "dropped", "failed"] {
            drop(self.events.get_or_create(&Outcome { result: Word(result) }));
        }
        let registry = registry.sub_registry_with_prefix("kubernetes");
        let writes = "Requests to the Kubernetes API about Nodes that have ended, and how";
        registry.register("writes", writes, self.writes.clone());
        let durations = "How long writes to the Kubernetes API took, retries included";
        registry.register_with_unit("write_duration", durations, Unit::Seconds, self.durations.clone());
        registry.register("events", "Events, by what became of them", self.events.clone());
        let under_way = "Nodes that are being written or wait for their turn";
        registry.register("writes_under_way", under_way, self.under_way.clone());
    }
}
