//! What happens to the Nodes of a run, as one watch of the Kubernetes API tells it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt;
use k8s_openapi::api::core::v1::Node;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch_nodes};
use kube::{Api, Client};
use tokio::sync::watch;
use tokio::task::AbortHandle;

use crate::error::LabError;
use crate::nodes::checks::is_uninitialized;

/// How long the watch may take to open.
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);

/// What was seen of one Node.
#[derive(Debug, Clone)]
pub(crate) struct Sighting {
    /// The Node as it was seen last.
    pub(crate) latest: Node,
    /// When it was first seen without the uninitialized taint, and how it looked then.
    pub(crate) initialised: Option<(Instant, Node)>,
    /// Whether somebody has removed it, initialised or not.
    pub(crate) removed: bool,
}

/// How far the Nodes are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Seen at all.
    pub(crate) seen: usize,
    /// Seen without the uninitialized taint.
    pub(crate) initialised: usize,
    /// Seen with the taint, and not there any more.
    pub(crate) gone: usize,
    /// Changes since registration, all Nodes together, whoever made them.
    pub(crate) changes: u64,
    /// When the first change was seen.
    pub(crate) first_change: Option<Instant>,
}

/// The watch and what it has seen. It ends when this is dropped.
pub(crate) struct Observation {
    sightings: Arc<Mutex<HashMap<String, Sighting>>>,
    counts: watch::Receiver<Counts>,
    watching: AbortHandle,
}

impl Observation {
    /// Watches the Nodes that `selector` selects. Returns when the watch is open, so that nothing is missed.
    ///
    /// # Errors
    /// When it does not open in time.
    pub(crate) async fn start(client: Client, selector: &str) -> Result<Self, LabError> {
        let sightings = Arc::default();
        let (sender, counts) = watch::channel(Counts::default());
        let (opened, mut open) = watch::channel(false);
        let mut record = Record { sightings: Arc::clone(&sightings), counts: sender };
        let config = watcher::Config::default().labels(selector);
        let mut events = watch_nodes(Api::<Node>::all(client), config).default_backoff().boxed();
        let task = tokio::spawn(async move {
            while let Some(event) = events.next().await {
                match event {
                    Ok(Event::Apply(node) | Event::InitApply(node)) => record.seen(node),
                    Ok(Event::Delete(node)) => record.gone(&node),
                    Ok(Event::InitDone) => drop(opened.send(true)),
                    // It tries again by itself; what was missed comes with the next list.
                    Ok(Event::Init) | Err(_) => {}
                }
            }
        });
        let observation = Self { sightings, counts, watching: task.abort_handle() };
        match tokio::time::timeout(OPEN_TIMEOUT, open.wait_for(|open| *open)).await {
            Ok(Ok(_)) => Ok(observation),
            _ => Err(LabError::Wait { what: "the watch of the Nodes", after: OPEN_TIMEOUT }),
        }
    }

    /// How far the Nodes are.
    pub(crate) fn counts(&self) -> Counts {
        *self.counts.borrow()
    }

    /// Waits until the counts are as wanted.
    pub(crate) async fn until(&self, wanted: impl FnMut(&Counts) -> bool) {
        // The sender lives as long as the watch, which ends with this value.
        let _ = self.counts.clone().wait_for(wanted).await;
    }

    /// What was seen of each Node, by name.
    pub(crate) fn sightings(&self) -> HashMap<String, Sighting> {
        lock(&self.sightings).clone()
    }
}

impl Drop for Observation {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

struct Record {
    sightings: Arc<Mutex<HashMap<String, Sighting>>>,
    counts: watch::Sender<Counts>,
}

impl Record {
    fn seen(&mut self, mut node: Node) {
        let now = Instant::now();
        // Most of a Node's size, and nobody here looks at them.
        node.metadata.managed_fields = None;
        if let Some(status) = &mut node.status {
            status.images = None;
        }
        let name = node.metadata.name.clone().unwrap_or_default();
        let untainted = !is_uninitialized(&node);
        let mut sightings = lock(&self.sightings);
        let known = sightings.get(&name);
        if known.is_some_and(|known| known.latest.metadata.resource_version == node.metadata.resource_version) {
            return;
        }
        let (new, changed) = (known.is_none(), known.is_some());
        let before = known.and_then(|known| known.initialised.clone());
        // One that comes again was removed all the same.
        let removed = known.is_some_and(|known| known.removed);
        let newly_initialised = untainted && before.is_none();
        let initialised = if newly_initialised { Some((now, node.clone())) } else { before };
        sightings.insert(name, Sighting { latest: node, initialised, removed });
        drop(sightings);
        self.counts.send_modify(|counts| {
            counts.seen += usize::from(new);
            counts.initialised += usize::from(newly_initialised);
            counts.changes += u64::from(changed);
            counts.first_change = counts.first_change.or(changed.then_some(now));
        });
    }

    fn gone(&mut self, node: &Node) {
        let name = node.metadata.name.as_deref().unwrap_or_default();
        let mut sightings = lock(&self.sightings);
        let Some(sighting) = sightings.get_mut(name) else { return };
        sighting.removed = true;
        let never_initialised = sighting.initialised.is_none();
        drop(sightings);
        self.counts.send_modify(|counts| counts.gone += usize::from(never_initialised));
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing that runs under it can leave it half done.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use serde_json::{Value, json};

    fn record() -> (Record, watch::Receiver<Counts>) {
        let (sender, counts) = watch::channel(Counts::default());
        (Record { sightings: Arc::default(), counts: sender }, counts)
    }

    fn node(version: &str, taints: &Value) -> Node {
        let metadata = json!({"name": "n", "resourceVersion": version});
        serde_json::from_value(json!({"metadata": metadata, "spec": {"taints": taints}})).unwrap()
    }

    fn tainted(version: &str) -> Node {
        node(version, &json!([{"key": "node.cloudprovider.kubernetes.io/uninitialized", "effect": "NoSchedule"}]))
    }

    #[test]
    fn a_node_is_initialised_when_first_seen_without_the_taint() {
        let (mut record, counts) = record();
        record.seen(tainted("1"));
        assert_eq!((counts.borrow().seen, counts.borrow().initialised), (1, 0));
        record.seen(node("2", &json!([])));
        record.seen(node("3", &json!([])));
        assert_eq!((counts.borrow().seen, counts.borrow().initialised, counts.borrow().changes), (1, 1, 2));
        let sightings = lock(&record.sightings);
        let (_, then) = sightings["n"].initialised.as_ref().unwrap();
        assert_eq!(then.metadata.resource_version.as_deref(), Some("2"));
    }

    #[test]
    fn a_node_that_is_listed_again_unchanged_is_no_change() {
        let (mut record, counts) = record();
        record.seen(tainted("1"));
        record.seen(tainted("1"));
        assert_eq!((counts.borrow().changes, counts.borrow().first_change), (0, None));
    }

    #[test]
    fn a_node_that_goes_before_it_is_initialised_is_counted() {
        let (mut record, counts) = record();
        record.seen(tainted("1"));
        record.gone(&tainted("1"));
        assert_eq!(counts.borrow().gone, 1);
    }

    #[test]
    fn a_node_that_goes_after_it_is_initialised_is_remembered_as_removed_though_it_comes_again() {
        let (mut record, counts) = record();
        record.seen(node("1", &json!([])));
        record.gone(&node("2", &json!([])));
        record.seen(node("3", &json!([])));
        assert_eq!(counts.borrow().gone, 0);
        assert!(lock(&record.sightings)["n"].removed);
    }
}
