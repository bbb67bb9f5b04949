//! `NodeWatcher` owns the watch and a store of slim Nodes. It knows what each Node needs, keeps at most one piece of
//! work per Node under way, retries each Node by itself, and forgets a Node that is gone.

mod entry;
mod errands;
mod report;
mod source;
mod trouble;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, Recipient};
use tokio::time::Instant;

use self::entry::{Entry, Work};
use crate::kubernetes::event::Notice;
use crate::kubernetes::lifecycle::Roll;
use crate::kubernetes::{Need, Node, NodeName};
use crate::messages::initialise::{Purpose, ResolveInstance};
use crate::messages::lifecycle::RollCalled;
use crate::messages::watch::{NodeEvent, NodeEvents, Stop};
use crate::messages::writes::{Announce, WriteNode};
use crate::telemetry::health::{Health, Scope};
use crate::telemetry::metrics::{Alone, NodeMetrics};

/// The name of the check.
const CHECK: &str = "node-watch";

/// For how long a watch may fail that was well before. It is started again at once, and nothing is lost by that.
const LONGEST_FAILURE: Duration = Duration::from_mins(1);

/// To whom the `NodeWatcher` hands work.
pub struct Recipients {
    /// Nodes whose device is needed.
    pub instances: Recipient<ResolveInstance>,
    /// Nodes that can be written as they are.
    pub writer: Recipient<WriteNode>,
    /// What people should know.
    pub announcements: Recipient<Announce>,
    /// How the Nodes stand; `None` where nobody looks after those that are not Ready.
    pub roll: Option<Recipient<RollCalled>>,
}

/// How often the `NodeWatcher` does what it does periodically.
#[derive(Debug, Clone, Copy)]
pub struct Periods {
    /// Compares the addresses of initialised Nodes with their devices; `None` where Nodes are neither initialised nor compared.
    pub refresh: Option<Duration>,
    /// Calls the roll of the Nodes.
    pub roll: Duration,
}

/// The actor that watches.
pub struct NodeWatcher {
    client: kube::Client,
    periods: Periods,
    to: Recipients,
    entries: HashMap<NodeName, Entry>,
    /// The Nodes seen since the list began that is being read.
    listed: Option<HashSet<NodeName>>,
    /// Whether a list was read to its end, and so every Node is known.
    knows_all: bool,
    /// What was last wrong with the watch, until it is well again.
    watch_error: Option<WatchError>,
    metrics: NodeMetrics,
    health: Health,
    stopping: bool,
}

/// What is wrong with the watch.
struct WatchError {
    error: String,
    /// When it began to fail, and when it failed last.
    since: Instant,
    last: Instant,
}

impl NodeWatcher {
    /// The actor, not yet started.
    #[must_use]
    pub fn new(client: kube::Client, periods: Periods, metrics: NodeMetrics, health: Health, to: Recipients) -> Self {
        let watcher = Self {
            client,
            periods,
            to,
            entries: HashMap::new(),
            listed: None,
            knows_all: false,
            watch_error: None,
            metrics,
            health,
            stopping: false,
        };
        watcher.tell_health();
        watcher
    }

    fn tell_health(&self) {
        self.metrics.watch_synced.get_or_create(&Alone {}).set(i64::from(self.knows_all));
        let state = match (&self.watch_error, self.knows_all) {
            (Some(error), true) if error.since.elapsed() >= LONGEST_FAILURE => {
                Err("the watch of Nodes fails, see the log".to_owned())
            }
            (_, true) => Ok("all Nodes are known".to_owned()),
            (None, false) => Err("not all Nodes are known yet".to_owned()),
            (Some(_), false) => Err("not all Nodes are known: the watch of Nodes fails, see the log".to_owned()),
        };
        self.health.set(CHECK, Scope::Ready, state);
    }

    /// Takes in a Node, and does what it needs.
    fn see(&mut self, node: Node, ctx: &mut Context<Self>) {
        let name = node.name.clone();
        match self.entries.get_mut(&name) {
            Some(entry) if entry.node.uid == node.uid => entry.saw(node),
            // New, or re-created under the same name. Work that is still under way for the one before writes under its
            // uid, and so comes to nothing.
            _ => {
                self.entries.insert(name.clone(), Entry::new(Arc::new(node)));
            }
        }
        self.consider(&name, ctx);
    }

