//! The page: one file of HTML with everything in it, which fetches nothing.

use std::fmt::Write;

use indicatif::{DecimalBytes, HumanCount};

use super::axes::{ROLES, color};
use super::charts;
use crate::error::LabError;
use crate::load_test::controller::Contender;
use crate::load_test::result::{LoadTestResult, Parameters, Run, ScenarioResult};
use crate::load_test::table;

/// What does not depend on colours.
const STYLE: &str = "
body { margin: 2rem auto; max-width: 88rem; padding: 0 1.5rem; font: 15px/1.5 system-ui, sans-serif;
  background: var(--page); color: var(--text); }
h1 { font-size: 1.5rem; margin-bottom: 0; } h2 { font-size: 1.2rem; margin: 2.5rem 0 0; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(26rem, 1fr)); gap: 1rem; }
figure { margin: 0; background: var(--card); border-radius: 8px; padding: 0.75rem; }
figcaption { font-weight: 600; font-size: 0.9rem; margin-bottom: 0.25rem; }
svg { width: 100%; height: auto; }
table { border-collapse: collapse; margin: 0.75rem 0; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 0.15rem 0.8rem; border-bottom: 1px solid var(--grid); }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
th { font-weight: 600; } ul { list-style: none; padding: 0; margin: 0.5rem 0 1rem; }
.key { display: inline-block; width: 1.6rem; height: 0.35rem; margin: 0 0.4rem 0.15rem 0; border-radius: 2px; }
.entry { margin-right: 1.4rem; }
.held::before { content: '✔ '; color: var(--bare-loop); } .missed::before { content: '✘ '; color: var(--refused); }
.missed { color: var(--refused); } .quiet { color: var(--axis); }
";

/// The page of a result.
///
/// # Errors
/// [`LabError::Plot`], which is a defect.
pub(crate) fn page(result: &LoadTestResult) -> Result<String, LabError> {
    let mut html = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\"/>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"/>\n\
         <title>Load test, {began}</title>\n<style>{STYLE}{}</style>\n</head>\n<body>\n\
         <h1>Load test of packet-cloud-controller-manager</h1>\n<p class=\"quiet\">{began}</p>\n",
        colors(),
        began = escaped(&result.began),
    );
    html += &parameters(&result.parameters);
    html += &legend();
    if let Some(reason) = &result.ended_early {
        let _ = writeln!(html, "<p class=\"missed\">Not everything was played: {}</p>", escaped(reason));
    }
    for scenario in &result.scenarios {
        section(scenario, &mut html)?;
    }
    html += "</body>\n</html>\n";
    Ok(html)
}

/// The colours of each role in light and in dark, and that what is drawn in the colour that stands for it has them.
fn colors() -> String {
    let of = |light: bool| {
        let (page, card) = if light { ("#ffffff", "#f8f8fa") } else { ("#16161a", "#1e1e24") };
        let roles =
            ROLES.map(|(_, role, in_light, in_dark)| format!("--{role}: {};", if light { in_light } else { in_dark }));
        format!(":root {{ --page: {page}; --card: {card}; {} }}", roles.join(" "))
    };
    let mut css = format!(
        "{}\n@media (prefers-color-scheme: dark) {{ {} }}\n:root {{ color-scheme: light dark; }}\n",
        of(true),
        of(false)
    );
    for (stand_in, role, ..) in ROLES {
        let hex = format!("#{:02X}{:02X}{:02X}", stand_in.0, stand_in.1, stand_in.2);
        for attribute in ["fill", "stroke"] {
            // Writing to a String cannot fail.
            let _ = writeln!(css, "svg [{attribute}=\"{hex}\"] {{ {attribute}: var(--{role}); }}");
        }
    }
    css
}

fn parameters(parameters: &Parameters) -> String {
    let Parameters { nodes, comparison_nodes, burst_seconds, latency, max_per_page, .. } = parameters;
    let processors =
        parameters.processors.map_or_else(String::new, |count| format!(", {count} processors for everything"));
    let rows = [
        ("Nodes", format!("{}, within {burst_seconds} s where they join in a burst", HumanCount(*nodes as u64))),
        ("Packet API", format!("simulated: {latency} for an answer, {max_per_page} devices on a page at most")),
        ("Kubernetes API", parameters.kubernetes.to_owned()),
        (
            "program",
            format!("{} ({}), as {}", parameters.binary, DecimalBytes(parameters.binary_bytes), parameters.provider),
        ),
        ("bare loop", "the same two patches for each Node and nothing else, 32 at once; nobody is faster".to_owned()),
        (
            "request per event",
            format!(
                "{} Nodes; for each change of a Node that waits, it reads the list of devices anew until it finds its own, with \
                 ten workers and no budget",
                HumanCount(*comparison_nodes as u64)
            ),
        ),
        ("machine", format!("the program, the lab and both simulated APIs together{processors}")),
    ];
    let mut html = "<table>\n".to_owned();
    for (name, value) in rows {
        let _ = writeln!(html, "<tr><td>{name}</td><td style=\"text-align:left\">{}</td></tr>", escaped(&value));
    }
    html + "</table>\n"
}

fn legend() -> String {
    let key = |role: &str, text: &str| {
        format!("<span class=\"entry\"><span class=\"key\" style=\"background: var(--{role})\"></span>{text}</span>")
    };
    let of = |contender: Contender| {
        let role = ROLES.iter().find(|role| role.0 == color(contender)).map_or("", |role| role.1);
        key(role, contender.title())
    };
    format!(
        "<p>{}{}{}{}{}{}</p>\n",
        of(Contender::Program),
        of(Contender::BareLoop),
        of(Contender::RequestPerEvent),
        key("axis", "Nodes that have joined"),
        key("budget", "the most that the program's budget allows"),
        key("refused", "answered 429; dashed: the Packet API goes or returns, the program is killed"),
    )
}

