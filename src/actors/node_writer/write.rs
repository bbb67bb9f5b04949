//! One Node's writes: its status, then the rest in one patch that completes it; made again of the Node's newest state
//! where somebody else wrote in the same instant.

use std::sync::Arc;
use std::time::Duration;

use json_patch::Patch as JsonPatch;
use kube::Api;
use kube::api::{Patch, PatchParams};

use super::door::{Door, Errand};
use crate::kubernetes::{Desired, Node, NodeObject, names, patches, provider_id};
use crate::messages::initialise::Outcome;
use crate::messages::writes::WriteError;

/// How often a Node is read anew and written again within one turn. A kubelet writes its Node a few times a minute.
pub(super) const ATTEMPTS: u32 = 5;
/// How long one request may take, the client's own retries on 429 and 503 included.
pub(super) const TIMEOUT: Duration = Duration::from_mins(1);

/// Writes Nodes.
#[derive(Clone)]
pub(super) struct Writer {
    nodes: Api<NodeObject>,
    params: PatchParams,
    door: Door,
}

/// Why a request did not bring the Node further.
enum Setback {
    /// The Node is not there, or not the same any more.
    Gone,
    /// The API server refused the patch: perhaps because the Node is no longer what the patch was made of.
    Outdated(WriteError),
    /// Nothing to be done about it here.
    Failed(WriteError),
}

impl Writer {
    pub(super) fn new(client: kube::Client, door: Door) -> Self {
        let params = PatchParams { field_manager: Some(names::COMPONENT.to_owned()), ..PatchParams::default() };
        Self { nodes: Api::all(client), params, door }
    }

    /// Brings `node` to what is desired. Sends nothing where nothing differs.
    pub(super) async fn write(&self, seen: Arc<Node>, desired: &Desired) -> Result<Outcome, WriteError> {
        let mut node = Arc::clone(&seen);
        for _ in 0..ATTEMPTS {
            let error = match self.attempt(&seen, Arc::clone(&node), desired).await {
                Ok(node) => return Ok(Outcome::Done(node)),
                Err(Setback::Gone) => return Ok(Outcome::Gone),
                Err(Setback::Failed(error)) => return Err(error),
                Err(Setback::Outdated(error)) => error,
            };
            let newest = match self.read(&node).await {
                Ok(newest) => newest,
                Err(Setback::Gone) => return Ok(Outcome::Gone),
                Err(Setback::Outdated(error) | Setback::Failed(error)) => return Err(error),
            };
            if newest.uid != node.uid {
                return Ok(Outcome::Gone);
            }
            // Invalid as it is now, and so it would be again.
            if matches!(error, WriteError::Refused { code: 422, .. }) && same_but_for_version(&newest, &node) {
                return Err(error);
            }
            node = newest;
        }
        Err(WriteError::Contended { node: node.name.to_string(), attempts: ATTEMPTS })
    }

    /// One attempt on the newest state that is known of the Node that was `seen` when its work began.
    async fn attempt(&self, seen: &Node, node: Arc<Node>, desired: &Desired) -> Result<Arc<Node>, Setback> {
        refuse_if_superseded(seen, &node, desired)?;
        let node = match patches::of_status(&node, desired) {
            Some(patch) => {
                let patch: Patch<JsonPatch> = Patch::Json(patch);
                let write = self.nodes.patch_status(node.name.as_str(), &self.params, &patch);
                self.request("status", "write the addresses", &node, write).await?
            }
            None => node,
        };
        // The answer shows the Node as it is now, which others may have changed.
        refuse_if_superseded(seen, &node, desired)?;
        match patches::of_node(&node, desired) {
            Some(patch) => {
                let patch: Patch<JsonPatch> = Patch::Json(patch);
                let write = self.nodes.patch(node.name.as_str(), &self.params, &patch);
                self.request("node", "write labels, provider ID and taints", &node, write).await
            }
            None => Ok(node),
        }
    }

    async fn read(&self, node: &Node) -> Result<Arc<Node>, Setback> {
        self.request("read", "read the newest state", node, self.nodes.get(node.name.as_str())).await
    }

    async fn request(
        &self,
        kind: &'static str,
        what: &'static str,
        node: &Node,
        request: impl Future<Output = kube::Result<NodeObject>>,
    ) -> Result<Arc<Node>, Setback> {
        let sent = self.door.send(Errand { kind, what, timeout: TIMEOUT }, node, request).await;
        sent.map(|object| Arc::new(object.into())).map_err(setback)
    }
}

fn setback(error: WriteError) -> Setback {
    match error {
        WriteError::Refused { code: 404, .. } => Setback::Gone,
        // A failed `test` of a JSON patch is 422, a uid or resource version of another state 409.
        WriteError::Refused { code: 409 | 422, .. } => Setback::Outdated(error),
        error => Setback::Failed(error),
    }
}

/// What decides about the device, its addresses and its taint may have been changed by others since the work began: a provider
/// ID that was set, a node IP that the kubelet names, a Node that is Ready again or no more.
fn refuse_if_superseded(seen: &Node, node: &Node, desired: &Desired) -> Result<(), Setback> {
    let same_device = match (&node.provider_id, &seen.provider_id, &desired.provider_id) {
        (now, before, _) if now == before => true,
        (Some(theirs), _, Some(ours)) => provider_id::parse(theirs) == provider_id::parse(ours),
        _ => false,
    };
    let same_wish = desired.addresses.is_none() || node.provided_node_ip == seen.provided_node_ip;
    let same_readiness = desired.shut_down.is_none_or(|shut_down| shut_down != node.readiness.is_ready);
    let what = match (same_device, same_wish, same_readiness) {
        (true, true, true) => return Ok(()),
        (false, _, _) => "another provider ID",
        (true, false, _) => "another node IP",
        (true, true, false) => "another Ready condition",
    };
    Err(Setback::Failed(WriteError::Superseded { node: node.name.to_string(), what }))
}

fn same_but_for_version(one: &Node, other: &Node) -> bool {
    *one == Node { resource_version: one.resource_version, ..other.clone() }
}
