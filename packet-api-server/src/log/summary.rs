//! What the requests came to.

use super::{Exchange, most_in};
use crate::server::BASE_PATH;
use serde::Serialize;
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Duration;

/// The resources whose names are followed by an id in a path.
const WITH_IDS: [&str; 3] = ["devices", "ips", "projects"];

/// A number of requests, and what they cost.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Share {
    /// How many there were.
    pub requests: usize,
    /// How many bytes of bodies they were answered with.
    pub bytes: u64,
    /// How long half of them took at most, in seconds.
    pub p50: f64,
    /// How long 99 of a hundred took at most, in seconds.
    pub p99: f64,
    /// How long the longest took, in seconds.
    pub longest: f64,
}

/// What the requests since the start or the last clear came to. Where there were more than a million, all but `requests` and
/// `bytes` is about the latest million. Displays as a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RequestSummary {
    /// How many there were.
    pub requests: usize,
    /// How many bytes of bodies they were answered with.
    pub bytes: u64,
    /// How long it was from the first to the last, in seconds.
    pub seconds: f64,
    /// The most that arrived in any second, wherever it begins.
    pub most_in_a_second: usize,
    /// By what they asked, `GET /devices/{id}`.
    pub by_path: BTreeMap<String, Share>,
    /// How many were answered with which status; 0 is no answer.
    pub by_status: BTreeMap<u16, usize>,
    /// How many met which fault.
    pub by_fault: BTreeMap<String, usize>,
}

impl RequestSummary {
    pub(super) fn of(kept: &VecDeque<Exchange>, requests: usize, bytes: u64) -> Self {
        let mut times: BTreeMap<String, (u64, Vec<Duration>)> = BTreeMap::new();
        let (mut by_status, mut by_fault) = (BTreeMap::new(), BTreeMap::new());
        for exchange in kept {
            let (bytes, took) = times.entry(format!("{} {}", exchange.method, pattern(&exchange.path))).or_default();
            *bytes += exchange.bytes;
            took.push(exchange.took.unwrap_or_default());
            *by_status.entry(exchange.status).or_default() += 1;
            if let Some(fault) = &exchange.fault {
                *by_fault.entry(fault.clone()).or_default() += 1;
            }
        }
        let (first, last) = (kept.front().map(|first| first.at), kept.back().map(|last| last.at));
        Self {
            requests,
            bytes,
            seconds: last.unwrap_or_default().saturating_sub(first.unwrap_or_default()).as_secs_f64(),
            most_in_a_second: most_in(kept.iter().map(|exchange| exchange.at), Duration::from_secs(1)),
            by_path: times.into_iter().map(|(path, (bytes, took))| (path, Share::of(bytes, took))).collect(),
            by_status,
            by_fault,
        }
    }
}

impl Share {
    fn of(bytes: u64, mut took: Vec<Duration>) -> Self {
        took.sort_unstable();
        // The smallest time that at least so many of a hundred do not exceed.
        let percentile = |percent: usize| {
            let place = (took.len() * percent).div_ceil(100).saturating_sub(1);
            took.get(place).copied().unwrap_or_default().as_secs_f64()
        };
        Self { requests: took.len(), bytes, p50: percentile(50), p99: percentile(99), longest: percentile(100) }
    }
}

/// A path with its ids taken out and without the base path.
fn pattern(path: &str) -> String {
    let mut id_follows = false;
    let segments = path.strip_prefix(BASE_PATH).unwrap_or(path).split('/');
    let names: Vec<&str> = segments
        .map(|segment| {
            let is_id = std::mem::replace(&mut id_follows, false);
            id_follows = !is_id && WITH_IDS.contains(&segment);
            if is_id && !segment.is_empty() { "{id}" } else { segment }
        })
        .collect();
    names.join("/")
}

impl fmt::Display for RequestSummary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "{} requests in {:.1} s, {} bytes of answers, at most {} in a second",
            self.requests, self.seconds, self.bytes, self.most_in_a_second
        )?;
        if self.requests == 0 {
            return Ok(());
        }
        let width = self.by_path.keys().map(String::len).max().unwrap_or_default();
        writeln!(formatter, "  {:width$}  requests         bytes       p50       p99   longest", "")?;
        for (path, share) in &self.by_path {
            let Share { requests, bytes, .. } = share;
            write!(formatter, "  {path:width$}  {requests:8}  {bytes:12}")?;
            for seconds in [share.p50, share.p99, share.longest] {
                write!(formatter, "  {:>8}", format!("{:.1}ms", seconds * 1_000.0))?;
            }
            writeln!(formatter)?;
        }
        let statuses = self.by_status.iter().map(|(status, count)| match status {
            0 => format!("{count} without an answer"),
            _ => format!("{count} × {status}"),
        });
        writeln!(formatter, "  answers: {}", statuses.collect::<Vec<_>>().join(", "))?;
        if self.by_fault.is_empty() {
            return Ok(());
        }
        let faults = self.by_fault.iter().map(|(fault, count)| format!("{count} × {fault}"));
        writeln!(formatter, "  on purpose: {}", faults.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::{Share, pattern};
    use crate::log::RequestLog;
    use std::time::Duration;

    #[test]
    fn paths_that_differ_in_an_id_are_of_one_pattern() {
        assert_eq!(pattern("/metal/v1/devices/0a1b"), "/devices/{id}");
        assert_eq!(pattern("/metal/v1/projects/devices/devices"), "/projects/{id}/devices");
        assert_eq!(pattern("/metal/v1/devices/x/ips"), "/devices/{id}/ips");
        assert_eq!(pattern("/metal/v1/plans"), "/plans");
    }

    #[test]
    fn a_percentile_is_a_time_that_occurred() {
        let share = Share::of(0, (1..=200).rev().map(Duration::from_secs).collect());
        assert_eq!((share.requests, share.p50, share.p99, share.longest), (200, 100.0, 198.0, 200.0));
        let one = Share::of(0, vec![Duration::from_secs(3)]);
        assert_eq!((one.requests, one.p50), (1, 3.0));
    }

    #[test]
    fn a_summary_counts_by_path_status_and_fault() {
        let log = RequestLog::new(None);
        log.arrived("GET", "/metal/v1/devices/a", None).answered(200, 10);
        log.arrived("GET", "/metal/v1/devices/b", None).answered(404, 5);
        let hung = log.arrived("GET", "/metal/v1/plans", None);
        hung.blame("hang");
        drop(hung);
        let summary = log.summary();
        assert_eq!((summary.requests, summary.bytes, summary.most_in_a_second), (3, 15, 3));
        assert_eq!(summary.by_path["GET /devices/{id}"].requests, 2);
        assert_eq!((summary.by_status[&0], summary.by_status[&404], summary.by_fault["hang"]), (1, 1, 1));
        let text = summary.to_string();
        for part in ["3 requests in 0.0 s, 15 bytes", "GET /devices/{id} ", "1 without an answer, 1 × 200", "1 × hang"]
        {
            assert!(text.contains(part), "{part:?} is not in {text}");
        }
    }
}
