//! Metrics: what there is, and how it reads as Prometheus text. Names begin with `packet_ccm_`, units are base units, and no
//! label has as many values as there are Nodes.

use std::sync::Arc;

use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

/// What every name begins with.
const PREFIX: &str = "packet_ccm";

/// Every metric. Clones share them.
#[derive(Debug, Clone)]
pub struct Metrics {
    registry: Arc<Registry>,
    /// Those about Nodes that are not Ready.
    pub lifecycle: LifecycleMetrics,
}

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

/// What holds deletions back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
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

/// The value of a label: one of a few words that the program knows beforehand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Word(pub &'static str);

impl EncodeLabelValue for Word {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        EncodeLabelValue::encode(&self.0, encoder)
    }
}

impl Metrics {
    /// All of them, at nothing.
    #[must_use]
    pub fn new() -> Self {
        let mut registry = Registry::with_prefix(PREFIX);
        let lifecycle = LifecycleMetrics::default();
        lifecycle.register(&mut registry);
        Self { registry: Arc::new(registry), lifecycle }
    }

    /// All of them as text, in the format that Prometheus reads (`OpenMetrics` 1.0).
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

impl LifecycleMetrics {
    fn register(&self, registry: &mut Registry) {
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
        for line in
            ["packet_ccm_nodes_deleted_total 1", "packet_ccm_node_deletions_held_back{reason=\"share\"} 3", "# EOF"]
        {
            assert!(text.lines().any(|seen| seen == line), "{text}");
        }
    }
}
