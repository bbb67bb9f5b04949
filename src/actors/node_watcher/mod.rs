//! `NodeWatcher` owns the watch and a store of slim Nodes. It knows what each Node needs, keeps at most one piece of
//! work per Node under way, retries each Node by itself, and forgets a Node that is gone.

mod source;
mod work;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Recipient, WrapFuture};

use self::work::{Entry, Work};
use crate::kubernetes::event::Notice;
use crate::kubernetes::{Desired, Need, Node, NodeName};
use crate::messages::initialise::{Failure, Outcome, Purpose, ResolveInstance};
use crate::messages::watch::{NodeEvent, Stop};
use crate::messages::writes::{Announce, WriteError, WriteNode};

/// How long labels of a Node that were just restored are left alone: somebody else may want them otherwise, and two
/// controllers must not fight at full speed.
const RESTORE_PAUSE: Duration = Duration::from_secs(10);

/// To whom the `NodeWatcher` hands work.
pub struct Recipients {
    /// Nodes whose device is needed.
    pub instances: Recipient<ResolveInstance>,
    /// Nodes that can be written as they are.
    pub writer: Recipient<WriteNode>,
    /// What people should know.
    pub announcements: Recipient<Announce>,
}

/// The actor that watches.
pub struct NodeWatcher {
    client: kube::Client,
    refresh_period: Duration,
    to: Recipients,
    entries: HashMap<NodeName, Entry>,
    /// The Nodes seen since the list began that is being read.
    listed: Option<HashSet<NodeName>>,
    stopping: bool,
}

impl NodeWatcher {
    /// The actor, not yet started. Initialised Nodes are refreshed every `refresh_period`.
    #[must_use]
    pub fn new(client: kube::Client, refresh_period: Duration, to: Recipients) -> Self {
        Self { client, refresh_period, to, entries: HashMap::new(), listed: None, stopping: false }
    }

    /// Takes in a Node, and does what it needs.
    fn see(&mut self, node: Node, ctx: &mut Context<Self>) {
        if let Some(listed) = &mut self.listed {
            listed.insert(node.name.clone());
        }
        let name = node.name.clone();
        let entry = match self.entries.get_mut(&name) {
            Some(entry) if entry.node.uid == node.uid => entry,
            // New, or re-created under the same name. Work that is still under way for the one before writes under its
            // uid, and so comes to nothing.
            _ => {
                let fresh = Entry::new(Arc::new(node));
                if let Some(Entry { work: Work::Waiting(timer), .. }) = self.entries.insert(name.clone(), fresh) {
                    ctx.cancel_future(timer);
                }
                return self.consider(&name, ctx);
            }
        };
        // A watch may deliver an older state than the last write was answered with.
        if entry.node.is_newer_than(&node) {
            return;
        }
        let before = std::mem::replace(&mut entry.node, Arc::new(node));
        let wishes_changed = before.provided_node_ip != entry.node.provided_node_ip;
        let hopeful = wishes_changed || before.provider_id != entry.node.provider_id;
        match (&entry.work, hopeful) {
            (Work::Waiting(timer), true) => {
                ctx.cancel_future(*timer);
                entry.work = Work::Idle;
            }
            // It waits out its pause, whatever else changes on it.
            (Work::Waiting(_), false) => return,
            (Work::Idle | Work::UnderWay, _) => {}
        }
        if wishes_changed && matches!(entry.work, Work::Idle) && is_ours(&entry.node) {
            return self.resolve(&name, Purpose::Refresh, ctx);
        }
        self.consider(&name, ctx);
    }

