//! What a plan costs: when it would have answered everything, and how much of the budget it would take.

#![expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "requests are counted, and never by the quadrillion"
)]

use std::time::Duration;

use crate::packet::budget::Limits;

/// How long a request takes before one has been measured.
const UNMEASURED: Duration = Duration::from_millis(200);
/// How much the newest answer weighs in the average: a change shows within a few answers, and one slow answer is no change.
const WEIGHT: f64 = 0.2;

/// The average time that one kind of request takes.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Latency(Option<f64>);

impl Latency {
    /// Takes in one more answer.
    pub(super) fn measured(&mut self, took: Duration) {
        let took = took.as_secs_f64();
        self.0 = Some(self.0.map_or(took, |before| before + WEIGHT * (took - before)));
    }

    /// The lower of two, of which this one need not have been measured, or not lately.
    fn at_most(self, other: Self) -> Self {
        match (self.0, other.0) {
            (Some(this), Some(other)) => Self(Some(this.min(other))),
            (this, other) => Self(this.or(other)),
        }
    }

    /// The average.
    pub(super) fn average(self) -> Duration {
        self.0.map_or(UNMEASURED, |seconds| Duration::try_from_secs_f64(seconds).unwrap_or(UNMEASURED))
    }

    /// The average, in seconds.
    fn seconds(self) -> f64 {
        self.0.unwrap_or(UNMEASURED.as_secs_f64())
    }
}

/// What is known of the API and the budget when a plan is made.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reckoning {
    /// Requests per second.
    pub(super) rate: f64,
    /// Requests that may be without an answer at once.
    pub(super) in_flight: f64,
    /// Requests that may go out now.
    pub(super) tokens: f64,
    /// Single requests sent since the last sweep that the budget has not gained again.
    pub(super) spent: usize,
    /// One device, or the devices of one hostname.
    pub(super) single: Latency,
    /// One page of the list.
    pub(super) page: Latency,
}

impl Reckoning {
    /// In how many seconds so many single requests would all be answered.
    pub(super) fn singles(&self, requests: usize) -> f64 {
        self.finish(requests as f64, self.tokens, self.single)
    }

    /// In how many seconds a sweep of so many pages would be read: the first tells of the others, which then go side by side.
    pub(super) fn sweep(&self, pages: usize) -> f64 {
        self.finish(1.0, self.tokens, self.page) + self.rest(pages.saturating_sub(1), (self.tokens - 1.0).max(0.0))
    }

    /// In how many seconds so many more pages would be read.
    pub(super) fn rest_of_sweep(&self, pages: usize) -> f64 {
        self.rest(pages, self.tokens)
    }

    /// What so many requests are worth, in seconds: how long the budget takes to gain them. What a burst spends on one
    /// thing is missing for the next.
    pub(super) fn price(&self, requests: usize) -> f64 {
        requests as f64 / self.rate
    }

    /// What so many single requests cost: the time until they are all answered, and their price. What has been spent on others
    /// since the last sweep is part of it: a sweep would have saved them, and those that trickle in are not to cost more than
    /// it does.
    pub(super) fn cost_of_singles(&self, requests: usize) -> f64 {
        self.singles(requests) + self.price(requests + self.spent)
    }

    /// What a sweep of so many pages costs.
    pub(super) fn cost_of_sweep(&self, pages: usize) -> f64 {
        self.sweep(pages) + self.price(pages)
    }

    fn rest(&self, pages: usize, tokens: f64) -> f64 {
        if pages == 0 { 0.0 } else { self.finish(pages as f64, tokens, self.page) }
    }

    /// The last of so many requests goes out when the budget lets it, and comes back one latency later; and no more than
    /// so many are on their way at once.
    fn finish(&self, requests: f64, tokens: f64, latency: Latency) -> f64 {
        let rounds = (requests / self.in_flight).ceil();
        let last_goes_out = (requests - tokens).max(0.0) / self.rate;
        (last_goes_out + latency.seconds()).max(rounds * latency.seconds())
    }
}

