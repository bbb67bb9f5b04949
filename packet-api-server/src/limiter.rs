//! Who may ask now under a rate limit, and what they are told. The time comes from outside.
//!
//! Not a library's: what a controller's own limiter is measured against must not share its mistakes.

use crate::clock::{http_date, whole_seconds};
use crate::rate_limit::{RateLimit, RetryAfter};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::{Duration, SystemTime};

/// Clients are forgotten once there are this many, if their time is over: somebody may try tokens without end.
const MANY: usize = 1_000;

/// A rate limit and what each client has used of it.
#[derive(Debug)]
pub(crate) struct Limiter {
    limit: RateLimit,
    hasher: RandomState,
    /// By the hash of the token, so that tokens are not kept.
    clients: HashMap<u64, Used>,
}

/// What a client has used. Times are since the server's start.
#[derive(Debug, Clone, Copy)]
enum Used {
    Window {
        ends: Duration,
        requests: u32,
    },
    /// When the bucket will be full (the "theoretical arrival time" of ITU-T I.371's GCRA).
    Bucket {
        full_at: Duration,
    },
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Verdict {
    limit: RateLimit,
    pub(crate) allowed: bool,
    /// How many more would be let through at once.
    pub(crate) remaining: u32,
    /// How long until there are more of them.
    pub(crate) more_in: Duration,
}

impl Limiter {
    pub(crate) fn new(limit: RateLimit) -> Self {
        Self { limit, hasher: RandomState::new(), clients: HashMap::new() }
    }

    pub(crate) const fn limit(&self) -> RateLimit {
        self.limit
    }