    /// Does what a Node needs, unless something is being done for it already.
    fn consider(&mut self, name: &NodeName, ctx: &mut Context<Self>) {
        let Some(entry) = self.entries.get_mut(name) else { return };
        if self.stopping || !matches!(entry.work, Work::Idle) {
            return;
        }
        match Need::of(&entry.node) {
            Need::Nothing => {}
            Need::Initialise => self.resolve(name, Purpose::Initialise, ctx),
            Need::RestoreLabels(labels) => self.restore(name, labels, ctx),
            Need::LeaveAlone(error) => {
                if !entry.node.is_uninitialized() || !entry.is_news(&error.to_string()) {
                    return;
                }
                tracing::info!(node = %name, reason = %error, "left alone");
                self.announce(name, Notice::SyncFailed(format!("left alone: {error}")));
            }
        }
    }

    /// Sends a Node on its way to its device, its zone and its write.
    fn resolve(&mut self, name: &NodeName, purpose: Purpose, ctx: &mut Context<Self>) {
        let Some(entry) = self.entries.get_mut(name) else { return };
        entry.work = Work::UnderWay;
        let node = Arc::clone(&entry.node);
        let sent = self.to.instances.send(ResolveInstance { node: Arc::clone(&node), purpose });
        ctx.spawn(sent.into_actor(self).map(move |answer, actor, ctx| {
            actor.ended(&node, purpose, answer.unwrap_or(Err(Failure::Stopping)), ctx);
        }));
    }

    fn ended(&mut self, sent: &Node, purpose: Purpose, result: Result<Outcome, Failure>, ctx: &mut Context<Self>) {
        let Some(entry) = self.entries.get_mut(&sent.name).filter(|entry| entry.node.uid == sent.uid) else { return };
        entry.work = Work::Idle;
        match result {
            Ok(Outcome::Done(node)) => {
                let initialised_in = entry.succeeded(node);
                match (purpose, initialised_in) {
                    (Purpose::Initialise, took) => {
                        tracing::info!(node = %sent.name, provider_id = entry.node.provider_id, took_s = took.as_secs_f32(), "initialised");
                    }
                    (Purpose::Refresh, _) if entry.node.addresses != sent.addresses => {
                        tracing::info!(node = %sent.name, "addresses updated");
                    }
                    (Purpose::Refresh, _) => {}
                }
                self.consider(&sent.name, ctx);
            }
            // The watch will tell; until then there is nothing to write to.
            Ok(Outcome::Gone) => {}
            Err(failure) if is_stopping(&failure) => {}
            Err(failure) => self.failed(sent, purpose, &failure, ctx),
        }
    }

    fn failed(&mut self, sent: &Node, purpose: Purpose, failure: &Failure, ctx: &mut Context<Self>) {
        let Some(entry) = self.entries.get_mut(&sent.name) else { return };
        let news = entry.is_news(&failure.to_string());
        if purpose == Purpose::Refresh {
            // It keeps what it has; the next refresh looks again.
            if news {
                tracing::warn!(node = %sent.name, %failure, "cannot refresh the addresses");
            }
            return self.consider(&sent.name, ctx);
        }
        let wait = entry.next_wait();
        let name = sent.name.clone();
        entry.work = Work::Waiting(ctx.run_later(wait, move |actor, ctx| actor.wake(&name, ctx)));
        if news {
            tracing::warn!(node = %sent.name, %failure, retry_in_s = wait.as_secs_f32(), "cannot initialise");
            self.announce(&sent.name, Notice::SyncFailed(format!("cannot initialise: {failure}")));
        } else {
            tracing::debug!(node = %sent.name, %failure, retry_in_s = wait.as_secs_f32(), "still cannot initialise");
        }
    }

