//! The kubelets of a load test: they register Nodes, remove them, taint them again and report their status.
//!
//! In the simulated cluster Nodes are registered within the process: a hundred thousand of them would otherwise cost the
//! lab more than the program. All else goes over HTTP, as it does everywhere.
//!
//! A Node that is not there any more is no reason to end: whoever removed it wrongly is to fail a check, with a result to show
//! for it. So those who find such a Node go on, and name it.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{Stream, StreamExt, TryStreamExt, stream};
use k8s_openapi::api::core::v1::{Node, Taint};
use k8s_openapi::jiff::Timestamp;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams, Preconditions};
use kube::{Api, Client};
use serde_json::{Value, json};
use tokio::time::MissedTickBehavior;

use super::look::{Look, version};
use crate::cli::Provider;
use crate::error::LabError;
use crate::nodes::checks::UNINITIALIZED_TAINT;
use crate::nodes::fleet::Fleet;
use crate::nodes::kubelets::{CONCURRENCY, GROUP_INTERVAL};

/// How many Nodes are registered within the process before the time is looked at again. It takes some milliseconds.
const AT_ONCE: usize = 20;

/// A Node that waits from now on.
pub(crate) struct Begun {
    /// Its name.
    pub(crate) name: String,
    /// When the API server had taken it in.
    pub(crate) at: Instant,
    /// The version that it had then, or an earlier one of the cluster.
    pub(crate) version: u64,
}

/// The kubelets of a fleet.
pub(crate) struct Kubelets {
    fleet: Arc<Fleet>,
    nodes: Api<Node>,
    looks: Api<Look>,
    /// Where Nodes are registered within the process.
    store: Option<kube_api_server::Store>,
}

impl Kubelets {
    /// The kubelets of `fleet`, in the cluster that `client` leads to; `store` is that cluster's, where it is simulated.
    pub(crate) fn new(fleet: Arc<Fleet>, client: Client, store: Option<kube_api_server::Store>) -> Self {
        Self { fleet, nodes: Api::all(client.clone()), looks: Api::all(client), store }
    }

    /// Registers these Nodes with the taint, in groups that are spread over `within`; tells `begun` of each.
    pub(crate) async fn join(
        &self,
        members: Range<usize>,
        within: Duration,
        mut begun: impl FnMut(Begun),
    ) -> Result<(), LabError> {
        let mut interval = tokio::time::interval(GROUP_INTERVAL);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for group in groups(members, within) {
            interval.tick().await;
            if let Some(store) = &self.store {
                let (store, fleet) = (store.clone(), Arc::clone(&self.fleet));
                for node in blocking(move || register_within(&store, &fleet, group)).await? {
                    begun(node);
                }
            } else {
                let mut joining = stream::iter(group).map(|place| self.register(place)).buffer_unordered(CONCURRENCY);
                while let Some(node) = joining.try_next().await? {
                    begun(node);
                }
            }
        }
        Ok(())
    }

    async fn register(&self, place: usize) -> Result<Begun, LabError> {
        let member = &self.fleet.members()[place];
        let created = self.nodes.create(&PostParams::default(), &self.fleet.registration(member)?).await;
        let node = created.map_err(LabError::kubernetes(format!("registering Node {}", member.name)))?;
        Ok(Begun { name: member.name.clone(), at: Instant::now(), version: version(&node.metadata) })
    }

    /// Puts these Nodes into the cluster as they are once they are initialised.
    pub(crate) async fn put_initialised(&self, members: Range<usize>, provider: Provider) -> Result<(), LabError> {
        if let Some(store) = &self.store {
            let (store, fleet) = (store.clone(), Arc::clone(&self.fleet));
            let all = move || {
                for member in &fleet.members()[members] {
                    store.create_node(serde_json::to_value(fleet.initialised(member, provider)?)?)?;
                }
                Ok(())
            };
            return blocking(all).await;
        }
        let creating = stream::iter(&self.fleet.members()[members]).map(|member| async move {
            let node = self.fleet.initialised(member, provider)?;
            let created = self.nodes.create(&PostParams::default(), &node).await;
            created.map(drop).map_err(LabError::kubernetes(format!("registering Node {}", member.name)))
        });
        creating.buffer_unordered(CONCURRENCY).try_collect().await
    }

