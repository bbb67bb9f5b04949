//! What follows from the end of a request: answers, further requests, or another attempt.

use std::time::Duration;

use tokio::time::Instant;

use super::health::About;
use super::listing::{Part, Progress, Reading};
use super::queue::{Entry, Subject, Ticket};
use super::{InFlight, Numbered, Outcome, Planner, Purpose, RequestId, TOO_LARGE_FOR, sizes};
use crate::packet::error::Error;
use crate::packet::identity::{DeviceId, Hostname};
use crate::packet::inventory::{Finding, Inventory};
use crate::packet::lookup::{Answer, LookupError, Question};
use crate::packet::request::{Plain, PlainReply, Reply};

/// How often a request for one device, or for something else by itself, is sent before whoever waits is told of its failure,
/// and then asks again later. Lists count for themselves.
const ATTEMPTS: u32 = 4;
/// The wait after a question's first failure; it doubles from there.
const FIRST_REST: Duration = Duration::from_millis(250);
/// How long questions are asked by themselves after lists have failed twice to answer them. Then another list is tried, for
/// it costs less, and devices may have stopped to come and go.
const ALONE_FOR: Duration = Duration::from_secs(15);

/// When a request went out and when it ended, and a number from 0 to 1 that spreads what is to be waited for now.
#[derive(Debug, Clone, Copy)]
struct End {
    sent: Instant,
    now: Instant,
    jitter: f64,
}

impl End {
    /// Until when something rests that has failed so often.
    fn rest(self, failures: u32) -> Instant {
        let rest = FIRST_REST.saturating_mul(1 << failures.saturating_sub(1).min(8));
        self.now + rest.mul_f64(1.0 - self.jitter.clamp(0.0, 1.0) / 2.0)
    }
}

impl Planner {
    /// A request has ended. `jitter` is any number from 0 to 1, to be drawn anew each time.
    pub fn ended(&mut self, id: RequestId, result: Result<Reply, Error>, now: Instant, jitter: f64) {
        let Some(InFlight { sent, purpose }) = self.in_flight.remove(&id) else { return };
        let end = End { sent, now, jitter };
        self.measure(&purpose, result.as_ref(), end);
        match (purpose, result) {
            (Purpose::Device(id), result) => self.device_ended(id, result, end),
            (Purpose::Plain(what), Ok(Reply::Plain(reply))) => self.plain_ended(what, &Ok(reply), sent),
            (Purpose::Plain(what), result) => {
                let error = result.err().unwrap_or_else(no_such_reply);
                if !self.is_tried_again(&Subject::Plain(what), &error, end) {
                    self.plain_ended(what, &Err(error), now);
                }
            }
            (Purpose::Named { hostname, number, part }, result) => {
                self.named_ended(&hostname, number, part, result, end);
            }
            (Purpose::Sweep { number, part }, result) => self.sweep_page_ended(number, part, result, end),
        }
    }

    /// Learns from how a request ended how the API is and how long it takes.
    fn measure(&mut self, purpose: &Purpose, result: Result<&Reply, &Error>, end: End) {
        let End { sent, now, jitter } = end;
        let took = now.saturating_duration_since(sent);
        let about = if let Purpose::Device(id) = purpose { About::Device(id) } else { About::Others };
        match result {
            Ok(_) => self.health.succeeded(),
            Err(error) => self.health.failed(about, error, sent, now, jitter),
        }
        // A time-out tells how long it takes at least.
        if matches!(result, Ok(_) | Err(Error::Timeout { .. })) {
            match purpose {
                Purpose::Device(_) | Purpose::Named { .. } => self.single.measured(took),
                Purpose::Sweep { .. } => self.page.measured(took),
                Purpose::Plain(_) => {}
            }
        }
    }

    fn device_ended(&mut self, id: DeviceId, result: Result<Reply, Error>, end: End) {
        let question = Question::ById(id.clone());
        let answer = match result {
            // An old answer's short id is the beginning of today's.
            Ok(Reply::Device(device)) if device.id.as_str().starts_with(id.as_str()) => Ok(device),
            Ok(Reply::Device(device)) => Err(LookupError::Malformed {
                device: id.as_str().into(),
                field: "id".into(),
                reason: format!("the answer is about the device {}", device.id).into(),
            }),
            Ok(_) => Err(LookupError::Api(no_such_reply())),
            Err(Error::NotFound { .. }) => {
                self.outcomes.push(Outcome::Absent(question.clone(), end.sent));
                Err(LookupError::NoSuchId(id))
            }
            Err(Error::Shape { field, reason, .. }) => {
                Err(LookupError::Malformed { device: id.as_str().into(), field, reason })
            }
            Err(error) => {
                let subject = Subject::Device(question.clone());
                if self.is_tried_again(&subject, &error, end) {
                    return;
                }
                // That it cannot be asked now is as good an answer to a question that was put meanwhile.
                return self.answer(&question, &Err(LookupError::Api(error)), end.now);
            }
        };
        self.answer(&question, &answer, end.sent);
    }

