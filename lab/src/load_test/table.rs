//! The result for people, within a hundred columns.

use console::style;
use indicatif::{DecimalBytes, HumanCount};

use super::controller::Contender;
use super::limits::{Limit, TIMES, count};
use super::result::{LoadTestResult, Run, ScenarioResult};
use super::scenarios::Scenario;
use crate::text::wrapped;

/// Where the limits' numbers begin.
const LABEL: usize = 46;

/// The table, line by line.
pub(crate) fn lines(result: &LoadTestResult) -> Vec<String> {
    let mut out = Vec::new();
    for scenario in &result.scenarios {
        out.push(String::new());
        out.push(style(format!("{}: {}", scenario.scenario.name(), scenario.about)).bold().to_string());
        out.push(style(header()).dim().to_string());
        out.extend(scenario.runs.iter().map(row));
        remarks(scenario, &mut out);
        out.extend(scenario.limits.iter().map(checked));
        for problem in &scenario.problems {
            marked(problem, &mut out);
        }
    }
    out.push(String::new());
    verdict(result, &mut out);
    out
}

fn header() -> String {
    format!(
        "  {:<17}{:>9}{:>10}{:>9}{:>9}{:>9}{:>9}{:>10}{:>10}{:>6}",
        "", "Nodes", "all after", "p50", "p90", "p99", "slowest", "requests", "bytes", "429"
    )
}

fn row(run: &Run) -> String {
    let seconds = |time: Option<f64>| time.map_or_else(|| "–".to_owned(), |time| format!("{time:.2} s"));
    let wait = run.wait;
    let packet = &run.packet_api;
    format!(
        "  {:<17}{:>9}{:>10}{:>9}{:>9}{:>9}{:>9}{:>10}{:>10}{:>6}",
        run.contender.title(),
        HumanCount(run.initialised as u64).to_string(),
        seconds(run.all_initialised_after),
        seconds(wait.and_then(|wait| wait.p50)),
        seconds(wait.and_then(|wait| wait.p90)),
        seconds(wait.and_then(|wait| wait.p99)),
        seconds(wait.and_then(|wait| wait.max)),
        HumanCount(packet.requests as u64).to_string(),
        DecimalBytes(packet.bytes).to_string(),
        packet.refused,
    )
}

/// What does not fit into the table, and how they compare.
fn remarks(scenario: &ScenarioResult, out: &mut Vec<String>) {
    for run in &scenario.runs {
        let mut told = Vec::new();
        if run.initialised < run.waits {
            let missing = HumanCount((run.waits - run.initialised) as u64);
            told.push(format!("{missing} of {} Nodes still waited in the end", HumanCount(run.waits as u64)));
        }
        if run.packet_api.failed > 0 {
            told.push(format!("{} requests failed otherwise than by 429", run.packet_api.failed));
        }
        if let Some(per_node) = run.kubernetes.as_ref().and_then(|writes| writes.per_node) {
            told.push(format!("{per_node:.2} writes to Kubernetes per Node"));
        }
        if let Some(process) = &run.process {
            if let Some(peak) = process.peak_memory {
                told.push(format!("{} of memory at most", DecimalBytes(peak)));
            }
            told.extend(process.processor_seconds.map(|seconds| format!("{seconds:.2} s of processor time")));
        }
        if let Some(first) = run.start_to_first_write.filter(|_| run.contender == Contender::Program) {
            told.push(format!("first write {first:.2} s after the start"));
        }
        if !told.is_empty() {
            wrapped("  ", &format!("{}: {}", run.contender.title(), told.join(", ")), out);
        }
    }
    for compared in compared(scenario) {
        wrapped("  ", &compared, out);
    }
}

/// The program beside the others.
pub(crate) fn compared(scenario: &ScenarioResult) -> Vec<String> {
    let mut told = Vec::new();
    let Some(program) = scenario.run(Contender::Program) else { return told };
    match scenario.scenario {
        Scenario::ColdStart => {
            let ratio = scenario.times_the_floor();
            told.extend(ratio.map(|ratio| format!("program / bare loop: {ratio:.2} times as long")));
        }
        // Both have to wait until the Nodes have joined, so a ratio would tell of the burst's length.
        Scenario::JoinBurst
        | Scenario::OneJoins
        | Scenario::Throttled
        | Scenario::ThrottledSilently
        | Scenario::Restart => {
            let floor = scenario.run(Contender::BareLoop).and_then(Run::after_the_last_joined);
            told.extend(program.after_the_last_joined().zip(floor).map(|(program, floor)| {
                format!("after the last Node had joined: program {program:.2} s, bare loop {floor:.2} s")
            }));
        }
        // Batch waits for batch, or there is nothing to wait for, or the bare loop has no outage to wait for.
        Scenario::RollingReboot | Scenario::Flapping | Scenario::Outage => {}
    }
    if let Some(other) = scenario.run(Contender::RequestPerEvent)
        && program.packet_api.requests > 0
        && other.initialised > 0
        && program.initialised > 0
    {
        let per_node = |run: &Run| count(run.packet_api.requests) / count(run.initialised);
        let times = per_node(other) / per_node(program);
        told.push(format!("request per event / program: {times:.0} times the requests for each Node"));
    }
    told
}

