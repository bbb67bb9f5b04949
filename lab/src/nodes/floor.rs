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
use serde_json::{Value, json};

use crate::cli::Provider;
use crate::error::LabError;
use crate::nodes::checks::{Expected, is_uninitialized};
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
    let mut patches = Vec::with_capacity(fleet.len());
    for member in fleet.members() {
        if let (Some(device), Some(registered)) = (&member.device, registered.get(&member.name)) {
            let expected = Expected::of(provider, device);
            patches.push((
                member.name.as_str(),
                of_status(&registered.node, &expected),
                of_node(&registered.node, &expected)?,
            ));
        }
    }
    let count = patches.len();
    let nodes = Request::new(Node::url_path(&(), None));
    let parameters = PatchParams::default();
    let began = Instant::now();
    let sending = stream::iter(patches).map(|(name, status, node)| {
        let (nodes, parameters) = (&nodes, &parameters);
        async move {
            let failed = || LabError::kubernetes(format!("patching Node {name} in the bare loop"));
            let building = |error| kube::Error::BuildRequest(error);
            let status = nodes.patch_subresource("status", name, parameters, &Patch::Merge(status));
            client.request_text(status.map_err(building).map_err(failed())?).await.map_err(failed())?;
            let node = nodes.patch(name, parameters, &Patch::Json::<()>(node));
            client.request_text(node.map_err(building).map_err(failed())?).await.map_err(failed())
        }
    });
    sending.buffer_unordered(CONCURRENCY).try_for_each(|_| async { Ok(()) }).await?;
    let seen = observation.until(|counts| counts.initialised >= count);
    let late = LabError::Wait { what: "the watch to show the Nodes of the bare loop", after: TIMEOUT };
    tokio::time::timeout(TIMEOUT, seen).await.map_err(|_| late)?;
    let last = observation.sightings().into_values().filter_map(|sighting| Some(sighting.initialised?.0)).max();
    Ok(last.map_or_else(|| began.elapsed(), |last| last.duration_since(began)))
}

/// The merge patch of the status.
fn of_status(node: &Node, expected: &Expected) -> Value {
    let addresses: Vec<Value> =
        expected.addresses.iter().map(|(kind, address)| json!({ "type": kind, "address": address })).collect();
    json!({ "metadata": { "uid": node.metadata.uid }, "status": { "addresses": addresses } })
}

/// The JSON patch of labels, provider ID and taint.
fn of_node(node: &Node, expected: &Expected) -> Result<JsonPatch, LabError> {
    let mut operations = vec![json!({ "op": "test", "path": "/metadata/uid", "value": node.metadata.uid })];
    for (label, value) in &expected.labels {
        // RFC 6901: a slash within a name is `~1`. No label of ours has a tilde.
        let path = format!("/metadata/labels/{}", label.replace('/', "~1"));
        operations.push(json!({ "op": "add", "path": path, "value": value }));
    }
    operations.push(json!({ "op": "add", "path": "/spec/providerID", "value": expected.provider_id }));
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_deref()).unwrap_or_default();
    let alone = |taint: &k8s_openapi::api::core::v1::Taint| {
        let spec = k8s_openapi::api::core::v1::NodeSpec { taints: Some(vec![taint.clone()]), ..Default::default() };
        is_uninitialized(&Node { spec: Some(spec), ..Node::default() })
    };
    if let Some((place, taint)) = taints.iter().enumerate().find(|(_, taint)| alone(taint)) {
        let path = format!("/spec/taints/{place}");
        operations.push(json!({ "op": "test", "path": path, "value": taint }));
        operations.push(json!({ "op": "remove", "path": path }));
    }
    Ok(serde_json::from_value(Value::Array(operations))?)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::nodes::checks::faults;
    use crate::nodes::fleet::Ground;
    use kube::Api;
    use kube::api::PostParams;

    #[tokio::test]
    async fn the_bare_loop_leaves_every_node_as_the_program_is_to_leave_it() {
        let packet = packet_api_server::Server::start().await.unwrap();
        let server = kube_api_server::Server::start().await.unwrap();
        let client = Client::try_from(kube::Config::new(server.url().parse().unwrap())).unwrap();
        let fleet = Fleet::found(10, 0, 0, Ground::Own, packet.store());
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
