//! The simulated server and the real kube-apiserver, side by side: one script of requests, and the same answers.
//!
//! The real one comes from `KUBEBUILDER_ASSETS`, or is built with Go. Where neither is there, this fails and says how to
//! go on; it never passes without having compared.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod script;
mod sides;

use script::Step;
use sides::{Answer, Side};

/// More differences than this are not shown: the first ones explain the others.
const MOST_SHOWN: usize = 40;
/// As many lines of each side are shown for a difference.
const MOST_LINES: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_the_real_ones() {
    let real = control_plane::ControlPlane::start().await.unwrap_or_else(|error| {
        panic!("there is no real kube-apiserver to compare with: {error}");
    });
    let simulated = kube_api_server::Server::start().await.unwrap();
    let mut real = Side::real(&real).await;
    let mut simulated = Side::simulated(&simulated);

    let mut differences = Vec::new();
    let mut compared = 0;
    for (chapter, steps) in script::chapters() {
        real.begin_chapter();
        simulated.begin_chapter();
        for step in steps {
            let (expected, actual) = tokio::join!(real.perform(&step), simulated.perform(&step));
            compared += 1;
            if expected != actual {
                differences.push(difference(chapter, &step, &expected, &actual));
            }
        }
    }
    // A script that has lost its steps would pass for the wrong reason.
    assert!(compared > 200, "only {compared} requests were compared");
    let shown = differences.iter().take(MOST_SHOWN).cloned().collect::<Vec<_>>().join("\n");
    assert!(differences.is_empty(), "{} of {compared} answers differ:\n{shown}", differences.len());
}

fn difference(chapter: &str, step: &Step, real: &Answer, simulated: &Answer) -> String {
    let mut out = format!("\n{chapter}: {step}\n  status: real {}, simulated {}\n", real.status, simulated.status);
    let (real, simulated) = (lines(real), lines(simulated));
    let only = |side: &[String], other: &[String]| -> Vec<String> {
        side.iter().filter(|line| !other.contains(line)).take(MOST_LINES).cloned().collect()
    };
    for line in only(&real, &simulated) {
        out.push_str(&format!("  - real:      {line}\n"));
    }
    for line in only(&simulated, &real) {
        out.push_str(&format!("  + simulated: {line}\n"));
    }
    out
}

/// Every leaf of the answer on a line of its own, so that a difference is one line.
fn lines(answer: &Answer) -> Vec<String> {
    let mut out = Vec::new();
    for (index, body) in answer.bodies.iter().enumerate() {
        leaves(&format!("{index}"), body, &mut out);
    }
    out
}

fn leaves(path: &str, value: &serde_json::Value, out: &mut Vec<String>) {
    match value {
        serde_json::Value::Object(fields) if !fields.is_empty() => {
            for (name, value) in fields {
                leaves(&format!("{path}/{name}"), value, out);
            }
        }
        serde_json::Value::Array(items) if !items.is_empty() => {
            for (index, value) in items.iter().enumerate() {
                leaves(&format!("{path}/{index}"), value, out);
            }
        }
        leaf => out.push(format!("{path} = {leaf}")),
    }
}
