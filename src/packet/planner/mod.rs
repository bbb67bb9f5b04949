//! The request planner: which request to send next, so that everything asked is answered soonest for the least of the
//! budget.
//!
//! A pure state machine: questions, the time, tokens and the ends of requests go in; requests and answers come out. It knows
//! no network, no clock of its own and nobody who waits, but by their tickets.
//!
//! **Single requests or a sweep.** So many questions can be answered by as many single requests, or by one sweep of all
//! pages of the project's list. Each is reckoned by the time at which everything would be answered, from the tokens at hand,
//! the rate, the requests in flight and the latencies measured, plus what its requests are worth: the time the budget takes
//! to gain them again, for what a burst spends on one thing is missing for the next. The scarcer the budget, the more each
//! request answers. The choice is made anew for every request, with what is known by then.
//!
//! **Turns.** Questions that somebody waits for go before those that are asked periodically, until these have waited for
//! half a minute. While a sweep is under way whose pages are as urgent, single requests that would be answered sooner than
//! by it take turns with its pages, so that neither keeps the other out.
//!
//! **Truth.** A question says how old its answer may be at most, and is answered only from requests sent later than that.
//! What a sweep did not show is unknown, not gone: an id is then asked for by itself.

mod choice;
mod ends;
mod health;
mod listing;
mod queue;
mod reckoning;
mod sizes;
mod survey;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod world;

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use self::choice::Choice;
use self::health::Health;
use self::listing::{Listing, Part};
pub use self::queue::Ticket;
use self::queue::{Queue, Subject};
use self::reckoning::Latency;
use super::budget::Limits;
use super::error::Error;
use super::identity::{DeviceId, Hostname};
use super::inventory::Inventory;
use super::lookup::{Answer, Question, Urgency};
use super::request::{PageRequest, Plain, PlainReply, Request};

/// How long the questions of a burst are gathered before the first plan is made. A watch delivers the Nodes of a burst within
/// milliseconds; nobody notices so short a wait.
pub const GATHERING: Duration = Duration::from_millis(20);
/// How long a page may take; large ones of the API take tens of seconds.
const PAGE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long any other answer may take.
const SINGLE_TIMEOUT: Duration = Duration::from_secs(15);
/// How long an answer may take while one request at a time finds out whether the API is back, unless it was slower than that
/// when it was well: one that was swallowed before it came back must not hold up the rest for long.
const PROBE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a size of page that did not come in time is not asked for.
const TOO_LARGE_FOR: Duration = Duration::from_mins(10);
/// How many answers' time a probe may take that are as slow as those before the trouble.
const PROBE_PATIENCE: u32 = 3;

/// Tells one request from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RequestId(u64);

/// A request to be sent now.
#[derive(Debug, PartialEq, Eq)]
pub struct Order {
    /// By which its end is told.
    pub id: RequestId,
    /// What to ask.
    pub request: Request,
    /// How long to wait for the whole answer.
    pub timeout: Duration,
}

/// What is to be done next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// A request could go out now: [`Planner::send`] says which.
    Request,
    /// Nothing before that time, unless something happens.
    At(Instant),
    /// Nothing, until something happens.
    Nothing,
}

/// What comes out of the planner beside requests.
#[derive(Debug)]
pub enum Outcome {
    /// The answer to a question.
    Answered(Ticket, Answer),
    /// What was asked for by itself has come, or not.
    Plain(Ticket, Result<PlainReply, Error>),
    /// The list of all devices was read whole, asked for at that time.
    Swept(Inventory, Instant),
    /// The list of all devices whose hostname contains what was asked for was read whole, asked for at that time.
    Named(Inventory, Instant),
    /// Devices that a list showed that may lack others, asked for at that time.
    Shown(Inventory, Instant),
    /// There is no such device, asked for at that time.
    Absent(Question, Instant),
}