    fn named_ended(&mut self, hostname: &Hostname, number: u64, part: Part, result: Result<Reply, Error>, end: End) {
        let named = self.named.get_mut(hostname).filter(|named| named.number == number);
        let Some(Numbered { listing, .. }) = named else { return };
        let progress = match result {
            Ok(Reply::Page(page)) => listing.came(part, page),
            Ok(_) => Progress::Failed(no_such_reply()),
            Err(error) if self.health.is_given_up() => Progress::Failed(error),
            Err(error) => listing.failed(part, error, |failures| end.rest(failures)),
        };
        let question = Question::ByHostname(hostname.clone());
        match progress {
            Progress::UnderWay => {}
            Progress::Read(reading) => {
                self.named.remove(hostname);
                self.settle(&question, &reading, end.now, |flaw| Some(Err(LookupError::Api(flaw.clone()))));
                self.listed(reading, Outcome::Named);
            }
            Progress::Failed(error) => {
                self.named.remove(hostname);
                // The list has tried each of its pages several times.
                self.answer(&question, &Err(LookupError::Api(error)), end.now);
            }
        }
    }

    fn sweep_page_ended(&mut self, number: u64, part: Part, result: Result<Reply, Error>, end: End) {
        // What shows a device answers whoever asks for its id, whatever becomes of the rest of the list.
        if let Ok(Reply::Page(page)) = &result {
            for device in &page.devices {
                let answered =
                    self.queue.answer_by_the_way(&Subject::Device(Question::ById(device.id.clone())), end.sent);
                self.hand_out(answered, &Ok(device.clone()));
            }
        }
        let Some(mut sweep) = self.sweep.take_if(|sweep| sweep.number == number) else { return };
        let timed_out = matches!(result, Err(Error::Timeout { .. } | Error::TooLarge { .. }));
        let progress = match result {
            Ok(Reply::Page(page)) => sweep.listing.came(part, page),
            Ok(_) => Progress::Failed(no_such_reply()),
            Err(error) if self.health.is_given_up() => Progress::Failed(error),
            Err(error) => sweep.listing.failed(part, error, |failures| end.rest(failures)),
        };
        if timed_out {
            self.size = self.size.min(sizes::smaller(part.size));
        }
        match progress {
            Progress::UnderWay => {
                let took = end.now.saturating_duration_since(end.sent);
                if let Some(size) = sweep.listing.better_size(took, self.limits.requests_per_second) {
                    sweep.listing.resize(size);
                }
                // Pages that would answer nobody are not asked for.
                if self.covers_anything(sweep.listing.started(), end.now) {
                    self.sweep = Some(sweep);
                }
            }
            Progress::Read(reading) => self.swept(reading, end.now),
            Progress::Failed(error) => {
                for question in self.covered(sweep.listing.started(), end.now) {
                    self.answer(&question, &Err(LookupError::Api(error.clone())), end.now);
                }
            }
        }
    }

    /// A sweep has been read: answers everything that it can answer.
    fn swept(&mut self, reading: Reading, now: Instant) {
        self.pages = reading.pages.max(1) as usize;
        self.size = reading.size;
        if let Some(size) = reading.too_large
            && self.too_large.is_none_or(|(known, since)| size < known || now >= since + TOO_LARGE_FOR)
        {
            self.too_large = Some((size, now));
        }
        self.spent_on_singles = 0;
        self.flawed_sweeps = if reading.flaw.is_some() { self.flawed_sweeps + 1 } else { 0 };
        let questions = self.covered(reading.started, now);
        // What a list that may have missed devices leaves open is asked by itself, unless there is so much of it that
        // another sweep does better; but an API that never shows all of its list must not keep everyone waiting.
        let by_itself = questions.len() <= self.pages || self.flawed_sweeps > 1;
        for question in questions {
            self.settle(&question, &reading, now, |flaw| (!by_itself).then(|| Err(LookupError::Api(flaw.clone()))));
        }
        self.listed(reading, Outcome::Swept);
    }