/// A limit in one line, without its mark.
pub(crate) fn told(limit: &Limit) -> String {
    let number = |number: f64| match limit.unit {
        "" => format!("{number}"),
        TIMES => format!("{number:.2} {TIMES}"),
        unit => format!("{number:.1} {unit}"),
    };
    let measured = limit.measured.map_or_else(|| "never".to_owned(), number);
    let reckoning = if limit.reckoning.is_empty() { String::new() } else { format!(" ({})", limit.reckoning) };
    format!("{measured}, at most {}{reckoning}", number(limit.at_most))
}

fn checked(limit: &Limit) -> String {
    let told = told(limit);
    if limit.held {
        format!("  {} {:<LABEL$}{told}", style("✔").green(), limit.what)
    } else {
        format!("  {} {:<LABEL$}{}", style("✘").red(), limit.what, style(told).red())
    }
}

fn marked(problem: &str, out: &mut Vec<String>) {
    let mut told = Vec::new();
    wrapped("    ", problem, &mut told);
    for (number, line) in told.into_iter().enumerate() {
        out.push(if number == 0 { format!("  {} {}", style("✘").red(), line.trim_start()) } else { line });
    }
}

fn verdict(result: &LoadTestResult, out: &mut Vec<String>) {
    for (scenario, run) in result.scenarios.iter().filter_map(|scenario| Some((scenario, scenario.runs.first()?))) {
        if run.wrong > 0 {
            out.push(format!("{}, Nodes with something wrong:", scenario.scenario.name()));
            for fault in &run.faults {
                wrapped("  ", fault, out);
            }
            if run.wrong > run.faults.len() {
                out.push(format!("  … and {} more", run.wrong - run.faults.len()));
            }
        }
    }
    let failed: Vec<&str> = result
        .scenarios
        .iter()
        .filter(|scenario| !scenario.passed())
        .map(|scenario| scenario.scenario.name())
        .collect();
    if let Some(reason) = &result.ended_early {
        marked(&format!("Not everything was played: {reason}"), out);
    }
    if failed.is_empty() && result.ended_early.is_some() {
        out.push("Of what was played, every check held.".to_owned());
    } else if failed.is_empty() {
        out.push(format!("{} Every check held.", style("✔").green()));
    } else {
        out.push(format!("{} Not every check held: {}.", style("✘").red(), failed.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::load_test::result::example;

    fn text(result: &LoadTestResult) -> String {
        console::strip_ansi_codes(&lines(result).join("\n")).into_owned()
    }

    #[test]
    fn a_good_result_has_a_row_for_each_and_says_how_they_compare() {
        let text = text(&example());
        for part in [
            "join-burst: All Nodes join",
            "after the last Node had joined: program 0.50 s, bare loop 0.00 s",
            "request per event / program: 100 times the requests for each Node",
            "✔ requests to the Packet API",
            "21, at most 21 (11 pages + 10)",
            "✔ Every check held.",
        ] {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
        let rows = text.lines().filter(|line| line.contains(" 1,000 ")).count();
        assert!(rows >= 3, "{text}");
    }

    #[test]
    fn times_are_divided_by_one_another_only_where_no_burst_is_part_of_them() {
        let mut result = example();
        let ratio = "program / bare loop: 1.50 times as long";
        assert!(!text(&result).contains(ratio));
        result.scenarios[0].scenario = Scenario::ColdStart;
        result.scenarios[0].limits = vec![Limit::times_the_floor(result.scenarios[0].times_the_floor(), 1.25)];
        let text = text(&result);
        assert!(text.contains(ratio) && text.contains("1.50 times, at most 1.25 times"), "{text}");
    }

    #[test]
    fn a_limit_that_did_not_hold_is_marked_and_its_scenario_named() {
        let mut result = example();
        result.scenarios[0].limits = vec![Limit::seconds("all Nodes initialised", None, 60.0)];
        result.scenarios[0].runs[0].wrong = 7;
        result.scenarios[0].runs[0].faults = vec!["n: still has the uninitialized taint".to_owned()];
        result.scenarios[0].runs[0].wait = crate::times::Spread::of([std::time::Duration::from_secs(9)], 2);
        let text = text(&result);
        for part in
            ["9.00 s        –        –        –", "✘ all Nodes initialised", "never, at most 60.0 s", "… and 6 more"]
        {
            assert!(text.contains(part), "{part:?} is not in\n{text}");
        }
        assert!(text.ends_with("✘ Not every check held: join-burst."), "{text}");
    }

    #[test]
    fn a_result_that_ended_early_says_why_and_claims_nothing_of_the_rest() {
        let mut result = example();
        result.ended_early = Some("the disk is full".to_owned());
        let text = text(&result);
        assert!(text.contains("✘ Not everything was played: the disk is full"), "{text}");
        assert!(!text.contains("✔ Every check held"), "{text}");
    }

    #[test]
    fn no_line_is_wider_than_a_hundred_columns() {
        let mut result = example();
        result.scenarios[0].runs[0].initialised = 100_000;
        result.scenarios[0].problems = vec!["word ".repeat(100)];
        for line in text(&result).lines() {
            assert!(console::measure_text_width(line) <= crate::text::WIDTH, "{line}");
        }
    }
}
