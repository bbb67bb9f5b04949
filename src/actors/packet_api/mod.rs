//! `PacketApi`, the only door to the Packet API: questions are answered from what is kept, or planned, paid for from the
//! budget, and answered from what comes back. What comes back is kept for the next.

mod cache;
mod spoiled;
mod standing;
mod tally;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{
    Actor, ActorFutureExt, AsyncContext, Context, Handler, Message, Recipient, ResponseFuture, SpawnHandle, WrapFuture,
};
use tokio::sync::oneshot;
use tokio::time::Instant;

use self::cache::Cache;
use self::spoiled::Spoiled;
use self::standing::Standing;
use self::tally::Tally;
use crate::config::CacheSettings;
use crate::messages::devices::{Asking, DeviceFound, FindDevice};
use crate::messages::lifecycle::ConfirmGone;
use crate::messages::places::{FindFacility, FindMetro};
use crate::messages::watch::Stop;
use crate::packet::planner::{GATHERING, Next, Order, Outcome, RequestId, Ticket};
use crate::packet::{
    Absence, Answer, Budget, Client, DeviceId, Error, Exchange, Facility, LookupError, Metro, NotGone, NotYet, Permit,
    Plain, PlainReply, Planner, Question, Reply, Urgency,
};

/// How often what was asked and kept is told to the log, where there is something to tell.
const TALLY_PERIOD: Duration = Duration::from_mins(5);

/// The actor that owns the client of the Packet API.
pub struct PacketApi {
    client: Client,
    budget: Budget,
    cache: Arc<Cache>,
    planner: Planner,
    /// Who waits for what.
    waiting: HashMap<Ticket, Waiter>,
    /// When the planner is looked at next, if nothing happens before.
    wake: Option<(Instant, SpawnHandle)>,
    standing: Standing,
    spoiled: Spoiled,
    tally: Tally,
    stopping: bool,
}

/// Somebody who waits for an answer.
enum Waiter {
    Device(Asking, Recipient<DeviceFound>),
    FreshDevice(oneshot::Sender<Answer>),
    Plain(oneshot::Sender<Result<PlainReply, Error>>),
}

/// A request has ended.
#[derive(Message)]
#[rtype(result = "()")]
struct Ended {
    id: RequestId,
    exchange: Exchange,
}

/// Ask the API for something by itself, at that time or later.
#[derive(Message)]
#[rtype(result = "Result<PlainReply, Error>")]
struct Fetch(Plain, Option<Instant>);

impl PacketApi {
    /// The actor, not yet started.
    #[must_use]
    pub fn new(client: Client, budget: Budget, settings: CacheSettings) -> Self {
        Self {
            planner: Planner::new(budget.limits()),
            client,
            budget,
            cache: Arc::new(Cache::new(settings)),
            waiting: HashMap::new(),
            wake: None,
            standing: Standing::default(),
            spoiled: Spoiled::default(),
            tally: Tally::default(),
            stopping: false,
        }
    }

    /// Sends what the planner wants sent and the budget lets out, and hands on what has come of questions.
    fn proceed(&mut self, ctx: &mut Context<Self>) {
        self.hand_on();
        // Another process may have begun to spend the budget already.
        while !self.stopping {
            let (now, tokens) = (Instant::now(), self.budget.tokens());
            match self.planner.next(now, tokens) {
                Next::Nothing => return,
                Next::At(time) => return self.wake_at(time, ctx),
                Next::Request => {}
            }
            match self.budget.try_admit() {
                Ok(permit) => {
                    if let Some(order) = self.planner.send(now, tokens) {
                        self.carry_out(order, permit, ctx);
                    }
                }
                Err(NotYet::Until(time)) => return self.wake_at(time, ctx),
                // Its end brings us here again.
                Err(NotYet::AnAnswer) => return,
            }
        }
    }

    fn wake_at(&mut self, time: Instant, ctx: &mut Context<Self>) {
        match self.wake {
            Some((earlier, _)) if earlier <= time => return,
            Some((_, later)) => {
                ctx.cancel_future(later);
            }
            None => {}
        }
        let wake = ctx.run_later(time.saturating_duration_since(Instant::now()), |actor, ctx| {
            actor.wake = None;
            actor.proceed(ctx);
        });
        self.wake = Some((time, wake));
    }

