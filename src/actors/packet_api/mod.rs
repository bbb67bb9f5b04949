//! `PacketApi`, the only door to the Packet API: questions are answered from what is kept, or planned, paid for from the
//! budget, and answered from what comes back. What comes back is kept for the next.

mod cache;
mod confirmation;
mod live;
mod meter;
mod places;
mod spoiled;
mod standing;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, Message, Recipient, ResponseFuture, SpawnHandle};
use tokio::sync::oneshot;
use tokio::time::Instant;

use self::cache::Cache;
use self::meter::Meter;
use self::spoiled::Spoiled;
use self::standing::Standing;
use crate::config::CacheSettings;
use crate::election::Gate;
use crate::messages::devices::{Asking, DeviceFound, FindDevice};
use crate::messages::watch::Stop;
use crate::packet::planner::{GATHERING, Next, Order, Outcome, RequestId, Ticket};
use crate::packet::{
    Answer, Budget, Client, Error, Exchange, NotYet, Permit, Plain, PlainReply, Planner, Reply, Urgency,
};
use crate::telemetry::health::Health;
use crate::telemetry::metrics::PacketMetrics;

/// The kind of the requests that are about one device, which may be another project's.
const ONE_DEVICE: &str = "device";
/// How often what was asked and kept is told to the log, where there is something to tell.
const TALLY_PERIOD: Duration = Duration::from_mins(5);

/// The actor that owns the client of the Packet API.
pub struct PacketApi {
    client: Client,
    /// How often the token has been changed.
    credentials: u64,
    budget: Budget,
    cache: Arc<Cache>,
    cache_settings: CacheSettings,
    planner: Planner,
    /// Who waits for what.
    waiting: HashMap<Ticket, Waiter>,
    /// When the planner is looked at next, if nothing happens before.
    wake: Option<(Instant, SpawnHandle)>,
    standing: Standing,
    /// Open while this process leads.
    gate: Gate,
    /// How often it was begun to read the project until that works.
    reading_project: u64,
    spoiled: Spoiled,
    meter: Meter,
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
    /// What was asked for, in one word.
    request: &'static str,
    took: Duration,
    /// How often the token had been changed when it was sent.
    credentials: u64,
    exchange: Exchange,
}

/// Ask the API for something by itself, at that time or later.
#[derive(Message)]
#[rtype(result = "Result<PlainReply, Error>")]
struct Fetch(Plain, Option<Instant>);

impl PacketApi {
    /// The actor, not yet started.
    #[must_use]
    pub fn new(
        client: Client,
        budget: Budget,
        settings: CacheSettings,
        gate: Gate,
        metrics: PacketMetrics,
        health: Health,
    ) -> Self {
        let meter = Meter::new(metrics.clone());
        Self {
            planner: Planner::new(budget.limits()),
            client,
            credentials: 0,
            budget,
            cache: Arc::new(Cache::new(settings, meter.lookups())),
            cache_settings: settings,
            waiting: HashMap::new(),
            wake: None,
            standing: Standing::new(health, metrics),
            gate,
            reading_project: 0,
            spoiled: Spoiled::default(),
            meter,
            stopping: false,
        }
    }

    /// Sends what the planner wants sent and the budget lets out, and hands on what has come of questions.
    fn proceed(&mut self, ctx: &mut Context<Self>) {
        self.hand_on();
        // Another process may have begun to spend the budget already.
        while !self.stopping && self.gate.is_open() {
            let (now, tokens) = (Instant::now(), self.budget.tokens());
            let next = self.planner.next(now, tokens);
            let admitted = if next == Next::Request { self.budget.try_admit().map(Some) } else { Ok(None) };
            self.meter.held_back(admitted.as_ref().err().copied(), now);
            match (next, admitted) {
                (Next::At(time), _) | (_, Err(NotYet::Until(time) | NotYet::ApiAsks(time))) => {
                    return self.wake_at(time, ctx);
                }
                // The end of one that is on its way brings us here again.
                (Next::Nothing, _) | (_, Ok(None) | Err(NotYet::AnAnswer)) => return,
                (Next::Request, Ok(Some(permit))) => {
                    if let Some(order) = self.planner.send(now, tokens) {
                        self.carry_out(order, permit, ctx);
                    }
                }
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
        let (credentials, to) = (self.credentials, ctx.address());
        tokio::spawn(async move {
            let Order { id, request, timeout } = order;
            let sent = Instant::now();
            let exchange = client.send(&request, timeout).await;
            budget.heard(exchange.word);
            drop(permit);
            if let Ok(Reply::Device(device)) = &exchange.result {
                cache.put_device(device, sent);
            }
            to.do_send(Ended { id, request: request.kind(), took: sent.elapsed(), credentials, exchange });
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
}

impl Actor for PacketApi {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        self.read_project(ctx);
        ctx.run_interval(TALLY_PERIOD, |actor, _| actor.meter.tell());
    }

    fn stopped(&mut self, _: &mut Context<Self>) {
        self.meter.tell();
    }
}

impl Handler<Ended> for PacketApi {
    type Result = ();

    fn handle(&mut self, ended: Ended, ctx: &mut Context<Self>) {
        let Ended { id, request, took, credentials, mut exchange } = ended;
        self.meter.count(request, took, &exchange);
        if credentials != self.credentials {
            // What becomes of a token that is not in use any more says nothing. What it was told is true.
            exchange.result = exchange.result.map_err(|_| Error::TokenChanged { request: request.into() });
        } else if self.standing.heard(exchange.result.as_ref().err(), request == ONE_DEVICE) {
            // Nobody else may ask for minutes, and it is to be told when they are taken again.
            self.read_project(ctx);
        }
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
