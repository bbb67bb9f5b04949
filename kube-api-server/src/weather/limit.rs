//! A limit on requests, beyond which they are turned away as API Priority and Fairness turns them away when its queues are
//! full: 429, `Retry-After`, and a line of plain text.

use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// How many requests are let in. Beyond it they are answered 429 with `Retry-After`.
///
/// As text it is `500`, or `500,burst=1000`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestLimit {
    /// In the long run, each second; at least one.
    pub per_second: u32,
    /// At once, after a quiet time; at least one.
    pub burst: u32,
}

/// A text that is no [`RequestLimit`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is no limit on requests: {why}; write requests a second (500), with or without a burst (500,burst=1000)"
)]
pub struct RequestLimitError {
    text: String,
    why: &'static str,
}

impl RequestLimit {
    /// That many a second, and as many at once.
    #[must_use]
    pub fn per_second(per_second: u32) -> RequestLimit {
        RequestLimit { per_second, burst: per_second }
    }
}

impl FromStr for RequestLimit {
    type Err = RequestLimitError;

    fn from_str(text: &str) -> Result<RequestLimit, RequestLimitError> {
        let error = |why| RequestLimitError { text: text.to_owned(), why };
        let number = |part: &str| match part.trim().parse() {
            Ok(0) | Err(_) => Err(error("it wants whole numbers above zero")),
            Ok(number) => Ok(number),
        };
        let Some((rate, burst)) = text.split_once(',') else { return number(text).map(RequestLimit::per_second) };
        let burst = burst.trim().strip_prefix("burst=").ok_or_else(|| error("only burst= may follow the rate"))?;
        Ok(RequestLimit { per_second: number(rate)?, burst: number(burst)? })
    }
}

impl fmt::Display for RequestLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{},burst={}", self.per_second, self.burst)
    }
}

/// The limit in force. Shared and cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Limiter(Arc<Mutex<Option<InForce>>>);

#[derive(Debug)]
struct InForce {
    limit: RequestLimit,
    /// When the burst will have been paid for (the generic cell rate algorithm).
    settled: Instant,
}

impl Limiter {
    fn with<T>(&self, use_it: impl FnOnce(&mut Option<InForce>) -> T) -> T {
        use_it(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set(&self, limit: Option<RequestLimit>, now: Instant) {
        self.with(|in_force| *in_force = limit.map(|limit| InForce { limit, settled: now }));
    }

    pub(crate) fn limit(&self) -> Option<RequestLimit> {
        self.with(|in_force| in_force.as_ref().map(|in_force| in_force.limit))
    }

    /// Lets a request in, or says how long to wait.
    pub(crate) fn admit(&self, now: Instant) -> Result<(), Duration> {
        self.with(|in_force| {
            let Some(InForce { limit, settled }) = in_force else { return Ok(()) };
            let each = Duration::from_secs(1) / limit.per_second.max(1);
            let allowed = each * limit.burst.max(1);
            let next = (*settled).max(now) + each;
            let ahead = next - now;
            if let Some(wait) = ahead.checked_sub(allowed).filter(|wait| !wait.is_zero()) {
                return Err(wait);
            }
            *settled = next;
            Ok(())
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_burst_is_let_in_and_then_the_rate() {
        let (limiter, start) = (Limiter::default(), Instant::now());
        limiter.set(Some(RequestLimit { per_second: 10, burst: 3 }), start);
        let admitted = |at: Instant| (0..10).filter(|_| limiter.admit(at).is_ok()).count();
        assert_eq!(admitted(start), 3);
        assert_eq!(limiter.admit(start), Err(Duration::from_millis(100)));
        assert_eq!(admitted(start + Duration::from_millis(200)), 2);
        assert_eq!(admitted(start + Duration::from_mins(1)), 3);
        limiter.set(None, start);
        assert_eq!(admitted(start), 10);
    }

    #[test]
    fn a_limit_is_read_from_text() {
        assert_eq!("500".parse(), Ok(RequestLimit { per_second: 500, burst: 500 }));
        assert_eq!("500, burst=1000".parse(), Ok(RequestLimit { per_second: 500, burst: 1000 }));
        for text in ["", "0", "many", "5,6", "5,burst=0"] {
            let error = text.parse::<RequestLimit>().unwrap_err().to_string();
            assert!(error.contains("500,burst=1000"), "{error}");
        }
    }
}
