//! How long requests wait before they are looked at.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::SignedDuration;

use crate::drawn::Drawn;

/// Where 99 of 100 draws of the normal distribution lie below, in deviations.
const P99: f64 = 2.326_348;
/// Nothing waits longer, so that no distribution's tail holds a test up.
const LONGEST: Duration = Duration::from_mins(1);

/// How long a request waits: a time, or a distribution of times. Nothing waits longer than a minute.
///
/// As text it is `5ms`, `2ms..20ms` or `p50=5ms,p99=80ms`:
///
/// ```
/// use std::time::Duration;
/// use kube_api_server::Latency;
///
/// let latency: Latency = "2ms..20ms".parse()?;
/// assert_eq!(latency, Latency::Uniform(Duration::from_millis(2), Duration::from_millis(20)));
/// # Ok::<(), kube_api_server::LatencyError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Latency {
    /// Always the same.
    Fixed(Duration),
    /// Anything from the first to the second, equally likely.
    Uniform(Duration, Duration),
    /// Log-normal, as answers of servers tend to be: half of all wait no longer than `p50`, and 99 of 100 no longer than
    /// `p99`.
    LogNormal {
        /// The median.
        p50: Duration,
        /// The 99th percentile.
        p99: Duration,
    },
}

/// A text that is no [`Latency`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no latency: {why}; write a time (5ms), a range (2ms..20ms) or two percentiles (p50=5ms,p99=80ms)")]
pub struct LatencyError {
    text: String,
    why: String,
}

impl Latency {
    fn draw(self, drawn: &mut Drawn) -> Duration {
        let time = match self {
            Latency::Fixed(time) => time,
            Latency::Uniform(least, most) => drawn.time_between(least, most),
            Latency::LogNormal { p50, p99 } => {
                let deviation = (p99.as_secs_f64() / p50.as_secs_f64()).ln() / P99;
                let factor = (deviation * drawn.normal()).exp();
                Duration::try_from_secs_f64(p50.as_secs_f64() * factor).unwrap_or(LONGEST)
            }
        };
        time.min(LONGEST)
    }
}

impl FromStr for Latency {
    type Err = LatencyError;

    fn from_str(text: &str) -> Result<Latency, LatencyError> {
        let error = |why: String| LatencyError { text: text.to_owned(), why };
        let time = |part: &str| time(part).map_err(&error);
        if let Some((least, most)) = text.split_once("..") {
            let (least, most) = (time(least)?, time(most)?);
            if least > most {
                return Err(error("the range ends before it begins".to_owned()));
            }
            return Ok(Latency::Uniform(least, most));
        }
        if text.contains('=') {
            let parts: BTreeMap<&str, &str> =
                text.split(',').map(|part| part.trim().split_once('=').unwrap_or((part, ""))).collect();
            let (Some(p50), Some(p99), 2) = (parts.get("p50"), parts.get("p99"), parts.len()) else {
                return Err(error("it wants p50 and p99, and nothing else".to_owned()));
            };
            let (p50, p99) = (time(p50)?, time(p99)?);
            if p50.is_zero() || p99 < p50 {
                return Err(error("p50 must be above zero, and p99 no less than p50".to_owned()));
            }
            return Ok(Latency::LogNormal { p50, p99 });
        }
        Ok(Latency::Fixed(time(text)?))
    }
}

impl fmt::Display for Latency {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Latency::Fixed(time) => write!(formatter, "{time:?}"),
            Latency::Uniform(least, most) => write!(formatter, "{least:?}..{most:?}"),
            Latency::LogNormal { p50, p99 } => write!(formatter, "p50={p50:?},p99={p99:?}"),
        }
    }
}

/// Reads a time such as `5ms`, `1.5s` or `2m`.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let signed: SignedDuration = text.parse().map_err(|_| format!("{text:?} is no time such as 5ms, 1.5s or 2m"))?;
    Duration::try_from(signed).map_err(|_| format!("{text:?} is less than nothing"))
}