    /// Removes these Nodes, whatever their state, each by the uid that `uid` tells. Returns the names of those that are not
    /// there any more, or are somebody else's by now.
    pub(crate) async fn leave(
        &self,
        members: Range<usize>,
        uid: impl Fn(&str) -> Option<String>,
    ) -> Result<Vec<String>, LabError> {
        let leaving = stream::iter(&self.fleet.members()[members]).map(|member| {
            let (name, uid) = (&member.name, uid(&member.name));
            async move {
                // One that the watch does not show is gone.
                let Some(uid) = uid else { return Ok(Some(name.clone())) };
                let preconditions = Preconditions { uid: Some(uid), resource_version: None };
                let deleted = self.nodes.delete(name, &DeleteParams::default().preconditions(preconditions)).await;
                match deleted {
                    Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(Some(name.clone())),
                    deleted => deleted.map(|_| None).map_err(LabError::kubernetes(format!("removing Node {name}"))),
                }
            }
        });
        names(leaving.buffer_unordered(CONCURRENCY)).await
    }

    /// Puts the taint on these Nodes again, as a kubelet does that finds its Node there when it starts; tells `begun` of
    /// each. Returns the names of those that are not there any more.
    pub(crate) async fn taint_again(
        &self,
        members: Range<usize>,
        mut begun: impl FnMut(Begun),
    ) -> Result<Vec<String>, LabError> {
        let tainting = stream::iter(&self.fleet.members()[members]).map(|member| async move {
            let tainted = self.taint_one(&member.name).await?;
            Ok::<_, LabError>((member.name.clone(), tainted))
        });
        let mut tainting = tainting.buffer_unordered(CONCURRENCY);
        let mut missing = Vec::new();
        while let Some((name, tainted)) = tainting.try_next().await? {
            match tainted {
                Some(node) => begun(node),
                None => missing.push(name),
            }
        }
        Ok(missing)
    }

    /// `None` where there is no such Node.
    async fn taint_one(&self, name: &str) -> Result<Option<Begun>, LabError> {
        let doing = || LabError::kubernetes(format!("tainting Node {name}"));
        loop {
            let Some(node) = self.nodes.get_opt(name).await.map_err(doing())? else { return Ok(None) };
            let mut taints = node.spec.and_then(|spec| spec.taints).unwrap_or_default();
            let (key, value, effect) =
                (UNINITIALIZED_TAINT.to_owned(), Some("true".to_owned()), "NoSchedule".to_owned());
            taints.push(Taint { key, value, effect, time_added: None });
            // Patches replace the list of taints, so somebody else's is kept by writing only if nobody else has.
            let metadata = json!({ "resourceVersion": node.metadata.resource_version });
            let patch = Patch::Merge(json!({ "metadata": metadata, "spec": { "taints": taints } }));
            match self.looks.patch(name, &PatchParams::default(), &patch).await {
                Ok(look) => {
                    return Ok(Some(Begun { name: name.to_owned(), at: Instant::now(), version: look.version() }));
                }
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                Err(kube::Error::Api(status)) if status.code == 404 => return Ok(None),
                Err(error) => return Err(doing()(error)),
            }
        }
    }

