//! A simulated world for the planner: an API whose devices come and go, its latencies and failures, a budget, people who
//! ask, and a clock that leaps from one event to the next.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "milliseconds and requests of minutes, not of millennia"
)]

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{GATHERING, Next, Order, Outcome, Planner, RequestId, Ticket};
use crate::packet::budget::Limits;
use crate::packet::device::Device;
use crate::packet::error::Error;
use crate::packet::identity::{DeviceId, Hostname};
use crate::packet::lookup::{Answer, LookupError, Question, Urgency};
use crate::packet::page::DevicePage;
use crate::packet::request::{PageRequest, Plain, PlainReply, Reply, Request};

/// Milliseconds since the world began.
pub(super) type Ms = u64;

/// A device, and when it was there.
#[derive(Debug, Clone)]
pub(super) struct Life {
    pub(super) id: String,
    pub(super) hostname: String,
    pub(super) born: Ms,
    pub(super) dies: Ms,
}

/// How a request goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mishap {
    ServerError,
    Timeout,
    CutOff,
    Unreachable,
    RateLimited,
    Unauthorized,
}

/// A question that somebody asks.
#[derive(Debug, Clone)]
pub(super) struct Asking {
    pub(super) at: Ms,
    pub(super) question: Question,
    pub(super) max_age: Ms,
    pub(super) urgency: Urgency,
}

/// What became of it.
#[derive(Debug, Clone)]
pub(super) struct Answered {
    pub(super) at: Ms,
    pub(super) answer: Answer,
}

/// The API and the budget.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) lives: Vec<Life>,
    pub(super) limits: Limits,
    /// What is in the bucket at the beginning.
    pub(super) tokens: f64,
    pub(super) single_ms: Ms,
    pub(super) page_ms: Ms,
    pub(super) most_per_page: u32,
    /// Pages of more entries than this do not come in time.
    pub(super) largest_in_time: u32,
    /// A device that the API cannot show: a page with it on is an error.
    pub(super) cannot_be_shown: Option<String>,
    /// What happens to the requests, in order; those after them go well.
    pub(super) mishaps: Vec<Option<Mishap>>,
}

/// What has happened.
#[derive(Debug)]
pub(super) struct Story {
    /// In the order of the askings; each time it was answered.
    pub(super) answers: Vec<Vec<Answered>>,
    /// Every request, when it was sent, and when it ended.
    pub(super) requests: Vec<(Ms, Request)>,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Asked(usize),
    Ended(RequestId),
    Look,
}

struct World<'a> {
    setting: &'a Setting,
    begun: Instant,
    now: Ms,
    planner: Planner,
    tokens: f64,
    tokens_at: Ms,
    closed_until: Ms,
    in_flight: HashMap<RequestId, Result<Reply, Error>>,
    events: BinaryHeap<Reverse<(Ms, u64, Event)>>,
    order: u64,
    /// When the planner is looked at next.
    look: Option<Ms>,
    tickets: HashMap<Ticket, usize>,
    story: Story,
}

/// Lets people ask, and tells what came of it.
pub(super) fn run(setting: &Setting, askings: &[Asking]) -> Story {
    let begun = Instant::now();
    let mut world = World {
        setting,
        begun,
        now: 0,
        planner: Planner::new(setting.limits),
        tokens: setting.tokens,
        tokens_at: 0,
        closed_until: 0,
        in_flight: HashMap::new(),
        events: BinaryHeap::new(),
        order: 0,
        look: None,
        tickets: HashMap::new(),
        story: Story { answers: vec![Vec::new(); askings.len()], requests: Vec::new() },
    };
    for (index, asking) in askings.iter().enumerate() {
        world.at(asking.at, Event::Asked(index));
    }
    let mut steps = 0;
    while let Some(Reverse((time, _, event))) = world.events.pop() {
        steps += 1;
        assert!(steps < 2_000_000, "the world does not come to rest");
        world.now = time;
        match event {
            Event::Asked(index) => world.ask(index, &askings[index]),
            Event::Ended(id) => {
                world.end(id);
                world.proceed();
            }
            Event::Look => {
                world.look = None;
                world.proceed();
            }
        }
    }
    assert!(world.in_flight.is_empty());
    world.story
}

