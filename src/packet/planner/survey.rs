//! The open questions at one moment, counted by what could answer them.

use tokio::time::Instant;

use super::queue::{Entry, Queue, Subject};
use super::reckoning::Reckoning;

/// When a question's turn is: the earlier goes first.
pub(super) type Turn = (Instant, u64);

/// A question that could be asked now, and its turn.
pub(super) type First<'a> = Option<(Turn, &'a Subject)>;

/// Questions of one kind.
#[derive(Debug, Default)]
pub(super) struct Group<'a> {
    pub(super) all: usize,
    /// The one whose turn is first.
    pub(super) first: First<'a>,
    /// How many of them are urgent. Turns are by urgency, so that the first of all is the first of these, too.
    pub(super) urgent: usize,
}

impl<'a> Group<'a> {
    fn add(&mut self, subject: &'a Subject, entry: &Entry, now: Instant) {
        self.all += 1;
        self.urgent += usize::from(entry.due <= now);
        if self.first.is_none_or(|(turn, _)| entry.turn() < turn) {
            self.first = Some((entry.turn(), subject));
        }
    }

    /// The urgent one whose turn is first.
    pub(super) fn first_urgent(&self) -> First<'a> {
        self.first.filter(|_| self.urgent > 0)
    }
}

/// The questions that wait for a request and do not rest.
#[derive(Debug, Default)]
pub(super) struct Survey<'a> {
    /// Those that only a request of their own can answer.
    pub(super) alone: Group<'a>,
    /// Those that the sweep under way will answer.
    pub(super) covered: Group<'a>,
    /// The others, which a new sweep could answer.
    pub(super) open: Group<'a>,
}

/// How to answer what is open.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Plan<'a> {
    /// One by one, this first.
    Singles(Turn, &'a Subject),
    /// All at once, as urgently as the first of them is.
    Sweep(Turn),
}

impl<'a> Survey<'a> {
    /// The questions of `queue`, while a sweep is under way that was begun at `sweep_started`.
    pub(super) fn of(queue: &'a Queue, sweep_started: Option<Instant>, now: Instant) -> Self {
        let mut survey = Self::default();
        let ready = |entry: &Entry| entry.waits() && entry.rests_until.is_none_or(|until| until <= now);
        for (subject, entry) in queue.iter().filter(|(_, entry)| ready(entry)) {
            let group = if !entry.is_for_lists(now) {
                &mut survey.alone
            } else if sweep_started.is_some_and(|started| entry.is_content_with(started)) {
                &mut survey.covered
            } else {
                &mut survey.open
            };
            group.add(subject, entry, now);
        }
        survey
    }

    /// How to answer what is open while no sweep is under way; the list has so many pages.
    pub(super) fn plan(&self, reckoning: &Reckoning, pages: usize) -> Option<Plan<'a>> {
        let (turn, first) = self.open.first?;
        let singles = |count: usize| reckoning.cost_of_singles(count);
        let sweep = reckoning.cost_of_sweep(pages);
        let all_by_sweep = singles(self.open.all) > sweep;
        let by_sweep = if self.open.urgent == 0 {
            all_by_sweep
        } else if all_by_sweep && self.open.urgent < self.open.all {
            // The others will have their sweep anyway, so that it costs the urgent ones nothing but time.
            reckoning.singles(self.open.urgent) + reckoning.price(self.open.urgent) > reckoning.sweep(pages)
        } else {
            singles(self.open.urgent) > sweep
        };
        Some(if by_sweep { Plan::Sweep(turn) } else { Plan::Singles(turn, first) })
    }
}
