//! The budget: how many requests the Packet API gets, in all and at once.
//!
//! governor holds the rate and the burst (the generic cell rate algorithm), a semaphore holds the requests in flight,
//! and the API's own word closes the gate for everyone until the time it names.
//!
//! A budget begins with an empty bucket. Nobody knows how much of a burst the process before this one has spent; so in no
//! window of time, whatever restarts fall into it, does the API see more than the rate allows and one burst.

mod allowance;
mod clock;

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use self::allowance::Allowance;
pub use self::allowance::RateLimitWord;
use self::clock::{Moment, TokioClock};

/// The settings of the budget, `rateLimit.*` in the configuration.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Requests per second over any longer time; above 0, may be below 1.
    pub requests_per_second: f64,
    /// Requests that may go out at once after a pause.
    pub burst: NonZeroU32,
    /// Requests without an answer yet, at most.
    pub max_in_flight: NonZeroU32,
}

/// The quota of a rate per second and a burst, of whatever size: governor reckons `period × burst` in 64 bits of
/// nanoseconds, so a period is taken as no longer than leaves room for that, and no shorter than a nanosecond.
#[must_use]
pub fn quota(per_second: f64, burst: NonZeroU32) -> Quota {
    let longest = Duration::from_nanos(u64::MAX / 4 / u64::from(burst.get()));
    let period = Duration::try_from_secs_f64(per_second.recip()).unwrap_or(longest);
    let period = period.clamp(Duration::from_nanos(1), longest);
    // `with_period` is `None` for a zero period only, which `clamp` rules out.
    Quota::with_period(period).unwrap_or_else(|| Quota::per_second(NonZeroU32::MIN)).allow_burst(burst)
}

/// The one gate that every request to the Packet API passes. Clones share it, so that an actor that is started anew goes on
/// where the one before it was.
#[derive(Clone)]
pub struct Budget {
    limits: Limits,
    rate: Arc<RateLimiter<NotKeyed, InMemoryState, TokioClock, StateInformationMiddleware>>,
    in_flight: Arc<Semaphore>,
    state: Arc<Mutex<State>>,
}

struct State {
    allowance: Allowance,
    /// What governor had left in its bucket, and when.
    tokens: (f64, Instant),
}

/// Leave to send one request; held until its answer is read.
#[derive(Debug)]
pub struct Permit {
    _in_flight: OwnedSemaphorePermit,
}

/// Why no request may go out now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotYet {
    /// The rate or the API's word forbids it until then.
    Until(Instant),
    /// So many are without an answer that one has to come first.
    AnAnswer,
}