    /// Hands on what a list showed; `whole` says what a whole one is.
    fn listed(&mut self, reading: Reading, whole: fn(Inventory, Instant) -> Outcome) {
        let Reading { inventory, started, flaw, .. } = reading;
        let outcome = if flaw.is_none() { whole } else { Outcome::Shown };
        self.outcomes.push(outcome(inventory, started));
    }

    /// Whether a list asked for at that time can answer anything that waits.
    fn covers_anything(&self, asked_at: Instant, now: Instant) -> bool {
        let is_covered = |entry: &Entry| entry.waits() && entry.is_for_lists(now) && entry.is_content_with(asked_at);
        self.queue.iter().any(|(_, entry)| is_covered(entry))
    }

    /// The questions that wait and that a list asked for at that time can answer.
    fn covered(&self, asked_at: Instant, now: Instant) -> Vec<Question> {
        let covered = self.queue.iter().filter_map(|(subject, entry)| match subject {
            Subject::Device(question)
                if entry.waits() && entry.is_for_lists(now) && entry.is_content_with(asked_at) =>
            {
                Some((entry.turn(), question.clone()))
            }
            _ => None,
        });
        let mut covered: Vec<_> = covered.collect();
        covered.sort_by_key(|(turn, _)| *turn);
        covered.into_iter().map(|(_, question)| question).collect()
    }

    /// Answers a question from a list, or leaves it to a request of its own. `flawed` answers what a list that may have missed
    /// devices leaves open.
    fn settle(
        &mut self,
        question: &Question,
        reading: &Reading,
        now: Instant,
        flawed: impl FnOnce(&Error) -> Option<Answer>,
    ) {
        let Reading { inventory, started, flaw, .. } = reading;
        let answer = match (inventory.find(question), question, flaw) {
            (Finding::Found(device), Question::ById(_), _)
            | (Finding::Found(device), Question::ByHostname(_), None) => Some(Ok(device)),
            (Finding::Ambiguous(ids), Question::ByHostname(hostname), _) => {
                Some(Err(LookupError::Ambiguous { hostname: hostname.clone(), ids }))
            }
            (Finding::Spoiled(spoiled), _, _) => Some(Err(LookupError::Malformed {
                device: question.name().into(),
                field: spoiled.field.clone(),
                reason: spoiled.reason.clone(),
            })),
            // A second device of the hostname may be among those that were missed.
            (Finding::Found(_) | Finding::NotShown, Question::ByHostname(_), Some(flaw)) => flawed(flaw),
            (Finding::NotShown, Question::ByHostname(hostname), None) => {
                self.outcomes.push(Outcome::Absent(question.clone(), *started));
                Some(Err(LookupError::NoSuchHostname(hostname.clone())))
            }
            // It may be another project's.
            (Finding::NotShown | Finding::Ambiguous(_), Question::ById(_), _) => None,
        };
        match answer {
            Some(answer) => self.answer(question, &answer, *started),
            None => self.queue.put_back(&Subject::Device(question.clone()), |entry| match question {
                Question::ById(_) => entry.alone = true,
                Question::ByHostname(_) => entry.alone_until = Some(now + ALONE_FOR),
            }),
        }
    }

    /// Whether a question whose own request failed is asked again, rather than answered with the failure.
    fn is_tried_again(&mut self, subject: &Subject, error: &Error, end: End) -> bool {
        let given_up = self.health.is_given_up();
        let mut again = false;
        self.queue.put_back(subject, |entry| {
            entry.failures += 1;
            again = error.is_passing() && entry.failures < ATTEMPTS && !given_up;
            entry.rests_until = again.then(|| end.rest(entry.failures));
        });
        again
    }

    fn answer(&mut self, question: &Question, answer: &Answer, asked_at: Instant) {
        let answered = self.queue.answer(&Subject::Device(question.clone()), asked_at);
        self.hand_out(answered, answer);
    }

    fn hand_out(&mut self, answered: Vec<Ticket>, answer: &Answer) {
        self.outcomes.extend(answered.into_iter().map(|ticket| Outcome::Answered(ticket, answer.clone())));
    }

    fn plain_ended(&mut self, what: Plain, result: &Result<PlainReply, Error>, asked_at: Instant) {
        let answered = self.queue.answer(&Subject::Plain(what), asked_at);
        self.outcomes.extend(answered.into_iter().map(|ticket| Outcome::Plain(ticket, result.clone())));
    }
}

/// A client that answers a request with the reply of another is broken, and so is what it says.
fn no_such_reply() -> Error {
    Error::Unexpected { request: "GET".into(), status: 200, said: "the reply to another request".into() }
}
