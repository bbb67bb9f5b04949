//! Taints.

use serde::{Deserialize, Deserializer, Serialize};
use smol_str::SmolStr;

use super::names::{SHUTDOWN_TAINT, UNINITIALIZED_TAINT};

/// Keys that so many Nodes have that the text of each is kept once: ours, and those of Kubernetes itself (well-known taints).
const WELL_KNOWN_KEYS: [&str; 9] = [
    UNINITIALIZED_TAINT,
    SHUTDOWN_TAINT,
    "node.kubernetes.io/disk-pressure",
    "node.kubernetes.io/memory-pressure",
    "node.kubernetes.io/network-unavailable",
    "node.kubernetes.io/not-ready",
    "node.kubernetes.io/unreachable",
    "node.kubernetes.io/unschedulable",
    "node-role.kubernetes.io/control-plane",
];

/// A taint, with all that identifies an entry of the list (Kubernetes core/v1 `Taint`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Taint {
    /// The key.
    #[serde(deserialize_with = "key")]
    pub key: SmolStr,
    /// The value; absent where empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<SmolStr>,
    /// `NoSchedule`, `PreferNoSchedule` or `NoExecute`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<SmolStr>,
    /// When it was put on, as the API server wrote it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_added: Option<SmolStr>,
}

/// What the shutdown taint does to Pods (Kubernetes `cloud-provider`, `ShutdownTaint`).
const SHUTDOWN_EFFECT: &str = "NoSchedule";

impl Taint {
    /// The taint of a Node whose machine is switched off.
    #[must_use]
    pub fn shutdown() -> Self {
        let (key, effect) = (SmolStr::new_static(SHUTDOWN_TAINT), Some(SmolStr::new_static(SHUTDOWN_EFFECT)));
        Self { key, value: None, effect, time_added: None }
    }

    /// Whether it is that one. A taint is known by its key and effect; with another effect it is somebody else's.
    #[must_use]
    pub fn is_shutdown(&self) -> bool {
        self.key == SHUTDOWN_TAINT && self.effect.as_deref() == Some(SHUTDOWN_EFFECT)
    }
}

fn key<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SmolStr, D::Error> {
    let key = SmolStr::deserialize(deserializer)?;
    Ok(WELL_KNOWN_KEYS.into_iter().find(|known| key == *known).map_or(key, SmolStr::new_static))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use serde_json::json;

    #[test]
    fn a_taint_is_written_as_it_was_read() {
        for taint in [
            json!({"key": UNINITIALIZED_TAINT, "value": "true", "effect": "NoSchedule"}),
            json!({"key": "k", "value": "", "effect": "NoExecute", "timeAdded": "2026-01-01T00:00:00Z"}),
            json!({"key": "k"}),
        ] {
            assert_eq!(json!(serde_json::from_value::<Taint>(taint.clone()).unwrap()), taint);
        }
    }
}