    /// Does what a Node needs, unless something is being done for it already.
    fn consider(&mut self, name: &NodeName, ctx: &mut Context<Self>) {
        let Some(entry) = self.entries.get_mut(name) else { return };
        if self.stopping || self.periods.refresh.is_none() || !matches!(entry.work, Work::Idle) {
            return;
        }
        match Need::of(&entry.node) {
            Need::Initialise => match entry.rest_before_initialising() {
                Some(rest) => self.wait(name, rest, ctx),
                None => self.resolve(name, Purpose::Initialise, ctx),
            },
            Need::Nothing | Need::RestoreLabels(_) if entry.refresh_is_due && entry.can_be_refreshed() => {
                self.resolve(name, Purpose::Refresh, ctx);
            }
            // Whatever it was that went wrong, it is called for no more.
            Need::Nothing => entry.trouble = None,
            Need::RestoreLabels(labels) => self.restore(name, labels, ctx),
            Need::LeaveAlone(error) => {
                if !entry.node.is_uninitialized() || !entry.is_news(error.to_string()) {
                    return;
                }
                tracing::info!(node = %name, reason = %error, "left alone");
                self.announce(name, Notice::SyncFailed { why: format!("left alone: {error}"), is_common: false });
            }
        }
    }

    fn refresh_all(&mut self, ctx: &mut Context<Self>) {
        let mut names: Vec<_> = self.entries.keys().cloned().collect();
        names.sort_unstable();
        tracing::debug!(nodes = names.len(), "refreshing addresses");
        for name in &names {
            if let Some(entry) = self.entries.get_mut(name) {
                entry.refresh_is_due = true;
            }
            self.consider(name, ctx);
        }
    }

    fn call_roll(&mut self, _: &mut Context<Self>) {
        if let Some(roll) = self.to.roll.as_ref().filter(|_| self.knows_all && !self.stopping) {
            roll.do_send(RollCalled(Roll::call(self.entries.values().map(|entry| &entry.node))));
        }
    }

    fn announce(&self, name: &NodeName, notice: Notice) {
        if let Some(entry) = self.entries.get(name) {
            self.to.announcements.do_send(Announce { node: Arc::clone(&entry.node), notice });
        }
    }
}

impl Actor for NodeWatcher {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        if let Some(period) = self.periods.refresh {
            ctx.run_interval(period, Self::refresh_all);
        }
        ctx.run_interval(self.periods.roll, Self::call_roll);
        source::watch(self.client.clone(), ctx.address().recipient());
    }
}

impl Handler<NodeEvents> for NodeWatcher {
    type Result = ();

    fn handle(&mut self, NodeEvents(events): NodeEvents, ctx: &mut Context<Self>) {
        for event in events {
            self.take_in(event, ctx);
        }
    }
}

impl NodeWatcher {
    fn take_in(&mut self, event: NodeEvent, ctx: &mut Context<Self>) {
        if !matches!(event, NodeEvent::Failed(_) | NodeEvent::ListBegins) && self.watch_error.take().is_some() {
            self.tell_health();
        }
        match event {
            NodeEvent::ListBegins => self.listed = Some(HashSet::new()),
            NodeEvent::Failed(error) => {
                self.metrics.watch_failures.inc();
                if self.stopping {
                    return;
                }
                let now = Instant::now();
                // One that is well again tells nothing of that, where nothing happens to the Nodes.
                let goes_on = self.watch_error.as_ref().filter(|before| before.last.elapsed() < LONGEST_FAILURE);
                if goes_on.is_some_and(|before| before.error == error) {
                    tracing::debug!(error, "the watch of Nodes fails again and is started again");
                } else {
                    tracing::warn!(error, "the watch of Nodes failed and is started again");
                }
                let since = goes_on.map_or(now, |before| before.since);
                self.watch_error = Some(WatchError { error, since, last: now });
                self.tell_health();
            }
            NodeEvent::Listed(node) => {
                if let Some(listed) = &mut self.listed {
                    listed.insert(node.name.clone());
                }
                // A list is read from what the cluster has now, also after it was restored from a backup and counts its
                // versions from an earlier one.
                if let Some(entry) = self.entries.get_mut(&node.name) {
                    entry.forget_version();
                }
                self.see(node, ctx);
            }
            NodeEvent::ListEnds => {
                let Some(listed) = self.listed.take() else { return };
                self.knows_all = true;
                self.tell_health();
                self.entries.retain(|name, _| listed.contains(name));
                let waiting = self.entries.values().filter(|entry| entry.node.is_uninitialized()).count();
                tracing::info!(nodes = self.entries.len(), uninitialized = waiting, "all Nodes are known");
            }
            NodeEvent::Changed(node) => {
                if let Some(listed) = &mut self.listed {
                    listed.insert(node.name.clone());
                }
                self.see(node, ctx);
            }
            NodeEvent::Deleted(name) => {
                self.entries.remove(&name);
            }
        }
    }
}

impl Handler<Stop> for NodeWatcher {
    type Result = ();

    fn handle(&mut self, Stop: Stop, _: &mut Context<Self>) {
        self.stopping = true;
    }
}
