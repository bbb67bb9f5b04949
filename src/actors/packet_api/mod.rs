//! `PacketApi`, the only door to the Packet API: questions are gathered, planned, paid for from the budget, and answered
//! from what comes back. What comes back is kept for the next.

mod cache;
mod standing;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, ActorFutureExt, AsyncContext, Context, Handler, ResponseFuture, WrapFuture};
use tokio::sync::oneshot;
use tokio::time::Instant;

use self::cache::{Cache, Cached};
use self::standing::Standing;
use crate::config::CacheTimes;
use crate::messages::devices::{DeviceError, FindDevice, Freshness};
use crate::messages::places::{FindFacility, FindMetro};
use crate::packet::{
    Budget, Client, Device, Error, Facility, Finding, Hostname, Inventory, Metro, Plan, Planner, Question, retry, sweep,
};

/// How long the questions of one burst are gathered before the first plan is made. A watch delivers the Nodes of a
/// burst within milliseconds; nobody notices so short a wait.
const GATHERING: Duration = Duration::from_millis(20);

type Answer = Result<Arc<Device>, DeviceError>;

/// The actor that owns the client of the Packet API.
pub struct PacketApi {
    client: Client,
    budget: Budget,
    cache: Cache,
    planner: Planner,
    /// Who waits for the answer to which question.
    waiting: HashMap<Question, Vec<Waiter>>,
    /// Whether a plan is to be made when the gathering ends.
    gathering: bool,
    standing: Standing,
}

/// Somebody who waits for an answer that the API was asked for at `not_before` or later.
struct Waiter {
    not_before: Option<Instant>,
    answer: oneshot::Sender<Answer>,
}

impl PacketApi {
    /// The actor, not yet started.
    #[must_use]
    pub fn new(client: Client, budget: Budget, times: CacheTimes) -> Self {
        Self {
            client,
            budget,
            cache: Cache::new(times),
            planner: Planner::default(),
            waiting: HashMap::new(),
            gathering: false,
            standing: Standing::default(),
        }
    }

    fn ask(&mut self, question: Question, ctx: &mut Context<Self>) {
        self.planner.ask(question);
        self.gather(ctx);
    }

    fn gather(&mut self, ctx: &mut Context<Self>) {
        if !std::mem::replace(&mut self.gathering, true) {
            ctx.run_later(GATHERING, |actor, ctx| {
                actor.gathering = false;
                while let Some(plan) = actor.planner.plan() {
                    actor.carry_out(plan, ctx);
                }
            });
        }
    }

    fn carry_out(&mut self, plan: Plan, ctx: &mut Context<Self>) {
        let asked_at = Instant::now();
        let (client, budget) = (self.client.clone(), self.budget.clone());
        match plan {
            Plan::Single(Question::ById(id)) => {
                let question = Question::ById(id.clone());
                let device = async move { retry::through(&budget, || client.device(&id)).await };
                self.run(device, ctx, move |actor, device, ctx| {
                    actor.planner.single_ended(&question);
                    actor.device_came(&question, device, asked_at, ctx);
                });
            }
            Plan::Single(Question::ByHostname(hostname)) => {
                let question = Question::ByHostname(hostname.clone());
                let devices = async move { inventory(&client, &budget, Some(&hostname)).await };
                self.run(devices, ctx, move |actor, devices, ctx| {
                    actor.planner.single_ended(&question);
                    actor.list_came(std::iter::once(question), devices, asked_at, ctx);
                });
            }
            Plan::Sweep => {
                let devices = async move { inventory(&client, &budget, None).await };
                self.run(devices, ctx, move |actor, devices, ctx| {
                    let questions = actor.planner.sweep_ended();
                    actor.list_came(questions, devices, asked_at, ctx);
                });
            }
        }
    }

