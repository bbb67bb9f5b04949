//! The floor: a bare loop that is told of every Node and knows every answer, and only writes.
//!
//! It sends the program's two patches per Node, 32 Nodes at once, and does nothing else: it asks nobody about devices and
//! writes no Events. It learns of Nodes from the watch that measures, and so has not even a watch of its own to decode.
//! What it takes is what every controller takes that initialises these Nodes with so many requests at once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use futures::stream::FuturesUnordered;
use futures::{FutureExt, StreamExt};
use kube::Client;
use tokio::sync::mpsc::UnboundedReceiver;

use super::look::Look;
use crate::cli::Provider;
use crate::error::LabError;
use crate::nodes::checks::Expected;
use crate::nodes::fleet::Fleet;
use crate::nodes::floor;
use crate::nodes::kubelets::CONCURRENCY;

/// Initialises whoever waits until it is dropped. A Node that could not be written is tried again at its next change.
pub(crate) async fn run(client: Client, fleet: Arc<Fleet>, provider: Provider, mut nodes: UnboundedReceiver<Look>) {
    let mut under_way = FuturesUnordered::new();
    let mut busy = HashSet::new();
    // What the watch still has to tell of the time before is no reason to write again.
    let mut written: HashMap<String, u64> = HashMap::new();
    loop {
        tokio::select! {
            look = nodes.recv(), if under_way.len() < CONCURRENCY => {
                let Some(look) = look else { return };
                let waits = look.taint_place.is_some() && written.get(look.name()).is_none_or(|version| *version < look.version());
                if waits && busy.insert(look.name().to_owned()) {
                    let (client, fleet) = (client.clone(), Arc::clone(&fleet));
                    let name = look.name().to_owned();
                    under_way.push(async move { initialise(&client, &fleet, provider, &look).await }.map(|done| (name, done)));
                }
            }
            Some((name, done)) = under_way.next(), if !under_way.is_empty() => {
                busy.remove(&name);
                if let Ok(version) = done {
                    written.insert(name, version);
                }
            }
        }
    }
}

/// Sends the two patches. Returns the version that the Node has then.
pub(crate) async fn initialise(
    client: &Client,
    fleet: &Fleet,
    provider: Provider,
    look: &Look,
) -> Result<u64, LabError> {
    let name = look.name();
    let device = fleet.member(name).and_then(|member| member.device.as_ref());
    let expected = device.map(|device| Expected::of(provider, device));
    let expected = expected.ok_or_else(|| LabError::Stranger(name.to_owned()))?;
    let (status, node) = floor::patches(look.uid(), look.taint_place, &expected)?;
    let written: Look = floor::send(client, name, &status, node)
        .await
        .map_err(LabError::kubernetes(format!("patching Node {name}")))?;
    Ok(written.version())
}
