//! How the Nodes stand, for metrics and for people.

use std::collections::BTreeMap;

use actix::{Context, Handler, MessageResult};

use super::NodeWatcher;
use super::entry::Work;
use crate::kubernetes::{Need, NodeName};
use crate::messages::report::{AskNodeWatcher, NodesReport, WaitingNodes};
use crate::telemetry::metrics::{NodeMetrics, Reason, State, Word, gauge};

impl NodeWatcher {
    fn report(&self) -> NodesReport {
        let mut report = NodesReport {
            knows_all: self.knows_all,
            watch_error: self.watch_error.as_ref().map(|watch| watch.error.clone()),
            ..NodesReport::default()
        };
        let mut waiting: BTreeMap<&'static str, (usize, &NodeName, &str)> = BTreeMap::new();
        for (name, entry) in &self.entries {
            match Need::of(&entry.node) {
                Need::LeaveAlone(_) => report.left_alone += 1,
                Need::Initialise => report.uninitialized += 1,
                Need::Nothing | Need::RestoreLabels(_) => report.initialised += 1,
            }
            report.under_way += usize::from(matches!(entry.work, Work::UnderWay(_)));
            if let Some(trouble) = &entry.trouble {
                let (nodes, example, message) = waiting.entry(trouble.reason).or_insert((0, name, &trouble.message));
                *nodes += 1;
                // Always the same one, whatever order they are looked at in.
                if name < *example {
                    (*example, *message) = (name, &trouble.message);
                }
            }
            if let Some(waited) = entry.waited() {
                let longest = report.longest.as_ref().map(|(name, waited)| (*waited, std::cmp::Reverse(name.clone())));
                if longest.is_none_or(|longest| longest < (waited, std::cmp::Reverse(name.clone()))) {
                    report.longest = Some((name.clone(), waited));
                }
            }
        }
        let waiting = waiting.into_iter().map(|(reason, (nodes, example, message))| WaitingNodes {
            reason,
            nodes,
            example: example.clone(),
            message: message.to_owned(),
        });
        report.waiting = waiting.collect();
        report
    }
}

/// Measures what is true only at a moment.
fn measure(metrics: &NodeMetrics, report: &NodesReport) {
    for (state, nodes) in [
        ("initialised", report.initialised),
        ("uninitialized", report.uninitialized),
        ("left_alone", report.left_alone),
    ] {
        metrics.nodes.get_or_create(&State { state: Word(state) }).set(gauge(nodes));
    }
    // A reason that has passed is none any more.
    metrics.waiting.clear();
    for waiting in &report.waiting {
        metrics.waiting.get_or_create(&Reason { reason: Word(waiting.reason) }).set(gauge(waiting.nodes));
    }
    let longest = report.longest.as_ref().map_or(0, |(_, waited)| waited.as_secs());
    metrics.longest_wait.set(i64::try_from(longest).unwrap_or(i64::MAX));
}

impl Handler<AskNodeWatcher> for NodeWatcher {
    type Result = MessageResult<AskNodeWatcher>;

    fn handle(&mut self, AskNodeWatcher: AskNodeWatcher, _: &mut Context<Self>) -> Self::Result {
        let report = self.report();
        measure(&self.metrics, &report);
        MessageResult(report)
    }
}
