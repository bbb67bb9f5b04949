//! Values of options, checked as they are read.

use std::time::Duration;

use jiff::SignedDuration;

/// More Nodes than Kubernetes is made for in one cluster (5,000, says its documentation) show nothing more to a person who
/// watches; the load test takes more.
pub(super) fn nodes_of_a_demo(text: &str) -> Result<usize, &'static str> {
    text.parse().ok().filter(|nodes| (1..=9_999).contains(nodes)).ok_or("expected a whole number from 1 to 9999")
}

/// From one Node to twenty times what Kubernetes is made for in one cluster.
pub(super) fn nodes_of_a_load_test(text: &str) -> Result<usize, &'static str> {
    text.parse().ok().filter(|nodes| (1..=100_000).contains(nodes)).ok_or("expected a whole number from 1 to 100000")
}

/// A number of seconds, within an hour.
pub(super) fn seconds(text: &str) -> Result<f64, &'static str> {
    let seconds = text.parse().ok().filter(|seconds: &f64| (0.0..=3_600.0).contains(seconds));
    seconds.ok_or("expected seconds from 0 to 3600, such as 2 or 0.5")
}

/// So many a second.
pub(super) fn rate(text: &str) -> Result<f64, &'static str> {
    let rate = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or("expected a number above 0")
}

/// So many times something.
pub(super) fn ratio(text: &str) -> Result<f64, &'static str> {
    rate(text)
}

/// What the simulated Packet API allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Allowance {
    /// So many requests
    pub(crate) requests: u32,
    /// in each window of that length.
    pub(crate) per: Duration,
}

impl Allowance {
    /// What the throttled scenarios allow unless told otherwise.
    pub(crate) const USUAL: Self = Self { requests: 60, per: Duration::from_mins(1) };

    /// How many requests that is in a minute.
    pub(crate) fn in_a_minute(self) -> f64 {
        f64::from(self.requests) * 60.0 / self.per.as_secs_f64()
    }
}

/// So many requests in a time.
pub(super) fn allowance(text: &str) -> Result<Allowance, &'static str> {
    let parts = text.split_once('/').map(|(requests, per)| (requests.trim().parse(), duration(per.trim())));
    match parts {
        Some((Ok(requests), Ok(per))) if requests > 0 && !per.is_zero() => Ok(Allowance { requests, per }),
        _ => Err("expected how many requests in which time, such as 60/1m or 5/500ms, both above 0"),
    }
}

/// A time with its unit.
pub(super) fn duration(text: &str) -> Result<Duration, &'static str> {
    let parsed = text.parse::<SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok());
    parsed.ok_or("expected a time with its unit, such as 50ms, 2s or 1m")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::float_cmp, reason = "a test may panic")]
    use super::*;

    #[test]
    fn an_allowance_is_requests_in_a_time() {
        assert_eq!(allowance("60/1m"), Ok(Allowance::USUAL));
        assert_eq!(allowance("5/500ms").unwrap().in_a_minute(), 600.0);
        for wrong in ["60", "0/1m", "60/0s", "x/1m", "60/1"] {
            assert!(allowance(wrong).unwrap_err().contains("such as 60/1m"), "{wrong}");
        }
    }
}
