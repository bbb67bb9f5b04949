//! Times of many Nodes as a few numbers.

use std::time::Duration;

use serde::Serialize;

/// How long Nodes took, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Spread {
    /// Half of them took at most so long.
    pub(crate) p50: f64,
    /// Nine of ten.
    pub(crate) p90: f64,
    /// 99 of a hundred.
    pub(crate) p99: f64,
    /// The slowest.
    pub(crate) max: f64,
}

impl Spread {
    /// The spread of these times; `None` of none at all.
    pub(crate) fn of(times: impl IntoIterator<Item = Duration>) -> Option<Self> {
        let mut sorted: Vec<Duration> = times.into_iter().collect();
        sorted.sort_unstable();
        let at = |percent| percentile(&sorted, percent).map(|time| time.as_secs_f64());
        Some(Self { p50: at(50)?, p90: at(90)?, p99: at(99)?, max: at(100)? })
    }
}

/// The smallest of the sorted times that at least `percent` percent of them do not exceed (nearest rank).
fn percentile(sorted: &[Duration], percent: usize) -> Option<Duration> {
    let rank = (sorted.len() * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::float_cmp, reason = "a test may panic")]
    use super::*;

    fn seconds(times: impl IntoIterator<Item = u64>) -> Option<Spread> {
        Spread::of(times.into_iter().map(Duration::from_secs))
    }

    #[test]
    fn of_a_hundred_times_each_percentile_is_the_time_of_that_rank() {
        assert_eq!(seconds((1..=100).rev()).unwrap(), Spread { p50: 50.0, p90: 90.0, p99: 99.0, max: 100.0 });
    }

    #[test]
    fn of_one_time_every_percentile_is_that_time() {
        assert_eq!(seconds([7]).unwrap(), Spread { p50: 7.0, p90: 7.0, p99: 7.0, max: 7.0 });
    }

    #[test]
    fn a_rank_that_is_no_whole_number_is_rounded_up() {
        assert_eq!(seconds([1, 2, 3]).unwrap(), Spread { p50: 2.0, p90: 3.0, p99: 3.0, max: 3.0 });
    }

    #[test]
    fn no_times_have_no_spread() {
        assert_eq!(seconds([]), None);
    }
}
