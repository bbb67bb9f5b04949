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
                generate_name: Some(format!("{}.", node.name)),
                namespace: Some(NAMESPACE.to_owned()),
                ..ObjectMeta::default()
            },
            involved_object: ObjectReference {
                api_version: Some("v1".to_owned()),
                kind: Some("Node".to_owned()),
                name: Some(node.name.to_string()),
                uid: Some(node.uid.clone()),
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
