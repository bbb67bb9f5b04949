//! The summary for people, within a hundred columns.

use console::style;
use indicatif::{DecimalBytes, HumanCount};

use super::summary::{Summary, Times};
use crate::text::wrapped;
use crate::traffic::Row;

/// Where values begin.
const LABEL: usize = 40;
/// How many failing Nodes are told of.
const FAILURES_SHOWN: usize = 5;

/// The report, line by line.
pub(crate) fn lines(summary: &Summary) -> Vec<String> {
    let mut out = Vec::new();
    times(summary, &mut out);
    nodes(summary, &mut out);
    packet(summary, &mut out);
    kubernetes(summary, &mut out);
    program(summary, &mut out);
    failures(summary, &mut out);
    verdict(summary, &mut out);
    out
}

fn heading(text: &str, out: &mut Vec<String>) {
    out.push(String::new());
    out.push(style(text).bold().to_string());
}

fn value(label: &str, value: &str, out: &mut Vec<String>) {
    out.push(format!("  {label:<LABEL$}{value}"));
}

fn times(summary: &Summary, out: &mut Vec<String>) {
    heading("Time", out);
    let Times { start_to_first_write, registered, first_initialised, last_initialised, per_node } = &summary.times;
    let seconds = |time: &Option<f64>| time.map_or_else(|| "-".to_owned(), |time| format!("{time:.2} s"));
    value("program's start to its first write", &seconds(start_to_first_write), out);
    let since = if summary.scenario.burst.is_some() { "after the burst began" } else { "after the program's start" };
    if registered.is_some() {
        value("last Node registered", &format!("{} {since}", seconds(registered)), out);
    }
    value("first Node initialised", &format!("{} {since}", seconds(first_initialised)), out);
    value("last Node initialised", &format!("{} {since}", seconds(last_initialised)), out);
    if let Some(spread) = per_node {
        let label = if summary.scenario.burst.is_some() { "each Node, from its registration" } else { "each Node" };
        let [p50, p90, p99, max] = [spread.p50, spread.p90, spread.p99, spread.max].map(|time| seconds(&time));
        let spread = format!("p50 {p50}   p90 {p90}   p99 {p99}   slowest {max}");
        value(label, &spread, out);
    }
    if let Some(floor) = &summary.floor {
        value("a bare loop of the same two patches", &format!("{:.2} s", floor.bare_loop), out);
        let ratio = style(format!("{:.2}", floor.ratio)).bold();
        let told = format!("{:.2} s / {:.2} s = {ratio}", floor.program, floor.bare_loop);
        value("program / bare loop", &told, out);
    }
}

fn nodes(summary: &Summary, out: &mut Vec<String>) {
    heading("Nodes", out);
    for check in &summary.nodes.checks {
        let (mark, counts) = if check.passed == check.of {
            (style("✔").green(), style(format!("{} of {}", check.passed, check.of)))
        } else {
            (style("✘").red(), style(format!("{} of {}", check.passed, check.of)).red())
        };
        out.push(format!("  {mark} {:<width$}{counts}", check.aspect.title(), width = LABEL - 2));
    }
}

fn packet(summary: &Summary, out: &mut Vec<String>) {
    heading("Packet API", out);
    let packet = &summary.packet_api;
    let line = |label: &str, count: u64, bytes: Option<u64>| {
        let bytes = bytes.map_or_else(String::new, |bytes| DecimalBytes(bytes).to_string());
        let noun = if count == 1 { "request" } else { "requests" };
        format!("  {label:<LABEL$}{:>7} {noun:<8}  {bytes:>10}", HumanCount(count).to_string())
    };
    for row in &packet.rows {
        out.push(line(&labelled(row), row.count, Some(row.bytes)));
    }
    out.push(line("all together", packet.requests, Some(packet.bytes)));
    let by_hand =
        line("one request per Node would be", summary.scenario.nodes as u64, packet.one_request_per_node_bytes);
    out.push(style(by_hand).dim().to_string());
}

fn kubernetes(summary: &Summary, out: &mut Vec<String>) {
    let writes = &summary.kubernetes;
    heading(if writes.counted_by_server { "Writes to Kubernetes" } else { "Changes in Kubernetes" }, out);
    let line = |label: &str, count: u64| {
        // Fewer than ten thousand Nodes, a few writes each: no precision is lost.
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        let per_node = count as f64 / summary.scenario.nodes as f64;
        format!("  {label:<LABEL$}{:>7}           {per_node:>7.2} per Node", HumanCount(count).to_string())
    };
    for row in &writes.rows {
        out.push(line(&labelled(row), row.count));
    }
    out.push(line("all together", writes.total));
}

fn labelled(row: &Row) -> String {
    match row.status {
        // What most answers are goes without saying.
        200 | 201 => row.request.clone(),
        0 => format!("{}, no answer", row.request),
        status => format!("{}: {status}", row.request),
    }
}

fn program(summary: &Summary, out: &mut Vec<String>) {
    heading("Program", out);
    let program = &summary.program;
    let memory = program
        .peak_memory
        .map_or_else(|| "not told by this system".to_owned(), |bytes| DecimalBytes(bytes).to_string());
    value("most memory held", &memory, out);
    value("size of the binary", &DecimalBytes(program.size).to_string(), out);
    if let Some(stop) = program.stop {
        let code = stop.exit_code.map_or_else(|| "killed".to_owned(), |code| format!("exit code {code}"));
        value("stopped by SIGTERM", &format!("in {:.2} s, {code}", stop.seconds), out);
    }
}

