//! What the writes alone cost: a bare loop that sends the program's two patches per Node and does nothing else.
//!
//! It asks nobody about devices, looks at no answer but for errors, and writes no Events. What it takes is the floor under
//! every controller that initialises so many Nodes with so many requests at once.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt, stream};
use json_patch::Patch as JsonPatch;
use k8s_openapi::api::core::v1::Node;
use kube::api::{Patch, PatchParams};
use kube::core::Request;
use kube::{Client, Resource};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::{Value, json};

use crate::cli::Provider;
use crate::error::LabError;
use crate::nodes::checks::{Expected, UNINITIALIZED_TAINT};
use crate::nodes::fleet::Fleet;
use crate::nodes::kubelets::{CONCURRENCY, Registered};
use crate::nodes::observation::Observation;

/// Nobody waits longer than this for a loop that ought to be quick.
const TIMEOUT: Duration = Duration::from_mins(5);

/// Initialises the fleet, whose Nodes are registered. Returns how long it took until the watch saw the last of them lose
/// its taint, which is how the program is measured.
pub(crate) async fn measure(
    client: &Client,
    fleet: &Fleet,
    registered: &HashMap<String, Registered>,
    provider: Provider,
    observation: &Observation,
) -> Result<Duration, LabError> {
    let mut all = Vec::with_capacity(fleet.len());
    for member in fleet.members() {
        if let (Some(device), Some(registered)) = (&member.device, registered.get(&member.name)) {
            let taints = registered.node.spec.iter().flat_map(|spec| spec.taints.iter().flatten());
            let place = taints.enumerate().find(|(_, taint)| taint.key == UNINITIALIZED_TAINT).map(|(place, _)| place);
            let uid = registered.node.metadata.uid.as_deref();
            all.push((member.name.as_str(), patches(uid, place, &Expected::of(provider, device))?));
        }
    }
    let count = all.len();
    let began = Instant::now();
    let sending = stream::iter(all).map(|(name, (status, node))| async move {
        let sent = send::<IgnoredAny>(client, name, &status, node).await;
        sent.map_err(LabError::kubernetes(format!("patching Node {name} in the bare loop")))
    });
    sending.buffer_unordered(CONCURRENCY).try_for_each(|_| async { Ok(()) }).await?;
    let seen = observation.until(|counts| counts.initialised >= count);
    let late = LabError::Wait { what: "the watch to show the Nodes of the bare loop", after: TIMEOUT };
    tokio::time::timeout(TIMEOUT, seen).await.map_err(|_| late)?;
    let last = observation.sightings().into_values().filter_map(|sighting| Some(sighting.initialised?.0)).max();
    Ok(last.map_or_else(|| began.elapsed(), |last| last.duration_since(began)))
}

/// The two patches of a Node: the merge patch of its status, and the JSON patch of labels, provider ID and taint, which
/// stands at `taint_place` among the Node's taints.
pub(crate) fn patches(
    uid: Option<&str>,
    taint_place: Option<usize>,
    expected: &Expected,
) -> Result<(Value, JsonPatch), LabError> {
    let addresses: Vec<Value> =
        expected.addresses.iter().map(|(kind, address)| json!({ "type": kind, "address": address })).collect();
    let status = json!({ "metadata": { "uid": uid }, "status": { "addresses": addresses } });
    let mut operations = vec![json!({ "op": "test", "path": "/metadata/uid", "value": uid })];
    for (label, value) in &expected.labels {
        // RFC 6901: a slash within a name is `~1`. No label of ours has a tilde.
        let path = format!("/metadata/labels/{}", label.replace('/', "~1"));
        operations.push(json!({ "op": "add", "path": path, "value": value }));
    }
    operations.push(json!({ "op": "add", "path": "/spec/providerID", "value": expected.provider_id }));
    if let Some(place) = taint_place {
        let path = format!("/spec/taints/{place}");
        operations.push(json!({ "op": "test", "path": format!("{path}/key"), "value": UNINITIALIZED_TAINT }));
        operations.push(json!({ "op": "remove", "path": path }));
    }
    Ok((status, serde_json::from_value(Value::Array(operations))?))
}

/// Sends the two patches of the Node of that name, the status first. Returns as much of the Node as `T` wants to know.
pub(crate) async fn send<T: DeserializeOwned>(
    client: &Client,
    name: &str,
    status: &Value,
    node: JsonPatch,
) -> Result<T, kube::Error> {
    let (nodes, parameters) = (Request::new(Node::url_path(&(), None)), PatchParams::default());
    let status = nodes.patch_subresource("status", name, &parameters, &Patch::Merge(status));
    client.request_text(status.map_err(kube::Error::BuildRequest)?).await?;
    let node = nodes.patch(name, &parameters, &Patch::Json::<()>(node));
    client.request(node.map_err(kube::Error::BuildRequest)?).await
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::nodes::checks::faults;
    use crate::nodes::fleet::{Ground, Wanted};
    use kube::Api;
    use kube::api::PostParams;

    #[tokio::test]
    async fn the_bare_loop_leaves_every_node_as_the_program_is_to_leave_it() {
        let packet = packet_api_server::Server::start().await.unwrap();
        let server = kube_api_server::Server::start().await.unwrap();
        let client = Client::try_from(kube::Config::new(server.url().parse().unwrap())).unwrap();
        let fleet =
            Fleet::found(Wanted { nodes: 10, missing: 0, others: 0, ..Wanted::default() }, Ground::Own, packet.store());
        let observation = Observation::start(client.clone(), &fleet.selector()).await.unwrap();
        let mut registered = HashMap::new();
        for member in fleet.members() {
            let node = fleet.registration(member).unwrap();
            let node = Api::all(client.clone()).create(&PostParams::default(), &node).await.unwrap();
            registered.insert(member.name.clone(), Registered { at: Instant::now(), node });
        }
        let provider = Provider::EquinixMetal;
        measure(&client, &fleet, &registered, provider, &observation).await.unwrap();
        let sightings = observation.sightings();
        for member in fleet.members() {
            assert_eq!(faults(member, provider, &sightings[&member.name].latest), []);
        }
        assert_eq!(server.requests().writes().iter().filter(|write| write.method == "PATCH").count(), 20);
    }
}
