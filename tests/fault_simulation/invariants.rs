//! What must always hold, checked at each write that reaches the Kubernetes API and over all that was asked of the Packet API.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kube_api_server::{AppliedWrite, Store};
use packet_api_server::{DeviceState, Exchange, RequestLog};
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use crate::machine::{is_marked, is_ready, taints};

pub(crate) const UNINITIALIZED: &str = "node.cloudprovider.kubernetes.io/uninitialized";
pub(crate) const SHUTDOWN: &str = "node.cloudprovider.kubernetes.io/shutdown";
/// The labels that are the controller's to write.
const OUR_LABELS: [&str; 6] = [
    "node.kubernetes.io/instance-type",
    "beta.kubernetes.io/instance-type",
    "topology.kubernetes.io/region",
    "failure-domain.beta.kubernetes.io/region",
    "topology.kubernetes.io/zone",
    "failure-domain.beta.kubernetes.io/zone",
];
/// The defaults of the bounds on deletion.
const WINDOW: Duration = Duration::from_mins(10);
const SHARE: usize = 10;
const MASS: usize = 55;
/// For how long a device may be taken for switched off that was switched on again.
const HINDSIGHT: Duration = Duration::from_mins(3);

/// What was found that must not be.
#[derive(Debug, Clone, Default)]
pub(crate) struct Violations(Arc<Mutex<Vec<String>>>);

