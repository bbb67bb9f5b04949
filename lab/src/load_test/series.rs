//! Many instants as a few points, so that a page of plots and a JSON file stay small at a hundred thousand Nodes.

use std::time::Duration;

/// How many points a line has at most.
pub(crate) const POINTS: usize = 400;

/// A line that rises by one at each of the times: points where it has risen, at most [`POINTS`] of them, from nothing at
/// second 0 on. The times need no order.
pub(crate) fn rising(times: impl IntoIterator<Item = Duration>) -> Vec<(f64, usize)> {
    let mut times: Vec<Duration> = times.into_iter().collect();
    times.sort_unstable();
    let mut line = vec![(0.0, 0)];
    line.extend(chosen(times.len()).map(|place| (times[place].as_secs_f64(), place + 1)));
    line
}

/// What so many percent of `all` do not exceed, where these are the lengths of those that are over: at most [`POINTS`] points,
/// which end before 100 percent where some are not.
pub(crate) fn percentiles(mut lengths: Vec<Duration>, all: usize) -> Vec<(f64, f64)> {
    lengths.sort_unstable();
    let all = super::limits::count(all.max(lengths.len()));
    let percent = |place: usize| super::limits::count(place + 1) / all * 100.0;
    chosen(lengths.len()).map(|place| (percent(place), lengths[place].as_secs_f64())).collect()
}

/// How many of the times fall into each interval of that length, from the first to the last that has any.
pub(crate) fn per_interval(times: impl IntoIterator<Item = Duration>, interval: Duration) -> Vec<usize> {
    let mut counts = Vec::new();
    for time in times {
        let place = usize::try_from(time.as_nanos() / interval.as_nanos().max(1)).unwrap_or(usize::MAX - 1);
        if counts.len() <= place {
            counts.resize(place + 1, 0);
        }
        counts[place] += 1;
    }
    counts
}

/// Of so many samples every so-and-so-manieth, at most [`POINTS`] of them, the last one included.
pub(crate) fn thinned<T: Copy>(samples: &[T]) -> Vec<T> {
    chosen(samples.len()).map(|place| samples[place]).collect()
}

/// Places in a list of that length: all, or [`POINTS`] of them spread evenly, the last one included.
fn chosen(length: usize) -> impl Iterator<Item = usize> {
    let points = length.min(POINTS);
    (1..=points).map(move |number| number * length / points - 1)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp, reason = "these numbers are exact")]
    use super::*;

    #[test]
    fn a_line_rises_at_each_time_whatever_their_order() {
        let times = [3, 1, 2].map(Duration::from_secs);
        assert_eq!(rising(times), [(0.0, 0), (1.0, 1), (2.0, 2), (3.0, 3)]);
        assert_eq!(rising([]), [(0.0, 0)]);
    }

    #[test]
    fn a_long_line_keeps_its_end_and_few_points() {
        let line = rising((1..=100_000).map(Duration::from_millis));
        assert_eq!(line.len(), POINTS + 1);
        assert_eq!(line.last(), Some(&(100.0, 100_000)));
        assert!(line.is_sorted_by_key(|(_, count)| *count));
    }

    #[test]
    fn the_last_percentile_is_the_longest_wait_where_none_still_waits() {
        let points = |all| percentiles((1..=4).rev().map(Duration::from_secs).collect(), all);
        assert_eq!(points(4), [(25.0, 1.0), (50.0, 2.0), (75.0, 3.0), (100.0, 4.0)]);
        assert_eq!(points(8), [(12.5, 1.0), (25.0, 2.0), (37.5, 3.0), (50.0, 4.0)]);
    }

    #[test]
    fn times_are_counted_in_the_interval_in_which_they_fall() {
        let times = [0, 999, 1_000, 3_500].map(Duration::from_millis);
        assert_eq!(per_interval(times, Duration::from_secs(1)), [2, 1, 0, 1]);
    }

    #[test]
    fn few_samples_are_all_kept() {
        assert_eq!(thinned(&[1, 2, 3]), [1, 2, 3]);
        assert_eq!(thinned(&(0..1_000).collect::<Vec<_>>()).len(), POINTS);
    }
}
