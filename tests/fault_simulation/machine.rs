//! Machines, and the kubelets on them, as far as a cloud controller sees them.

use std::time::Duration;

use kube_api_server::NodeSpec;
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use crate::invariants::SHUTDOWN;

/// How long after a machine is on its Node is Ready.
const BOOT: Duration = Duration::from_secs(20);
/// How long a kubelet is silent before its Node is not Ready any more (kube-controller-manager
/// `--node-monitor-grace-period`).
const GRACE: Duration = Duration::from_secs(50);
/// How soon a kubelet registers its Node again that somebody has deleted.
const REGISTERS_AFTER: Duration = Duration::from_secs(15);

/// What a machine is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Power {
    On,
    Off,
    /// Its device is gone for good.
    Destroyed,
    /// Its device is gone for good, by the API's account, and yet it runs.
    Forgotten,
}

impl Power {
    /// Whether the API knows its device no more.
    pub(crate) fn is_gone(self) -> bool {
        matches!(self, Self::Destroyed | Self::Forgotten)
    }

    /// Whether its kubelet runs.
    fn runs(self) -> bool {
        matches!(self, Self::On | Self::Forgotten)
    }
}

/// A machine.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) name: String,
    pub(crate) device: Uuid,
    pub(crate) power: Power,
    /// Whether its kubelet works, if the machine is on.
    pub(crate) is_well: bool,
    /// Whether the kubelet names the provider ID when it registers.
    pub(crate) names_device: bool,
    /// Since when it is as it is.
    pub(crate) since: Instant,
}

impl Machine {
    /// Whether its Node should be Ready by now, or not; nothing while that is still to show.
    pub(crate) fn should_be_ready(&self) -> Option<bool> {
        let reports = self.power.runs() && self.is_well;
        let shows = self.since.elapsed() >= if reports { BOOT } else { GRACE };
        shows.then_some(reports)
    }

    /// The Node that its kubelet registers.
    pub(crate) fn node(&self) -> NodeSpec {
        let node = NodeSpec::new(&self.name).ready(false);
        if self.names_device { node.provider_id(&format!("equinixmetal://{}", self.device)) } else { node }
    }

    /// Whether its kubelet registers a Node now that there is none.
    pub(crate) fn registers(&self, missing_since: Instant) -> bool {
        self.power.runs() && self.is_well && missing_since.elapsed() >= REGISTERS_AFTER
    }
}

/// Whether a Node is Ready.
pub(crate) fn is_ready(node: &Value) -> bool {
    let conditions = node["status"]["conditions"].as_array();
    conditions.into_iter().flatten().any(|condition| condition["type"] == "Ready" && condition["status"] == "True")
}

/// Lets a Node become Ready, or not, at that time by the clock of whoever says so.
pub(crate) fn set_ready(node: &mut Value, is_ready: bool, time: &str) {
    let conditions = node["status"]["conditions"].as_array_mut().unwrap();
    let ready = conditions.iter_mut().find(|condition| condition["type"] == "Ready").unwrap();
    ready["status"] = if is_ready { "True".into() } else { "Unknown".into() };
    ready["lastTransitionTime"] = time.into();
}

/// The keys of the taints of a Node.
pub(crate) fn taints(node: &Value) -> Vec<&str> {
    node["spec"]["taints"].as_array().into_iter().flatten().filter_map(|taint| taint["key"].as_str()).collect()
}

/// Whether a Node carries the taint of a machine that is switched off. With another effect it is somebody else's.
pub(crate) fn is_marked(node: &Value) -> bool {
    let taints = node["spec"]["taints"].as_array();
    taints.into_iter().flatten().any(|taint| taint["key"] == SHUTDOWN && taint["effect"] == "NoSchedule")
}
