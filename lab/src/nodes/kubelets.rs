//! Kubelets, as far as the API server can tell: they register their Nodes, each with a request of its own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::{StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::Node;
use kube::api::{DeleteParams, ListParams, PostParams, Preconditions};
use kube::{Api, Client};
use tokio::time::MissedTickBehavior;

use crate::error::LabError;
use crate::nodes::fleet::{Fleet, Member};

/// How many requests are under way at once.
pub(crate) const CONCURRENCY: usize = 32;
/// How far apart the groups of a burst are.
pub(crate) const GROUP_INTERVAL: Duration = Duration::from_millis(100);
/// How often removing looks for Nodes that came in late.
const REMOVAL_ROUNDS: usize = 3;

/// A Node as the API server took it in.
pub(crate) struct Registered {
    /// When the answer was there.
    pub(crate) at: Instant,
    /// As it is in the API.
    pub(crate) node: Node,
}

/// Registers the whole fleet in groups that are spread over `burst`; counts in `so_far` as it goes. Returns what became of
/// each, by name.
pub(crate) async fn join(
    client: Client,
    fleet: &Fleet,
    burst: Duration,
    so_far: &AtomicUsize,
) -> Result<HashMap<String, Registered>, LabError> {
    let nodes: Api<Node> = Api::all(client);
    let mut interval = tokio::time::interval(GROUP_INTERVAL);
    interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut registered = HashMap::with_capacity(fleet.len());
    for group in groups(fleet.members(), burst) {
        interval.tick().await;
        let joining = stream::iter(group).map(|member| register(&nodes, fleet, member));
        let mut joining = joining.buffer_unordered(CONCURRENCY);
        while let Some((name, node)) = joining.try_next().await? {
            registered.insert(name, node);
            so_far.fetch_add(1, Ordering::Relaxed);
        }
    }
    Ok(registered)
}

async fn register(nodes: &Api<Node>, fleet: &Fleet, member: &Member) -> Result<(String, Registered), LabError> {
    let node = fleet.registration(member)?;
    let created = nodes.create(&PostParams::default(), &node).await;
    let node = created.map_err(LabError::kubernetes(format!("registering Node {}", member.name)))?;
    Ok((member.name.clone(), Registered { at: Instant::now(), node }))
}

/// The members in as many groups as the burst has room for.
fn groups(members: &[Member], burst: Duration) -> impl Iterator<Item = &[Member]> {
    let count = usize::try_from(burst.as_millis().div_ceil(GROUP_INTERVAL.as_millis())).unwrap_or(usize::MAX).max(1);
    members.chunks(members.len().div_ceil(count).max(1))
}

/// Removes the fleet's Nodes, and no others: each is deleted by its own name and uid. Returns how many there were.
pub(crate) async fn leave(client: &Client, fleet: &Fleet) -> Result<usize, LabError> {
    let nodes: Api<Node> = Api::all(client.clone());
    let ours = ListParams::default().labels(&fleet.selector());
    let mut removed = 0;
    for _ in 0..REMOVAL_ROUNDS {
        let left = nodes.list_metadata(&ours).await.map_err(LabError::kubernetes("listing the Nodes of this run"))?;
        if left.items.is_empty() {
            break;
        }
        let count = left.items.len();
        let deleting = stream::iter(left.items).map(|node| {
            let preconditions = Preconditions { uid: node.metadata.uid, resource_version: None };
            let parameters = DeleteParams::default().preconditions(preconditions);
            let (nodes, name) = (&nodes, node.metadata.name.unwrap_or_default());
            async move {
                match nodes.delete(&name, &parameters).await {
                    // Gone or re-created by somebody else: either way there is nothing of ours left of that name.
                    Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
                    deleted => {
                        deleted.map(|_| ()).map_err(LabError::kubernetes(format!("removing Node {name} of this run")))
                    }
                }
            }
        });
        deleting.buffer_unordered(CONCURRENCY).try_collect::<()>().await?;
        removed += count;
    }
    Ok(removed)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;

    fn sizes(members: usize, burst_ms: u64) -> Vec<usize> {
        let member = Member { name: String::new(), device: None, taints: Vec::new() };
        groups(&vec![member; members], Duration::from_millis(burst_ms)).map(<[Member]>::len).collect()
    }

    #[test]
    fn a_burst_of_two_seconds_has_twenty_groups() {
        assert_eq!(sizes(500, 2_000), [25; 20]);
    }

    #[test]
    fn without_a_burst_all_join_at_once() {
        assert_eq!(sizes(500, 0), [500]);
    }

    #[test]
    fn a_burst_longer_than_the_fleet_has_groups_of_one() {
        assert_eq!(sizes(3, 60_000), [1; 3]);
    }
}
