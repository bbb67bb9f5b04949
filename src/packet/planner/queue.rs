//! The questions that are open, and who waits for their answers.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use crate::packet::lookup::{Question, Urgency};
use crate::packet::request::Plain;

/// How long a periodic question lets urgent ones go before it. After that it is as urgent as they are, and older.
const PATIENCE: Duration = Duration::from_secs(30);

/// Tells one asking from all others.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket(u64);

/// What is asked.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Subject {
    Device(Question),
    Plain(Plain),
}

/// Somebody who waits for an answer that the API was asked for at `not_before` or later.
#[derive(Debug)]
struct Waiter {
    ticket: Ticket,
    not_before: Option<Instant>,
}

/// An open question.
#[derive(Debug)]
pub(super) struct Entry {
    waiters: Vec<Waiter>,
    /// From when on it is urgent. The earlier, the sooner its turn.
    pub(super) due: Instant,
    /// Which came first, of several that are due at once.
    order: u64,
    /// The moment before which the API must not have been asked, for an answer that suits everyone who waits.
    pub(super) not_before: Option<Instant>,
    /// Whether a request of its own is on its way or has pages to come.
    pub(super) is_asked: bool,
    /// Whether only a request of its own can answer it.
    pub(super) alone: bool,
    /// Until when it is asked by itself, lists having failed to answer it.
    pub(super) alone_until: Option<Instant>,
    /// How often a request of its own has failed.
    pub(super) failures: u32,
    /// Not to be asked before then.
    pub(super) rests_until: Option<Instant>,
}

impl Entry {
    /// Whether a list could answer it.
    pub(super) fn is_for_lists(&self, now: Instant) -> bool {
        !self.alone && self.alone_until.is_none_or(|until| until <= now)
    }

    /// Whether it waits for somebody to ask it.
    pub(super) fn waits(&self) -> bool {
        !self.is_asked
    }

    /// Whether an answer that was asked for at `moment` suits everyone who waits.
    pub(super) fn is_content_with(&self, moment: Instant) -> bool {
        self.not_before.is_none_or(|not_before| moment >= not_before)
    }

    /// Which of two goes first.
    pub(super) fn turn(&self) -> (Instant, u64) {
        (self.due, self.order)
    }
}

/// All open questions.
#[derive(Debug, Default)]
pub(super) struct Queue {
    entries: HashMap<Subject, Entry>,
    tickets: u64,
    waiting: usize,
}

impl Queue {
    /// Takes in a question. The same question twice is one entry.
    pub(super) fn ask(
        &mut self,
        subject: Subject,
        not_before: Option<Instant>,
        urgency: Urgency,
        now: Instant,
    ) -> Ticket {
        self.tickets += 1;
        let ticket = Ticket(self.tickets);
        let due = match urgency {
            Urgency::Urgent => now,
            Urgency::Periodic => now + PATIENCE,
        };
        let alone = matches!(subject, Subject::Plain(_));
        let waiting = &mut self.waiting;
        let entry = self.entries.entry(subject).or_insert_with(|| {
            *waiting += 1;
            Entry {
                waiters: Vec::with_capacity(1),
                due,
                order: ticket.0,
                not_before,
                is_asked: false,
                alone,
                alone_until: None,
                failures: 0,
                rests_until: None,
            }
        });
        entry.waiters.push(Waiter { ticket, not_before });
        entry.due = entry.due.min(due);
        entry.not_before = entry.not_before.max(not_before);
        ticket
    }

    /// How many questions wait to be asked.
    pub(super) fn waiting(&self) -> usize {
        self.waiting
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&Subject, &Entry)> {
        self.entries.iter()
    }

    pub(super) fn get(&self, subject: &Subject) -> Option<&Entry> {
        self.entries.get(subject)
    }

    /// A request of the question's own goes out.
    pub(super) fn asked(&mut self, subject: &Subject) {
        if let Some(entry) = self.entries.get_mut(subject)
            && !std::mem::replace(&mut entry.is_asked, true)
        {
            self.waiting -= 1;
        }
    }

    /// The question waits again, with what is known of it now.
    pub(super) fn put_back(&mut self, subject: &Subject, change: impl FnOnce(&mut Entry)) {
        if let Some(entry) = self.entries.get_mut(subject) {
            if std::mem::replace(&mut entry.is_asked, false) {
                self.waiting += 1;
            }
            change(entry);
        }
    }

