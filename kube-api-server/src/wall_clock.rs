//! The wall clock: the system's, unless the server is given another.

use std::fmt;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use axum::http::HeaderValue;
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;

use crate::clock;

/// Clones are one clock. What happens when does not depend on it, only what objects and answers say of it.
#[derive(Clone, Default)]
pub(crate) struct WallClock(Option<Arc<dyn Fn() -> SystemTime + Send + Sync>>);

impl WallClock {
    pub(crate) fn new(read: impl Fn() -> SystemTime + Send + Sync + 'static) -> WallClock {
        WallClock(Some(Arc::new(read)))
    }

    pub(crate) fn is_the_systems(&self) -> bool {
        self.0.is_none()
    }

    pub(crate) fn now(&self) -> SystemTime {
        self.0.as_ref().map_or_else(SystemTime::now, |read| read())
    }

    pub(crate) fn timestamp(&self) -> Timestamp {
        // No clock is set so far from ours that it is not a timestamp any more.
        Timestamp::try_from(self.now()).unwrap_or_default()
    }

    /// Now, to the second, as in `creationTimestamp`.
    pub(crate) fn seconds(&self) -> String {
        clock::seconds(self.timestamp())
    }

    /// What the `Date` of an answer is to be. Nothing for the system's clock, which the HTTP library reads by itself.
    pub(crate) fn date(&self) -> Option<HeaderValue> {
        let since = self.0.as_ref()?().duration_since(UNIX_EPOCH).unwrap_or_default();
        let at = Timestamp::from_second(i64::try_from(since.as_secs()).ok()?).ok()?;
        HeaderValue::try_from(DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok()?).ok()
    }
}

impl fmt::Debug for WallClock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("WallClock").field(&self.now()).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_clock_that_is_given_is_told_as_kubernetes_and_as_http_write_it() {
        let clock = WallClock::new(|| UNIX_EPOCH + Duration::from_millis(1_600_000_000_500));
        assert_eq!(clock.seconds(), "2020-09-13T12:26:40Z");
        assert_eq!(clock.date().as_ref().and_then(|date| date.to_str().ok()), Some("Sun, 13 Sep 2020 12:26:40 GMT"));
        assert_eq!(WallClock::default().date(), None);
    }
}
