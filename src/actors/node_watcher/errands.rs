//! Errands: work that a Node is sent on, how it ends, and the pauses between.
//!
//! What is under way runs beside the actor and reports back by message. Futures and timers of the actor itself are all
//! looked at whenever one of them stirs, which thousands of Nodes at once would turn into minutes.

use std::sync::Arc;
use std::time::Duration;

use actix::{AsyncContext, Context, Handler, Message};

use super::NodeWatcher;
use super::entry::{Entry, Work};
use crate::kubernetes::event::Notice;
use crate::kubernetes::{AddressError, Desired, Node, NodeName};
use crate::messages::initialise::{Failure, Outcome, Purpose, ResolveInstance, Resolved, Ticket};
use crate::messages::writes::{WriteError, WriteNode};
use crate::packet::LookupError;

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
        let Some(entry) = self.entries.get_mut(&sent.name) else { return };
        match errand {
            Errand::Resolve(Purpose::Initialise) => {
                let took = entry.initialised(node);
                let provider_id = entry.node.provider_id.as_deref();
                tracing::info!(node = %sent.name, provider_id, took_s = took.as_secs_f32(), "initialised");
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
        let Some(entry) = self.entries.get_mut(&sent.name) else { return };
        let wait = entry.next_wait(packet_is_away(failure));
        // Where somebody else was quicker, the next attempt starts from what they wrote; that is nobody's fault.
        let outrun = matches!(failure, Failure::Write(WriteError::Superseded { .. } | WriteError::Contended { .. }));
        let news = !outrun && entry.is_news(kind_of(failure));
        let what = match errand {
            Errand::Resolve(Purpose::Initialise) => "cannot initialise",
            Errand::Resolve(Purpose::Refresh) => "cannot refresh the addresses",
            Errand::RestoreLabels => "cannot restore the labels",
        };
        if errand == Errand::Resolve(Purpose::Refresh) {
            entry.refresh_is_due = true;
        }
        if news {
            tracing::warn!(node = %sent.name, %failure, retry_in_s = wait.as_secs_f32(), "{what}");
        } else {
            tracing::debug!(node = %sent.name, %failure, retry_in_s = wait.as_secs_f32(), "still {what}");
        }
        // An initialised Node works on; only a fault of its own is worth an Event, not that the API is away.
        let tell = match errand {
            Errand::Resolve(Purpose::Initialise) => true,
            _ => matches!(failure, Failure::Addresses(AddressError::ProvidedNodeIp { .. })),
        };
        if news && tell {
            self.announce(&sent.name, Notice::SyncFailed(format!("{what}: {failure}")));
        }
        self.wait(&sent.name, wait, ctx);
    }
}

/// What makes a failure another than the one before. Texts about the API differ by page and time although nothing has
/// changed.
fn kind_of(failure: &Failure) -> String {
    match failure {
        Failure::Device(LookupError::Api(error)) | Failure::Place(error) => {
            format!("{:?}", std::mem::discriminant(error))
        }
        other => other.to_string(),
    }
}

/// Whether the Packet API could not be asked, for whatever reason.
fn packet_is_away(failure: &Failure) -> bool {
    matches!(failure, Failure::Device(LookupError::Api(_)) | Failure::Place(_))
}

fn is_stopping(failure: &Failure) -> bool {
    matches!(failure, Failure::Stopping | Failure::Write(WriteError::Stopping))
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
            Ok(Outcome::Gone) => {}
            Err(failure) if is_stopping(&failure) => {}
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