impl Reckoning {
    pub(super) fn new(limits: Limits, tokens: f64, spent: usize, single: Latency, page: Latency) -> Self {
        let missing = f64::from(limits.burst.get()) - tokens;
        Self {
            spent: spent.min(missing.max(0.0) as usize),
            rate: limits.requests_per_second,
            in_flight: f64::from(limits.max_in_flight.get()),
            tokens,
            // One device takes no longer than a page of them, whatever was measured when the API was slower.
            single: single.at_most(page),
            page,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reckoning(rate: f64, tokens: f64, single_ms: u64, page_ms: u64) -> Reckoning {
        let latency = |ms| {
            let mut latency = Latency::default();
            latency.measured(Duration::from_millis(ms));
            latency
        };
        Reckoning { rate, in_flight: 8.0, tokens, spent: 0, single: latency(single_ms), page: latency(page_ms) }
    }

    fn about(seconds: f64, expected: f64) {
        assert!((seconds - expected).abs() < 1e-9, "{seconds} s, expected {expected} s");
    }

    #[test]
    fn requests_wait_for_tokens_and_for_one_another() {
        about(reckoning(10.0, 20.0, 50, 200).singles(8), 0.05);
        about(reckoning(10.0, 20.0, 50, 200).singles(20), 0.15);
        about(reckoning(10.0, 0.0, 50, 200).singles(20), 2.05);
        about(reckoning(10.0, 20.0, 50, 200).sweep(1), 0.2);
        about(reckoning(10.0, 20.0, 50, 200).sweep(9), 0.4);
        about(reckoning(1.0, 0.0, 50, 200).sweep(4), 1.2 + 3.2);
        about(reckoning(1.0, 0.0, 50, 200).rest_of_sweep(0), 0.0);
    }

    #[test]
    fn the_page_about_the_planner_says_from_how_many_questions_on_a_sweep_goes_out() {
        const PAGE: &str = include_str!("../../../docs/explanation/planner.md");
        for (row, page_ms) in [
            ("50 ms, one device or a page", 50),
            ("50 ms for one device, 500 ms for a page", 500),
            ("50 ms for one device, 2 s for a page", 2_000),
        ] {
            let reckoning = reckoning(10.0, 20.0, 50, page_ms);
            let is_dearer =
                |pages, questions: &usize| reckoning.cost_of_singles(*questions) > reckoning.cost_of_sweep(pages);
            let from = [1, 4, 20, 100].map(|pages| (1..1_000).find(|questions| is_dearer(pages, questions)));
            let from = from.map(|from| from.unwrap_or_default().to_string()).join(" | ");
            assert!(PAGE.contains(&format!("| {row} | {from} |")), "{row}: {from}");
        }
    }

    #[test]
    fn one_device_is_reckoned_to_take_no_longer_than_a_page() {
        let number = |n| std::num::NonZeroU32::new(n).unwrap_or(std::num::NonZeroU32::MIN);
        let limits = Limits { requests_per_second: 1000.0, burst: number(20), max_in_flight: number(8) };
        let (mut slow, mut quick) = (Latency::default(), Latency::default());
        slow.measured(Duration::from_secs(2));
        quick.measured(Duration::from_millis(10));
        for single in [Latency::default(), slow] {
            about(Reckoning::new(limits, 20.0, 0, single, quick).singles(1), 0.01);
        }
        about(Reckoning::new(limits, 20.0, 0, quick, slow).singles(1), 0.01);
    }

    #[test]
    fn what_was_spent_on_singles_counts_until_the_budget_has_gained_it_again() {
        let number = |n| std::num::NonZeroU32::new(n).unwrap_or(std::num::NonZeroU32::MIN);
        let limits = Limits { requests_per_second: 10.0, burst: number(20), max_in_flight: number(8) };
        let spent = |tokens| Reckoning::new(limits, tokens, 12, Latency::default(), Latency::default()).spent;
        assert_eq!((spent(0.0), spent(14.5), spent(20.0)), (12, 5, 0));
    }

    #[test]
    fn a_latency_follows_what_is_measured_without_leaping() {
        let mut latency = Latency::default();
        about(latency.seconds(), 0.2);
        latency.measured(Duration::from_secs(1));
        about(latency.seconds(), 1.0);
        latency.measured(Duration::from_secs(2));
        about(latency.seconds(), 1.2);
    }
}
