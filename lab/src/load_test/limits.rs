//! What must hold of the program in the end, and whether it does.

use std::time::Duration;

use serde::Serialize;

use crate::program::log::Budget;

/// How much later than another a request may arrive that went out at the same time: it is counted where it arrives.
const ON_THE_WAY: Duration = Duration::from_millis(50);
const MIB: f64 = 1_048_576.0;
/// The unit of a limit that is a ratio.
pub(crate) const TIMES: &str = "times";
/// The windows in which the budget is checked.
pub(crate) const WINDOWS: [Duration; 3] = [Duration::from_secs(1), Duration::from_secs(10), Duration::from_mins(1)];

/// What limits are reckoned from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// Nodes in the cluster.
    pub(crate) nodes: usize,
    /// The pages that the devices fill at the usual size, or what is granted of it.
    pub(crate) pages: usize,
    /// Requests to the Packet API since measuring began.
    pub(crate) requests: usize,
    /// Of these, answered with 429.
    pub(crate) refused: usize,
    /// How long it was measured, in whole seconds, rounded up.
    pub(crate) seconds: u64,
    /// Seconds from the beginning until the last Node was initialised; `None` where not all were.
    pub(crate) all_initialised_after: Option<f64>,
    /// Nodes that were initialised when the Packet API returned.
    pub(crate) initialised_at_return: usize,
    /// Seconds from the return of the Packet API, negative where the last one was before it; `None` where not all were.
    pub(crate) all_initialised_after_return: Option<f64>,
    /// The most Nodes that were not ready at once.
    pub(crate) not_ready: usize,
    /// What the program wrote to Nodes; `None` where nobody tells.
    pub(crate) node_writes: Option<usize>,
    /// Whether the pages can be read within a minute of the Packet API's limit.
    pub(crate) fits_into_a_minute: bool,
    /// Whether the program's own budget keeps it within the Packet API's limit.
    pub(crate) budget_is_below_the_limit: bool,
}

/// Something that must hold.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Limit {
    /// What it is about.
    pub(crate) what: String,
    /// What was measured; `None` where it never came about.
    pub(crate) measured: Option<f64>,
    /// The most that it may be.
    pub(crate) at_most: f64,
    /// `s`, `MiB` or `times`; empty for a plain number.
    pub(crate) unit: &'static str,
    /// How the most is reckoned; may be empty.
    pub(crate) reckoning: String,
    /// Whether it held.
    pub(crate) held: bool,
}

impl Limit {
    /// No more requests to the Packet API than that.
    pub(crate) fn requests(measured: usize, at_most: usize, reckoning: String) -> Self {
        Self::at_most("requests to the Packet API", measured, at_most, reckoning)
    }

    /// No more of something than that.
    pub(crate) fn at_most(what: &str, measured: usize, at_most: usize, reckoning: String) -> Self {
        let (measured, at_most) = (count(measured), count(at_most));
        let held = measured <= at_most;
        Self { what: what.to_owned(), measured: Some(measured), at_most, unit: "", reckoning, held }
    }

    /// Within so many seconds.
    pub(crate) fn seconds(what: &str, measured: Option<f64>, at_most: f64) -> Self {
        Self::measured(what, measured, at_most, "s")
    }

    /// No more than so many times as long as the bare loop took.
    pub(crate) fn times_the_floor(measured: Option<f64>, at_most: f64) -> Self {
        Self::measured("time, beside the bare loop's", measured, at_most, TIMES)
    }

    /// No more memory than so many MiB.
    pub(crate) fn memory(bytes: u64, at_most: u32) -> Self {
        let measured = count(usize::try_from(bytes).unwrap_or(usize::MAX)) / MIB;
        Self::measured("memory held", Some(measured), f64::from(at_most), "MiB")
    }

    fn measured(what: &str, measured: Option<f64>, at_most: f64, unit: &'static str) -> Self {
        let held = measured.is_some_and(|measured| measured <= at_most);
        Self { what: what.to_owned(), measured, at_most, unit, reckoning: String::new(), held }
    }
}

/// In no window of time more requests than `budget` allows: one limit for each of [`WINDOWS`]. `arrivals` are the times of
/// the requests, in order.
pub(crate) fn within(budget: Budget, arrivals: &[Duration]) -> Vec<Limit> {
    let limit = |window: Duration| {
        let allowed = budget.rate.mul_add((window + ON_THE_WAY).as_secs_f64(), budget.burst).floor();
        let measured = count(most_in(window, arrivals));
        Limit {
            what: format!("requests in any {} s", window.as_secs()),
            measured: Some(measured),
            at_most: allowed,
            unit: "",
            reckoning: format!("{} × {} s + {}", budget.rate, window.as_secs(), budget.burst),
            held: measured <= allowed,
        }
    };
    WINDOWS.into_iter().map(limit).collect()
}

/// The most arrivals that any window of that length has, both of its ends included. They must be in order.
fn most_in(window: Duration, arrivals: &[Duration]) -> usize {
    let mut first = 0;
    let in_window = arrivals.iter().enumerate().map(|(last, at)| {
        while at.saturating_sub(arrivals[first]) > window {
            first += 1;
        }
        last + 1 - first
    });
    in_window.max().unwrap_or_default()
}

/// A count as a measurement.
#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
pub(crate) const fn count(count: usize) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::float_cmp, reason = "a test may panic")]
    use super::*;

    fn milliseconds(times: &[u64]) -> Vec<Duration> {
        times.iter().map(|time| Duration::from_millis(*time)).collect()
    }

    #[test]
    fn the_fullest_window_is_found_wherever_it_begins() {
        let arrivals = milliseconds(&[0, 900, 950, 1_000, 1_899, 5_000]);
        assert_eq!(most_in(Duration::from_secs(1), &arrivals), 4);
        assert_eq!(most_in(Duration::from_mins(1), &arrivals), 6);
        assert_eq!(most_in(Duration::from_secs(1), &[]), 0);
    }

    #[test]
    fn a_window_holds_rate_times_its_length_and_the_burst_and_one_more_is_too_many() {
        let budget = Budget { rate: 5.0, burst: 20.0 };
        let held = |count| within(budget, &vec![Duration::from_secs(3); count])[0].held;
        assert!(held(25));
        assert!(!held(26));
    }

    #[test]
    fn too_much_over_a_minute_is_seen_though_no_second_has_too_much() {
        let arrivals: Vec<Duration> = (0..600).map(|number| Duration::from_millis(number * 100)).collect();
        let limits = within(Budget { rate: 5.0, burst: 20.0 }, &arrivals);
        assert_eq!(limits.iter().map(|limit| limit.held).collect::<Vec<_>>(), [true, false, false]);
        assert_eq!((limits[2].measured, limits[2].at_most), (Some(600.0), 320.0));
    }

    #[test]
    fn memory_is_limited_in_mebibytes() {
        assert!(Limit::memory(30 * 1_048_576, 30).held);
        assert!(!Limit::memory(30 * 1_048_576 + 1, 30).held);
    }

    #[test]
    fn what_never_came_about_is_not_within_any_time() {
        assert!(!Limit::seconds("x", None, 30.0).held);
        assert!(Limit::seconds("x", Some(30.0), 30.0).held);
    }
}
