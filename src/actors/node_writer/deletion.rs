//! The deletion of a Node: recorded in an Event first, then done to the very state of the Node that was judged, and to no
//! other.

use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::core::v1::Event;
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::{DeleteParams, PostParams, Preconditions};
use tokio::time::Instant;

use super::door::{Door, Errand};
use super::write::{ATTEMPTS, TIMEOUT};
use crate::kubernetes::event::{self, Notice};
use crate::kubernetes::{Node, NodeObject, provider_id};
use crate::messages::writes::{DeleteNode, NotDeleted, Record, WriteError};

/// How long the Event of a deletion may take.
const EVENT_TIMEOUT: Duration = Duration::from_secs(10);

/// Deletes Nodes.
#[derive(Clone)]
pub(super) struct Deleter {
    nodes: Api<NodeObject>,
    events: Api<Event>,
    door: Door,
}

impl Deleter {
    pub(super) fn new(client: kube::Client, door: Door) -> Self {
        let events = Api::namespaced(client.clone(), event::NAMESPACE);
        Self { nodes: Api::all(client), events, door }
    }

    /// Deletes the Node, if it still is what it was judged to be. That it is gone already is as good.
    pub(super) async fn delete(&self, deletion: &DeleteNode) -> Result<(), NotDeleted> {
        let (mut is_told, mut is_asked) = (!deletion.tell, false);
        let deleted = self.tell_and_delete(deletion, &mut is_told, &mut is_asked).await;
        deleted.map_err(|error| NotDeleted { error, is_told, is_asked })
    }

    async fn tell_and_delete(
        &self,
        DeleteNode { node: judged, absence, .. }: &DeleteNode,
        is_told: &mut bool,
        is_asked: &mut bool,
    ) -> Result<(), WriteError> {
        let stale = |why| WriteError::Stale { node: judged.name.to_string(), why };
        let names_it = |node: &Node| {
            node.provider_id.as_deref().is_some_and(|id| provider_id::parse(id).as_ref() == Ok(absence.device()))
        };
        if !names_it(judged) {
            return Err(stale("the device that is gone is not its own"));
        }
        let mut node = Arc::clone(judged);
        for _ in 0..ATTEMPTS {
            if node.resource_version.is_none() {
                match self.read(&node).await? {
                    Some(newest) => node = newest,
                    None => return Ok(()),
                }
            }
            if node.uid != judged.uid || node.being_deleted {
                return Ok(());
            }
            if node.readiness.is_ready {
                return Err(stale("it is Ready again"));
            }
            if !node.is_in_same_spell_as(judged) {
                return Err(stale("it was Ready in between, or names another device"));
            }
            let Some(version) = node.resource_version else {
                return Err(stale("its version is none that can be told"));
            };
            if !*is_told {
                self.record(&node, &Notice::Deleting).await?;
                *is_told = true;
            }
            if !absence.is_good(Instant::now()) {
                return Err(stale("it was found out too long ago"));
            }
            *is_asked = true;
            if self.remove(&node, version).await? {
                return Ok(());
            }
            // Somebody wrote it in the same instant: what they wrote decides.
            node = Arc::new(Node { resource_version: None, ..(*node).clone() });
        }
        Err(WriteError::Contended { node: judged.name.to_string(), attempts: ATTEMPTS })
    }

    /// The Node as it is now; nothing where there is none.
    async fn read(&self, node: &Node) -> Result<Option<Arc<Node>>, WriteError> {
        const READ: Errand = Errand { kind: "read", what: "read the newest state", timeout: TIMEOUT };
        match self.door.send(READ, node, self.nodes.get(node.name.as_str())).await {
            Ok(object) => Ok(Some(Arc::new(object.into()))),
            Err(WriteError::Refused { code: 404, reason, .. }) if reason == "NotFound" => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Tells of something in an Event, and knows then that the API server has it.
    async fn record(&self, node: &Node, notice: &Notice) -> Result<(), WriteError> {
        const RECORD: Errand =
            Errand { kind: "event", what: "record in an Event what becomes", timeout: EVENT_TIMEOUT };
        let event = notice.to_event(node, Timestamp::now());
        self.door.send(RECORD, node, self.events.create(&PostParams::default(), &event)).await.map(drop)
    }

    /// Records something about a Node.
    pub(super) async fn keep(&self, Record { node, notice }: &Record) -> Result<(), WriteError> {
        self.record(node, notice).await
    }

    /// Removes the Node in that version of it. Whether it is gone; otherwise it has another version by now.
    async fn remove(&self, node: &Node, version: u64) -> Result<bool, WriteError> {
        const DELETE: Errand = Errand { kind: "deletion", what: "delete the object", timeout: TIMEOUT };
        let (uid, resource_version) = (Some(node.uid.to_string()), Some(version.to_string()));
        let params = DeleteParams::default().preconditions(Preconditions { resource_version, uid });
        match self.door.send(DELETE, node, self.nodes.delete(node.name.as_str(), &params)).await {
            Ok(_) => Ok(true),
            // Only the API server itself knows; what stands before it may answer 404 as well.
            Err(WriteError::Refused { code: 404, reason, .. }) if reason == "NotFound" => Ok(true),
            Err(WriteError::Refused { code: 409, .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}