    /// Lets a request of this token through, or not.
    pub(crate) fn ask(&mut self, token: &[u8], now: Duration) -> Verdict {
        if self.clients.len() >= MANY {
            self.clients.retain(|_, used| used.matters(now));
        }
        let fresh = match self.limit.burst {
            None => Used::Window { ends: now + self.limit.per, requests: 0 },
            Some(_) => Used::Bucket { full_at: now },
        };
        let used = self.clients.entry(self.hasher.hash_one(token)).or_insert(fresh);
        if !used.matters(now) {
            *used = fresh;
        }
        let (allowed, remaining, more_in) = match used {
            Used::Window { ends, requests } => {
                let allowed = *requests < self.limit.requests;
                *requests += u32::from(allowed);
                (allowed, self.limit.requests - *requests, ends.saturating_sub(now))
            }
            Used::Bucket { full_at } => self.limit.pour(full_at, now),
        };
        Verdict { limit: self.limit, allowed, remaining, more_in }
    }
}

impl RateLimit {
    /// Takes a request out of a bucket, if one is in it; says how many are left and when there is one more.
    fn pour(&self, full_at: &mut Duration, now: Duration) -> (bool, u32, Duration) {
        let each = (self.per / self.requests).max(Duration::from_nanos(1));
        let size = each.saturating_mul(self.burst.unwrap_or(1));
        let missing = |full_at: Duration| full_at.saturating_sub(now);
        let allowed = missing(*full_at) + each <= size;
        if allowed {
            *full_at = (*full_at).max(now) + each;
        }
        let left = size.saturating_sub(missing(*full_at));
        let remaining = u32::try_from(left.as_nanos() / each.as_nanos()).unwrap_or(u32::MAX);
        let next = each.saturating_mul(remaining.saturating_add(1));
        (allowed, remaining, next.saturating_sub(left).min(missing(*full_at)))
    }
}

impl Used {
    /// Whether it makes a difference any more.
    fn matters(&self, now: Duration) -> bool {
        match self {
            Self::Window { ends, .. } => now < *ends,
            Self::Bucket { full_at } => now < *full_at,
        }
    }
}

impl Verdict {
    /// Puts into an answer what the limit wants said. Seconds are rounded up: who waits as long as told is not refused.
    pub(crate) fn tell(&self, headers: &mut HeaderMap, now: SystemTime) {
        let then = now.checked_add(self.more_in).unwrap_or(now);
        let then = whole_seconds(then.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default());
        let mut put = |name: &'static str, number: u64| {
            headers.insert(HeaderName::from_static(name), HeaderValue::from(number));
        };
        if self.limit.counts_aloud() {
            put("x-ratelimit-limit", self.limit.burst.unwrap_or(self.limit.requests).into());
            put("x-ratelimit-remaining", self.remaining.into());
            put("x-ratelimit-reset", then);
        }
        if !self.allowed && self.limit.says_when() {
            let when = match self.limit.retry_after {
                RetryAfter::Seconds => whole_seconds(self.more_in).to_string(),
                RetryAfter::Date => http_date(then),
            };
            if let Ok(when) = HeaderValue::try_from(when) {
                headers.insert(header::RETRY_AFTER, when);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::Limiter;
    use crate::rate_limit::{RateLimit, RateLimitHeaders, RetryAfter};
    use axum::http::HeaderMap;
    use std::time::{Duration, SystemTime};

    const MS: Duration = Duration::from_millis(1);
    const SECOND: Duration = Duration::from_secs(1);

    /// How many of the requests at these times, in milliseconds, are let through.
    fn allowed(limit: RateLimit, times: impl IntoIterator<Item = u32>) -> usize {
        let mut limiter = Limiter::new(limit);
        times.into_iter().filter(|ms| limiter.ask(b"token", *ms * MS).allowed).count()
    }

    fn told(limit: RateLimit, requests: usize) -> HeaderMap {
        let (mut limiter, mut headers) = (Limiter::new(limit), HeaderMap::new());
        for _ in 0..requests {
            headers.clear();
            let verdict = limiter.ask(b"token", 10_200 * MS);
            verdict.tell(&mut headers, SystemTime::UNIX_EPOCH + 1_000_000_200 * MS);
        }
        headers
    }

    #[test]
    fn a_window_lets_so_many_through_and_begins_with_a_request() {
        let limit = RateLimit::window(3, SECOND);
        assert_eq!(allowed(limit, [700, 710, 720, 730, 1_690]), 3);
        assert_eq!(allowed(limit, [700, 710, 720, 730, 1_700, 1_710, 1_720, 1_730]), 6);
    }

    #[test]
    fn a_bucket_lets_its_burst_through_and_then_the_rate() {
        let limit = RateLimit::bucket(10, SECOND, 3);
        assert_eq!(allowed(limit, [0, 0, 0, 0, 0]), 3);
        assert_eq!(allowed(limit, [0, 0, 0, 99, 100, 100, 200]), 5);
        assert_eq!(allowed(limit, (0..10_000).step_by(10)), 3 + 99);
    }

    #[test]
    fn each_token_has_its_own() {
        let mut limiter = Limiter::new(RateLimit::window(1, SECOND));
        assert!(limiter.ask(b"one", SECOND).allowed);
        assert!(limiter.ask(b"other", SECOND).allowed);
        assert!(!limiter.ask(b"one", SECOND).allowed);
    }

    #[test]
    fn tokens_without_end_do_not_pile_up() {
        let mut limiter = Limiter::new(RateLimit::window(1, SECOND));
        for n in 0..10_000_u32 {
            limiter.ask(&n.to_be_bytes(), n * 10 * MS);
        }
        assert!(limiter.clients.len() <= super::MANY, "{}", limiter.clients.len());
    }

    #[test]
    fn who_waits_as_told_is_let_through() {
        for limit in [RateLimit::window(3, SECOND), RateLimit::bucket(10, SECOND, 3), RateLimit::bucket(7, SECOND, 1)] {
            let (mut limiter, mut now) = (Limiter::new(limit), Duration::ZERO);
            for n in 0..100 {
                let verdict = limiter.ask(b"token", now);
                assert!(verdict.allowed, "request {n} of {limit:?}");
                if verdict.remaining == 0 {
                    now += verdict.more_in;
                }
            }
        }
    }

    #[test]
    fn a_refused_request_takes_nothing() {
        let mut limiter = Limiter::new(RateLimit::bucket(10, SECOND, 1));
        assert!(limiter.ask(b"token", Duration::ZERO).allowed);
        let refused = (0..50).map(|_| limiter.ask(b"token", 50 * MS)).last().unwrap();
        assert_eq!((refused.allowed, refused.remaining, refused.more_in), (false, 0, 50 * MS));
    }

    #[test]
    fn every_answer_counts_aloud_and_a_429_says_when() {
        let limit = RateLimit::window(2, SECOND);
        let first = told(limit, 1);
        let text = |headers: &HeaderMap, name: &str| headers[name].to_str().unwrap().to_owned();
        assert_eq!(text(&first, "x-ratelimit-limit"), "2");
        assert_eq!(text(&first, "x-ratelimit-remaining"), "1");
        assert_eq!(text(&first, "x-ratelimit-reset"), "1000002");
        assert!(!first.contains_key("retry-after"));
        let third = told(limit, 3);
        assert_eq!((text(&third, "x-ratelimit-remaining"), text(&third, "retry-after")), ("0".into(), "1".into()));
        let dated = told(limit.retry_after(RetryAfter::Date), 3);
        assert_eq!(text(&dated, "retry-after"), "Mon, 12 Jan 1970 13:46:42 GMT");
    }

    #[test]
    fn only_what_was_ordered_is_said() {
        let said = |headers| {
            let told = told(RateLimit::window(1, SECOND).headers(headers), 2);
            (told.contains_key("x-ratelimit-reset"), told.contains_key("retry-after"))
        };
        assert_eq!(said(RateLimitHeaders::All), (true, true));
        assert_eq!(said(RateLimitHeaders::Counters), (true, false));
        assert_eq!(said(RateLimitHeaders::RetryAfter), (false, true));
        assert_eq!(said(RateLimitHeaders::None), (false, false));
    }
}
