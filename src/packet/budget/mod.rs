//! The budget: how many requests the Packet API gets, in all and at once.
//!
//! governor holds the rate and the burst (the generic cell rate algorithm), a counter holds the requests in flight,
//! and the API's own word closes the gate for everyone until the time it names.
//!
//! A budget begins with an empty bucket. Nobody knows how much of a burst the process before this one has spent; so in no
//! window of time, whatever restarts fall into it, does the API see more than the rate allows and one burst. The same goes for
//! limits that are changed while requests go out.

mod allowance;
mod clock;

use std::fmt;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use governor::middleware::{NoOpMiddleware, StateInformationMiddleware};
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
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

/// What keeps to the rate and the burst.
type Rate = RateLimiter<NotKeyed, InMemoryState, TokioClock, StateInformationMiddleware>;

/// What bounds how often anything else happens, by the same clock.
pub type Limiter = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<Moment>>;

/// A limiter of that quota, with all of its burst at hand.
#[must_use]
pub fn limiter(quota: Quota) -> Limiter {
    RateLimiter::direct_with_clock(quota, TokioClock)
}

/// The one gate that every request to the Packet API passes. Clones share it, so that an actor that is started anew goes on
/// where the one before it was.
#[derive(Clone)]
pub struct Budget {
    state: Arc<Mutex<State>>,
}

struct State {
    limits: Limits,
    rate: Rate,
    /// Requests without an answer yet.
    in_flight: u32,
    allowance: Allowance,
    /// What governor had left in its bucket, and when.
    tokens: (f64, Instant),
}

/// Leave to send one request; held until its answer is read.
pub struct Permit {
    state: Arc<Mutex<State>>,
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permit")
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.in_flight = state.in_flight.saturating_sub(1);
    }
}

/// Why no request may go out now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotYet {
    /// The rate forbids it until then.
    Until(Instant),
    /// The API asked for that.
    ApiAsks(Instant),
    /// So many are without an answer that one has to come first.
    AnAnswer,
}

/// How the budget stands at a moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BudgetState {
    /// The settings that hold.
    pub limits: Limits,
    /// Requests that could go out at once, as far as the rate and the API's word are concerned.
    pub tokens: f64,
    /// Requests without an answer yet.
    pub in_flight: u32,
    /// For how long the API has asked to be left alone, if it has.
    pub closed_for: Option<Duration>,
}

impl Budget {
    /// A budget of these limits, with nothing saved up for a burst.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let (rate, tokens) = (emptied(limits), (0.0, Instant::now()));
        let state = State { limits, rate, in_flight: 0, allowance: Allowance::default(), tokens };
        Self { state: Arc::new(Mutex::new(state)) }
    }

    /// The settings that hold.
    #[must_use]
    pub fn limits(&self) -> Limits {
        self.state().limits
    }

    /// Goes by these settings from now on. What was saved up for a burst is gone, as it may just have been spent under the
    /// settings before.
    pub fn set_limits(&self, limits: Limits) {
        let mut state = self.state();
        (state.limits, state.rate, state.tokens) = (limits, emptied(limits), (0.0, Instant::now()));
    }

    /// Takes leave to send one request now. Nothing is spent where that may not be.
    ///
    /// # Errors
    /// When no request may go out now: what to wait for.
    pub fn try_admit(&self) -> Result<Permit, NotYet> {
        let mut state = self.state();
        let now = Instant::now();
        if let Some(until) = state.allowance.closed(now) {
            return Err(NotYet::ApiAsks(until));
        }
        if let Some((0, until)) = state.allowance.left(state.in_flight.into(), now) {
            // What is on its way may tell that there is more.
            return Err(if state.in_flight > 0 { NotYet::AnAnswer } else { NotYet::ApiAsks(until) });
        }
        if state.in_flight >= state.limits.max_in_flight.get() {
            return Err(NotYet::AnAnswer);
        }
        match state.rate.check() {
            Ok(snapshot) => {
                state.tokens = (f64::from(snapshot.remaining_burst_capacity()), now);
                state.in_flight += 1;
                Ok(Permit { state: Arc::clone(&self.state) })
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
        self.state().tokens(Instant::now())
    }

    /// How it stands now.
    #[must_use]
    pub fn look(&self) -> BudgetState {
        let (state, now) = (self.state(), Instant::now());
        BudgetState {
            limits: state.limits,
            tokens: state.tokens(now),
            in_flight: state.in_flight,
            closed_for: state.allowance.closed(now).map(|until| until - now),
        }
    }

    /// Heeds what the head of an answer said, or that none came. To be told before the permit is given back.
    pub fn heard(&self, word: RateLimitWord) {
        self.state().allowance.heard(word, Instant::now());
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn tokens(&self, now: Instant) -> f64 {
        let (tokens, at) = self.tokens;
        let gained = now.saturating_duration_since(at).as_secs_f64() * self.limits.requests_per_second;
        let most = f64::from(self.limits.burst.get());
        let left = self.allowance.left(self.in_flight.into(), now);
        let left = left.and_then(|(left, _)| u32::try_from(left).ok()).map_or(most, f64::from);
        (tokens + gained).min(most).min(left)
    }
}

/// A bucket with nothing in it.
fn emptied(limits: Limits) -> Rate {
    let rate = RateLimiter::direct_with_clock(quota(limits.requests_per_second, limits.burst), TokioClock);
    let rate = rate.with_middleware::<StateInformationMiddleware>();
    // A bucket always has room for its own burst, so this cannot fail.
    let _ = rate.check_n(limits.burst);
    rate
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
                Err(NotYet::Until(until) | NotYet::ApiAsks(until)) => sleep_until(until).await,
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
    async fn limits_that_change_hold_at_once_for_every_clone_and_for_what_is_under_way() {
        let budget = rested(limits(10.0, 10, 2)).await;
        let (clone, permits) = (budget.clone(), [budget.try_admit(), budget.try_admit()]);
        clone.set_limits(limits(1.0, 5, 1));
        advance(Duration::from_secs(10)).await;
        assert_eq!(budget.try_admit().unwrap_err(), NotYet::AnAnswer);
        assert!((budget.look().tokens - 5.0).abs() < 0.01 && budget.look().in_flight == 2, "{:?}", budget.look());
        drop(permits);
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
        assert!(matches!(budget.try_admit(), Err(NotYet::ApiAsks(_))));
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
                Err(NotYet::Until(_) | NotYet::ApiAsks(_)) => break,
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
        /// Somebody changes the limits, to these or others that allow less.
        Changed(bool),
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
            1 => any::<bool>().prop_map(Happening::Changed),
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
                        Happening::Changed(to_less) => {
                            let rate = if to_less { limits.requests_per_second / 2.0 } else { limits.requests_per_second };
                            budget.set_limits(Limits { requests_per_second: rate, ..limits });
                        }
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
