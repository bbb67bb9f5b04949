//! What the log and the metrics tell of Nodes that are not Ready.

use crate::kubernetes::Node;
use crate::kubernetes::lifecycle::{Counts, Held, Monitor, Verdict};
use crate::messages::initialise::Outcome;
use crate::messages::writes::WriteError;
use crate::packet::Answer;
use crate::telemetry::metrics::{Device, LifecycleMetrics, Reason, Taint, Word, gauge};

/// Keeps the metrics, and tells the log what is new.
pub(super) struct Tidings {
    metrics: LifecycleMetrics,
    told: Counts,
}

impl Tidings {
    pub(super) fn new(metrics: LifecycleMetrics) -> Self {
        let tidings = Self { metrics, told: Counts::default() };
        tidings.measure(&Counts::default());
        tidings
    }

    /// Tells how many Nodes are in which state, where that has changed.
    pub(super) fn tell(&mut self, monitor: &Monitor) {
        let counts = monitor.counts();
        if counts == self.told {
            return;
        }
        self.measure(&counts);
        let Counts { not_ready, there, shut_down, gone, unknown, .. } = counts;
        tracing::info!(not_ready, there, shut_down, gone, unknown, "Nodes that are not Ready, by their devices");
        if unknown > 0
            && unknown != self.told.unknown
            && let Some((node, error)) = monitor.an_unknown()
        {
            tracing::warn!(nodes = unknown, %node, error, "devices of Nodes that are not Ready cannot be asked for; left alone");
        }
        if counts.held != self.told.held {
            for (held, message) in monitor.all_held() {
                let nodes = counts.held.get(held.kind()).copied().unwrap_or_default();
                tracing::warn!(nodes, reason = held.kind(), "deletion is held back: {message}");
            }
            if counts.held.is_empty() {
                tracing::info!("no deletion is held back any more");
            }
        }
        self.told = counts;
    }

    fn measure(&self, counts: &Counts) {
        let Counts { there, shut_down, gone, unknown, .. } = *counts;
        let not_ready = [("there", there), ("shut_down", shut_down), ("gone", gone), ("unknown", unknown)];
        for (device, nodes) in not_ready {
            self.metrics.not_ready.get_or_create(&Device { device: Word(device) }).set(gauge(nodes));
        }
        for kind in Held::KINDS {
            let nodes = counts.held.get(kind).copied().unwrap_or_default();
            self.metrics.held_back.get_or_create(&Reason { reason: Word(kind) }).set(gauge(nodes));
        }
    }

    /// Counts an answer.
    pub(super) fn answered(&self, answer: &Answer) {
        let device = match Verdict::of(answer) {
            Verdict::Gone => "gone",
            Verdict::ShutDown => "shut_down",
            Verdict::There => "there",
            Verdict::Unknown(_) => "unknown",
        };
        self.metrics.answers.get_or_create(&Device { device: Word(device) }).inc();
    }

    /// Tells how the writing of a taint ended.
    pub(super) fn marked(&self, node: &Node, shut_down: bool, result: &Result<Outcome, WriteError>) {
        match result {
            Ok(Outcome::Done(_)) => {
                let change = Word(if shut_down { "put_on" } else { "taken_off" });
                self.metrics.marked.get_or_create(&Taint { change }).inc();
                let provider_id = node.provider_id.as_deref();
                if shut_down {
                    tracing::info!(node = %node.name, provider_id, "the device is switched off: shutdown taint put on");
                } else {
                    tracing::info!(node = %node.name, provider_id, "Ready again: shutdown taint taken off");
                }
            }
            Ok(Outcome::Gone) | Err(WriteError::Superseded { .. } | WriteError::Stopping | WriteError::NotLeading) => {}
            Err(error) => {
                tracing::warn!(node = %node.name, %error, "cannot write the shutdown taint; it is tried again");
            }
        }
    }

    /// Tells how a deletion ended.
    pub(super) fn deleted(&self, node: &Node, result: &Result<(), WriteError>) {
        let provider_id = node.provider_id.as_deref();
        match result {
            Ok(()) => {
                self.metrics.deleted.inc();
                tracing::info!(node = %node.name, provider_id, "deleted: its device does not exist");
            }
            Err(WriteError::Stopping | WriteError::NotLeading) => {}
            Err(error @ WriteError::Stale { .. }) => {
                tracing::info!(node = %node.name, provider_id, %error, "not deleted after all");
            }
            Err(error) => {
                self.metrics.failed_deletions.inc();
                tracing::warn!(node = %node.name, provider_id, %error, "cannot delete; it is tried again");
            }
        }
    }
}