    /// Reports a new status of every Node: a heartbeat and another opinion on the disk. Every `not_ready_every`th says that it
    /// is not ready in odd `round`s, and that it is again in even ones. Returns the names of those that are not there any more.
    pub(crate) async fn report_status(&self, round: usize, not_ready_every: usize) -> Result<Vec<String>, LabError> {
        let reporting = stream::iter(self.fleet.members().iter().enumerate()).map(|(place, member)| async move {
            let ready = !place.is_multiple_of(not_ready_every) || round.is_multiple_of(2);
            let patch = Patch::Strategic(status(round, ready));
            let reported = self.looks.patch_status(&member.name, &PatchParams::default(), &patch).await;
            match reported {
                Err(kube::Error::Api(status)) if status.code == 404 => Ok(Some(member.name.clone())),
                reported => {
                    let doing = format!("reporting the status of Node {}", member.name);
                    reported.map(|_| None).map_err(LabError::kubernetes(doing))
                }
            }
        });
        names(reporting.buffer_unordered(CONCURRENCY)).await
    }
}

/// The names among what comes.
async fn names(all: impl Stream<Item = Result<Option<String>, LabError>>) -> Result<Vec<String>, LabError> {
    all.try_filter_map(|name| std::future::ready(Ok(name))).try_collect().await
}

/// The conditions that change, for a patch that merges them by type.
fn status(round: usize, ready: bool) -> Value {
    let now = Timestamp::now().to_string();
    let condition = |kind: &str, holds: bool, reason: &str| {
        let status = if holds { "True" } else { "False" };
        json!({ "type": kind, "status": status, "reason": reason, "lastHeartbeatTime": now, "lastTransitionTime": now })
    };
    let reason = if ready { "KubeletReady" } else { "KubeletNotReady" };
    json!({ "status": { "conditions": [
        condition("Ready", ready, reason),
        condition("DiskPressure", !round.is_multiple_of(2), "KubeletHasDiskPressure"),
    ] } })
}

fn register_within(store: &kube_api_server::Store, fleet: &Fleet, group: Range<usize>) -> Result<Vec<Begun>, LabError> {
    let mut begun = Vec::with_capacity(group.len());
    for members in fleet.members()[group].chunks(AT_ONCE) {
        let version = store.resource_version();
        store.create_nodes(members.iter().map(|member| fleet.spec(member)))?;
        let at = Instant::now();
        begun.extend(members.iter().map(|member| Begun { name: member.name.clone(), at, version }));
    }
    Ok(begun)
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, LabError> + Send + 'static,
) -> Result<T, LabError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| LabError::io("registering Nodes")(std::io::Error::other(error)))?
}

