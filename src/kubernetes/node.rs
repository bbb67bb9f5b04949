//! The slim Node: what this program keeps of the 10 to 20 KB that a Node of a real kubelet has.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use smol_str::SmolStr;

use super::addresses::NodeAddress;
use super::names::UNINITIALIZED_TAINT;
use super::node_labels::NodeLabels;
use super::readiness::Readiness;
use super::taint::Taint;

/// The name of a Node.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeName(Arc<str>);

impl NodeName {
    /// Takes a name that Kubernetes gave.
    #[must_use]
    pub fn new(name: &str) -> Self {
        Self(name.into())
    }

    /// The name as Kubernetes writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A Node as far as this program looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: NodeName,
    /// What tells it from another Node of the same name, earlier or later.
    pub uid: Box<str>,
    /// Which state of the object this is. Numbers of one API server can be compared (KEP-5504).
    pub resource_version: Option<u64>,
    /// When it was created, in seconds since 1970; absent where that is not told.
    pub created_at: Option<i64>,
    /// Whether somebody has asked for its deletion already.
    pub being_deleted: bool,
    /// `spec.providerID`; absent where empty.
    pub provider_id: Option<Box<str>>,
    /// All of its taints, in order.
    pub taints: Box<[Taint]>,
    /// Those of its labels that are ours.
    pub labels: NodeLabels,
    /// The annotation that names the kubelet's `--node-ip`.
    pub provided_node_ip: Option<SmolStr>,
    /// `status.addresses`.
    pub addresses: Box<[NodeAddress]>,
    /// Its `Ready` condition.
    pub readiness: Readiness,
}

impl Node {
    /// Whether no cloud controller has filled the Node in. The taint counts whatever its value and effect, as in
    /// Kubernetes' cloud node controller.
    #[must_use]
    pub fn is_uninitialized(&self) -> bool {
        self.taints.iter().any(|taint| taint.key == UNINITIALIZED_TAINT)
    }

    /// How old it is at a moment of the clock that it was created by, or of one that agrees with it.
    #[must_use]
    pub fn age_at(&self, now: Timestamp) -> Option<Duration> {
        let seconds = now.as_second().checked_sub(self.created_at?)?;
        u64::try_from(seconds).ok().map(Duration::from_secs)
    }

    /// Whether it is marked as shut down.
    #[must_use]
    pub fn is_marked_shut_down(&self) -> bool {
        self.taints.iter().any(Taint::is_shutdown)
    }

    /// Whether what was found out about `other` still holds for it: it is the same Node, names the same device, and has not
    /// become Ready and not Ready again in between.
    #[must_use]
    pub fn is_in_same_spell_as(&self, other: &Self) -> bool {
        self.uid == other.uid && self.provider_id == other.provider_id && self.readiness == other.readiness
    }

    /// Whether `other` is the very same state of the very same object, as a watch delivers it after a write was answered.
    #[must_use]
    pub fn is_same_state_as(&self, other: &Self) -> bool {
        self.uid == other.uid && self.resource_version.is_some() && self.resource_version == other.resource_version
    }

    /// Whether `other` is an older state of this very object, as a watch may deliver after a write was answered.
    #[must_use]
    pub fn is_newer_than(&self, other: &Self) -> bool {
        self.uid == other.uid && matches!((self.resource_version, other.resource_version), (Some(a), Some(b)) if a > b)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::kubernetes::NodeObject;
    use serde_json::json;

    fn node(value: serde_json::Value) -> Node {
        serde_json::from_value::<NodeObject>(value).unwrap().into()
    }

    #[test]
    fn a_node_that_was_ready_in_between_is_in_another_spell() {
        let state = |status, since| {
            let ready = json!({"type": "Ready", "status": status, "lastTransitionTime": since});
            node(json!({"metadata": {"name": "a", "uid": "u"}, "status": {"conditions": [ready]}}))
        };
        let seen = state("Unknown", "2026-01-01T00:00:00Z");
        assert!(state("Unknown", "2026-01-01T00:00:00Z").is_in_same_spell_as(&seen));
        assert!(!state("True", "2026-01-01T00:10:00Z").is_in_same_spell_as(&seen));
        assert!(!state("Unknown", "2026-01-01T00:20:00Z").is_in_same_spell_as(&seen));
    }

    #[test]
    fn a_node_of_the_same_name_but_another_uid_is_neither_older_nor_newer() {
        let state = |uid, version| node(json!({"metadata": {"name": "a", "uid": uid, "resourceVersion": version}}));
        assert!(state("u", "18").is_newer_than(&state("u", "17")));
        assert!(!state("u", "17").is_newer_than(&state("u", "17")));
        assert!(state("u", "17").is_same_state_as(&state("u", "17")));
        assert!(!state("v", "17").is_same_state_as(&state("u", "17")));
        assert!(!state("v", "18").is_newer_than(&state("u", "17")));
    }
}
