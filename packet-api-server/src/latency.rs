//! How long answers take: a distribution, and what a page costs for each device on it.

use crate::dice::Dice;
use crate::time;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

/// How many standard deviations the 99th percentile of a normal distribution lies above its median.
const P99: f64 = 2.326_347_874_040_841;

/// How long an answer takes. As text, as the command line has it: `50ms`, `20ms..200ms` (any time between the two is as
/// likely), `p50=80ms,p99=900ms` (log-normal, as services under load have it), each with an optional `+2ms/device`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Latency {
    spread: Spread,
    per_device: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Spread {
    Fixed(Duration),
    Uniform { least: Duration, most: Duration },
    LogNormal { median: Duration, p99: Duration },
}

/// Why a text is no latency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LatencyError {
    /// One of its times is none.
    #[error("latency {text:?}: {reason}")]
    Time {
        /// The whole text.
        text: String,
        /// What is wrong with which part.
        reason: String,
    },
    /// The second time is shorter than the first.
    #[error("latency {0:?}: the second time is shorter than the first; write the shorter one first")]
    Backwards(String),
    /// It begins like a log-normal one.
    #[error("latency {0:?}: write a log-normal latency as p50=80ms,p99=900ms")]
    LogNormal(String),
    /// The median is no time at all.
    #[error("latency {0:?}: p50 must be more than 0")]
    NoMedian(String),
    /// What is added is not added per device.
    #[error("latency {0:?}: write what each device on a page adds as +2ms/device, at the end")]
    PerDevice(String),
}

impl Latency {
    /// No wait at all.
    pub const NONE: Self = Self::fixed(Duration::ZERO);

    /// Every answer takes this long.
    #[must_use]
    pub const fn fixed(time: Duration) -> Self {
        Self { spread: Spread::Fixed(time), per_device: Duration::ZERO }
    }

    /// Any time between the two, in whichever order they come, is as likely.
    #[must_use]
    pub fn uniform(one: Duration, other: Duration) -> Self {
        Self { spread: Spread::Uniform { least: one.min(other), most: one.max(other) }, per_device: Duration::ZERO }
    }

    /// Log-normal: half of the answers take no longer than `median`, and one in a hundred takes longer than `p99`. A `p99`
    /// below the median counts as the median, which makes the latency a fixed one.
    #[must_use]
    pub fn log_normal(median: Duration, p99: Duration) -> Self {
        Self { spread: Spread::LogNormal { median, p99: p99.max(median) }, per_device: Duration::ZERO }
    }

    /// Adds this much for each device that the answer shows. Large pages of the real API take tens of seconds.
    #[must_use]
    pub const fn per_device(mut self, time: Duration) -> Self {
        self.per_device = time;
        self
    }

    /// What the next answer takes before its devices are counted.
    pub(crate) fn draw(&self, dice: &Dice) -> Duration {
        match self.spread {
            Spread::Fixed(time) => time,
            Spread::Uniform { least, most } => least + most.saturating_sub(least).mul_f64(dice.roll()),
            Spread::LogNormal { median, .. } if median.is_zero() => Duration::ZERO,
            Spread::LogNormal { median, p99 } => {
                let deviation = (p99.as_secs_f64() / median.as_secs_f64()).ln() / P99;
                let seconds = median.as_secs_f64() * (deviation * normal(dice)).exp();
                Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX)
            }
        }
    }

    /// What the devices that an answer shows add to it.
    pub(crate) fn of_devices(&self, devices: usize) -> Duration {
        self.per_device.saturating_mul(u32::try_from(devices).unwrap_or(u32::MAX))
    }
}

/// A number of the standard normal distribution (Box and Muller 1958).
fn normal(dice: &Dice) -> f64 {
    // Not 0, whose logarithm there is not.
    let radius = (-2.0 * (1.0 - dice.roll()).ln()).sqrt();
    radius * (std::f64::consts::TAU * dice.roll()).cos()
}

impl Default for Latency {
    fn default() -> Self {
        Self::NONE
    }
}

impl From<Duration> for Latency {
    fn from(time: Duration) -> Self {
        Self::fixed(time)
    }
}

impl FromStr for Latency {
    type Err = LatencyError;

