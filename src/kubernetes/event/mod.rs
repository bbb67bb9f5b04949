//! Events: what an operator reads under `kubectl describe node`.
//!
//! They are core `v1` Events: the manifests in use grant nothing on `events.k8s.io`.

mod reason;
#[cfg(test)]
mod reference;

use std::borrow::Cow;
use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::{Event, ObjectReference};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use k8s_openapi::jiff::Timestamp;

pub use self::reason::Reason;
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
    /// It is not initialised.
    SyncFailed {
        /// Why.
        why: String,
        /// Whether that is wrong for all Nodes alike: the Packet API cannot be asked.
        is_common: bool,
    },
    /// It is not Ready, and is left alone, and this is why.
    LeftAlone(String),
    /// It is about to be deleted; reason and message are those of Kubernetes' cloud node lifecycle controller.
    Deleting,
    /// Its device looks gone, but it is not deleted.
    DeletionHeldBack(String),
    /// Deletion is stopped for a mass disappearance; a process that starts later has to know.
    DeletionStopped {
        /// How large the cluster was then.
        nodes: usize,
    },
    /// Deletion goes on; a process that starts later has to know that, too.
    DeletionResumed,
}

/// The annotation of an Event that tells how large the cluster was when deletion was stopped.
pub const STOPPED_AT_ANNOTATION: &str = "packet-cloud-controller-manager/nodes-when-deletion-stopped";

impl Notice {
    /// The reason of the Event that says so.
    #[must_use]
    pub fn reason(&self) -> Reason {
        match self {
            Self::Synced => Reason::Synced,
            Self::SyncFailed { .. } => Reason::SyncFailed,
            Self::LeftAlone(_) => Reason::LeftAlone,
            Self::Deleting => Reason::DeletingNode,
            Self::DeletionHeldBack(_) => Reason::DeletionHeldBack,
            Self::DeletionStopped { .. } => Reason::DeletionStopped,
            Self::DeletionResumed => Reason::DeletionResumed,
        }
    }

    /// What the Event says of `node`.
    fn message(&self, node: &Node) -> Cow<'_, str> {
        match self {
            Self::Synced => "Node synced successfully".into(),
            Self::SyncFailed { why, .. } | Self::LeftAlone(why) | Self::DeletionHeldBack(why) => why.into(),
            Self::Deleting => {
                format!("Deleting node {} because it does not exist in the cloud provider", node.name).into()
            }
            Self::DeletionStopped { nodes } => {
                format!("No Node is deleted: too many of {nodes} look gone at once").into()
            }
            Self::DeletionResumed => {
                "Nodes whose device is gone are deleted again: not too many look gone at once any more".into()
            }
        }
    }

    /// The Event that says so, to be created at `now`.
    #[must_use]
    pub fn to_event(&self, node: &Node, now: Timestamp) -> Event {
        let (reason, message) = (self.reason(), self.message(node));
        let annotations = match self {
            Self::DeletionStopped { nodes } => {
                Some(BTreeMap::from([(STOPPED_AT_ANNOTATION.to_owned(), nodes.to_string())]))
            }
            _ => None,
        };
        Event {
            metadata: ObjectMeta {
                name: Some(name(node, now)),
                namespace: Some(NAMESPACE.to_owned()),
                annotations,
                ..ObjectMeta::default()
            },
            involved_object: ObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some(reason.object().to_owned()),
                name: Some(node.name.to_string()),
                uid: Some(node.uid.to_string()),
                ..ObjectReference::default()
            },
            message: Some(message[..message.floor_char_boundary(LONGEST_MESSAGE_BYTES)].to_owned()),
            ..reason.event(now)
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
    fn a_deletion_is_told_of_as_kubernetes_does_and_a_stop_remembers_how_large_the_cluster_was() {
        let event_of = event("a", &Notice::Deleting);
        assert_eq!(
            (event_of.reason.as_deref(), event_of.message.as_deref(), event_of.type_.as_deref()),
            (
                Some("DeletingNode"),
                Some("Deleting node a because it does not exist in the cloud provider"),
                Some("Normal")
            )
        );
        assert_eq!(event_of.source.unwrap().component.as_deref(), Some("cloud-node-lifecycle-controller"));
        let held = event("a", &Notice::DeletionStopped { nodes: 100 });
        assert_eq!(held.metadata.annotations.unwrap()[STOPPED_AT_ANNOTATION], "100");
    }

    #[test]
    fn names_and_messages_stay_within_what_kubernetes_takes() {
        let event = event(&"a.".repeat(126), &Notice::SyncFailed { why: "ä".repeat(2000), is_common: false });
        let name = event.metadata.name.unwrap();
        assert!(name.len() <= LONGEST_NAME_BYTES && !name.contains(".."), "{name}");
        assert!(event.message.unwrap().len() <= LONGEST_MESSAGE_BYTES);
    }
}
