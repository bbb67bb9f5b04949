//! The head of an answer: its status, and what it says of its body and of limits.

use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};

use super::budget::RateLimitWord;

/// What the head of an answer tells.
pub(super) struct Head {
    pub(super) status: StatusCode,
    /// `Content-Type` without its parameters, as it came.
    pub(super) content_type: Box<str>,
    /// `Retry-After`.
    pub(super) retry_after: Option<Duration>,
    /// `X-RateLimit-Remaining`.
    remaining: Option<u64>,
    /// How long until `X-RateLimit-Reset`, which comes with good answers as well, and so asks for a wait only with a 429.
    pub(super) reset: Option<Duration>,
}

impl Head {
    pub(super) fn of(status: StatusCode, headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
        let media_type =
            text("content-type").and_then(|value| value.split(';').next()).unwrap_or("a body of no stated type");
        // Moments are the API's, and so is the clock that they are told by; ours may be wrong.
        let now = text("date").and_then(|date| httpdate::parse_http_date(date).ok()).unwrap_or_else(SystemTime::now);
        let number = |name: &str| text(name).and_then(|value| value.parse::<u64>().ok());
        Self {
            status,
            content_type: media_type.into(),
            retry_after: text("retry-after").and_then(|value| wait_of(value, now)),
            remaining: number("x-ratelimit-remaining"),
            reset: number("x-ratelimit-reset").and_then(|moment| until(moment, now)),
        }
    }

    /// Whether the body is said to be JSON.
    pub(super) fn is_json(&self) -> bool {
        self.content_type.eq_ignore_ascii_case("application/json")
    }

    /// What it says of limits.
    pub(super) fn word(&self) -> RateLimitWord {
        // A good answer has no need to be repeated later; only refusals and failures say when.
        let asks_to_wait = self.status == StatusCode::TOO_MANY_REQUESTS || self.status.is_server_error();
        RateLimitWord {
            refused: self.status == StatusCode::TOO_MANY_REQUESTS,
            retry_after: self.retry_after.filter(|_| asks_to_wait),
            remaining: self.remaining,
            reset: self.reset,
        }
    }
}

/// `Retry-After` in either of its forms, seconds or a date (RFC 9110 §10.2.3).
fn wait_of(value: &str, now: SystemTime) -> Option<Duration> {
    let value = value.trim();
    value.parse().map(Duration::from_secs).ok().or_else(|| {
        let date = httpdate::parse_http_date(value).ok()?;
        Some(date.duration_since(now).unwrap_or(Duration::ZERO))
    })
}

/// How long it is until a moment in Unix seconds, as `X-RateLimit-Reset` names it.
fn until(unix_seconds: u64, now: SystemTime) -> Option<Duration> {
    let moment = SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(unix_seconds))?;
    Some(moment.duration_since(now).unwrap_or(Duration::ZERO))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_read_in_both_forms() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
        assert_eq!(wait_of("120", now), Some(Duration::from_mins(2)));
        assert_eq!(wait_of("Sun, 09 Sep 2001 01:47:10 GMT", now), Some(Duration::from_secs(30)));
        assert_eq!(wait_of("Sun, 09 Sep 2001 01:00:00 GMT", now), Some(Duration::ZERO));
        for nonsense in ["", "soon", "-1", "99999999999999999999999"] {
            assert_eq!(wait_of(nonsense, now), None, "{nonsense}");
        }
    }

    #[test]
    fn a_reset_in_the_past_or_past_all_time_does_no_harm() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000);
        assert_eq!(until(1_060, now), Some(Duration::from_mins(1)));
        assert_eq!(until(10, now), Some(Duration::ZERO));
        assert_eq!(until(u64::MAX, now), None);
    }
}
