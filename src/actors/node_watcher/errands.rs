//! Errands: work that a Node is sent on, how it ends, and the pauses between.
//!
//! What is under way runs beside the actor and reports back by message. Futures and timers of the actor itself are all
//! looked at whenever one of them stirs, which thousands of Nodes at once would turn into minutes.

use std::sync::Arc;
use std::time::Duration;

use actix::{AsyncContext, Context, Handler, Message};
use k8s_openapi::jiff::Timestamp;

use super::NodeWatcher;
use super::entry::{Entry, Work};
use super::trouble::{self, Trouble};
use crate::kubernetes::event::Notice;
use crate::kubernetes::{AddressError, Desired, Node, NodeName};
use crate::messages::initialise::{Failure, Outcome, Purpose, ResolveInstance, Resolved, Ticket};
use crate::messages::settings::TryAgain;
use crate::messages::writes::{WriteError, WriteNode};
use crate::telemetry::logging::seconds;
use crate::telemetry::metrics::{self, Word};

/// How long labels of a Node that were just restored are left alone: somebody else may want them otherwise, and two
/// controllers must not fight at full speed.
const RESTORE_PAUSE: Duration = Duration::from_secs(10);

/// What a Node was sent on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Errand {
    Resolve(Purpose),
    RestoreLabels,
}

/// An errand has ended.
#[derive(Message)]
#[rtype(result = "()")]
struct Ended {
    /// The Node as it was when it was sent.
    sent: Arc<Node>,
    errand: Errand,
    ticket: Ticket,
    result: Result<Outcome, Failure>,
}

/// A pause has ended.
#[derive(Message)]
#[rtype(result = "()")]
struct Wake {
    name: NodeName,
    ticket: Ticket,
}

impl NodeWatcher {
    /// Sends a Node on its way to its device, its zone and its write.
    pub(super) fn resolve(&mut self, name: &NodeName, purpose: Purpose, ctx: &mut Context<Self>) {
        let Some(entry) = self.entries.get_mut(name) else { return };
        entry.refresh_is_due = false;
        let (node, ticket) = (Arc::clone(&entry.node), entry.begin());
        let report_to = ctx.address().recipient();
        self.to.instances.do_send(ResolveInstance { node, purpose, ticket, report_to });
    }

    /// Sends a Node to have its labels restored.
    pub(super) fn restore(&mut self, name: &NodeName, labels: Vec<(&'static str, String)>, ctx: &mut Context<Self>) {
        let Some(entry) = self.entries.get_mut(name) else { return };
        let (sent, ticket) = (Arc::clone(&entry.node), entry.begin());
        let desired = Desired { labels, ..Desired::default() };
        let answer = self.to.writer.send(WriteNode { node: Arc::clone(&sent), desired });
        let to = ctx.address();
        actix::spawn(async move {
            let result = answer.await.unwrap_or(Err(WriteError::Stopping)).map_err(Failure::Write);
            to.do_send(Ended { sent, errand: Errand::RestoreLabels, ticket, result });
        });
    }

    /// Lets a Node wait.
    pub(super) fn wait(&mut self, name: &NodeName, time: Duration, ctx: &mut Context<Self>) {
        let Some(entry) = self.entries.get_mut(name) else { return };
        let (name, ticket) = (name.clone(), entry.pause());
        let to = ctx.address();
        actix::spawn(async move {
            tokio::time::sleep(time).await;
            to.do_send(Wake { name, ticket });
        });
    }

    fn succeeded(&mut self, sent: &Node, errand: Errand, node: Arc<Node>, ctx: &mut Context<Self>) {
        self.count(errand, "ok");
        let Some(entry) = self.entries.get_mut(&sent.name) else { return };
        match errand {
            Errand::Resolve(Purpose::Initialise) => {
                let is_first = !entry.was_initialised();
                let took = entry.initialised(node);
                self.metrics.initialised(took, is_first, sent.age_at(Timestamp::now()));
                let provider_id = entry.node.provider_id.as_deref();
                tracing::info!(node = %sent.name, provider_id, took_s = seconds(took), "initialised");
            }
            Errand::Resolve(Purpose::Refresh) => {
                if node.addresses != sent.addresses {
                    tracing::info!(node = %sent.name, "addresses updated");
                }
                entry.succeeded(node);
            }
            Errand::RestoreLabels => {
                entry.succeeded(node);
                tracing::info!(node = %sent.name, "labels restored from their beta twins");
                return self.wait(&sent.name, RESTORE_PAUSE, ctx);
            }
        }
        self.consider(&sent.name, ctx);
    }

    fn failed(&mut self, sent: &Node, errand: Errand, failure: &Failure, ctx: &mut Context<Self>) {
        self.count(errand, trouble::reason(failure));
        let Some(entry) = self.entries.get_mut(&sent.name) else { return };
        let trouble = Trouble::of(failure);
        let wait = entry.next_wait(trouble.is_packet_away);
        entry.trouble = Some(Box::new(trouble));
        // Where somebody else was quicker, the next attempt starts from what they wrote; that is nobody's fault.
        let outrun = matches!(failure, Failure::Write(WriteError::Superseded { .. } | WriteError::Contended { .. }));
        let news = !outrun && entry.is_news(trouble::kind_of(failure));
        let what = match errand {
            Errand::Resolve(Purpose::Initialise) => "cannot initialise",
            Errand::Resolve(Purpose::Refresh) => "cannot refresh the addresses",
            Errand::RestoreLabels => "cannot restore the labels",
        };
        if errand == Errand::Resolve(Purpose::Refresh) {
            entry.refresh_is_due = true;
        }
        if news {
            tracing::warn!(node = %sent.name, failure = failure.to_string(), retry_in_s = seconds(wait), "{what}");
        } else {
            tracing::debug!(node = %sent.name, failure = failure.to_string(), retry_in_s = seconds(wait), "still {what}");
        }
        // An initialised Node works on; only a fault of its own is worth an Event, not that the API is away.
        let tell = match errand {
            Errand::Resolve(Purpose::Initialise) => true,
            _ => matches!(failure, Failure::Addresses(AddressError::ProvidedNodeIp { .. })),
        };
        if news && tell {
            let (why, is_common) = (format!("{what}: {failure}"), trouble::packet_is_away(failure));
            self.announce(&sent.name, Notice::SyncFailed { why, is_common });
        }
        self.wait(&sent.name, wait, ctx);
    }
}

impl Errand {
    /// What it is, in one word.
    fn word(self) -> &'static str {
        match self {
            Self::Resolve(Purpose::Initialise) => "initialise",
            Self::Resolve(Purpose::Refresh) => "refresh",
            Self::RestoreLabels => "restore_labels",
        }
    }
}

