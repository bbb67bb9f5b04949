//! The wall clock: the system's, unless the server is given another.

use axum::http::HeaderValue;
use jiff::Timestamp;
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

/// Clones are one clock. What happens when does not depend on it, only what answers say of it.
#[derive(Clone, Default)]
pub(crate) struct Clock(Option<Arc<dyn Fn() -> SystemTime + Send + Sync>>);

impl Clock {
    pub(crate) fn new(read: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        Self(Some(Arc::new(read)))
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.0.as_ref().map_or_else(SystemTime::now, |read| read())
    }

    /// Now, as the API writes times.
    pub(crate) fn text(&self) -> String {
        // No clock is set so far from ours that it is not a timestamp any more.
        Timestamp::try_from(self.now()).unwrap_or_default().to_string()
    }

    /// What the `Date` of an answer is to be. Nothing for the system's clock, which the HTTP library reads by itself.
    pub(crate) fn date(&self) -> Option<HeaderValue> {
        let now = self.0.as_ref()?().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        HeaderValue::try_from(http_date(now.as_secs())).ok()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Clock").field(&self.now()).finish()
    }
}

/// A time since 1970, rounded up.
pub(crate) fn whole_seconds(time: Duration) -> u64 {
    time.as_secs() + u64::from(time.subsec_nanos() > 0)
}

/// A number of seconds since 1970 as HTTP writes dates (RFC 9110 §5.6.7).
pub(crate) fn http_date(unix_seconds: u64) -> String {
    let at = i64::try_from(unix_seconds).ok().and_then(|seconds| Timestamp::from_second(seconds).ok());
    let printed = jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&at.unwrap_or_default());
    // It fails for years that four digits do not hold only.
    printed.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::Clock;
    use std::time::{Duration, SystemTime};

    #[test]
    fn a_clock_that_is_given_is_told_as_the_api_and_as_http_write_it() {
        let clock = Clock::new(|| SystemTime::UNIX_EPOCH + Duration::from_millis(1_600_000_000_500));
        assert_eq!(clock.text(), "2020-09-13T12:26:40.5Z");
        assert_eq!(clock.date().as_ref().and_then(|date| date.to_str().ok()), Some("Sun, 13 Sep 2020 12:26:40 GMT"));
        assert_eq!(Clock::default().date(), None);
    }
}
