//! `Lifecycle` looks after the Nodes that are not Ready: it has those deleted whose device is gone, marks those whose device is
//! switched off, and leaves all others alone.
//!
//! What is done is decided by [`Monitor`]; this asks for it, sends it on its way, and tells of it.

mod live;
mod recall;
mod tidings;

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, Recipient, SpawnHandle, WrapFuture};
use tokio::time::Instant;

use self::tidings::Tidings;
use crate::kubernetes::lifecycle::{Action, DeletionLimits, Monitor, Recalled, Setback};
use crate::kubernetes::{Desired, Node};
use crate::messages::devices::{Asking, DeviceFound, FindDevice};
use crate::messages::initialise::Outcome;
use crate::messages::lifecycle::{ConfirmGone, RollCalled};
use crate::messages::watch::Stop;
use crate::messages::writes::{Announce, DeleteNode, NotDeleted, Record, WriteError, WriteNode};
use crate::packet::{Absence, DeviceId, NotGone, Question, Urgency};
use crate::telemetry::metrics::LifecycleMetrics;

/// To whom the `Lifecycle` turns.
pub struct Recipients {
    /// Who finds devices.
    pub devices: Recipient<FindDevice>,
    /// Who confirms that devices are gone.
    pub confirmation: Recipient<ConfirmGone>,
    /// Who writes taints.
    pub writer: Recipient<WriteNode>,
    /// Who deletes Nodes.
    pub deletion: Recipient<DeleteNode>,
    /// Who keeps what a process has to know that starts later.
    pub records: Recipient<Record>,
    /// Who tells people.
    pub announcements: Recipient<Announce>,
}

/// The actor that looks after Nodes that are not Ready.
pub struct Lifecycle {
    client: kube::Client,
    monitor: Monitor,
    tidings: Tidings,
    to: Recipients,
    /// What reads back what was deleted.
    recalling: Option<SpawnHandle>,
    stopping: bool,
}

/// A Node's taint was written, or not.
#[derive(Message)]
#[rtype(result = "()")]
struct Marked {
    node: Arc<Node>,
    shut_down: bool,
    result: Result<Outcome, WriteError>,
}

/// What was to be recorded is, or is not.
#[derive(Message)]
#[rtype(result = "()")]
struct Recorded(Result<(), WriteError>);

/// What came of a confirmation.
#[derive(Message)]
#[rtype(result = "()")]
struct Confirmed(Vec<(DeviceId, Result<Absence, NotGone>)>);

/// A Node was deleted, or not.
#[derive(Message)]
#[rtype(result = "()")]
struct Deleted {
    node: Arc<Node>,
    result: Result<(), NotDeleted>,
}

impl Lifecycle {
    /// The actor, not yet started. The roll is called every `period`.
    #[must_use]
    pub fn new(
        client: kube::Client,
        limits: DeletionLimits,
        period: Duration,
        metrics: LifecycleMetrics,
        to: Recipients,
    ) -> Self {
        let monitor = Monitor::new(limits, period, Instant::now());
        Self { client, monitor, tidings: Tidings::new(metrics), to, recalling: None, stopping: false }
    }

    /// Finds out what the processes before this one have deleted, and tries again until that is known.
    fn recall(&mut self, ctx: &mut Context<Self>) {
        let recalled = recall::until_read(self.client.clone(), ctx.address().recipient());
        let recalling = ctx.spawn(recalled.into_actor(self).map(|recalled, actor, _| actor.take_in(Ok(recalled))));
        // One that is begun anew takes the place of the one before.
        if let Some(before) = self.recalling.replace(recalling) {
            ctx.cancel_future(before);
        }
    }

    fn take_in(&mut self, recalled: Result<Recalled, String>) {
        match &recalled {
            Ok(recalled) => {
                let stopped_at = recalled.stopped_at;
                tracing::info!(
                    deletions = recalled.deletions.len(),
                    stopped_at,
                    "the deletions of the last hour are read back"
                );
            }
            Err(error) => tracing::warn!(
                error,
                "cannot read back from their Events what was deleted before this start, so no Node is deleted until that is \
                 read, or safety.deletionWindow has passed"
            ),
        }
        self.monitor.recalled(recalled, Instant::now());
    }

    fn proceed(&mut self, ctx: &mut Context<Self>) {
        if self.stopping {
            return;
        }
        for query in self.monitor.questions(Instant::now()) {
            self.to.devices.do_send(FindDevice {
                question: Question::ById(query.device),
                max_age: query.max_age,
                urgency: Urgency::Periodic,
                asking: Asking(query.number),
                answer_to: ctx.address().recipient(),
            });
        }
        let actions = self.monitor.decide(Instant::now());
        self.carry_out(actions, ctx);
        self.tidings.tell(&self.monitor);
    }