impl World<'_> {
    fn at(&mut self, time: Ms, event: Event) {
        self.order += 1;
        self.events.push(Reverse((time.max(self.now), self.order, event)));
    }

    fn instant(&self, ms: Ms) -> Instant {
        self.begun + Duration::from_millis(ms)
    }

    fn ms(&self, instant: Instant) -> Ms {
        u64::try_from((instant - self.begun).as_nanos().div_ceil(1_000_000)).unwrap()
    }

    fn ask(&mut self, index: usize, asking: &Asking) {
        let not_before = asking.at.checked_sub(asking.max_age).map(|ms| self.instant(ms));
        let ticket = self.planner.ask(asking.question.clone(), not_before, asking.urgency, self.instant(self.now));
        assert!(self.tickets.insert(ticket, index).is_none(), "a ticket was given twice");
        self.look_at(self.now + u64::try_from(GATHERING.as_millis()).unwrap());
    }

    fn look_at(&mut self, time: Ms) {
        if self.look.is_none_or(|earlier| time < earlier) {
            self.look = Some(time);
            self.at(time, Event::Look);
        }
    }

    fn tokens(&self) -> f64 {
        let gained = (self.now - self.tokens_at) as f64 / 1000.0 * self.setting.limits.requests_per_second;
        (self.tokens + gained).min(f64::from(self.setting.limits.burst.get()))
    }

    fn proceed(&mut self) {
        loop {
            let (now, tokens) = (self.instant(self.now), self.tokens());
            for outcome in self.planner.outcomes() {
                if let Outcome::Answered(ticket, answer) = outcome {
                    let index = self.tickets[&ticket];
                    self.story.answers[index].push(Answered { at: self.now, answer });
                }
            }
            match self.planner.next(now, tokens) {
                Next::Nothing => return,
                Next::At(time) => {
                    let time = self.ms(time);
                    assert!(time > self.now, "the planner wants to be looked at in the past");
                    return self.look_at(time);
                }
                Next::Request => {}
            }
            if self.closed_until > self.now {
                return self.look_at(self.closed_until);
            }
            if self.in_flight.len() >= self.setting.limits.max_in_flight.get() as usize {
                return;
            }
            // A grain of sand against what adding up fractions loses.
            if tokens < 1.0 - 1e-6 {
                let wait = ((1.0 - tokens) / self.setting.limits.requests_per_second * 1000.0).ceil();
                return self.look_at(self.now + (wait as Ms).max(1));
            }
            (self.tokens, self.tokens_at) = (tokens - 1.0, self.now);
            let order = self.planner.send(now, tokens).expect("what was announced is sent");
            self.send(order);
        }
    }

    fn send(&mut self, Order { id, request, timeout }: Order) {
        let mishap = self.setting.mishaps.get(self.story.requests.len()).copied().flatten();
        self.story.requests.push((self.now, request.clone()));
        let latency = if matches!(request, Request::Page(PageRequest { hostname: None, .. })) {
            self.setting.page_ms
        } else {
            self.setting.single_ms
        };
        let name = || "GET".into();
        let (took, result) = match mishap {
            None => match self.reply(&request) {
                Ok(Reply::Page(page)) if page.devices.len() > self.setting.largest_in_time as usize => {
                    let took = u64::try_from(timeout.as_millis()).unwrap();
                    (took, Err(Error::Timeout { request: name(), after: timeout }))
                }
                reply => (latency, reply),
            },
            Some(Mishap::Timeout) => {
                (u64::try_from(timeout.as_millis()).unwrap(), Err(Error::Timeout { request: name(), after: timeout }))
            }
            Some(Mishap::ServerError) => {
                (latency, Err(Error::Server { request: name(), status: 502, said: "".into(), retry_after: None }))
            }
            Some(Mishap::CutOff) => (latency, Err(Error::CutOff { request: name(), reason: "".into() })),
            Some(Mishap::Unreachable) => (1, Err(Error::Unreachable { request: name(), reason: "".into() })),
            Some(Mishap::Unauthorized) => (latency, Err(Error::Unauthorized { request: name(), said: "".into() })),
            Some(Mishap::RateLimited) => {
                self.closed_until = self.now + 5_000;
                (latency, Err(Error::RateLimited { request: name(), retry_after: None }))
            }
        };
        self.in_flight.insert(id, result);
        self.at(self.now + took, Event::Ended(id));
    }

    fn end(&mut self, id: RequestId) {
        let result = self.in_flight.remove(&id).unwrap();
        let jitter = (self.order % 10) as f64 / 10.0;
        self.planner.ended(id, result, self.instant(self.now), jitter);
    }

    /// What the API says now. The plan of a device tells when it was asked for.
    fn reply(&self, request: &Request) -> Result<Reply, Error> {
        // The newest first, as the API lists them.
        let mut alive: Vec<&Life> =
            self.setting.lives.iter().filter(|life| life.born <= self.now && self.now < life.dies).collect();
        alive.sort_by_key(|life| Reverse((life.born, &life.id)));
        let device = |life: &Life| {
            Arc::new(Device { plan: Some(self.now.to_string().into()), ..Device::named(&life.id, &life.hostname) })
        };
        match request {
            Request::Device(id) => match alive.iter().find(|life| life.id == id.as_str()) {
                Some(life) => Ok(Reply::Device(device(life))),
                None => Err(Error::NotFound { request: "GET".into(), said: "Not found".into() }),
            },
            Request::Page(PageRequest { hostname, number, size }) => {
                let size = (*size).min(self.setting.most_per_page);
                let matches = |life: &&&Life| hostname.as_ref().is_none_or(|h| life.hostname.contains(h.as_str()));
                let listed: Vec<&Life> = alive.iter().filter(matches).copied().collect();
                let (total, from) = (listed.len(), ((number - 1) * size) as usize);
                let shown = listed.iter().skip(from).take(size as usize);
                if shown.clone().any(|life| Some(&life.id) == self.setting.cannot_be_shown.as_ref()) {
                    return Err(Error::Server {
                        request: "GET".into(),
                        status: 500,
                        said: "".into(),
                        retry_after: None,
                    });
                }
                let devices = shown.map(|life| device(life)).collect();
                let last = total.div_ceil(size as usize);
                let meta = serde_json::json!({"total": total, "current_page": number, "last_page": last});
                let meta = serde_json::from_value(meta).unwrap();
                Ok(Reply::Page(DevicePage { devices, spoiled: Vec::new(), meta }))
            }
            Request::Plain(Plain::Project) => Ok(Reply::Plain(PlainReply::Project("p".into()))),
            Request::Plain(Plain::Facilities) => Ok(Reply::Plain(PlainReply::Facilities(Arc::new([])))),
            Request::Plain(Plain::Metros) => Ok(Reply::Plain(PlainReply::Metros(Arc::new([])))),
        }
    }
}