    /// Carries out a request beside the actors' thread, where large answers are decoded and kept without holding up the
    /// mailboxes.
    fn carry_out(&self, order: Order, permit: Permit, ctx: &mut Context<Self>) {
        let (client, budget, cache) = (self.client.clone(), self.budget.clone(), Arc::clone(&self.cache));
        let to = ctx.address();
        tokio::spawn(async move {
            let Order { id, request, timeout } = order;
            let sent = Instant::now();
            let exchange = client.send(&request, timeout).await;
            budget.heard(exchange.word);
            drop(permit);
            if let Ok(Reply::Device(device)) = &exchange.result {
                cache.put_device(device, sent);
            }
            to.do_send(Ended { id, exchange });
        });
    }

    fn hand_on(&mut self) {
        for outcome in self.planner.outcomes() {
            match outcome {
                Outcome::Answered(ticket, answer) => match self.waiting.remove(&ticket) {
                    Some(Waiter::Device(asking, answer_to)) => answer_to.do_send(DeviceFound { asking, answer }),
                    Some(Waiter::FreshDevice(waiter)) => {
                        // Whoever no longer waits has lost interest in the answer, too.
                        let _ = waiter.send(answer);
                    }
                    _ => {}
                },
                Outcome::Plain(ticket, result) => {
                    if let Some(Waiter::Plain(waiter)) = self.waiting.remove(&ticket) {
                        // Whoever no longer waits has lost interest in the answer, too.
                        let _ = waiter.send(result);
                    }
                }
                Outcome::Swept(inventory, asked_at) => self.cache.put_list(inventory, asked_at),
                Outcome::Named(inventory, asked_at) => self.cache.put_named(&inventory, asked_at),
                Outcome::Shown(inventory, asked_at) => self.cache.put_shown(&inventory, asked_at),
                Outcome::Absent(question, asked_at) => self.cache.put_absent(&question, asked_at),
            }
        }
    }

    /// Finds out whether the credentials read the project, and tries again until they do.
    fn read_project(&mut self, ctx: &mut Context<Self>) {
        let project = ctx.address().send(Fetch(Plain::Project, None));
        ctx.spawn(project.into_actor(self).map(|result, actor, ctx| {
            if let Ok(result) = result
                && let Some(wait) = actor.standing.project_read(result)
            {
                ctx.run_later(wait, Self::read_project);
            }
        }));
    }
}

impl Actor for PacketApi {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.read_project(ctx);
        ctx.run_interval(TALLY_PERIOD, |actor, _| actor.tally.tell(actor.cache.counts()));
    }

    fn stopped(&mut self, _: &mut Context<Self>) {
        self.tally.tell(self.cache.counts());
    }
}

impl Handler<Ended> for PacketApi {
    type Result = ();

    fn handle(&mut self, Ended { id, exchange }: Ended, ctx: &mut Context<Self>) {
        self.standing.heard(exchange.result.as_ref().err());
        self.tally.count(&exchange);
        if let Ok(Reply::Page(page)) = &exchange.result {
            self.spoiled.report(page);
        }
        if let Err(error) = &exchange.result {
            tracing::debug!(%error, "a request to the Packet API failed");
        }
        self.planner.ended(id, exchange.result, Instant::now(), fastrand::f64());
        self.proceed(ctx);
    }
}

impl Handler<Stop> for PacketApi {
    type Result = ();

    fn handle(&mut self, Stop: Stop, _: &mut Context<Self>) {
        self.stopping = true;
    }
}

impl Handler<FindDevice> for PacketApi {
    type Result = ();

    fn handle(&mut self, find: FindDevice, ctx: &mut Context<Self>) {
        let FindDevice { question, max_age, urgency, asking, answer_to } = find;
        let now = Instant::now();
        let not_before = now.checked_sub(max_age);
        if let Some(cached) = self.cache.get(&question, not_before) {
            answer_to.do_send(DeviceFound { asking, answer: cached.answer(question) });
            return;
        }
        let ticket = self.planner.ask(question, not_before, urgency, now);
        self.waiting.insert(ticket, Waiter::Device(asking, answer_to));
        self.wake_at(now + GATHERING, ctx);
    }
}

impl Handler<Fetch> for PacketApi {
    type Result = ResponseFuture<Result<PlainReply, Error>>;

