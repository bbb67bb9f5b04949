//! Values of options, checked as they are read.

use std::time::Duration;

use jiff::SignedDuration;

/// More Nodes than Kubernetes is made for in one cluster (5,000, says its documentation) show nothing more to a person who
/// watches; the load test takes more.
pub(super) fn nodes_of_a_demo(text: &str) -> Result<usize, &'static str> {
    text.parse().ok().filter(|nodes| (1..=9_999).contains(nodes)).ok_or("expected a whole number from 1 to 9999")
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

/// A time with its unit.
pub(super) fn duration(text: &str) -> Result<Duration, &'static str> {
    let parsed = text.parse::<SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok());
    parsed.ok_or("expected a time with its unit, such as 50ms, 2s or 1m")
}