    fn restore(&mut self, name: &NodeName, labels: Vec<(&'static str, String)>, ctx: &mut Context<Self>) {
        let Some(entry) = self.entries.get_mut(name) else { return };
        entry.work = Work::UnderWay;
        let node = Arc::clone(&entry.node);
        let desired = Desired { labels, ..Desired::default() };
        let sent = self.to.writer.send(WriteNode { node: Arc::clone(&node), desired });
        ctx.spawn(sent.into_actor(self).map(move |answer, actor, ctx| {
            let Some(entry) = actor.entries.get_mut(&node.name).filter(|entry| entry.node.uid == node.uid) else {
                return;
            };
            match answer.unwrap_or(Err(WriteError::Stopping)) {
                Ok(Outcome::Done(newest)) => {
                    entry.succeeded(newest);
                    tracing::info!(node = %node.name, "labels restored from their beta twins");
                }
                Ok(Outcome::Gone) | Err(WriteError::Stopping) => {}
                Err(error) => tracing::warn!(node = %node.name, %error, "cannot restore the labels"),
            }
            let name = node.name.clone();
            entry.work = Work::Waiting(ctx.run_later(RESTORE_PAUSE, move |actor, ctx| actor.wake(&name, ctx)));
        }));
    }

    /// A Node's pause is over.
    fn wake(&mut self, name: &NodeName, ctx: &mut Context<Self>) {
        if let Some(entry) = self.entries.get_mut(name) {
            entry.work = Work::Idle;
            self.consider(name, ctx);
        }
    }

    fn refresh_all(&mut self, ctx: &mut Context<Self>) {
        let ready = |entry: &Entry| matches!(entry.work, Work::Idle) && is_ours(&entry.node);
        let names: Vec<_> =
            self.entries.iter().filter(|(_, entry)| ready(entry)).map(|(name, _)| name.clone()).collect();
        tracing::debug!(nodes = names.len(), "refreshing addresses");
        if !self.stopping {
            for name in &names {
                self.resolve(name, Purpose::Refresh, ctx);
            }
        }
    }

    fn announce(&self, name: &NodeName, notice: Notice) {
        if let Some(entry) = self.entries.get(name) {
            self.to.announcements.do_send(Announce { node: Arc::clone(&entry.node), notice });
        }
    }

    fn forget(&mut self, name: &NodeName, ctx: &mut Context<Self>) {
        if let Some(Entry { work: Work::Waiting(timer), .. }) = self.entries.remove(name) {
            ctx.cancel_future(timer);
        }
    }
}

/// Whether a Node is initialised and has a device of ours.
fn is_ours(node: &Node) -> bool {
    node.provider_id.is_some()
        && matches!(Need::of(node), Need::Nothing | Need::RestoreLabels(_))
        && !node.being_deleted
}

fn is_stopping(failure: &Failure) -> bool {
    use crate::messages::devices::DeviceError;
    matches!(failure, Failure::Stopping | Failure::Write(WriteError::Stopping) | Failure::Device(DeviceError::Stopping))
}

impl Actor for NodeWatcher {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        ctx.set_mailbox_capacity(1024);
        ctx.run_interval(self.refresh_period, Self::refresh_all);
        source::watch(self.client.clone(), ctx.address().recipient());
    }
}

impl Handler<NodeEvent> for NodeWatcher {
    type Result = ();

    fn handle(&mut self, event: NodeEvent, ctx: &mut Context<Self>) {
        match event {
            NodeEvent::ListBegins => self.listed = Some(HashSet::new()),
            NodeEvent::Listed(node) | NodeEvent::Changed(node) => self.see(node, ctx),
            NodeEvent::ListEnds => {
                let Some(listed) = self.listed.take() else { return };
                let gone: Vec<_> = self.entries.keys().filter(|name| !listed.contains(*name)).cloned().collect();
                for name in &gone {
                    self.forget(name, ctx);
                }
                let waiting = self.entries.values().filter(|entry| entry.node.is_uninitialized()).count();
                tracing::info!(nodes = self.entries.len(), uninitialised = waiting, "all Nodes are known");
            }
            NodeEvent::Deleted(name) => self.forget(&name, ctx),
        }
    }
}

impl Handler<Stop> for NodeWatcher {
    type Result = ();

    fn handle(&mut self, Stop: Stop, _: &mut Context<Self>) {
        self.stopping = true;
    }
}
