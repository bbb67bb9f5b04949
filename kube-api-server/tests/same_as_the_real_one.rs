//! The simulated server and the real kube-apiserver, side by side: one script of requests, and the same answers.
//!
//! The real one comes from `KUBEBUILDER_ASSETS`, or is built with Go. Where neither is there, this fails and says how to
//! go on; it never passes without having compared.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
#![allow(clippy::needless_pass_by_value, reason = "a script reads best with its JSON where it is used")]

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

/// The types that the simulated server works from are those that the real one documents.
#[tokio::test(flavor = "multi_thread")]
async fn the_types_are_the_real_ones() {
    let real = control_plane::ControlPlane::start().await.unwrap_or_else(|error| {
        panic!("there is no real kube-apiserver to compare with: {error}");
    });
    let simulated = kube_api_server::Server::start().await.unwrap();
    let (real, simulated) = (Side::real(&real).await, Side::simulated(&simulated));
    for document in ["/openapi/v3/api/v1", "/openapi/v3/apis/coordination.k8s.io/v1"] {
        let expected = real.json(document).await["components"]["schemas"].take();
        let actual = simulated.json(document).await["components"]["schemas"].take();
        let actual = actual.as_object().unwrap();
        assert!(actual.len() > 30, "{document} has only {} types", actual.len());
        for (name, schema) in actual {
            // The real document of each group holds the types of that group only.
            if let Some(described) = expected.get(name) {
                assert_eq!(&without_prose(described), &without_prose(schema), "{name} in {document}");
            }
        }
    }
}

/// A schema without its descriptions, and without the kinds of other groups that share a type.
fn without_prose(schema: &serde_json::Value) -> serde_json::Value {
    match schema {
        serde_json::Value::Object(fields) => fields
            .iter()
            .filter(|(name, value)| !(*name == "description" && value.is_string()))
            .filter(|(name, _)| *name != "x-kubernetes-group-version-kind")
            .map(|(name, value)| (name.clone(), without_prose(value)))
            .collect(),
        serde_json::Value::Array(items) => items.iter().map(without_prose).collect(),
        leaf => leaf.clone(),
    }
}

fn difference(chapter: &str, step: &Step, real: &Answer, simulated: &Answer) -> String {
    let statuses = format!("\n{chapter}: {step}\n  status: real {}, simulated {}\n", real.status, simulated.status);
    let (real, simulated) = (lines(real), lines(simulated));
    let only = |label: &str, side: &[String], other: &[String]| -> String {
        let missing = side.iter().filter(|line| !other.contains(line)).take(MOST_LINES);
        missing.map(|line| format!("  {label} {line}\n")).collect::<Vec<_>>().concat()
    };
    statuses + &only("- real:     ", &real, &simulated) + &only("+ simulated:", &simulated, &real)
}

/// Every leaf of the answer on a line of its own, so that a difference is one line.
fn lines(answer: &Answer) -> Vec<String> {
    let mut out: Vec<String> = answer.warnings.iter().map(|warning| format!("warning: {warning}")).collect();
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