/// The members in as many groups as there is time for.
fn groups(members: Range<usize>, within: Duration) -> impl Iterator<Item = Range<usize>> {
    let count = usize::try_from(within.as_millis().div_ceil(GROUP_INTERVAL.as_millis())).unwrap_or(usize::MAX).max(1);
    let size = members.len().div_ceil(count).max(1);
    members.clone().step_by(size).map(move |start| start..members.end.min(start + size))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::nodes::checks::{faults, is_uninitialized};
    use crate::nodes::fleet::{Ground, Wanted};

    /// Kubelets of ten Nodes, within the process or over HTTP.
    async fn kubelets(within: bool) -> (Kubelets, kube_api_server::Server) {
        let packet = packet_api_server::Server::start().await.unwrap();
        let server = kube_api_server::Server::start().await.unwrap();
        let client = Client::try_from(kube::Config::new(server.url().parse().unwrap())).unwrap();
        let fleet = Arc::new(Fleet::found(
            Wanted { nodes: 10, missing: 0, others: 0, ..Wanted::default() },
            Ground::Own,
            packet.store(),
        ));
        (Kubelets::new(fleet, client, within.then(|| server.store().clone())), server)
    }

    fn node(server: &kube_api_server::Server, kubelets: &Kubelets, place: usize) -> Node {
        serde_json::from_value(server.store().node(&kubelets.fleet.members()[place].name).unwrap()).unwrap()
    }

    #[test]
    fn groups_hold_everyone_once() {
        assert_eq!(groups(0..5, Duration::from_millis(200)).collect::<Vec<_>>(), [0..3, 3..5]);
        assert_eq!(groups(2..4, Duration::ZERO).map(|group| (group.start, group.end)).collect::<Vec<_>>(), [(2, 4)]);
        assert_eq!(groups(0..0, Duration::ZERO).count(), 0);
    }

    #[tokio::test]
    async fn nodes_wait_from_their_registration_within_the_process_as_over_http() {
        for within in [true, false] {
            let (kubelets, server) = kubelets(within).await;
            let mut begun = Vec::new();
            kubelets.join(0..3, Duration::ZERO, |node| begun.push(node)).await.unwrap();
            assert_eq!((begun.len(), server.store().nodes().len()), (3, 3));
            for place in 0..3 {
                let node = node(&server, &kubelets, place);
                assert!(is_uninitialized(&node));
                let begun = begun.iter().find(|begun| Some(&begun.name) == node.metadata.name.as_ref()).unwrap();
                assert!(begun.version <= version(&node.metadata) && begun.version > 0);
            }
        }
    }

    #[tokio::test]
    async fn an_initialised_node_that_is_tainted_again_keeps_what_it_has() {
        let (kubelets, server) = kubelets(true).await;
        kubelets.put_initialised(0..10, Provider::Packet).await.unwrap();
        let fleet = &kubelets.fleet;
        assert_eq!(faults(&fleet.members()[1], Provider::Packet, &node(&server, &kubelets, 1)), []);
        kubelets.taint_again(8..10, |_| ()).await.unwrap();
        for place in 8..10 {
            let node = node(&server, &kubelets, place);
            assert!(is_uninitialized(&node));
            // The taint is all that is wrong: the last one has another, which is kept.
            assert_eq!(faults(&fleet.members()[place], Provider::Packet, &node).len(), 1);
        }
        let uid = |name: &str| server.store().node(name)?["metadata"]["uid"].as_str().map(ToOwned::to_owned);
        assert_eq!(kubelets.leave(9..10, uid).await.unwrap(), [""; 0]);
        assert_eq!(server.store().nodes().len(), 9);
    }

    #[tokio::test]
    async fn a_node_that_somebody_removed_is_named_and_the_others_are_served() {
        let (kubelets, server) = kubelets(true).await;
        kubelets.put_initialised(0..3, Provider::Packet).await.unwrap();
        let names: Vec<String> = kubelets.fleet.members().iter().map(|member| member.name.clone()).collect();
        assert_eq!(kubelets.report_status(1, 2).await.unwrap().len(), 7);
        assert!(kubelets.nodes.delete(&names[0], &DeleteParams::default()).await.is_ok());
        let mut begun = Vec::new();
        let missing = kubelets.taint_again(0..3, |node| begun.push(node.name)).await.unwrap();
        begun.sort_unstable();
        assert_eq!((&missing[..], &begun[..]), (&names[..1], &names[1..3]));
        // The uid of a Node that was there before is not that of this one.
        let uid = |name: &str| (name != names[0]).then(|| "another".to_owned());
        assert_eq!(kubelets.leave(0..3, uid).await.unwrap().len(), 3);
        assert_eq!(server.store().nodes().len(), 2);
    }

    #[tokio::test]
    async fn in_odd_rounds_some_nodes_are_not_ready() {
        let (kubelets, server) = kubelets(true).await;
        kubelets.put_initialised(0..10, Provider::Packet).await.unwrap();
        let ready = || {
            let ready = |place| {
                let conditions = node(&server, &kubelets, place).status.unwrap().conditions.unwrap();
                conditions.iter().find(|condition| condition.type_ == "Ready").unwrap().status == "True"
            };
            (0..4).map(ready).collect::<Vec<_>>()
        };
        kubelets.report_status(1, 2).await.unwrap();
        assert_eq!(ready(), [false, true, false, true]);
        kubelets.report_status(2, 2).await.unwrap();
        assert_eq!(ready(), [true; 4]);
    }
}
