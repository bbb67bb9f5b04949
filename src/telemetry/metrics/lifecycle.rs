//! What is measured of Nodes that are not Ready.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

use super::Word;

/// The metrics about Nodes that are not Ready.
#[derive(Debug, Clone, Default)]
pub struct LifecycleMetrics {
    /// How many Nodes are not Ready, by what is known of their device: `there`, `shut_down`, `gone`, `unknown`.
    pub not_ready: Family<Device, Gauge>,
    /// How many Nodes are not deleted although their device looks gone, by what holds them back.
    pub held_back: Family<Reason, Gauge>,
    /// Questions about devices of Nodes that are not Ready, by what was answered.
    pub answers: Family<Device, Counter>,
    /// Nodes deleted.
    pub deleted: Counter,
    /// Attempts to delete a Node that failed.
    pub failed_deletions: Counter,
    /// Shutdown taints put on and taken off.
    pub marked: Family<Taint, Counter>,
}

/// What is known of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Device {
    /// In one word.
    pub device: Word,
}

/// What holds deletions back, or Nodes up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, EncodeLabelSet)]
pub struct Reason {
    /// In one word.
    pub reason: Word,
}

/// What was done with a taint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Taint {
    /// `put_on` or `taken_off`.
    pub change: Word,
}

impl LifecycleMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let not_ready = "Nodes that are not Ready, by what is known of their device";
        registry.register("nodes_not_ready", not_ready, self.not_ready.clone());
        let held_back = "Nodes whose device looks gone and that are not deleted, by what holds them back";
        registry.register("node_deletions_held_back", held_back, self.held_back.clone());
        let answers = "Questions about devices of Nodes that are not Ready, by what was answered";
        registry.register("node_device_answers", answers, self.answers.clone());
        registry.register("nodes_deleted", "Nodes deleted because their device is gone", self.deleted.clone());
        let failed = "Attempts to delete a Node that failed";
        registry.register("node_deletion_failures", failed, self.failed_deletions.clone());
        registry.register("shutdown_taints", "Changes of the shutdown taint", self.marked.clone());
    }
}