impl Story {
    /// When the last question was answered.
    pub(super) fn finished(&self) -> Ms {
        self.answers.iter().flatten().map(|answered| answered.at).max().unwrap_or(0)
    }
}

impl Setting {
    /// What is wrong with an answer, if anything is.
    pub(super) fn fault(&self, asking: &Asking, answered: &Answered) -> Option<String> {
        let not_before = asking.at.saturating_sub(asking.max_age);
        let named = |life: &&Life| match &asking.question {
            Question::ById(id) => life.id == id.as_str(),
            Question::ByHostname(hostname) => life.hostname == hostname.as_str(),
        };
        let always_there = |life: &&Life| life.born <= not_before && answered.at < life.dies;
        let there: Vec<&Life> = self.lives.iter().filter(named).filter(always_there).collect();
        match &answered.answer {
            Ok(device) => {
                let asked_at: Ms = device.plan.as_ref().unwrap().parse().unwrap();
                if asked_at < not_before {
                    return Some(format!("is of {asked_at} ms, and was to be of {not_before} ms or later"));
                }
                let is_it = |life: &Life| life.id == device.id.as_str() && life.hostname == device.hostname.as_str();
                if !self.lives.iter().filter(named).any(is_it) {
                    return Some("is about something else".to_owned());
                }
                let others = there.iter().filter(|life| life.id != device.id.as_str()).count();
                (others > 0).then(|| "is a guess between devices of one hostname".to_owned())
            }
            Err(LookupError::NoSuchId(_) | LookupError::NoSuchHostname(_)) => {
                (!there.is_empty()).then(|| "denies a device that was there all the time".to_owned())
            }
            Err(LookupError::Ambiguous { ids, .. }) => {
                let all_are_its = ids.iter().all(|id| self.lives.iter().filter(named).any(|l| l.id == id.as_str()));
                (ids.len() < 2 || !all_are_its).then(|| "names devices that are not of the hostname".to_owned())
            }
            Err(LookupError::Malformed { .. }) => Some("finds fault with a device that has none".to_owned()),
            Err(LookupError::Api(_)) => None,
        }
    }
}

/// So many devices that are always there: `dN` of the hostname `node-N`.
pub(super) fn fleet(count: u32) -> Vec<Life> {
    let life = |n: u32| Life { id: format!("d{n}"), hostname: format!("node-{n}"), born: 0, dies: Ms::MAX };
    (0..count).map(life).collect()
}

pub(super) fn by_hostname(n: u32) -> Question {
    Question::ByHostname(Hostname::new(&format!("node-{n}")))
}

pub(super) fn by_id(n: u32) -> Question {
    Question::ById(DeviceId::parse(&format!("d{n}")).unwrap())
}