fn failures(summary: &Summary, out: &mut Vec<String>) {
    let failures = &summary.nodes.failures;
    if failures.is_empty() {
        return;
    }
    heading("Nodes with something wrong", out);
    for failure in failures.iter().take(FAILURES_SHOWN) {
        out.push(format!("  {}", style(&failure.node).red()));
        for fault in &failure.faults {
            wrapped("    ", fault, out);
        }
        let event = failure.event.as_deref().unwrap_or("none");
        wrapped("    ", &format!("latest Event: {event}"), out);
    }
    if failures.len() > FAILURES_SHOWN {
        out.push(format!("  … and {} more; --json FILE has them all", failures.len() - FAILURES_SHOWN));
    }
}

fn verdict(summary: &Summary, out: &mut Vec<String>) {
    out.push(String::new());
    if summary.passed() {
        let count = summary.scenario.nodes;
        let told = if count == 1 { "The Node".to_owned() } else { format!("All {count} Nodes") };
        out.push(format!("{} {told} came through.", style("✔").green()));
        return;
    }
    for problem in &summary.problems {
        let mut told = Vec::new();
        wrapped("  ", problem, &mut told);
        // The mark takes the place of the first line's indentation.
        for (number, line) in told.into_iter().enumerate() {
            out.push(if number == 0 { format!("{} {}", style("✘").red(), line.trim_start()) } else { line });
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::demo::summary::{Check, Failure, Floor, Nodes, PacketTraffic, Program, Scenario, Stop, Writes};
    use crate::nodes::checks::Aspect;
    use crate::times::Spread;
    use std::time::Duration;

    fn row(request: &str, status: u16, count: u64, bytes: u64) -> Row {
        Row { request: request.to_owned(), status, count, bytes }
    }

    fn summary() -> Summary {
        Summary {
            scenario: Scenario {
                nodes: 500,
                devices: 550,
                device_pages: 6,
                latency: 0.05,
                burst: Some(2.0),
                provider: "equinixmetal",
                kubernetes: "simulated",
            },
            times: Times {
                start_to_first_write: Some(0.25),
                registered: Some(2.0),
                first_initialised: Some(0.3),
                last_initialised: Some(2.4),
                per_node: Some(Spread { p50: Some(0.1), p90: Some(0.2), p99: Some(0.3), max: Some(0.4) }),
            },
            nodes: Nodes {
                initialised: 500,
                not_initialised: 0,
                checks: Aspect::ALL.map(|aspect| Check { aspect, passed: 500, of: 500 }).to_vec(),
                failures: Vec::new(),
            },
            packet_api: PacketTraffic {
                rows: vec![row("GET /projects/{id}/devices", 200, 6, 400_000), row("GET /facilities", 429, 1, 50)],
                requests: 7,
                bytes: 400_050,
                one_request_per_node_bytes: Some(2_000_000),
            },
            kubernetes: Writes {
                rows: vec![row("PATCH nodes/{name}/status", 200, 500, 0)],
                total: 500,
                counted_by_server: true,
            },
            program: Program {
                binary: "x".into(),
                size: 12_000_000,
                peak_memory: Some(30_000_000),
                stop: Some(Stop { exit_code: Some(0), seconds: 0.01 }),
                log: "l".into(),
            },
            floor: Some(Floor::of(Duration::from_secs(3), Duration::from_secs(2))),
            problems: Vec::new(),
        }
    }

    fn text(summary: &Summary) -> String {
        console::strip_ansi_codes(&lines(summary).join("\n")).into_owned()
    }

    #[test]
    fn a_good_run_says_so_with_its_numbers() {
        let text = text(&summary());
        for part in [
            "All 500 Nodes came through.",
            "p50 0.10 s   p90 0.20 s   p99 0.30 s   slowest 0.40 s",
            "3.00 s / 2.00 s = 1.50",
            "500 of 500",
            "GET /facilities: 429",
            "1.00 per Node",
            "in 0.01 s, exit code 0",
            "30.00 MB",
        ] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
    }

    #[test]
    fn a_bad_run_names_nodes_with_faults_and_events_and_how_many_more() {
        let mut summary = summary();
        let failure = |number| Failure {
            node: format!("n{number}"),
            faults: vec!["still has the uninitialized taint".into()],
            event: Some("SyncFailed: there is no device of this hostname, ".repeat(5)),
        };
        summary.nodes.failures = (0..7).map(failure).collect();
        summary.problems = vec!["7 Nodes did not come through".into()];
        let text = text(&summary);
        for part in ["n4", "still has the uninitialized taint", "SyncFailed", "… and 2 more", "✘ 7 Nodes did not"] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
        assert!(!text.contains("came through."), "{text}");
    }

    #[test]
    fn no_line_is_wider_than_a_hundred_columns() {
        let mut summary = summary();
        summary.problems = vec!["word ".repeat(100)];
        for line in text(&summary).lines() {
            assert!(console::measure_text_width(line) <= crate::text::WIDTH, "{line}");
        }
    }

    #[test]
    fn what_was_not_measured_is_a_dash() {
        let mut summary = summary();
        summary.times = Times::default();
        summary.program.peak_memory = None;
        let text = text(&summary);
        assert!(text.contains("first write    ") && text.contains("- after the burst began"), "{text}");
        assert!(text.contains("not told by this system"), "{text}");
    }

    #[test]
    fn the_json_has_the_same_numbers() {
        let json = serde_json::to_value(summary()).unwrap();
        assert_eq!(json["times"]["per_node"]["p99"], 0.3);
        assert_eq!(json["nodes"]["checks"][2]["aspect"], "provider_id");
        assert_eq!(json["floor"]["ratio"], 1.5);
        assert_eq!(json["problems"], serde_json::json!([]));
    }
}