impl NodeWatcher {
    fn count(&self, errand: Errand, result: &'static str) {
        let ended = metrics::Errand { errand: Word(errand.word()), result: Word(result) };
        self.metrics.errands.get_or_create(&ended).inc();
    }
}

impl Handler<TryAgain> for NodeWatcher {
    type Result = ();

    fn handle(&mut self, TryAgain: TryAgain, ctx: &mut Context<Self>) {
        let is_waiting = |entry: &Entry| {
            matches!(entry.work, Work::Waiting(_))
                && entry.trouble.as_ref().is_some_and(|trouble| trouble.is_packet_away)
        };
        let mut names: Vec<_> =
            self.entries.iter().filter(|(_, entry)| is_waiting(entry)).map(|(name, _)| name.clone()).collect();
        names.sort_unstable();
        for name in names {
            if let Some(entry) = self.entries.get_mut(&name) {
                entry.work = Work::Idle;
            }
            self.consider(&name, ctx);
        }
    }
}

impl Handler<Resolved> for NodeWatcher {
    type Result = ();

    fn handle(&mut self, Resolved { node, purpose, ticket, result }: Resolved, ctx: &mut Context<Self>) {
        self.handle(Ended { sent: node, errand: Errand::Resolve(purpose), ticket, result }, ctx);
    }
}

impl Handler<Ended> for NodeWatcher {
    type Result = ();

    fn handle(&mut self, Ended { sent, errand, ticket, result }: Ended, ctx: &mut Context<Self>) {
        let Some(entry) = self.entries.get_mut(&sent.name).filter(|entry| entry.is_at(&sent, ticket)) else { return };
        entry.work = Work::Idle;
        // A kubelet that has named another IP meanwhile has not been heeded yet.
        entry.refresh_is_due |= entry.node.provided_node_ip != sent.provided_node_ip;
        match result {
            Ok(Outcome::Done(node)) => self.succeeded(&sent, errand, node, ctx),
            // The watch will tell; until then there is nothing to write to.
            Ok(Outcome::Gone) => self.count(errand, "gone"),
            Err(failure) if trouble::is_stopping(&failure) => {}
            Err(failure) => self.failed(&sent, errand, &failure, ctx),
        }
    }
}

impl Handler<Wake> for NodeWatcher {
    type Result = ();

    fn handle(&mut self, Wake { name, ticket }: Wake, ctx: &mut Context<Self>) {
        if let Some(entry) = self.entries.get_mut(&name)
            && matches!(entry.work, Work::Waiting(current) if current == ticket)
        {
            entry.work = Work::Idle;
            self.consider(&name, ctx);
        }
    }
}

impl Entry {
    /// Whether it is still the Node that was sent, on the errand it was sent on.
    fn is_at(&self, sent: &Node, ticket: Ticket) -> bool {
        self.node.uid == sent.uid && matches!(self.work, Work::UnderWay(current) if current == ticket)
    }
}