fn section(scenario: &ScenarioResult, html: &mut String) -> Result<(), LabError> {
    let budget = scenario.budget.map_or_else(String::new, |budget| {
        format!("; budget {} requests a second and {} at once", budget.rate, budget.burst)
    });
    let limit = scenario.rate_limit.as_ref().map_or_else(String::new, |limit| format!("; the API allows {limit}"));
    let _ = write!(
        html,
        "<section>\n<h2>{}</h2>\n<p>{}. <span class=\"quiet\">{} devices on {} pages{budget}{limit}</span></p>\n",
        scenario.scenario.name(),
        escaped(scenario.about),
        HumanCount(scenario.devices as u64),
        scenario.pages,
    );
    *html += "<table>\n<tr><th></th><th>Nodes</th><th>all after</th><th>p50</th><th>p90</th><th>p99</th><th>slowest</th>\
              <th>requests</th><th>bytes</th><th>429</th><th>writes per Node</th><th>memory</th><th>processor</th></tr>\n";
    for run in &scenario.runs {
        *html += &row(run);
    }
    *html += "</table>\n";
    let compared = table::compared(scenario);
    if !compared.is_empty() {
        let _ = writeln!(html, "<p>{}</p>", escaped(&compared.join("; ")));
    }
    *html += "<ul>\n";
    for limit in &scenario.limits {
        let class = if limit.held { "held" } else { "missed" };
        let _ = writeln!(html, "<li class=\"{class}\">{}: {}</li>", escaped(&limit.what), escaped(&table::told(limit)));
    }
    for problem in &scenario.problems {
        let _ = writeln!(html, "<li class=\"missed\">{}</li>", escaped(problem));
    }
    *html += "</ul>\n<div class=\"plots\">\n";
    for chart in charts::of(scenario)? {
        let _ = writeln!(
            html,
            "<figure>\n<figcaption>{}</figcaption>\n{}\n</figure>",
            escaped(&chart.title),
            chart.svg.trim()
        );
    }
    *html += "</div>\n</section>\n";
    Ok(())
}

fn row(run: &Run) -> String {
    let seconds = |time: Option<f64>| time.map_or_else(|| "–".to_owned(), |time| format!("{time:.2} s"));
    let initialised = HumanCount(run.initialised as u64).to_string();
    let nodes = if run.initialised < run.waits {
        format!("{initialised} of {}", HumanCount(run.waits as u64))
    } else {
        initialised
    };
    let process = run.process.as_ref();
    let cells = [
        nodes,
        seconds(run.all_initialised_after),
        seconds(run.wait.and_then(|wait| wait.p50)),
        seconds(run.wait.and_then(|wait| wait.p90)),
        seconds(run.wait.and_then(|wait| wait.p99)),
        seconds(run.wait.and_then(|wait| wait.max)),
        HumanCount(run.packet_api.requests as u64).to_string(),
        DecimalBytes(run.packet_api.bytes).to_string(),
        run.packet_api.refused.to_string(),
        run.kubernetes
            .as_ref()
            .and_then(|writes| writes.per_node)
            .map_or_else(|| "–".to_owned(), |writes| format!("{writes:.2}")),
        process.and_then(|used| used.peak_memory).map_or_else(|| "–".to_owned(), |peak| DecimalBytes(peak).to_string()),
        seconds(process.and_then(|used| used.processor_seconds)),
    ];
    format!("<tr><td>{}</td><td>{}</td></tr>\n", run.contender.title(), cells.join("</td><td>"))
}

/// Text that HTML shows as it is.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::load_test::result::example;

    #[test]
    fn every_element_of_the_page_is_closed_in_order() {
        let html = page(&example()).unwrap();
        let mut open: Vec<&str> = Vec::new();
        for tag in html.split('<').skip(1) {
            let (tag, _) = tag.split_once('>').expect("a tag ends");
            let name = tag.trim_start_matches('/').split([' ', '\n']).next().unwrap();
            if tag.starts_with('!') || tag.ends_with('/') {
                continue;
            }
            if tag.starts_with('/') {
                assert_eq!(open.pop(), Some(name));
            } else {
                open.push(name);
            }
        }
        assert_eq!(open, [""; 0]);
    }

    #[test]
    fn the_page_fetches_nothing_and_shows_names_as_they_are() {
        let html = page(&example()).unwrap();
        assert!(html.contains("a &lt;program&gt; (12.00 MB)"));
        let elsewhere = html.replace("http://www.w3.org/2000/svg", "");
        assert!(!elsewhere.contains("http") && !elsewhere.contains("url(") && !elsewhere.contains("src="));
    }

    #[test]
    fn every_colour_in_a_plot_is_one_that_the_style_sheet_knows() {
        let html = page(&example()).unwrap();
        let known: Vec<String> =
            ROLES.map(|role| format!("#{:02X}{:02X}{:02X}", role.0.0, role.0.1, role.0.2)).to_vec();
        let mut seen = 0;
        for attribute in ["fill=\"#", "stroke=\"#"] {
            for (place, found) in html.match_indices(attribute).filter(|(place, _)| !html[..*place].ends_with('[')) {
                let start = place + found.len() - 1;
                let hex = &html[start..start + 7];
                assert!(known.iter().any(|known| known == hex), "{hex}");
                seen += 1;
            }
        }
        assert!(seen > 50, "{seen}");
    }

    #[test]
    fn what_did_not_hold_is_marked() {
        let mut result = example();
        result.scenarios[0].problems.push("went <wrong>".to_owned());
        assert!(page(&result).unwrap().contains("<li class=\"missed\">went &lt;wrong&gt;</li>"));
    }
}
