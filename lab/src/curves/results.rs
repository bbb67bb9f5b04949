//! Results of load tests, put in order: a line for each number of Nodes, a point for each limit of requests per second.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use indicatif::HumanCount;
use serde::Deserialize;

use crate::error::LabError;

/// The points of each number of Nodes, by rate.
pub(super) type Lines = BTreeMap<usize, Vec<Point>>;

/// One load test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Point {
    /// The program's limit of requests per second.
    pub(super) rate: f64,
    /// Until the last Node was initialised; `None` where one was not.
    pub(super) seconds: Option<f64>,
    /// Requests to the Packet API.
    pub(super) requests: f64,
}

#[derive(Deserialize)]
struct Wire {
    parameters: WireParameters,
    scenarios: Vec<WireScenario>,
}

#[derive(Deserialize)]
struct WireParameters {
    nodes: usize,
}

#[derive(Deserialize)]
struct WireScenario {
    budget: Option<WireBudget>,
    runs: Vec<WireRun>,
}

#[derive(Deserialize)]
struct WireBudget {
    rate: f64,
}

#[derive(Deserialize)]
struct WireRun {
    all_initialised_after: Option<f64>,
    packet_api: WireRequests,
}

#[derive(Deserialize)]
struct WireRequests {
    requests: f64,
}

/// Reads the files.
///
/// # Errors
/// [`LabError::Result`] for the first that is no result of a load test.
pub(super) fn lines(files: &[PathBuf]) -> Result<Lines, LabError> {
    let mut lines = Lines::new();
    for file in files {
        let text = std::fs::read(file).map_err(LabError::io(format!("reading {}", file.display())))?;
        let (nodes, point) = point(&text).map_err(|reason| not_a_result(file, reason))?;
        lines.entry(nodes).or_default().push(point);
    }
    for points in lines.values_mut() {
        points.sort_by(|one, other| one.rate.total_cmp(&other.rate));
    }
    Ok(lines)
}

fn not_a_result(file: &Path, reason: String) -> LabError {
    LabError::Result { file: file.display().to_string(), reason }
}

/// The number of Nodes of a result, and its point.
fn point(text: &[u8]) -> Result<(usize, Point), String> {
    let wire: Wire = serde_json::from_slice(text).map_err(|error| error.to_string())?;
    let scenario = wire.scenarios.first().ok_or("it has no scenario")?;
    let rate = scenario.budget.as_ref().map(|budget| budget.rate).filter(|rate| *rate > 0.0);
    let rate = rate.ok_or("the program's budget is not known")?;
    // The program is always the first.
    let run = scenario.runs.first().ok_or("its first scenario has no run")?;
    let point = Point { rate, seconds: run.all_initialised_after, requests: run.packet_api.requests };
    Ok((wire.parameters.nodes, point))
}

/// A table for people, in Markdown.
pub(super) fn table(lines: &Lines) -> String {
    let mut rates: Vec<f64> = lines.values().flatten().map(|point| point.rate).collect();
    rates.sort_by(f64::total_cmp);
    rates.dedup();
    let head = lines.keys().map(|nodes| format!(" {} Nodes | requests |", HumanCount(*nodes as u64)));
    let mut rows = vec![
        format!("| requests a second |{}", head.collect::<String>()),
        format!("|---|{}", "---|---|".repeat(lines.len())),
    ];
    for rate in rates {
        let cell = |points: &Vec<Point>| match points.iter().find(|point| point.rate.total_cmp(&rate).is_eq()) {
            Some(Point { seconds: Some(seconds), requests, .. }) => format!(" {seconds:.1} s | {requests} |"),
            Some(Point { requests, .. }) => format!(" not all | {requests} |"),
            None => " | |".to_owned(),
        };
        rows.push(format!("| {rate} |{}", lines.values().map(cell).collect::<String>()));
    }
    rows.join("\n") + "\n"
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn result(nodes: usize, rate: f64, seconds: Option<f64>) -> Vec<u8> {
        let run = serde_json::json!({"all_initialised_after": seconds, "packet_api": {"requests": 7}});
        let scenario = serde_json::json!({"budget": {"rate": rate, "burst": 20.0}, "runs": [run]});
        serde_json::to_vec(&serde_json::json!({"parameters": {"nodes": nodes}, "scenarios": [scenario]})).unwrap()
    }

    /// Two sizes of cluster, one of which was not done at one rate.
    pub(in crate::curves) fn example() -> Lines {
        let folder = tempfile::tempdir().unwrap();
        let results = [(100, 10.0, Some(0.5)), (1_000, 10.0, Some(1.25)), (1_000, 0.5, None), (1_000, 2.0, Some(4.0))];
        let write = |(place, (nodes, rate, seconds)): (usize, &(usize, f64, Option<f64>))| {
            let file = folder.path().join(place.to_string());
            std::fs::write(&file, result(*nodes, *rate, *seconds)).unwrap();
            file
        };
        lines(&results.iter().enumerate().map(write).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn results_are_lines_by_nodes_with_points_by_rate() {
        let lines = example();
        assert_eq!(lines[&1_000].iter().map(|point| point.rate).collect::<Vec<_>>(), [0.5, 2.0, 10.0]);
        assert_eq!(
            table(&lines),
            "| requests a second | 100 Nodes | requests | 1,000 Nodes | requests |\n\
             |---|---|---|---|---|\n\
             | 0.5 | | | not all | 7 |\n\
             | 2 | | | 4.0 s | 7 |\n\
             | 10 | 0.5 s | 7 | 1.2 s | 7 |\n"
        );
    }

    #[test]
    fn what_is_no_result_is_refused_with_its_name_and_what_it_lacks() {
        let file = tempfile::NamedTempFile::new().unwrap();
        for (text, lacks) in [
            ("", "EOF"),
            ("{}", "parameters"),
            (r#"{"parameters": {"nodes": 1}, "scenarios": []}"#, "scenario"),
            (r#"{"parameters": {"nodes": 1}, "scenarios": [{"budget": null, "runs": []}]}"#, "budget"),
        ] {
            std::fs::write(file.path(), text).unwrap();
            let error = lines(&[file.path().to_owned()]).unwrap_err().to_string();
            assert!(error.contains(&*file.path().to_string_lossy()) && error.contains(lacks), "{error}");
        }
    }
}