/// The latencies in force. Shared and cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Latencies(Arc<Mutex<InForce>>);

#[derive(Debug)]
struct InForce {
    all: Option<Latency>,
    /// By method, before that of all.
    by_method: BTreeMap<String, Latency>,
    drawn: Drawn,
}

impl Latencies {
    pub(crate) fn new(all: Option<Latency>, by_method: BTreeMap<String, Latency>, seed: u64) -> Latencies {
        Latencies(Arc::new(Mutex::new(InForce { all, by_method, drawn: Drawn::from_seed(seed) })))
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut InForce) -> T) -> T {
        use_it(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set(&self, all: Option<Latency>) {
        self.with(|in_force| in_force.all = all);
    }

    pub(crate) fn set_method(&self, method: &str, latency: Option<Latency>) {
        let method = method.to_uppercase();
        self.with(|in_force| match latency {
            Some(latency) => drop(in_force.by_method.insert(method, latency)),
            None => drop(in_force.by_method.remove(&method)),
        });
    }

    /// That of all methods, and those of single ones.
    pub(crate) fn in_force(&self) -> (Option<Latency>, BTreeMap<String, Latency>) {
        self.with(|in_force| (in_force.all, in_force.by_method.clone()))
    }

    /// How long a request of that method is to wait.
    pub(crate) fn draw(&self, method: &str) -> Duration {
        self.with(|in_force| {
            let latency = in_force.by_method.get(method).copied().or(in_force.all);
            latency.map(|latency| latency.draw(&mut in_force.drawn)).unwrap_or_default()
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;

    const fn ms(count: u64) -> Duration {
        Duration::from_millis(count)
    }

    #[test]
    fn a_latency_reads_back_as_it_was_written() {
        for text in ["5ms", "2ms..20ms", "p50=5ms,p99=80ms", "1.5s"] {
            assert_eq!(text.parse::<Latency>().unwrap().to_string(), text);
        }
        assert_eq!("p99=80ms, p50=5ms".parse(), Ok(Latency::LogNormal { p50: ms(5), p99: ms(80) }));
    }

    #[test]
    fn a_text_that_is_no_latency_says_what_would_be_one() {
        for (text, why) in [
            ("fast", "\"fast\" is no time"),
            ("20ms..2ms", "ends before it begins"),
            ("p50=5ms", "p50 and p99"),
            ("p50=80ms,p99=5ms", "no less than p50"),
            ("-5ms", "less than nothing"),
        ] {
            let error = text.parse::<Latency>().unwrap_err().to_string();
            assert!(error.contains(why) && error.contains("p50=5ms,p99=80ms"), "{error}");
        }
    }

    #[test]
    fn percentiles_are_where_they_were_asked_for() {
        let mut drawn = Drawn::from_seed(1);
        let latency = Latency::LogNormal { p50: ms(5), p99: ms(80) };
        let times: Vec<Duration> = (0..10_000).map(|_| latency.draw(&mut drawn)).collect();
        let below = |limit: Duration| times.iter().filter(|time| **time <= limit).count();
        assert!((4_800..5_200).contains(&below(ms(5))), "{}", below(ms(5)));
        assert!((9_870..9_930).contains(&below(ms(80))), "{}", below(ms(80)));
    }

    #[test]
    fn a_method_may_have_its_own() {
        let latencies = Latencies::new(Some(Latency::Fixed(ms(1))), BTreeMap::new(), 1);
        latencies.set_method("patch", Some(Latency::Uniform(ms(5), ms(9))));
        assert_eq!(latencies.draw("GET"), ms(1));
        assert!((ms(5)..=ms(9)).contains(&latencies.draw("PATCH")));
        latencies.set_method("PATCH", None);
        latencies.set(None);
        assert_eq!(latencies.draw("PATCH"), Duration::ZERO);
    }
}