impl Violations {
    pub(crate) fn add(&self, what: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// What the world knows and the controller does not.
#[derive(Debug, Default)]
pub(crate) struct Truth {
    /// When each Node last became not Ready, by its uid.
    pub(crate) not_ready_since: BTreeMap<String, Instant>,
    /// When each device was last switched off or on.
    pub(crate) switched_at: BTreeMap<Uuid, Instant>,
    /// When each device was destroyed.
    pub(crate) destroyed_at: BTreeMap<Uuid, Instant>,
    /// The deletions: when, and of how many Nodes.
    pub(crate) deletions: Vec<(Instant, usize)>,
    /// Whether the last Event that says so says that deletion is stopped.
    pub(crate) is_stopped: bool,
    /// When a fault of either API or of the process was last in force.
    pub(crate) troubled_at: Option<Instant>,
    pub(crate) writes: usize,
}

/// Looks at every write.
#[derive(Clone)]
pub(crate) struct Watchdog {
    pub(crate) truth: Arc<Mutex<Truth>>,
    pub(crate) violations: Violations,
    pub(crate) started: Instant,
    pub(crate) project: Uuid,
    pub(crate) packet: packet_api_server::Store,
    pub(crate) requests: RequestLog,
    pub(crate) kubernetes: Store,
}

/// The device of a provider ID of ours.
pub(crate) fn device_of(node: &Value) -> Option<Uuid> {
    node["spec"]["providerID"].as_str()?.strip_prefix("equinixmetal://")?.parse().ok()
}

fn uid(node: &Value) -> &str {
    node["metadata"]["uid"].as_str().unwrap_or_default()
}

impl Watchdog {
    pub(crate) fn truth(&self) -> MutexGuard<'_, Truth> {
        self.truth.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A write of a client was applied; all clients are the controller.
    pub(crate) fn look(&self, write: &AppliedWrite<'_>) {
        self.truth().writes += 1;
        if let Some(event) = write.after.as_ref().filter(|_| write.path.ends_with("/events")) {
            match event["reason"].as_str() {
                Some("DeletionStopped") => self.truth().is_stopped = true,
                Some("DeletionResumed") => self.truth().is_stopped = false,
                _ => {}
            }
        }
        let Some(name) = write.path.strip_prefix("/api/v1/nodes/") else { return };
        let Some(before) = &write.before else { return };
        let mut faults = Vec::new();
        match (write.method, &write.after) {
            ("PATCH", Some(after)) => self.look_at_patch(before, after, &mut faults),
            ("DELETE", _) => self.look_at_deletion(before, &mut faults),
            (method, _) => faults.push(format!("{method} on a Node")),
        }
        for fault in faults {
            self.violations.add(format!("Node {name}: {fault}"));
        }
    }

    fn look_at_patch(&self, before: &Value, after: &Value, faults: &mut Vec<String>) {
        let provider_id = |node: &Value| node["spec"]["providerID"].as_str().unwrap_or_default().to_owned();
        if !provider_id(before).is_empty() && provider_id(before) != provider_id(after) {
            faults.push(format!("the provider ID {} became {}", provider_id(before), provider_id(after)));
        }
        if !provider_id(before).is_empty() && device_of(before).is_none() {
            faults.push("a Node of another cloud was written".to_owned());
        }
        let others = |node: &Value| -> Vec<Value> {
            let taints = node["spec"]["taints"].as_array().cloned().unwrap_or_default();
            let is_ours = |taint: &Value| {
                taint["key"] == UNINITIALIZED || (taint["key"] == SHUTDOWN && taint["effect"] == "NoSchedule")
            };
            taints.into_iter().filter(|taint| !is_ours(taint)).collect()
        };
        if others(before) != others(after) {
            faults.push(format!("others' taints {:?} became {:?}", others(before), others(after)));
        }
        let labels = |node: &Value| {
            let mut labels = node["metadata"]["labels"].as_object().cloned().unwrap_or_default();
            labels.retain(|label, _| !OUR_LABELS.contains(&label.as_str()));
            labels
        };
        if labels(before) != labels(after) || before["metadata"]["annotations"] != after["metadata"]["annotations"] {
            faults.push("others' labels or annotations changed".to_owned());
        }
        let has = |node: &Value, taint: &str| taints(node).contains(&taint);
        if has(before, UNINITIALIZED) && !has(after, UNINITIALIZED) {
            let is_labelled = OUR_LABELS[..4].iter().all(|label| after["metadata"]["labels"][label].is_string());
            let is_addressed = after["status"]["addresses"].as_array().is_some_and(|addresses| addresses.len() >= 3);
            if !is_labelled || !is_addressed || device_of(after).is_none() {
                faults.push("it lost the uninitialized taint before it was complete".to_owned());
            }
        }
        if !is_marked(before) && is_marked(after) {
            let device = device_of(after).unwrap_or_default();
            let is_off = self.packet.device(&device).is_some_and(|device| device.state == DeviceState::Inactive);
            let was_off = self.truth().switched_at.get(&device).is_some_and(|at| at.elapsed() < HINDSIGHT);
            if !is_off && !was_off {
                faults.push("it was marked as shut down though its device is on".to_owned());
            }
        }
        if is_marked(before) && !is_marked(after) && !is_ready(after) {
            faults.push("it lost the shutdown taint though it is not Ready".to_owned());
        }
    }

    fn look_at_deletion(&self, node: &Value, faults: &mut Vec<String>) {
        let Some(device) = device_of(node) else {
            return faults.push("it was deleted and is not ours".to_owned());
        };
        if self.packet.device(&device).is_some() {
            faults.push("it was deleted though its device is there".to_owned());
        }
        if is_ready(node) {
            faults.push("it was deleted though it is Ready".to_owned());
        }
        if !self.is_confirmed(node, device) {
            faults.push("it was deleted without a fresh 404 and the project after it".to_owned());
        }
        let told = |event: &Value| event["reason"] == "DeletingNode" && event["involvedObject"]["uid"] == uid(node);
        if !self.kubernetes.events().iter().any(told) {
            faults.push("it was deleted without an Event".to_owned());
        }
        // It is not in the list any more.
        let nodes = self.kubernetes.nodes();
        let there_were = 1 + nodes.iter().filter(|node| device_of(node).is_some()).count();
        if let Some(fault) = self.mass(&nodes, there_were) {
            faults.push(fault);
        }
        let mut truth = self.truth();
        // A process that cannot read the Events for a whole window does not know.
        let is_known = truth.troubled_at.is_none_or(|at| at.elapsed() > Duration::from_mins(1));
        if truth.is_stopped && is_known {
            faults.push("it was deleted though the Events say that deletion is stopped".to_owned());
        }
        truth.deletions.push((Instant::now(), there_were));
        for (first, (from, _)) in truth.deletions.iter().enumerate() {
            let count = truth.deletions.len() - first;
            let most = ((there_were + count - 1) * SHARE / 100).max(1);
            if from.elapsed() <= WINDOW && count > most {
                faults.push(format!("{count} of {} Nodes were deleted within {WINDOW:?}", there_were + count - 1));
                break;
            }
        }
    }

    /// Whether the API itself, and no fault in its place, was asked for the device and did not know it, since the Node is not
    /// Ready and not long ago, and showed the project after that.
    fn is_confirmed(&self, node: &Value, device: Uuid) -> bool {
        const NOT_LONG: Duration = Duration::from_mins(6);
        let now = self.started.elapsed();
        let since = self.truth().not_ready_since.get(uid(node)).map_or(Duration::ZERO, |since| *since - self.started);
        let all = self.requests.exchanges_since(since.max(now.saturating_sub(NOT_LONG)));
        let is_true = |fault: &Option<String>| {
            fault.as_ref().is_none_or(|fault| fault.starts_with("delay") || fault.starts_with("slow"))
        };
        let answers = |status: u16, path: String, since: Duration| {
            let fits = move |exchange: &&Exchange| {
                let request = &exchange.request;
                request.at >= since
                    && request.status == status
                    && request.path.ends_with(&path)
                    && is_true(&exchange.fault)
            };
            all.iter().filter(fits).filter_map(Exchange::ended_at).min()
        };
        let not_found = answers(404, format!("/devices/{device}"), since);
        not_found.is_some_and(|at| answers(200, format!("/projects/{}", self.project), at).is_some())
    }

    /// Whether too many Nodes have looked gone for long, and nothing kept the controller from knowing it.
    fn mass(&self, nodes: &[Value], ours: usize) -> Option<String> {
        const KNOWN_AFTER: Duration = Duration::from_mins(5);
        let truth = self.truth();
        if truth.troubled_at.is_some_and(|at| at.elapsed() < KNOWN_AFTER) {
            return None;
        }
        let for_long = |at: Option<&Instant>| at.is_some_and(|at| at.elapsed() >= KNOWN_AFTER);
        let looks_gone = nodes.iter().filter(|node| {
            let is_gone = device_of(node).is_some_and(|device| for_long(truth.destroyed_at.get(&device)));
            is_gone && !is_ready(node) && for_long(truth.not_ready_since.get(uid(node)))
        });
        let gone = 1 + looks_gone.count();
        (gone > 2 && gone * 100 > ours * MASS).then(|| format!("it was deleted while {gone} of {ours} looked gone"))
    }

    /// Whether in no window of time the Packet API saw more than the rate and one burst.
    pub(crate) fn look_at_budget(&self, rate: f64, burst: u32) {
        let all = self.requests.all();
        let moments: Vec<f64> = all.iter().map(|request| request.at.as_secs_f64()).collect();
        // Of the windows that begin with a request, that is the fullest which exceeds what has come in by the rate most.
        let mut fullest = (0.0_f64, 0.0_f64);
        let mut level = 0.0_f64;
        let mut last = 0.0;
        for moment in moments {
            level = (level - (moment - last) * rate).max(0.0) + 1.0;
            last = moment;
            if level > fullest.0 {
                fullest = (level, moment);
            }
        }
        if fullest.0 > f64::from(burst) + 1e-6 {
            self.violations
                .add(format!("the budget was overdrawn to {:.2} of {burst} at {:.3} s", fullest.0, fullest.1));
        }
    }
}
