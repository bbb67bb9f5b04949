//! How many requests the server lets through, and what it tells its clients about that.

use crate::time;
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// The longest time that a limit is for. One that is longer is taken as this, which no test lives to see.
const LONGEST: Duration = Duration::from_hours(24 * 365);

/// So many requests in so much time for each token. What is over it is answered with 429. As text, as the command line has
/// it: `60/1m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RateLimit {
    pub(crate) requests: u32,
    pub(crate) per: Duration,
    /// How much a bucket holds; without one, windows are fixed.
    pub(crate) burst: Option<u32>,
    pub(crate) headers: RateLimitHeaders,
    pub(crate) retry_after: RetryAfter,
}

/// What answers say about the limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RateLimitHeaders {
    /// Every answer has X-RateLimit-Limit, -Remaining and -Reset (unix seconds); a 429 has Retry-After as well
    #[default]
    All,
    /// Only a 429 says something: Retry-After
    RetryAfter,
    /// Every answer has X-RateLimit-Limit, -Remaining and -Reset; a 429 has no Retry-After
    Counters,
    /// Nothing is said
    None,
}

/// How `Retry-After` is written (RFC 9110 §10.2.3 has both).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RetryAfter {
    /// As a number of seconds
    #[default]
    Seconds,
    /// As a date: Sun, 22 Nov 2026 12:00:00 GMT
    Date,
}

/// Why a text is no rate limit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RateLimitError {
    /// It is not a number and a time.
    #[error("rate limit {0:?}: write how many requests in which time, say 60/1m")]
    Form(String),
    /// Its time is none.
    #[error("rate limit {text:?}: {reason}")]
    Time {
        /// The whole text.
        text: String,
        /// What is wrong with the time.
        reason: String,
    },
    /// It lets nothing through, or everything.
    #[error("rate limit {0:?}: both numbers must be at least 1; to let nothing through, use an outage")]
    Zero(String),
}

impl RateLimit {
    /// So many requests in each window of this length. A window begins with the first request after the one before has
    /// ended, so in the worst case twice as many come through in a row, as with many public APIs. Neither number may be 0;
    /// where one is, the smallest possible stands in.
    #[must_use]
    pub fn window(requests: u32, per: Duration) -> Self {
        Self {
            requests: requests.max(1),
            per: per.clamp(Duration::from_micros(1), LONGEST),
            burst: None,
            headers: RateLimitHeaders::default(),
            retry_after: RetryAfter::default(),
        }
    }

    /// A token bucket that holds `burst` requests and is refilled with so many in this time, evenly.
    #[must_use]
    pub fn bucket(requests: u32, per: Duration, burst: u32) -> Self {
        Self { burst: Some(burst.max(1)), ..Self::window(requests, per) }
    }

    /// What answers say about it; everything, unless told otherwise.
    #[must_use]
    pub const fn headers(mut self, headers: RateLimitHeaders) -> Self {
        self.headers = headers;
        self
    }

    /// How `Retry-After` is written; as seconds, unless told otherwise.
    #[must_use]
    pub const fn retry_after(mut self, form: RetryAfter) -> Self {
        self.retry_after = form;
        self
    }

    /// The same limit as a bucket that holds so many.
    #[must_use]
    pub(crate) fn burst(self, burst: Option<u32>) -> Self {
        Self { burst: burst.map(|burst| burst.max(1)), ..self }
    }

    /// Whether every answer says how much is left.
    pub(crate) const fn counts_aloud(&self) -> bool {
        matches!(self.headers, RateLimitHeaders::All | RateLimitHeaders::Counters)
    }

    /// Whether a 429 says when to come again.
    pub(crate) const fn says_when(&self) -> bool {
        matches!(self.headers, RateLimitHeaders::All | RateLimitHeaders::RetryAfter)
    }
}

impl FromStr for RateLimit {
    type Err = RateLimitError;

    fn from_str(text: &str) -> Result<Self, RateLimitError> {
        let form = || RateLimitError::Form(text.to_owned());
        let (requests, per) = text.split_once('/').ok_or_else(form)?;
        let requests: u32 = requests.trim().parse().map_err(|_| form())?;
        let per = time::parse(per.trim()).map_err(|reason| RateLimitError::Time { text: text.to_owned(), reason })?;
        if requests == 0 || per.is_zero() {
            return Err(RateLimitError::Zero(text.to_owned()));
        }
        Ok(Self::window(requests, per))
    }
}

/// The requests and the time, as [`FromStr`] reads them.
impl fmt::Display for RateLimit {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.requests, time::text(self.per))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::RateLimit;
    use std::time::Duration;

    #[test]
    fn a_rate_limit_reads_back_as_it_is_written() {
        assert_eq!("60/1m".parse::<RateLimit>(), Ok(RateLimit::window(60, Duration::from_mins(1))));
        assert_eq!("5/500ms".parse::<RateLimit>().unwrap().to_string(), "5/500ms");
    }

    #[test]
    fn what_is_no_rate_limit_is_refused_with_what_would_be() {
        for (text, advice) in [
            ("60", "60/1m"),
            ("many/1m", "60/1m"),
            ("60/soon", "100ms"),
            ("0/1m", "at least 1"),
            ("5/0s", "at least 1"),
        ] {
            let error = text.parse::<RateLimit>().unwrap_err().to_string();
            assert!(error.contains(advice) && error.contains(&format!("{text:?}")), "{text}: {error}");
        }
    }
}