    /// Runs a request off the actors' thread, where large answers are decoded without holding up the mailboxes.
    fn run<T: Send + 'static>(
        &mut self,
        request: impl Future<Output = Result<T, Error>> + Send + 'static,
        ctx: &mut Context<Self>,
        then: impl FnOnce(&mut Self, Result<T, Error>, &mut Context<Self>) + 'static,
    ) {
        let request = tokio::spawn(request);
        ctx.spawn(request.into_actor(self).map(|ended, actor, ctx| match ended {
            Ok(answer) => {
                actor.standing.heard(answer.as_ref().err());
                then(actor, answer, ctx);
                // What could not be answered from this, and what has come up meanwhile.
                if !actor.waiting.is_empty() {
                    actor.gather(ctx);
                }
            }
            Err(ended) if ended.is_panic() => std::panic::resume_unwind(ended.into_panic()),
            // The runtime is going down, and everyone who waits with it.
            Err(_) => {}
        }));
    }

    fn device_came(
        &mut self,
        question: &Question,
        device: Result<Device, Error>,
        asked_at: Instant,
        ctx: &mut Context<Self>,
    ) {
        let answer = match (device, question) {
            (Ok(device), _) => {
                let device = Arc::new(device);
                self.cache.put_device(Arc::clone(&device), asked_at);
                Ok(device)
            }
            (Err(Error::NotFound { .. }), Question::ById(id)) => Err(DeviceError::NoSuchId(id.clone())),
            (Err(Error::Shape { field, reason, .. }), Question::ById(id)) => {
                Err(DeviceError::Malformed { device: id.as_str().into(), field, reason })
            }
            (Err(error), _) => Err(DeviceError::Api(error)),
        };
        self.answer(question, &answer, asked_at, ctx);
    }

    fn list_came(
        &mut self,
        questions: impl IntoIterator<Item = Question>,
        devices: Result<Inventory, Error>,
        asked_at: Instant,
        ctx: &mut Context<Self>,
    ) {
        let inventory = match devices {
            Ok(inventory) => inventory,
            Err(error) => {
                let answer = Err(DeviceError::Api(error));
                return questions.into_iter().for_each(|question| self.answer(&question, &answer, asked_at, ctx));
            }
        };
        self.cache.put_inventory(&inventory, asked_at);
        for spoiled in inventory.spoiled() {
            tracing::warn!(
                id = spoiled.id.as_ref().map(tracing::field::debug),
                hostname = spoiled.hostname.as_ref().map(tracing::field::debug),
                field = &*spoiled.field,
                reason = &*spoiled.reason,
                "an entry of the Packet API's device list cannot be used; the others can"
            );
        }
        for question in questions {
            let answer = match (inventory.find(&question), &question) {
                (Finding::Found(device), _) => Ok(device),
                (Finding::Ambiguous(ids), Question::ByHostname(hostname)) => {
                    Err(DeviceError::Ambiguous { hostname: hostname.clone(), ids })
                }
                (Finding::Spoiled(spoiled), _) => Err(DeviceError::Malformed {
                    device: name_of(&question).into(),
                    field: spoiled.field.clone(),
                    reason: spoiled.reason.clone(),
                }),
                (Finding::NotShown, Question::ByHostname(hostname)) => {
                    self.cache.put_absent(hostname, asked_at);
                    Err(DeviceError::NoSuchHostname(hostname.clone()))
                }
                // It may be another project's, or have moved between two pages: only its own page tells.
                (Finding::NotShown | Finding::Ambiguous(_), Question::ById(_)) => {
                    if let Some(plan) = self.planner.ask_alone(question) {
                        self.carry_out(plan, ctx);
                    }
                    continue;
                }
            };
            self.answer(&question, &answer, asked_at, ctx);
        }
    }

    /// Answers everyone who is content with an answer asked for at `asked_at`; for the others the API is asked again.
    fn answer(&mut self, question: &Question, answer: &Answer, asked_at: Instant, ctx: &mut Context<Self>) {
        let waiters = self.waiting.remove(question).unwrap_or_default();
        let (content, not_content): (Vec<_>, Vec<_>) =
            waiters.into_iter().partition(|waiter| waiter.not_before.is_none_or(|not_before| asked_at >= not_before));
        for waiter in content {
            // Whoever no longer waits has lost interest in the answer, too.
            let _ = waiter.answer.send(answer.clone());
        }
        if !not_content.is_empty() {
            self.waiting.insert(question.clone(), not_content);
            self.ask(question.clone(), ctx);
        }
    }
}

impl Actor for PacketApi {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Context<Self>) {
        // As many Nodes as there are may ask at once; who waits in a mailbox waits no less than in a queue of ours.
        ctx.set_mailbox_capacity(1024);
        let (client, budget) = (self.client.clone(), self.budget.clone());
        let check = async move { standing::until_the_project_is_read(&client, &budget).await };
        self.run(check, ctx, |_, _, _| {});
    }
}

impl Handler<FindDevice> for PacketApi {
    type Result = ResponseFuture<Answer>;

    fn handle(&mut self, FindDevice { question, freshness }: FindDevice, ctx: &mut Context<Self>) -> Self::Result {
        let not_before = match freshness {
            Freshness::Cached => None,
            Freshness::NoOlderThan(age) => Instant::now().checked_sub(age),
            Freshness::Now => Some(Instant::now()),
        };
        match self.cache.get(&question, not_before) {
            Some(Cached::Found(device)) => return Box::pin(std::future::ready(Ok(device))),
            Some(Cached::NoSuchHostname(hostname)) => {
                return Box::pin(std::future::ready(Err(DeviceError::NoSuchHostname(hostname))));
            }
            None => {}
        }
        let (answer, answered) = oneshot::channel();
        self.waiting.entry(question.clone()).or_default().push(Waiter { not_before, answer });
        self.ask(question, ctx);
        Box::pin(async move { answered.await.unwrap_or(Err(DeviceError::Stopping)) })
    }
}

impl Handler<FindFacility> for PacketApi {
    type Result = ResponseFuture<Result<Option<Arc<Facility>>, Error>>;

    fn handle(&mut self, FindFacility(reference): FindFacility, _: &mut Context<Self>) -> Self::Result {
        let (client, budget) = (self.client.clone(), self.budget.clone());
        let (facilities, not_found) = (self.cache.facilities.clone(), self.cache.not_found_time());
        Box::pin(async move {
            let read = || retry::through(&budget, || client.facilities());
            facilities.find(&reference, not_found, read).await
        })
    }
}

impl Handler<FindMetro> for PacketApi {
    type Result = ResponseFuture<Result<Option<Arc<Metro>>, Error>>;

    fn handle(&mut self, FindMetro(reference): FindMetro, _: &mut Context<Self>) -> Self::Result {
        let (client, budget) = (self.client.clone(), self.budget.clone());
        let (metros, not_found) = (self.cache.metros.clone(), self.cache.not_found_time());
        Box::pin(async move {
            let read = || retry::through(&budget, || client.metros());
            metros.find(&reference, not_found, read).await
        })
    }
}

/// Every device of the project, or every one whose hostname contains `hostname`.
async fn inventory(client: &Client, budget: &Budget, hostname: Option<&Hostname>) -> Result<Inventory, Error> {
    let page = |number| retry::through(budget, move || client.devices(hostname, number));
    Ok(sweep::sweep(page).await?.into_iter().collect())
}

fn name_of(question: &Question) -> &str {
    match question {
        Question::ById(id) => id.as_str(),
        Question::ByHostname(hostname) => hostname.as_str(),
    }
}
