//! `PacketApi`, the only door to the Packet API: questions are gathered, planned, paid for from the budget, and answered
//! from what comes back. What comes back is kept for the next.

mod cache;
mod reading;
mod standing;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, Message, ResponseFuture};
use tokio::sync::oneshot;
use tokio::time::Instant;

use self::cache::{Cache, Cached};
use self::reading::Reading;
use self::standing::Standing;
use crate::config::CacheTimes;
use crate::messages::devices::{DeviceError, FindDevice};
use crate::messages::places::{FindFacility, FindMetro};
use crate::packet::{Budget, Client, Device, Error, Facility, Finding, Metro, Plan, Planner, Question, retry};

/// How long the questions of one burst are gathered before the first plan is made. A watch delivers the Nodes of a
/// burst within milliseconds; nobody notices so short a wait.
const GATHERING: Duration = Duration::from_millis(20);

type Answer = Result<Arc<Device>, DeviceError>;

/// The actor that owns the client of the Packet API.
pub struct PacketApi {
    client: Client,
    budget: Budget,
    cache: Arc<Cache>,
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

/// What a plan brought.
#[derive(Message)]
#[rtype(result = "()")]
enum Came {
    /// A device that was asked for by its id.
    Device { question: Question, asked_at: Instant, device: Result<Arc<Device>, Error> },
    /// The list that answers one question.
    List { question: Question, reading: Result<Reading, Error> },
    /// The list of all devices.
    Sweep { reading: Result<Reading, Error> },
}

impl PacketApi {
    /// The actor, not yet started.
    #[must_use]
    pub fn new(client: Client, budget: Budget, times: CacheTimes) -> Self {
        Self {
            client,
            budget,
            cache: Arc::new(Cache::new(times)),
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

    /// Carries out a plan beside the actors' thread, where large answers are decoded without holding up the mailboxes.
    fn carry_out(&self, plan: Plan, ctx: &mut Context<Self>) {
        let (client, budget, cache) = (self.client.clone(), self.budget.clone(), Arc::clone(&self.cache));
        let to = ctx.address();
        tokio::spawn(async move {
            to.do_send(match plan {
                Plan::Single(question) => match &question {
                    Question::ById(id) => {
                        let asked_at = Instant::now();
                        let device = retry::through(&budget, || client.device(id)).await.map(Arc::new);
                        Came::Device { question, asked_at, device }
                    }
                    Question::ByHostname(hostname) => {
                        let reading = reading::read(&client, &budget, &cache, Some(hostname)).await;
                        Came::List { question, reading }
                    }
                },
                Plan::Sweep => Came::Sweep { reading: reading::read(&client, &budget, &cache, None).await },
            });
        });
    }

    fn device_came(
        &mut self,
        question: &Question,
        device: Result<Arc<Device>, Error>,
        asked_at: Instant,
        ctx: &mut Context<Self>,
    ) {
        let answer = match (device, question) {
            (Ok(device), _) => {
                self.cache.put_device(Arc::clone(&device), asked_at);
                Ok(device)
            }
            (Err(Error::NotFound { .. }), Question::ById(id)) => {
                self.cache.put_absent(question, asked_at);
                Err(DeviceError::NoSuchId(id.clone()))
            }
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
        reading: Result<Reading, Error>,
        ctx: &mut Context<Self>,
    ) {
        let reading = match reading {
            Ok(reading) => reading,
            Err(error) => {
                let answer = Err(DeviceError::Api(error));
                for question in questions {
                    // A refusal is as good an answer to a question that was put after it was asked for.
                    self.answer(&question, &answer, Instant::now(), ctx);
                }
                return;
            }
        };
        for spoiled in reading.inventory.spoiled() {
            tracing::warn!(
                id = spoiled.id.as_ref().map(tracing::field::debug),
                hostname = spoiled.hostname.as_ref().map(tracing::field::debug),
                field = &*spoiled.field,
                reason = &*spoiled.reason,
                "an entry of the Packet API's device list cannot be used; the others can"
            );
        }
        for question in questions {
            let finding = reading.inventory.find(&question);
            match answer_of(&question, finding, reading.flaw.as_ref()) {
                Some(answer) => {
                    if matches!(answer, Err(DeviceError::NoSuchHostname(_))) {
                        self.cache.put_absent(&question, reading.asked_at);
                    }
                    self.answer(&question, &answer, reading.asked_at, ctx);
                }
                None => {
                    if let Some(plan) = self.planner.ask_alone(question) {
                        self.carry_out(plan, ctx);
                    }
                }
            }
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

/// The answer that a list holds, or nothing where only a request of its own can tell.
fn answer_of(question: &Question, finding: Finding, flaw: Option<&Error>) -> Option<Answer> {
    Some(match (finding, question, flaw) {
        (Finding::Found(device), Question::ById(_), _) | (Finding::Found(device), Question::ByHostname(_), None) => {
            Ok(device)
        }
        (Finding::Ambiguous(ids), Question::ByHostname(hostname), _) => {
            Err(DeviceError::Ambiguous { hostname: hostname.clone(), ids })
        }
        (Finding::Spoiled(spoiled), _, _) => Err(DeviceError::Malformed {
            device: name_of(question).into(),
            field: spoiled.field.clone(),
            reason: spoiled.reason.clone(),
        }),
        // A second device of the hostname may be among those that were missed.
        (Finding::Found(_) | Finding::NotShown, Question::ByHostname(_), Some(flaw)) => {
            Err(DeviceError::Api(flaw.clone()))
        }
        (Finding::NotShown, Question::ByHostname(hostname), None) => Err(DeviceError::NoSuchHostname(hostname.clone())),
        // It may be another project's.
        (Finding::NotShown | Finding::Ambiguous(_), Question::ById(_), _) => return None,
    })
}

impl Actor for PacketApi {
    type Context = Context<Self>;

    fn started(&mut self, _: &mut Context<Self>) {
        let (client, budget) = (self.client.clone(), self.budget.clone());
        tokio::spawn(async move { standing::until_the_project_is_read(&client, &budget).await });
    }
}

impl Handler<Came> for PacketApi {
    type Result = ();

    fn handle(&mut self, came: Came, ctx: &mut Context<Self>) {
        match came {
            Came::Device { question, asked_at, device } => {
                self.standing.heard(device.as_ref().err());
                self.planner.single_ended(&question);
                self.device_came(&question, device, asked_at, ctx);
            }
            Came::List { question, reading } => {
                self.standing.heard(reading.as_ref().err());
                self.planner.single_ended(&question);
                self.list_came(std::iter::once(question), reading, ctx);
            }
            Came::Sweep { reading } => {
                self.standing.heard(reading.as_ref().err());
                let (pages, flawed) = reading.as_ref().map_or((0, false), |read| (read.pages, read.flaw.is_some()));
                let questions = self.planner.sweep_ended(pages, flawed);
                self.list_came(questions, reading, ctx);
            }
        }
        // What could not be answered from this, and what has come up meanwhile.
        if !self.waiting.is_empty() {
            self.gather(ctx);
        }
    }
}

impl Handler<FindDevice> for PacketApi {
    type Result = ResponseFuture<Answer>;

    fn handle(&mut self, FindDevice { question, max_age }: FindDevice, ctx: &mut Context<Self>) -> Self::Result {
        let not_before = Instant::now().checked_sub(max_age);
        let known = match (self.cache.get(&question, not_before), &question) {
            (Some(Cached::Found(device)), _) => Some(Ok(device)),
            (Some(Cached::Absent), Question::ById(id)) => Some(Err(DeviceError::NoSuchId(id.clone()))),
            (Some(Cached::Absent), Question::ByHostname(name)) => Some(Err(DeviceError::NoSuchHostname(name.clone()))),
            (None, _) => None,
        };
        if let Some(answer) = known {
            return Box::pin(std::future::ready(answer));
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
        let (client, budget, cache) = (self.client.clone(), self.budget.clone(), Arc::clone(&self.cache));
        Box::pin(async move {
            let read = || retry::through(&budget, || client.facilities());
            cache.facilities.find(&reference, cache.not_found_time(), read).await
        })
    }
}

impl Handler<FindMetro> for PacketApi {
    type Result = ResponseFuture<Result<Option<Arc<Metro>>, Error>>;

    fn handle(&mut self, FindMetro(reference): FindMetro, _: &mut Context<Self>) -> Self::Result {
        let (client, budget, cache) = (self.client.clone(), self.budget.clone(), Arc::clone(&self.cache));
        Box::pin(async move {
            let read = || retry::through(&budget, || client.metros());
            cache.metros.find(&reference, cache.not_found_time(), read).await
        })
    }
}

fn name_of(question: &Question) -> &str {
    match question {
        Question::ById(id) => id.as_str(),
        Question::ByHostname(hostname) => hostname.as_str(),
    }
}