    /// Takes out everyone who is content with an answer that was asked for at `asked_at`, by the question's own request. For
    /// the others it stays open, to be asked anew.
    pub(super) fn answer(&mut self, subject: &Subject, asked_at: Instant) -> Vec<Ticket> {
        let answered = self.answer_by_the_way(subject, asked_at);
        let alone = matches!(subject, Subject::Plain(_));
        self.put_back(subject, |entry| {
            (entry.alone, entry.alone_until, entry.failures, entry.rests_until) = (alone, None, 0, None);
        });
        answered
    }

    /// The same with an answer that came of something else. Of a request of its own that may be on its way nothing changes.
    pub(super) fn answer_by_the_way(&mut self, subject: &Subject, asked_at: Instant) -> Vec<Ticket> {
        let Some(entry) = self.entries.get_mut(subject) else { return Vec::new() };
        let content = |waiter: &mut Waiter| waiter.not_before.is_none_or(|not_before| asked_at >= not_before);
        let answered: Vec<Ticket> = entry.waiters.extract_if(.., content).map(|waiter| waiter.ticket).collect();
        if entry.waiters.is_empty() {
            self.waiting -= usize::from(entry.waits());
            self.entries.remove(subject);
        }
        answered
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::packet::Hostname;

    fn subject() -> Subject {
        Subject::Device(Question::ByHostname(Hostname::new("a")))
    }

    #[test]
    fn a_question_asked_twice_is_one_and_as_urgent_and_fresh_as_the_stricter() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        let first = queue.ask(subject(), None, Urgency::Periodic, now);
        let second = queue.ask(subject(), Some(now), Urgency::Urgent, now);
        assert_eq!(queue.waiting(), 1);
        let entry = queue.get(&subject()).unwrap();
        assert_eq!((entry.due, entry.not_before), (now, Some(now)));
        assert_eq!(queue.answer(&subject(), now), [first, second]);
        assert_eq!((queue.waiting(), queue.iter().count()), (0, 0));
    }

    #[test]
    fn who_wants_a_fresher_answer_than_came_waits_on() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        let later = now + Duration::from_secs(1);
        let content = queue.ask(subject(), Some(now), Urgency::Urgent, now);
        queue.asked(&subject());
        assert_eq!(queue.waiting(), 0);
        let stricter = queue.ask(subject(), Some(later), Urgency::Urgent, later);
        assert_eq!(queue.answer(&subject(), now), [content]);
        assert_eq!(queue.waiting(), 1);
        assert_eq!(queue.answer(&subject(), now), []);
        assert_eq!(queue.answer(&subject(), later), [stricter]);
        assert_eq!(queue.waiting(), 0);
    }

    #[test]
    fn an_answer_by_the_way_leaves_the_questions_own_request_to_those_who_want_it_fresher() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        let stricter = queue.ask(subject(), Some(now), Urgency::Urgent, now);
        queue.asked(&subject());
        assert_eq!(queue.answer_by_the_way(&subject(), now.checked_sub(Duration::from_secs(1)).unwrap()), []);
        assert_eq!(queue.waiting(), 0, "it is not asked a second time");
        assert_eq!(queue.answer(&subject(), now), [stricter]);
    }

    #[test]
    fn a_question_that_lists_failed_to_answer_is_for_lists_again_after_a_while_and_a_plain_one_never() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        let (plain, later) = (Subject::Plain(Plain::Metros), now + Duration::from_secs(1));
        queue.ask(subject(), None, Urgency::Urgent, now);
        queue.ask(plain.clone(), None, Urgency::Urgent, now);
        queue.put_back(&subject(), |entry| entry.alone_until = Some(later));
        let is_for_lists = |subject: &Subject, at: Instant| queue.get(subject).unwrap().is_for_lists(at);
        assert_eq!([now, later].map(|at| is_for_lists(&subject(), at)), [false, true]);
        assert_eq!([now, later].map(|at| is_for_lists(&plain, at)), [false, false]);
    }

    #[test]
    fn a_periodic_question_is_as_urgent_as_any_once_it_has_waited() {
        let (mut queue, now) = (Queue::default(), Instant::now());
        queue.ask(subject(), None, Urgency::Periodic, now);
        let other = Subject::Plain(Plain::Metros);
        let later = now + PATIENCE;
        queue.ask(other.clone(), None, Urgency::Urgent, later);
        assert!(queue.get(&subject()).unwrap().turn() < queue.get(&other).unwrap().turn());
    }
}
