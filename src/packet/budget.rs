//! The budget: how many requests the Packet API gets, in all and at once.
//!
//! governor holds the rate and the burst (the generic cell rate algorithm), a semaphore holds the requests in flight,
//! and the API's own word closes the gate for everyone until the time it names: one token is shared with people's other
//! tools, so our own count is not the whole truth.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::Instant;

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

/// The one gate that every request to the Packet API passes.
#[derive(Clone)]
pub struct Budget {
    rate: Arc<DefaultDirectRateLimiter>,
    in_flight: Arc<Semaphore>,
    /// Until when the API wants to hear nothing.
    closed_until: Arc<watch::Sender<Option<Instant>>>,
}

/// Leave to send one request; held until its answer is read.
#[derive(Debug)]
pub struct Permit {
    _in_flight: OwnedSemaphorePermit,
}

impl Budget {
    /// The longest that the API's word closes the gate: a clock that is wrong on either side must not stop us for days.
    const LONGEST_CLOSURE: Duration = Duration::from_mins(15);

    /// A budget of these limits, with its burst untouched.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        Self {
            rate: Arc::new(RateLimiter::direct(quota(limits.requests_per_second, limits.burst))),
            in_flight: Arc::new(Semaphore::new(limits.max_in_flight.get() as usize)),
            closed_until: Arc::new(watch::Sender::new(None)),
        }
    }

    /// Waits until a request may go out: a place in flight first, then the API's word, then the rate.
    ///
    /// A caller that stops waiting takes nothing from the rate.
    pub async fn admit(&self) -> Permit {
        let in_flight = loop {
            match Arc::clone(&self.in_flight).acquire_owned().await {
                Ok(permit) => break permit,
                // The semaphore is never closed; were it, nothing could go out.
                Err(_) => std::future::pending().await,
            }
        };
        loop {
            self.until_open().await;
            self.rate.until_ready().await;
            // The gate may have been closed while the rate was waited for.
            if self.closed().is_none() {
                return Permit { _in_flight: in_flight };
            }
        }
    }

    /// Sends nothing for `time`, as the API asked.
    pub fn close_for(&self, time: Duration) {
        let until = Instant::now() + time.min(Self::LONGEST_CLOSURE);
        self.closed_until.send_if_modified(|closed| {
            let later = closed.is_none_or(|earlier| earlier < until);
            if later {
                *closed = Some(until);
            }
            later
        });
    }

    /// Until when the gate is closed, if it is.
    fn closed(&self) -> Option<Instant> {
        self.closed_until.borrow().filter(|until| *until > Instant::now())
    }

    async fn until_open(&self) {
        while let Some(until) = self.closed() {
            tokio::time::sleep_until(until).await;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use futures::FutureExt;

    fn budget(requests_per_second: f64, burst: u32, max_in_flight: u32) -> Budget {
        Budget::new(Limits {
            requests_per_second,
            burst: NonZeroU32::new(burst).unwrap(),
            max_in_flight: NonZeroU32::new(max_in_flight).unwrap(),
        })
    }

    #[tokio::test]
    async fn the_burst_goes_out_at_once_and_the_next_waits() {
        let budget = budget(0.1, 3, 10);
        let permits = [budget.admit().now_or_never(), budget.admit().now_or_never(), budget.admit().now_or_never()];
        assert!(permits.iter().all(Option::is_some));
        assert!(budget.admit().now_or_never().is_none());
    }

    #[tokio::test]
    async fn a_request_without_an_answer_keeps_its_place() {
        let budget = budget(1000.0, 1000, 1);
        let first = budget.admit().now_or_never().unwrap();
        assert!(budget.admit().now_or_never().is_none());
        drop(first);
        assert!(budget.admit().now_or_never().is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn the_apis_word_closes_the_gate_for_everyone_until_the_time_it_names() {
        let budget = budget(1000.0, 1000, 10);
        budget.close_for(Duration::from_secs(30));
        budget.close_for(Duration::from_secs(1));
        let asked = Instant::now();
        let _permit = budget.admit().await;
        assert_eq!(asked.elapsed().as_secs(), 30);
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_of_years_is_cut_short() {
        let budget = budget(1000.0, 1000, 10);
        budget.close_for(Duration::MAX);
        let asked = Instant::now();
        let _permit = budget.admit().await;
        assert_eq!(asked.elapsed(), Budget::LONGEST_CLOSURE);
    }

    #[tokio::test]
    async fn a_rate_and_a_burst_of_any_size_let_the_first_request_out_and_no_more_than_the_burst() {
        for rate in [1e-300, 1e-11, 1e-9, 0.001, 1.0] {
            for burst in [1, 20, u32::MAX] {
                let budget = budget(rate, burst, 10);
                assert!(budget.admit().now_or_never().is_some(), "{rate} {burst}");
                assert_eq!(budget.admit().now_or_never().is_some(), burst > 1, "{rate} {burst}");
            }
        }
        for rate in [1e12, f64::MAX] {
            assert!(budget(rate, 1, 1).admit().now_or_never().is_some());
        }
    }
}
