//! How a Node stands, told by looking at the Node alone.

use crate::kubernetes::node::Node;
use crate::kubernetes::provider_id::{self, ProviderIdError};
use crate::packet::DeviceId;

/// How a Node stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// There is nothing to do about it: it is Ready, or on its way out, or waits to be initialised.
    Well,
    /// It is Ready again, and still marked as shut down.
    Recovered,
    /// It is not Ready, and this is its device.
    NotReady(DeviceId),
    /// It is not Ready, but another cloud's or nobody's that we know: it is never touched.
    LeftAlone(ProviderIdError),
}

impl Standing {
    /// How `node` stands.
    #[must_use]
    pub fn of(node: &Node) -> Self {
        let device = node.provider_id.as_deref().map_or(Err(ProviderIdError::Empty), provider_id::parse);
        match device {
            _ if node.being_deleted => Self::Well,
            Ok(_) if node.readiness.is_ready && node.is_marked_shut_down() => Self::Recovered,
            _ if node.readiness.is_ready => Self::Well,
            Ok(device) => Self::NotReady(device),
            // It has just been registered, and is not Ready for that.
            Err(ProviderIdError::Empty) if node.is_uninitialized() => Self::Well,
            Err(error) => Self::LeftAlone(error),
        }
    }
}

/// Whether a Node is one of the cluster's that this program looks after.
pub(super) fn is_ours(node: &Node) -> bool {
    !node.being_deleted && node.provider_id.as_deref().is_some_and(|id| provider_id::parse(id).is_ok())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::kubernetes::{NodeObject, Taint, names};
    use serde_json::{Value, json};

    fn standing(spec: &Value, ready: &str, metadata: &Value) -> Standing {
        let mut object = json!({"metadata": {"name": "a", "uid": "u"}, "spec": spec,
            "status": {"conditions": [{"type": "Ready", "status": ready}]}});
        object["metadata"].as_object_mut().unwrap().extend(metadata.as_object().unwrap().clone());
        Standing::of(&serde_json::from_value::<NodeObject>(object).unwrap().into())
    }

    #[test]
    fn a_node_of_ours_that_is_not_ready_is_asked_about_tainted_or_not() {
        let device = DeviceId::parse("d1").unwrap();
        let uninitialized = json!([{"key": names::UNINITIALIZED_TAINT, "effect": "NoSchedule"}]);
        for taints in [json!(null), uninitialized, json!([Taint::shutdown()])] {
            for ready in ["False", "Unknown", ""] {
                let spec = json!({"providerID": "packet://d1", "taints": taints});
                assert_eq!(standing(&spec, ready, &json!({})), Standing::NotReady(device.clone()));
            }
        }
    }

    #[test]
    fn a_node_that_is_ready_loses_the_shutdown_taint_and_no_other_of_that_key() {
        let tainted =
            |effect| json!({"providerID": "packet://d1", "taints": [{"key": names::SHUTDOWN_TAINT, "effect": effect}]});
        assert_eq!(standing(&tainted("NoSchedule"), "True", &json!({})), Standing::Recovered);
        assert_eq!(standing(&tainted("NoExecute"), "True", &json!({})), Standing::Well);
    }

    #[test]
    fn a_node_that_is_not_ours_is_left_alone_whatever_it_carries() {
        for provider_id in ["aws:///eu/i-1", "packet://", "node-1", ""] {
            let spec = json!({"providerID": provider_id, "taints": [Taint::shutdown()]});
            assert!(matches!(standing(&spec, "False", &json!({})), Standing::LeftAlone(_)), "{provider_id}");
            assert_eq!(standing(&spec, "True", &json!({})), Standing::Well, "{provider_id}");
        }
    }

    #[test]
    fn a_node_that_waits_to_be_initialised_or_is_on_its_way_out_is_well() {
        let uninitialized = json!({"taints": [{"key": names::UNINITIALIZED_TAINT, "effect": "NoSchedule"}]});
        assert_eq!(standing(&uninitialized, "False", &json!({})), Standing::Well);
        let leaving = json!({"deletionTimestamp": "2026-01-01T00:00:00Z"});
        assert_eq!(standing(&json!({"providerID": "packet://d1"}), "False", &leaving), Standing::Well);
    }
}