impl Budget {
    /// A budget of these limits, with nothing saved up for a burst.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let rate = RateLimiter::direct_with_clock(quota(limits.requests_per_second, limits.burst), TokioClock);
        let rate = rate.with_middleware::<StateInformationMiddleware>();
        // A bucket always has room for its own burst, so this cannot fail.
        let _ = rate.check_n(limits.burst);
        Self {
            limits,
            rate: Arc::new(rate),
            in_flight: Arc::new(Semaphore::new(limits.max_in_flight.get() as usize)),
            state: Arc::new(Mutex::new(State { allowance: Allowance::default(), tokens: (0.0, Instant::now()) })),
        }
    }

    /// The settings it was made of.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Takes leave to send one request now. Nothing is spent where that may not be.
    ///
    /// # Errors
    /// When no request may go out now: what to wait for.
    pub fn try_admit(&self) -> Result<Permit, NotYet> {
        let mut state = self.state();
        let now = Instant::now();
        if let Some(until) = state.allowance.closed(now) {
            return Err(NotYet::Until(until));
        }
        let awaited = self.awaited();
        if let Some((0, until)) = state.allowance.left(awaited, now) {
            // What is on its way may tell that there is more.
            return Err(if awaited > 0 { NotYet::AnAnswer } else { NotYet::Until(until) });
        }
        let in_flight = Arc::clone(&self.in_flight).try_acquire_owned().map_err(|_| NotYet::AnAnswer)?;
        match self.rate.check() {
            Ok(snapshot) => {
                state.tokens = (f64::from(snapshot.remaining_burst_capacity()), now);
                Ok(Permit { _in_flight: in_flight })
            }
            Err(not_until) => {
                let Moment(until) = not_until.earliest_possible();
                Err(NotYet::Until(until))
            }
        }
    }

    /// How many requests could go out now, as far as the rate and the API's word are concerned.
    #[must_use]
    pub fn tokens(&self) -> f64 {
        let state = self.state();
        let (tokens, at) = state.tokens;
        let gained = at.elapsed().as_secs_f64() * self.limits.requests_per_second;
        let most = f64::from(self.limits.burst.get());
        let left = state.allowance.left(self.awaited(), Instant::now());
        let left = left.and_then(|(left, _)| u32::try_from(left).ok()).map_or(most, f64::from);
        (tokens + gained).min(most).min(left)
    }

    /// Heeds what the head of an answer said, or that none came. To be told before the permit is given back.
    pub fn heard(&self, word: RateLimitWord) {
        self.state().allowance.heard(word, Instant::now());
    }

    /// How many requests have no answer yet.
    fn awaited(&self) -> u64 {
        (self.limits.max_in_flight.get() as usize - self.in_flight.available_permits()) as u64
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use proptest::prelude::*;
    use tokio::time::{advance, sleep_until};

    fn limits(requests_per_second: f64, burst: u32, max_in_flight: u32) -> Limits {
        Limits {
            requests_per_second,
            burst: NonZeroU32::new(burst).unwrap(),
            max_in_flight: NonZeroU32::new(max_in_flight).unwrap(),
        }
    }

    /// A budget that has been left alone for so long that its burst is there.
    async fn rested(limits: Limits) -> Budget {
        let budget = Budget::new(limits);
        advance(Duration::from_secs_f64(f64::from(limits.burst.get()) / limits.requests_per_second)).await;
        budget
    }

    /// Waits for leave as whoever sends does.
    async fn admit(budget: &Budget) -> Permit {
        loop {
            match budget.try_admit() {
                Ok(permit) => return permit,
                Err(NotYet::Until(until)) => sleep_until(until).await,
                Err(NotYet::AnAnswer) => panic!("nobody holds a permit"),
            }
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_new_budget_has_saved_up_nothing_and_then_gains_by_its_rate() {
        let budget = Budget::new(limits(0.1, 3, 10));
        let begun = Instant::now();
        assert!(matches!(budget.try_admit(), Err(NotYet::Until(_))));
        drop(admit(&budget).await);
        assert_eq!(begun.elapsed().as_secs(), 10);
        drop(admit(&budget).await);
        assert_eq!(begun.elapsed().as_secs(), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn the_burst_goes_out_at_once_and_the_next_waits() {
        let budget = rested(limits(0.1, 3, 10)).await;
        assert!((budget.tokens() - 3.0).abs() < 0.01, "{}", budget.tokens());
        let permits = [budget.try_admit(), budget.try_admit(), budget.try_admit()];
        assert!(permits.iter().all(Result::is_ok));
        assert!(matches!(budget.try_admit(), Err(NotYet::Until(_))));
        assert!(budget.tokens() < 0.01, "{}", budget.tokens());
    }

    #[tokio::test(start_paused = true)]
    async fn a_request_without_an_answer_keeps_its_place() {
        let budget = rested(limits(1000.0, 1000, 1)).await;
        let first = budget.try_admit().unwrap();
        assert_eq!(budget.try_admit().unwrap_err(), NotYet::AnAnswer);
        drop(first);
        assert!(budget.try_admit().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn the_apis_word_closes_the_gate_for_everyone_until_the_time_it_names() {
        let budget = rested(limits(1000.0, 1000, 10)).await;
        let asked = Instant::now();
        let word = RateLimitWord { refused: true, ..RateLimitWord::default() };
        budget.heard(RateLimitWord { retry_after: Some(Duration::from_secs(30)), ..word });
        drop(admit(&budget.clone()).await);
        assert_eq!(asked.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn what_the_api_says_remains_is_less_what_is_still_on_its_way() {
        let budget = rested(limits(1000.0, 1000, 10)).await;
        let (answered, on_its_way) = (budget.try_admit().unwrap(), budget.try_admit().unwrap());
        let reset = Some(Duration::from_mins(1));
        budget.heard(RateLimitWord { remaining: Some(2), reset, ..RateLimitWord::default() });
        drop(answered);
        assert!((budget.tokens() - 1.0).abs() < 0.01, "{}", budget.tokens());
        let last = budget.try_admit().unwrap();
        assert_eq!(budget.try_admit().unwrap_err(), NotYet::AnAnswer);
        for permit in [last, on_its_way] {
            budget.heard(RateLimitWord { remaining: Some(0), reset, ..RateLimitWord::default() });
            drop(permit);
        }
        assert!(matches!(budget.try_admit(), Err(NotYet::Until(_))));
    }

    #[tokio::test(start_paused = true)]
    async fn all_that_the_api_allows_is_used_and_no_more_whatever_order_its_answers_come_in() {
        const ALLOWED: u64 = 60;
        let budget = rested(limits(1000.0, 1000, 8)).await;
        // What the API said remains when it took each request that has no answer yet.
        let (mut open, mut taken): (Vec<(Permit, u64)>, u64) = (Vec::new(), 0);
        loop {
            match budget.try_admit() {
                Ok(permit) => {
                    taken += 1;
                    assert!(taken <= ALLOWED, "one too many");
                    open.push((permit, ALLOWED - taken));
                }
                Err(NotYet::AnAnswer) => {
                    let (permit, remaining) = open.swap_remove(usize::try_from(taken * 7).unwrap() % open.len());
                    let reset = Some(Duration::from_mins(1));
                    budget.heard(RateLimitWord { remaining: Some(remaining), reset, ..RateLimitWord::default() });
                    drop(permit);
                }
                Err(NotYet::Until(_)) => break,
            }
        }
        assert_eq!((taken, open.len()), (ALLOWED, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_rate_and_a_burst_of_any_size_let_out_no_more_than_the_burst() {
        for rate in [1e-300, 1e-11, 1e-9, 0.001, 1.0] {
            for burst in [1, 20, u32::MAX] {
                let budget = Budget::new(limits(rate, burst, 10));
                assert!(matches!(budget.try_admit(), Err(NotYet::Until(_))), "{rate} {burst}");
            }
        }
        for rate in [1e12, f64::MAX] {
            let budget = Budget::new(limits(rate, 1, 1));
            advance(Duration::from_millis(1)).await;
            assert!(budget.try_admit().is_ok());
        }
    }

    /// What happens to a budget.
    #[derive(Debug, Clone)]
    enum Happening {
        /// Somebody wants to send, so often in a row.
        Wanted(u32),
        /// Time passes, in milliseconds.
        Passed(u64),
        /// The process is started anew; the one before it may have spent all of its burst just now.
        Restarted,
        /// The API says so.
        Heard(RateLimitWord),
    }

    fn happening() -> impl Strategy<Value = Happening> {
        let wait = || prop::option::of((0_u64..3_000).prop_map(Duration::from_millis));
        let word = (any::<bool>(), wait(), prop::option::of(0_u64..20), wait());
        prop_oneof![
            4 => (1_u32..40).prop_map(Happening::Wanted),
            4 => (0_u64..5_000).prop_map(Happening::Passed),
            1 => Just(Happening::Restarted),
            2 => word.prop_map(|(refused, retry_after, remaining, reset)| Happening::Heard(RateLimitWord { refused, retry_after, remaining, reset })),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(64) })]
        #[test]
        fn no_window_of_time_sees_more_than_the_rate_and_one_burst_whatever_restarts_fall_into_it(
            rate in prop_oneof![Just(0.1), Just(1.0), Just(7.3), Just(100.0)],
            burst in 1_u32..30,
            happenings in prop::collection::vec(happening(), 1..60),
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
            let sent = runtime.block_on(async {
                let limits = limits(rate, burst, 1_000_000);
                let (begun, mut budget, mut sent) = (Instant::now(), Budget::new(limits), Vec::new());
                for happening in happenings {
                    match happening {
                        Happening::Wanted(times) => sent.extend(
                            (0..times).filter_map(|_| budget.try_admit().ok()).map(|_| begun.elapsed().as_secs_f64())),
                        Happening::Passed(ms) => advance(Duration::from_millis(ms)).await,
                        Happening::Restarted => budget = Budget::new(limits),
                        Happening::Heard(word) => budget.heard(word),
                    }
                }
                sent
            });
            for (first, from) in sent.iter().enumerate() {
                for (count, to) in (1_u32..).zip(&sent[first..]) {
                    let (seen, window) = (f64::from(count), to - from);
                    prop_assert!(seen <= rate * window + f64::from(burst) + 1e-6, "{seen} within {window} s");
                }
            }
        }
    }
}
