//! The Nodes of a run and the devices behind them: who there is, and what a kubelet registers.

use k8s_openapi::api::core::v1::Node;
use kube_api_server::NodeSpec;
use packet_api_server::{Device, DeviceSpec, Store};
use serde_json::Value;
use uuid::Uuid;

use crate::error::LabError;

/// The label that the Nodes of a run carry, with the run's id as its value.
pub(crate) const RUN_LABEL: &str = "packet-ccm-lab/run";
/// The taint of every tenth Node, which must survive. Its effect keeps nothing out that the other taints let in.
pub(crate) const TENTH_TAINT: (&str, &str, &str) = ("packet-ccm-lab/kept", "as-it-was", "PreferNoSchedule");
/// The taint that keeps everything off the Nodes on somebody's cluster.
pub(crate) const KEEP_OFF_TAINT: (&str, &str, &str) = ("packet-ccm-lab/not-a-machine", "true", "NoExecute");

/// Whose cluster the Nodes join.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ground {
    /// The lab's own, gone afterwards.
    Own,
    /// Somebody's, where Pods must not land on Nodes that are no machines.
    Borrowed,
}

/// One Node and its device.
#[derive(Debug, Clone)]
pub(crate) struct Member {
    /// The Node's name, and the device's hostname.
    pub(crate) name: String,
    /// The device; none for a Node that is meant to fail.
    pub(crate) device: Option<Device>,
    /// The taints that the Node has besides the uninitialized one.
    pub(crate) taints: Vec<(&'static str, &'static str, &'static str)>,
}

/// The Nodes of one run.
#[derive(Debug, Clone)]
pub(crate) struct Fleet {
    run: String,
    members: Vec<Member>,
    ground: Ground,
}

impl Fleet {
    /// A fleet of `size` Nodes. All but the last `missing` get a device in `store`, in various facilities and of various
    /// plans, and `others` devices of nobody lie among theirs.
    pub(crate) fn found(size: usize, missing: usize, others: usize, ground: Ground, store: &Store) -> Self {
        let run = Uuid::new_v4().simple().to_string()[..8].to_owned();
        let places: Vec<String> =
            store.facilities().into_iter().filter(|place| place.metro.is_some()).map(|place| place.code).collect();
        let plans: Vec<String> = store.plans().into_iter().map(|plan| plan.slug).collect();
        let cycle = |all: &[String], number: usize| all.get(number % all.len().max(1)).cloned();
        let device = |hostname: &str, number: usize| {
            let (place, plan) = (cycle(&places, number), cycle(&plans, number));
            store.create_device(DeviceSpec::new(hostname).facility(place.as_deref()).plan(plan.as_deref()))
        };
        let mut others_so_far = 0;
        let members = (1..=size)
            .map(|number| {
                let name = format!("packet-lab-{run}-{number:04}");
                // Spread evenly, and named like a Node with more behind it: a search for part of a hostname finds both.
                while others_so_far < others * number / size {
                    device(&format!("{name}-spare-{others_so_far:04}"), number);
                    others_so_far += 1;
                }
                let device = (number <= size.saturating_sub(missing)).then(|| device(&name, number));
                let mut taints = Vec::new();
                taints.extend((ground == Ground::Borrowed).then_some(KEEP_OFF_TAINT));
                taints.extend(number.is_multiple_of(10).then_some(TENTH_TAINT));
                Member { name, device, taints }
            })
            .collect();
        Self { run, members, ground }
    }

    /// Everyone, in the order in which they join.
    pub(crate) fn members(&self) -> &[Member] {
        &self.members
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.members.len()
    }

    /// The label selector that finds these Nodes and no others.
    pub(crate) fn selector(&self) -> String {
        format!("{RUN_LABEL}={}", self.run)
    }

    /// The Node as its kubelet would register it, of the size that Nodes of real kubelets have.
    pub(crate) fn registration(&self, member: &Member) -> Result<Node, LabError> {
        let mut spec = NodeSpec::new(&member.name).realistic_size().label(RUN_LABEL, &self.run);
        for (key, value, effect) in &member.taints {
            spec = spec.taint(key, value, effect);
        }
        let mut node: Node = serde_json::from_value(Value::from(spec))?;
        // Whoever writes it is for the API server to note.
        node.metadata.managed_fields = None;
        if let (Ground::Borrowed, Some(spec)) = (self.ground, &mut node.spec) {
            spec.unschedulable = Some(true);
        }
        Ok(node)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;

    async fn fleet(size: usize, missing: usize, others: usize, ground: Ground) -> (Fleet, Vec<Device>) {
        let server = packet_api_server::Server::start().await.unwrap();
        let fleet = Fleet::found(size, missing, others, ground, server.store());
        (fleet, server.store().devices())
    }

    #[tokio::test]
    async fn every_node_but_the_last_ones_has_a_device_of_its_name() {
        let (fleet, devices) = fleet(20, 3, 5, Ground::Own).await;
        assert_eq!(devices.len(), 17 + 5);
        for (number, member) in fleet.members().iter().enumerate() {
            let hostname = member.device.as_ref().map(|device| device.hostname.clone());
            assert_eq!(hostname, (number < 17).then(|| member.name.clone()));
        }
    }

    #[tokio::test]
    async fn every_tenth_node_has_a_taint_of_its_own() {
        let (fleet, _) = fleet(30, 0, 0, Ground::Own).await;
        assert_eq!(fleet.members().iter().filter(|member| member.taints == [TENTH_TAINT]).count(), 3);
        assert_eq!(fleet.members().iter().filter(|member| member.taints.is_empty()).count(), 27);
    }

    #[tokio::test]
    async fn on_somebodys_cluster_nothing_can_land_on_a_node() {
        let (fleet, _) = fleet(1, 0, 0, Ground::Borrowed).await;
        let spec = fleet.registration(&fleet.members()[0]).unwrap().spec.unwrap();
        assert_eq!(spec.unschedulable, Some(true));
        assert!(spec.taints.unwrap().iter().any(|taint| taint.key == KEEP_OFF_TAINT.0 && taint.effect == "NoExecute"));
    }

    #[tokio::test]
    async fn a_registration_has_the_uninitialized_taint_and_the_size_of_a_real_one() {
        let (fleet, _) = fleet(1, 0, 0, Ground::Own).await;
        let node = fleet.registration(&fleet.members()[0]).unwrap();
        assert!(crate::nodes::checks::is_uninitialized(&node));
        assert_eq!(node.metadata.labels.as_ref().unwrap()[RUN_LABEL], fleet.selector().split_once('=').unwrap().1);
        assert!(serde_json::to_string(&node).unwrap().len() > 5_000);
    }
}
