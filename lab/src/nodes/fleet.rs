//! The Nodes of a run and the devices behind them: who there is, and what a kubelet registers.

use k8s_openapi::api::core::v1::Node;
use kube_api_server::NodeSpec;
use packet_api_server::{Device, DeviceSpec, Store};
use serde_json::Value;
use uuid::Uuid;

use crate::cli::Provider;
use crate::error::LabError;
use crate::nodes::checks::Expected;

/// The label that the Nodes of a run carry, with the run's id as its value.
pub(crate) const RUN_LABEL: &str = "packet-ccm-lab/run";
/// The taint of every tenth Node, which must survive. Its effect keeps nothing out that the other taints let in.
pub(crate) const TENTH_TAINT: (&str, &str, &str) = ("packet-ccm-lab/kept", "as-it-was", "PreferNoSchedule");
/// The taint that keeps everything off the Nodes on somebody's cluster.
pub(crate) const KEEP_OFF_TAINT: (&str, &str, &str) = ("packet-ccm-lab/not-a-machine", "true", "NoExecute");

/// The fewest digits of a Node's number.
const DIGITS: usize = 4;

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

/// What a fleet is to be.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Wanted {
    /// How many Nodes.
    pub(crate) nodes: usize,
    /// How many of them, the last ones, have no device.
    pub(crate) missing: usize,
    /// How many devices of nobody lie among theirs.
    pub(crate) others: usize,
    /// Whether devices are served at sizes as those of the real API, up to some 20 KB.
    pub(crate) realistic_devices: bool,
}

/// The Nodes of one run.
#[derive(Debug, Clone)]
pub(crate) struct Fleet {
    run: String,
    members: Vec<Member>,
    ground: Ground,
}

impl Fleet {
    /// A fleet, its devices in `store`, in various facilities and of various plans.
    pub(crate) fn found(wanted: Wanted, ground: Ground, store: &Store) -> Self {
        let Wanted { nodes: size, missing, others, realistic_devices } = wanted;
        let run = Uuid::new_v4().simple().to_string()[..8].to_owned();
        let places: Vec<String> =
            store.facilities().into_iter().filter(|place| place.metro.is_some()).map(|place| place.code).collect();
        let plans: Vec<String> = store.plans().into_iter().map(|plan| plan.slug).collect();
        let cycle = |all: &[String], number: usize| all.get(number % all.len().max(1)).cloned();
        let device = |hostname: &str, number: usize| {
            let (place, plan) = (cycle(&places, number), cycle(&plans, number));
            let spec = DeviceSpec::new(hostname).facility(place.as_deref()).plan(plan.as_deref());
            store.create_device(spec.realistic_size(realistic_devices))
        };
        // As many digits as the last one needs, so that the order of names is the order of joining.
        let digits = size.to_string().len().max(DIGITS);
        let mut others_so_far = 0;
        let members = (1..=size)
            .map(|number| {
                let name = format!("packet-lab-{run}-{number:0digits$}");
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

    /// The one of that name.
    pub(crate) fn member(&self, name: &str) -> Option<&Member> {
        // The order of joining is the order of names.
        let place = self.members.binary_search_by(|member| member.name.as_str().cmp(name)).ok()?;
        self.members.get(place)
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
        let mut node: Node = serde_json::from_value(Value::from(self.spec(member)))?;
        // Whoever writes it is for the API server to note.
        node.metadata.managed_fields = None;
        if let (Ground::Borrowed, Some(spec)) = (self.ground, &mut node.spec) {
            spec.unschedulable = Some(true);
        }
        Ok(node)
    }

    /// The Node as it is once a cloud controller manager has initialised it.
    pub(crate) fn initialised(&self, member: &Member, provider: Provider) -> Result<Node, LabError> {
        let mut node = self.registration(member)?;
        if let Some(device) = &member.device {
            Expected::of(provider, device).put_into(&mut node);
        }
        Ok(node)
    }

    /// What the simulated Kubernetes API makes such a Node of.
    pub(crate) fn spec(&self, member: &Member) -> NodeSpec {
        let mut spec = NodeSpec::new(&member.name).realistic_size().label(RUN_LABEL, &self.run);
        for (key, value, effect) in &member.taints {
            spec = spec.taint(key, value, effect);
        }
        spec
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;

    async fn fleet(size: usize, missing: usize, others: usize, ground: Ground) -> (Fleet, Vec<Device>) {
        let server = packet_api_server::Server::start().await.unwrap();
        let fleet =
            Fleet::found(Wanted { nodes: size, missing, others, realistic_devices: false }, ground, server.store());
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
    async fn names_have_as_many_digits_as_the_last_one_needs() {
        let (fleet, _) = fleet(10_000, 10_000, 0, Ground::Own).await;
        assert!(fleet.members()[0].name.ends_with("-00001") && fleet.members()[9_999].name.ends_with("-10000"));
        for member in fleet.members() {
            assert_eq!(fleet.member(&member.name).unwrap().name, member.name);
        }
        assert!(fleet.member("somebody").is_none());
    }

    #[tokio::test]
    async fn a_node_that_is_made_initialised_passes_every_check() {
        let (fleet, _) = fleet(10, 0, 0, Ground::Own).await;
        for provider in [Provider::Packet, Provider::EquinixMetal] {
            for member in fleet.members() {
                let node = fleet.initialised(member, provider).unwrap();
                assert_eq!(crate::nodes::checks::faults(member, provider, &node), []);
            }
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
