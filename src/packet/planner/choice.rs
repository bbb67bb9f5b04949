//! The choice of the next request: a single one, a page of a sweep, or the first of a new sweep.

use tokio::time::Instant;

use super::Planner;
use super::listing::Listing;
use super::queue::{Entry, Subject};
use super::reckoning::Reckoning;
use super::survey::{First, Plan, Survey, Turn};
use crate::packet::identity::Hostname;
use crate::packet::lookup::Question;

/// What goes out next.
#[derive(Debug)]
pub(super) enum Choice {
    /// A question's own request.
    Single(Subject),
    /// One more page of a question's own list.
    NamedPage(Hostname),
    /// One more page of the sweep.
    SweepPage,
    /// The first page of a new sweep.
    NewSweep,
    /// This question's own request, as the first of all: the sweep has turned out to be the dearer way.
    InsteadOfSweep(Subject),
}

impl Planner {
    /// Which request goes out next, if any.
    pub(super) fn choose(&self, now: Instant, tokens: f64) -> Option<Choice> {
        if self.health.held(now).is_some() || (self.health.is_probing() && !self.in_flight.is_empty()) {
            return None;
        }
        let survey = if self.gathering_until.is_some_and(|until| now < until) {
            Survey::default()
        } else {
            Survey::of(&self.queue, self.sweep.as_ref().map(|sweep| sweep.listing.started()), now)
        };
        let reckoning = Reckoning::new(self.limits, tokens, self.spent_on_singles, self.single, self.page);
        match &self.sweep {
            Some(sweep) => self.choose_beside(&sweep.listing, &survey, &reckoning, now),
            None => self.choose_freely(&survey, &reckoning, now),
        }
    }

    /// What goes out next while no sweep is under way.
    fn choose_freely(&self, survey: &Survey<'_>, reckoning: &Reckoning, now: Instant) -> Option<Choice> {
        match survey.plan(reckoning, self.pages) {
            Some(Plan::Singles(turn, first)) => self.first_single([survey.alone.first, Some((turn, first))], now),
            Some(Plan::Sweep(begin)) => match self.first_single([survey.alone.first], now) {
                Some((turn, single)) if turn < begin => Some((turn, single)),
                _ => Some((begin, Choice::NewSweep)),
            },
            None => self.first_single([survey.alone.first], now),
        }
        .map(|(_, choice)| choice)
    }

    /// What goes out next while a sweep is under way. What it will answer may still be answered sooner by itself; what it
    /// cannot answer would have to wait for another one.
    fn choose_beside(
        &self,
        sweep: &Listing,
        survey: &Survey<'_>,
        reckoning: &Reckoning,
        now: Instant,
    ) -> Option<Choice> {
        let singles = |count: usize| reckoning.singles(count) + reckoning.price(count);
        let remaining = sweep.remaining();
        let rest = reckoning.rest_of_sweep(remaining);
        if let Some((_, first)) = survey.covered.first
            && sweep.has_only_begun()
            && reckoning.cost_of_singles(survey.covered.all) < rest + reckoning.price(remaining)
        {
            return Some(Choice::InsteadOfSweep(first.clone()));
        }
        // Single requests and pages take turns, so that pages go out between the single requests.
        let turns = reckoning.rest_of_sweep(survey.covered.urgent.saturating_sub(1));
        let covered = survey.covered.first_urgent().filter(|_| singles(survey.covered.urgent) + turns < rest);
        let another = rest + reckoning.cost_of_sweep(self.pages);
        let open = survey.open.first_urgent().filter(|_| singles(survey.open.urgent) < another);
        let single = self.first_single([survey.alone.first, covered, open], now);
        let sweep_is_urgent = survey.covered.urgent > 0;
        match (single, sweep.is_ready(now)) {
            (Some(((due, _), single)), true) => Some(match (due <= now, sweep_is_urgent) {
                (true, false) => single,
                (false, true) => Choice::SweepPage,
                _ if self.overtook => Choice::SweepPage,
                _ => single,
            }),
            (Some((_, single)), false) => Some(single),
            (None, page) => page.then_some(Choice::SweepPage),
        }
    }

    /// The single request whose turn is first: one of these, or the next page of a list of a hostname.
    fn first_single<const N: usize>(&self, singles: [First<'_>; N], now: Instant) -> Option<(Turn, Choice)> {
        let pages = self.named.iter().filter(|(_, named)| named.listing.is_ready(now));
        let pages = pages.map(|(hostname, named)| {
            let entry = self.queue.get(&Subject::Device(Question::ByHostname(hostname.clone())));
            let turn = entry.map_or((named.listing.started(), 0), Entry::turn);
            (turn, Choice::NamedPage(hostname.clone()))
        });
        let singles = singles.into_iter().flatten().map(|(turn, subject)| (turn, Choice::Single(subject.clone())));
        pages.chain(singles).min_by_key(|(turn, _)| *turn)
    }
}