    fn handle(&mut self, Fetch(what, not_before): Fetch, ctx: &mut Context<Self>) -> Self::Result {
        let now = Instant::now();
        let (answer, answered) = oneshot::channel();
        let ticket = self.planner.ask_plain(what, not_before, Urgency::Urgent, now);
        self.waiting.insert(ticket, Waiter::Plain(answer));
        self.wake_at(now + GATHERING, ctx);
        Box::pin(told(answered))
    }
}

/// Waits for an answer. Where there is none to come the program is stopping, and nobody is there to read it.
async fn told<T, E>(answered: impl Future<Output = Result<T, E>>) -> T {
    match answered.await {
        Ok(answer) => answer,
        Err(_) => std::future::pending().await,
    }
}

/// Ask for these devices anew, past everything that is kept.
#[derive(Message)]
#[rtype(result = "Vec<(DeviceId, Answer)>")]
struct AskAfresh(Vec<DeviceId>);

impl Handler<AskAfresh> for PacketApi {
    type Result = ResponseFuture<Vec<(DeviceId, Answer)>>;

    fn handle(&mut self, AskAfresh(devices): AskAfresh, ctx: &mut Context<Self>) -> Self::Result {
        let now = Instant::now();
        let ask = |id: DeviceId| {
            let (answer, answered) = oneshot::channel();
            let ticket = self.planner.ask(Question::ById(id.clone()), Some(now), Urgency::Urgent, now);
            self.waiting.insert(ticket, Waiter::FreshDevice(answer));
            (id, answered)
        };
        let asked: Vec<_> = devices.into_iter().map(ask).collect();
        self.wake_at(now + GATHERING, ctx);
        Box::pin(async move {
            let mut answers = Vec::with_capacity(asked.len());
            for (id, answered) in asked {
                answers.push((id, told(answered).await));
            }
            answers
        })
    }
}

impl Handler<ConfirmGone> for PacketApi {
    type Result = ResponseFuture<Vec<(DeviceId, Result<Absence, NotGone>)>>;

    fn handle(&mut self, ConfirmGone(devices): ConfirmGone, ctx: &mut Context<Self>) -> Self::Result {
        // All of it is asked by this one client, and so with the same credentials.
        let (api, own) = (ctx.address(), self.client.project().to_owned());
        Box::pin(async move {
            // Read before and after: a token that has no rights for a while is answered 404 for everything.
            let read_project = || told(api.send(Fetch(Plain::Project, Some(Instant::now()))));
            let before = read_project().await;
            if let Err(error) = before {
                return devices.into_iter().map(|id| (id, Err(NotGone::ProjectUnread(error.clone())))).collect();
            }
            let answers = told(api.send(AskAfresh(devices))).await;
            let known_at = Instant::now();
            let is_any_gone = answers.iter().any(|(_, answer)| matches!(answer, Err(LookupError::NoSuchId(_))));
            let project = if is_any_gone { read_project().await } else { before };
            let prove =
                |(id, answer): (DeviceId, Answer)| (id.clone(), Absence::prove(id, known_at, &answer, &own, &project));
            answers.into_iter().map(prove).collect()
        })
    }
}

impl Handler<FindFacility> for PacketApi {
    type Result = ResponseFuture<Result<Option<Arc<Facility>>, Error>>;

    fn handle(&mut self, FindFacility(reference): FindFacility, ctx: &mut Context<Self>) -> Self::Result {
        let (cache, api) = (Arc::clone(&self.cache), ctx.address());
        Box::pin(async move {
            let read = || async {
                match api.send(Fetch(Plain::Facilities, None)).await {
                    Ok(Ok(PlainReply::Facilities(facilities))) => Ok(facilities),
                    Ok(Err(error)) => Err(error),
                    // The program is stopping.
                    _ => std::future::pending().await,
                }
            };
            cache.facilities.find(&reference, read).await
        })
    }
}

impl Handler<FindMetro> for PacketApi {
    type Result = ResponseFuture<Result<Option<Arc<Metro>>, Error>>;

    fn handle(&mut self, FindMetro(reference): FindMetro, ctx: &mut Context<Self>) -> Self::Result {
        let (cache, api) = (Arc::clone(&self.cache), ctx.address());
        Box::pin(async move {
            let read = || async {
                match api.send(Fetch(Plain::Metros, None)).await {
                    Ok(Ok(PlainReply::Metros(metros))) => Ok(metros),
                    Ok(Err(error)) => Err(error),
                    // The program is stopping.
                    _ => std::future::pending().await,
                }
            };
            cache.metros.find(&reference, read).await
        })
    }
}