    fn carry_out(&self, actions: Vec<Action>, ctx: &Context<Self>) {
        let to = ctx.address();
        for action in actions {
            match action {
                Action::Tell(node, notice) => self.to.announcements.do_send(Announce { node, notice }),
                Action::Mark { node, shut_down } => {
                    let desired = Desired { shut_down: Some(shut_down), ..Desired::default() };
                    let write = self.to.writer.send(WriteNode { node: Arc::clone(&node), desired });
                    let to = to.clone();
                    actix::spawn(async move {
                        let result = write.await.unwrap_or(Err(WriteError::Stopping));
                        to.do_send(Marked { node, shut_down, result });
                    });
                }
                Action::Record(node, notice) => {
                    let (record, to) = (self.to.records.send(Record { node, notice }), to.clone());
                    actix::spawn(async move {
                        to.do_send(Recorded(record.await.unwrap_or(Err(WriteError::Stopping))));
                    });
                }
                Action::Confirm(devices) => {
                    let (confirmation, to) = (self.to.confirmation.send(ConfirmGone(devices)), to.clone());
                    actix::spawn(async move {
                        // An error means that the program is stopping.
                        if let Ok(results) = confirmation.await {
                            to.do_send(Confirmed(results));
                        }
                    });
                }
                Action::Delete { node, absence, tell } => {
                    let deletion = self.to.deletion.send(DeleteNode { node: Arc::clone(&node), absence, tell });
                    let to = to.clone();
                    actix::spawn(async move {
                        let stopping = NotDeleted { error: WriteError::Stopping, is_told: !tell, is_asked: false };
                        let result = deletion.await.unwrap_or(Err(stopping));
                        to.do_send(Deleted { node, result });
                    });
                }
            }
        }
    }
}

impl Actor for Lifecycle {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.recall(ctx);
    }
}

impl Handler<recall::NotRead> for Lifecycle {
    type Result = ();

    fn handle(&mut self, recall::NotRead(error): recall::NotRead, _: &mut Context<Self>) {
        self.take_in(Err(error));
    }
}

impl Handler<RollCalled> for Lifecycle {
    type Result = ();

    fn handle(&mut self, RollCalled(roll): RollCalled, ctx: &mut Context<Self>) {
        self.monitor.called(&roll, Instant::now());
        self.proceed(ctx);
    }
}

impl Handler<DeviceFound> for Lifecycle {
    type Result = ();

    fn handle(&mut self, DeviceFound { asking: Asking(number), answer }: DeviceFound, ctx: &mut Context<Self>) {
        self.tidings.answered(&answer);
        if self.monitor.answered(number, &answer, Instant::now()) {
            self.proceed(ctx);
        }
    }
}

impl Handler<Confirmed> for Lifecycle {
    type Result = ();

    fn handle(&mut self, Confirmed(results): Confirmed, ctx: &mut Context<Self>) {
        if self.stopping {
            return;
        }
        let actions = self.monitor.confirmed(results, Instant::now());
        self.carry_out(actions, ctx);
        self.proceed(ctx);
    }
}

impl Handler<Marked> for Lifecycle {
    type Result = ();

    fn handle(&mut self, Marked { node, shut_down, result }: Marked, _: &mut Context<Self>) {
        let is_settled = matches!(result, Ok(_) | Err(WriteError::Superseded { .. }));
        self.tidings.marked(&node, shut_down, &result);
        self.monitor.marked(&node.name, is_settled, Instant::now());
    }
}

impl Handler<Deleted> for Lifecycle {
    type Result = ();

    fn handle(&mut self, Deleted { node, result }: Deleted, ctx: &mut Context<Self>) {
        let (result, is_told, is_asked) = match result {
            Ok(()) => (Ok(()), true, true),
            Err(NotDeleted { error, is_told, is_asked }) => (Err(error), is_told, is_asked),
        };
        self.tidings.deleted(&node, &result);
        let result = result.map_err(|error| match error {
            WriteError::Stale { .. } => Setback::Superseded,
            error if !is_asked || error.is_certain() => Setback::Refused(error.to_string()),
            error => Setback::Unclear(error.to_string()),
        });
        self.monitor.deleted(&node, &result, is_told, Instant::now());
        // What is to be done next is found out once for all that are under way.
        if !self.monitor.is_deleting() {
            self.proceed(ctx);
        }
    }
}

impl Handler<Recorded> for Lifecycle {
    type Result = ();

    fn handle(&mut self, Recorded(result): Recorded, _: &mut Context<Self>) {
        if let Err(error) = &result {
            tracing::warn!(%error, "cannot record whether deletion is stopped; it is tried again");
        }
        self.monitor.recorded(result.is_ok(), Instant::now());
    }
}

impl Handler<Stop> for Lifecycle {
    type Result = ();

    fn handle(&mut self, Stop: Stop, _: &mut Context<Self>) {
        self.stopping = true;
    }
}