/// The planner.
#[derive(Debug)]
pub struct Planner {
    limits: Limits,
    queue: Queue,
    health: Health,
    /// Questions that come before then are planned together.
    gathering_until: Option<Instant>,
    sweep: Option<Numbered>,
    /// The lists of devices with a hostname that are being read.
    named: HashMap<Hostname, Numbered>,
    in_flight: HashMap<RequestId, InFlight>,
    last_request: u64,
    last_listing: u64,
    /// Whether the last turn was a single request's, with pages of a sweep waiting.
    overtook: bool,
    /// How many pages the list had when it was last read; one where that is not known.
    pages: usize,
    /// The size of page that did well last.
    size: u32,
    /// The size of page that is known not to come in time, and since when.
    too_large: Option<(u32, Instant)>,
    /// Single requests about devices since the last sweep.
    spent_on_singles: usize,
    /// Sweeps in a row that may have missed devices.
    flawed_sweeps: u32,
    single: Latency,
    page: Latency,
    outcomes: Vec<Outcome>,
}

/// A list under way.
#[derive(Debug)]
struct Numbered {
    /// Tells it from those before it, of which pages may still come.
    number: u64,
    listing: Listing,
}

/// A request without an answer yet.
#[derive(Debug)]
struct InFlight {
    sent: Instant,
    purpose: Purpose,
}

#[derive(Debug)]
enum Purpose {
    Device(DeviceId),
    Plain(Plain),
    Sweep { number: u64, part: Part },
    Named { hostname: Hostname, number: u64, part: Part },
}