    fn from_str(text: &str) -> Result<Self, LatencyError> {
        let time = |part: &str| {
            time::parse(part.trim()).map_err(|reason| LatencyError::Time { text: text.to_owned(), reason })
        };
        let (spread, per_device) = match text.split_once('+') {
            None => (text, Duration::ZERO),
            Some((spread, added)) => {
                let each = added.trim().strip_suffix("/device");
                (spread, time(each.ok_or_else(|| LatencyError::PerDevice(text.to_owned()))?)?)
            }
        };
        let latency = if let Some(quantiles) = spread.trim().strip_prefix("p50=") {
            let (median, p99) =
                quantiles.split_once(",p99=").ok_or_else(|| LatencyError::LogNormal(text.to_owned()))?;
            let (median, p99) = in_order(text, time(median)?, time(p99)?)?;
            if median.is_zero() {
                return Err(LatencyError::NoMedian(text.to_owned()));
            }
            Self::log_normal(median, p99)
        } else if let Some((least, most)) = spread.split_once("..") {
            let (least, most) = in_order(text, time(least)?, time(most)?)?;
            Self::uniform(least, most)
        } else {
            Self::fixed(time(spread)?)
        };
        Ok(latency.per_device(per_device))
    }
}

fn in_order(text: &str, first: Duration, second: Duration) -> Result<(Duration, Duration), LatencyError> {
    if first > second { Err(LatencyError::Backwards(text.to_owned())) } else { Ok((first, second)) }
}

/// As [`FromStr`] reads it.
impl fmt::Display for Latency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.spread {
            Spread::Fixed(time) => write!(formatter, "{}", time::text(time))?,
            Spread::Uniform { least, most } => write!(formatter, "{}..{}", time::text(least), time::text(most))?,
            Spread::LogNormal { median, p99 } => {
                write!(formatter, "p50={},p99={}", time::text(median), time::text(p99))?;
            }
        }
        if self.per_device.is_zero() {
            return Ok(());
        }
        write!(formatter, "+{}/device", time::text(self.per_device))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::Latency;
    use crate::dice::{Dice, Purpose};
    use std::time::Duration;

    const MS: Duration = Duration::from_millis(1);

    /// Ten thousand draws, shortest first.
    fn drawn(latency: Latency) -> Vec<Duration> {
        let dice = Dice::new(3, Purpose::Latency);
        let mut times: Vec<_> = (0..10_000).map(|_| latency.draw(&dice)).collect();
        times.sort_unstable();
        times
    }

    #[test]
    fn a_fixed_latency_does_not_vary() {
        let times = drawn(Latency::fixed(50 * MS));
        assert!(times.iter().all(|time| *time == 50 * MS));
    }

    #[test]
    fn a_uniform_latency_stays_between_its_ends_and_reaches_both() {
        let times = drawn(Latency::uniform(200 * MS, 20 * MS));
        assert!((20 * MS..21 * MS).contains(&times[0]), "{:?}", times[0]);
        assert!((199 * MS..=200 * MS).contains(&times[9_999]), "{:?}", times[9_999]);
        assert!((107 * MS..113 * MS).contains(&times[5_000]), "{:?}", times[5_000]);
    }

    #[test]
    fn a_log_normal_latency_has_the_median_and_the_99th_percentile_that_it_was_given() {
        let times = drawn(Latency::log_normal(80 * MS, 900 * MS));
        assert!((76 * MS..84 * MS).contains(&times[5_000]), "{:?}", times[5_000]);
        assert!((765 * MS..1_035 * MS).contains(&times[9_900]), "{:?}", times[9_900]);
    }

    #[test]
    fn the_same_seed_draws_the_same_latencies() {
        let latency = Latency::log_normal(80 * MS, 900 * MS);
        assert_eq!(drawn(latency), drawn(latency));
    }

    #[test]
    fn a_page_costs_more_the_more_devices_it_has() {
        let latency = Latency::fixed(MS).per_device(2 * MS);
        assert_eq!((latency.of_devices(0), latency.of_devices(1_000)), (Duration::ZERO, Duration::from_secs(2)));
    }

    #[test]
    fn a_latency_reads_back_as_it_is_written() {
        for text in ["0ms", "50ms", "20ms..200ms", "p50=80ms,p99=900ms", "50ms+2ms/device", "1s..2s+500us/device"] {
            assert_eq!(text.parse::<Latency>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_no_latency_is_refused_with_what_would_be() {
        for (text, advice) in [
            ("", "100ms"),
            ("fast", "100ms"),
            ("50", "100ms"),
            ("200ms..20ms", "the shorter one first"),
            ("p50=80ms", "p50=80ms,p99=900ms"),
            ("p50=80ms,p99=8ms", "the shorter one first"),
            ("p50=0ms,p99=8ms", "more than 0"),
            ("50ms+2ms", "+2ms/device"),
            ("50ms+x/device", "100ms"),
        ] {
            let error = text.parse::<Latency>().unwrap_err().to_string();
            assert!(error.contains(advice) && error.contains(&format!("{text:?}")), "{text}: {error}");
        }
    }
}
