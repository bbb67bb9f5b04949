//! Times of many Nodes as a few numbers.

use std::time::Duration;

use serde::Serialize;

/// How long Nodes took, in seconds; `None` where fewer than that many came to their end.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub(crate) struct Spread {
    /// Half of them took at most so long.
    pub(crate) p50: Option<f64>,
    /// Nine of ten.
    pub(crate) p90: Option<f64>,
    /// 99 of a hundred.
    pub(crate) p99: Option<f64>,
    /// The slowest.
    pub(crate) max: Option<f64>,
}

impl Spread {
    /// The spread of these times among `all` Nodes, of which the others still wait: without them the slowest would be left out.
    /// `None` where there are no times at all.
    pub(crate) fn of(times: impl IntoIterator<Item = Duration>, all: usize) -> Option<Self> {
        let mut sorted: Vec<Duration> = times.into_iter().collect();
        sorted.sort_unstable();
        let all = all.max(sorted.len());
        let at = |percent| percentile(&sorted, all, percent).map(|time| time.as_secs_f64());
        (!sorted.is_empty()).then(|| Self { p50: at(50), p90: at(90), p99: at(99), max: at(100) })
    }
}

/// The smallest of the sorted times that at least `percent` percent of `all` do not exceed (nearest rank).
fn percentile(sorted: &[Duration], all: usize, percent: usize) -> Option<Duration> {
    let rank = (all * percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::float_cmp, reason = "a test may panic")]
    use super::*;

    fn seconds(times: impl IntoIterator<Item = u64>) -> Option<Spread> {
        Spread::of(times.into_iter().map(Duration::from_secs), 0)
    }

    fn spread(p50: f64, p90: f64, p99: f64, max: f64) -> Spread {
        Spread { p50: Some(p50), p90: Some(p90), p99: Some(p99), max: Some(max) }
    }

    #[test]
    fn of_a_hundred_times_each_percentile_is_the_time_of_that_rank() {
        assert_eq!(seconds((1..=100).rev()).unwrap(), spread(50.0, 90.0, 99.0, 100.0));
    }

    #[test]
    fn of_one_time_every_percentile_is_that_time() {
        assert_eq!(seconds([7]).unwrap(), spread(7.0, 7.0, 7.0, 7.0));
    }

    #[test]
    fn a_rank_that_is_no_whole_number_is_rounded_up() {
        assert_eq!(seconds([1, 2, 3]).unwrap(), spread(2.0, 3.0, 3.0, 3.0));
    }

    #[test]
    fn those_who_still_wait_are_the_slowest_and_nobody_knows_how_slow() {
        let told = Spread::of((1..=95).map(Duration::from_secs), 100).unwrap();
        assert_eq!(told, Spread { p50: Some(50.0), p90: Some(90.0), p99: None, max: None });
        assert_eq!(Spread::of([Duration::ZERO], 100).unwrap().p50, None);
    }

    #[test]
    fn no_times_have_no_spread() {
        assert_eq!(seconds([]), None);
    }
}