impl Planner {
    /// A planner for that budget, with nothing to do.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            limits,
            queue: Queue::default(),
            health: Health::default(),
            gathering_until: None,
            sweep: None,
            named: HashMap::new(),
            in_flight: HashMap::new(),
            last_request: 0,
            last_listing: 0,
            overtook: false,
            pages: 1,
            size: sizes::USUAL,
            too_large: None,
            spent_on_singles: 0,
            flawed_sweeps: 0,
            single: Latency::default(),
            page: Latency::default(),
            outcomes: Vec::new(),
        }
    }

    /// Other credentials are used from now on: that those before were refused says nothing any more.
    pub fn credentials_changed(&mut self) {
        self.health = Health::default();
    }

    /// Goes by these limits from now on.
    pub fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// How many questions wait for an answer or to be put.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.iter().count()
    }

    /// Takes in a question. Its answer must have been asked for at `not_before` or later.
    pub fn ask(&mut self, question: Question, not_before: Option<Instant>, urgency: Urgency, now: Instant) -> Ticket {
        self.take_in(Subject::Device(question), not_before, urgency, now)
    }

    /// Takes in a wish for something that is asked for by itself.
    pub fn ask_plain(&mut self, what: Plain, not_before: Option<Instant>, urgency: Urgency, now: Instant) -> Ticket {
        self.take_in(Subject::Plain(what), not_before, urgency, now)
    }

    fn take_in(&mut self, subject: Subject, not_before: Option<Instant>, urgency: Urgency, now: Instant) -> Ticket {
        let was_idle = self.queue.waiting() == 0;
        let ticket = self.queue.ask(subject, not_before, urgency, now);
        if was_idle {
            self.gathering_until = Some(now + GATHERING);
        }
        ticket
    }

    /// What is to be done next, with so many tokens at hand.
    #[must_use]
    pub fn next(&self, now: Instant, tokens: f64) -> Next {
        if let Some(until) = self.health.held(now) {
            return if self.has_work() { Next::At(until) } else { Next::Nothing };
        }
        if self.health.is_probing() && !self.in_flight.is_empty() {
            return Next::Nothing;
        }
        if self.choose(now, tokens).is_some() {
            return Next::Request;
        }
        let questions = self.queue.iter().filter(|(_, entry)| entry.waits()).filter_map(|(_, entry)| entry.rests_until);
        let listings = self.named.values().chain(&self.sweep).filter_map(|list| list.listing.rests_until());
        let resting = questions.chain(listings);
        let gathering = self.gathering_until.filter(|_| self.queue.waiting() > 0);
        resting.chain(gathering).filter(|until| *until > now).min().map_or(Next::Nothing, Next::At)
    }

    /// The request to send now. Whoever asks must send it, and tell its end.
    pub fn send(&mut self, now: Instant, tokens: f64) -> Option<Order> {
        let choice = self.choose(now, tokens)?;
        let (purpose, request) = match choice {
            Choice::Single(subject) => self.begin_single(subject, now)?,
            Choice::InsteadOfSweep(subject) => {
                let listing = self.sweep.take()?.listing;
                self.pages = listing.remaining() + 1;
                self.begin_single(subject, now)?
            }
            Choice::NamedPage(hostname) => {
                let Numbered { number, listing } = self.named.get_mut(&hostname)?;
                let (part, page) = listing.take(now)?;
                (Purpose::Named { hostname, number: *number, part }, Request::Page(page))
            }
            Choice::NewSweep => {
                let too_large = self.too_large.filter(|(_, since)| now < *since + TOO_LARGE_FOR);
                let listing = Listing::new(None, self.size, now).below(too_large.map(|(size, _)| size));
                self.sweep = Some(self.numbered(listing));
                self.sweep_page(now)?
            }
            Choice::SweepPage => self.sweep_page(now)?,
        };
        self.overtook = self.sweep.is_some() && !matches!(purpose, Purpose::Sweep { .. });
        if matches!(purpose, Purpose::Device(_) | Purpose::Named { .. }) {
            let is_rested = tokens >= f64::from(self.limits.burst.get()) - 1.0;
            self.spent_on_singles = if is_rested { 1 } else { self.spent_on_singles + 1 };
        }
        self.last_request += 1;
        let id = RequestId(self.last_request);
        let (usual, timeout) = match request {
            Request::Page(PageRequest { hostname: None, .. }) => (self.page, PAGE_TIMEOUT),
            Request::Page(_) => (self.single, PAGE_TIMEOUT),
            Request::Device(_) | Request::Plain(_) => (self.single, SINGLE_TIMEOUT),
        };
        let timeout = if self.health.is_probing() {
            timeout.min(PROBE_TIMEOUT.max(usual.average() * PROBE_PATIENCE))
        } else {
            timeout
        };
        self.in_flight.insert(id, InFlight { sent: now, purpose });
        Some(Order { id, request, timeout })
    }

    /// Takes out what has come of questions since the last time.
    pub fn outcomes(&mut self) -> Vec<Outcome> {
        std::mem::take(&mut self.outcomes)
    }

    fn has_work(&self) -> bool {
        self.queue.waiting() > 0 || self.sweep.is_some() || !self.named.is_empty()
    }

    fn begin_single(&mut self, subject: Subject, now: Instant) -> Option<(Purpose, Request)> {
        self.queue.asked(&subject);
        Some(match subject {
            Subject::Device(Question::ById(id)) => (Purpose::Device(id.clone()), Request::Device(id)),
            Subject::Device(Question::ByHostname(hostname)) => {
                // Nearly always it is one entry. Where the hostname is part of many others, few requests are better.
                let mut named = self.numbered(Listing::new(Some(hostname.clone()), sizes::LARGEST, now));
                let (part, page) = named.listing.take(now)?;
                let number = named.number;
                self.named.insert(hostname.clone(), named);
                (Purpose::Named { hostname, number, part }, Request::Page(page))
            }
            Subject::Plain(what) => (Purpose::Plain(what), Request::Plain(what)),
        })
    }

    fn numbered(&mut self, listing: Listing) -> Numbered {
        self.last_listing += 1;
        Numbered { number: self.last_listing, listing }
    }

    fn sweep_page(&mut self, now: Instant) -> Option<(Purpose, Request)> {
        let sweep = self.sweep.as_mut()?;
        let (part, page) = sweep.listing.take(now)?;
        Some((Purpose::Sweep { number: sweep.number, part }, Request::Page(page)))
    }
}
