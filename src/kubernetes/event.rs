//! Events: what an operator reads under `kubectl describe node`.
//!
//! They are core `v1` Events: the manifests in use grant nothing on `events.k8s.io`.

use k8s_openapi::api::core::v1::{Event, EventSource, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use k8s_openapi::jiff::Timestamp;

use super::names::COMPONENT;
use super::node::Node;

/// Events of cluster-scoped objects lie in this namespace (client-go `record`).
pub const NAMESPACE: &str = "default";
/// The longest message of an Event (Kubernetes core validation, `NoteLengthLimit`), in bytes.
const LONGEST_MESSAGE_BYTES: usize = 1024;

/// The longest name of an object (RFC 1123 subdomain), in bytes.
const LONGEST_NAME_BYTES: usize = 253;

/// What there is to say about a Node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// It is initialised; reason and message are those of Kubernetes' cloud node controller.
    Synced,
    /// It is not initialised, and this is why.
    SyncFailed(String),
}

impl Notice {
    /// The Event that says so, to be created at `now`.
    #[must_use]
    pub fn to_event(&self, node: &Node, now: Timestamp) -> Event {
        let (kind, reason, message) = match self {
            Self::Synced => ("Normal", "Synced", "Node synced successfully"),
            Self::SyncFailed(why) => ("Warning", "SyncFailed", why.as_str()),
        };
        Event {
            metadata: ObjectMeta {
                name: Some(name(node, now)),
                namespace: Some(NAMESPACE.to_owned()),
                ..ObjectMeta::default()
            },
            involved_object: ObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("Node".to_owned()),
                name: Some(node.name.to_string()),
                uid: Some(node.uid.to_string()),
                ..ObjectReference::default()
            },
            type_: Some(kind.to_owned()),
            reason: Some(reason.to_owned()),
            message: Some(message[..message.floor_char_boundary(LONGEST_MESSAGE_BYTES)].to_owned()),
            source: Some(EventSource { component: Some(COMPONENT.to_owned()), host: None }),
            reporting_component: Some(COMPONENT.to_owned()),
            first_timestamp: Some(Time(now)),
            last_timestamp: Some(Time(now)),
            count: Some(1),
            ..Event::default()
        }
    }
}

/// A name that no other Event has: that of the Node and the moment, as client-go names them.
fn name(node: &Node, now: Timestamp) -> String {
    let moment = format!(".{:x}", now.as_nanosecond());
    let node = node.name.as_str();
    let node = &node[..node.floor_char_boundary(LONGEST_NAME_BYTES - moment.len())];
    format!("{}{moment}", node.trim_end_matches(['.', '-']))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::kubernetes::NodeObject;

    fn event(node_name: &str, notice: &Notice) -> Event {
        let node = serde_json::json!({"metadata": {"name": node_name, "uid": "u"}});
        let node: Node = serde_json::from_value::<NodeObject>(node).unwrap().into();
        notice.to_event(&node, Timestamp::UNIX_EPOCH + k8s_openapi::jiff::SignedDuration::from_secs(1_700_000_000))
    }

    #[test]
    fn a_synced_node_is_told_of_as_kubernetes_does() {
        let event = event("a", &Notice::Synced);
        assert_eq!(
            (event.reason.as_deref(), event.message.as_deref()),
            (Some("Synced"), Some("Node synced successfully"))
        );
        assert_eq!(event.source.unwrap().component.as_deref(), Some("cloud-node-controller"));
        assert_eq!(
            (event.involved_object.kind.as_deref(), event.involved_object.uid.as_deref()),
            (Some("Node"), Some("u"))
        );
    }

    #[test]
    fn names_and_messages_stay_within_what_kubernetes_takes() {
        let event = event(&"a.".repeat(126), &Notice::SyncFailed("ä".repeat(2000)));
        let name = event.metadata.name.unwrap();
        assert!(name.len() <= LONGEST_NAME_BYTES && !name.contains(".."), "{name}");
        assert!(event.message.unwrap().len() <= LONGEST_MESSAGE_BYTES);
    }
}
