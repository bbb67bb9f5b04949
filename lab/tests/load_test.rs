//! The load test as a person runs it: the lab's binary, the program's binary, nothing else.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod support;

use std::io::{BufRead, Read};
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use serde_json::Value;
use support::{PRODUCT, said};

fn lab() -> Command {
    let mut lab = Command::new(env!("CARGO_BIN_EXE_lab"));
    lab.arg("load-test").env_remove("KUBECONFIG").stdin(Stdio::null());
    lab
}

fn load_test(options: &[&str]) -> Output {
    lab().arg("--binary").arg(&*PRODUCT).args(options).output().unwrap()
}

/// Files for the results, in a folder that goes when this does.
struct Results {
    folder: tempfile::TempDir,
}

impl Results {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn options(&self) -> [String; 2] {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        [format!("--json={}", path("result.json")), format!("--plots={}", path("result.html"))]
    }

    fn json(&self) -> Value {
        serde_json::from_str(&std::fs::read_to_string(self.folder.path().join("result.json")).unwrap()).unwrap()
    }

    fn plots(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("result.html")).unwrap()
    }
}

#[test]
fn two_scenarios_are_played_by_all_three_and_told_for_people_and_for_machines() {
    let results = Results::new();
    let [json, plots] = results.options();
    let output = load_test(&[
        "--nodes=20",
        "--scenario=cold-start,one-joins",
        "--max-per-page=5",
        "--latency=5ms",
        "--at-most-floor=1000",
        "--at-most-memory=1000",
        &json,
        &plots,
    ]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for part in [
        "cold-start: All Nodes are there",
        "request per event",
        "(5 pages + 3)",
        "✔ time, beside the bare loop's",
        "✔ memory held",
        "✔ Every check held.",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    assert!(!text.contains('✘') && text.lines().all(|line| line.chars().count() <= 100), "{text}");

    let result = results.json();
    assert_eq!(result["passed"], true);
    let scenarios = result["scenarios"].as_array().unwrap();
    assert_eq!(
        scenarios.iter().map(|one| one["scenario"].as_str().unwrap()).collect::<Vec<_>>(),
        ["cold-start", "one-joins"]
    );
    for (scenario, waits) in scenarios.iter().zip([20, 1]) {
        let runs = scenario["runs"].as_array().unwrap();
        let who: Vec<&str> = runs.iter().map(|run| run["contender"].as_str().unwrap()).collect();
        assert_eq!(who, ["program", "bare_loop", "request_per_event"]);
        for run in runs {
            assert_eq!((&run["waits"], &run["initialised"], &run["wrong"]), (&waits.into(), &waits.into(), &0.into()));
            let line = run["series"]["initialised"].as_array().unwrap();
            assert_eq!(line.last().unwrap()[1], waits);
        }
        // What it is all about: the program asks for what the information costs, the other for what the events cost.
        let requests = |run: &Value| run["packet_api"]["requests"].as_u64().unwrap();
        assert_eq!(requests(&runs[1]), 0);
        assert!(requests(&runs[0]) <= requests(&runs[2]), "{text}");
    }
    assert!(scenarios[0]["runs"][0]["start_to_first_write"].as_f64().unwrap() > 0.0);
    assert_eq!(results.plots().matches("<svg").count(), 10);
}

#[test]
fn a_scenario_in_which_the_program_dies_is_played_to_its_end() {
    let results = Results::new();
    let [json, plots] = results.options();
    let options =
        ["--nodes=20", "--scenario=restart", "--burst-seconds=0.2", "--no-floor", "--no-comparison", &json, &plots];
    let output = load_test(&options);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    let run = &results.json()["scenarios"][0]["runs"][0];
    assert_eq!((&run["initialised"], &run["wrong"]), (&20.into(), &0.into()));
    assert_eq!(run["series"]["killed"].as_array().unwrap().len(), 1);
}

#[test]
fn an_outage_is_felt_though_a_slow_answer_is_under_way_when_the_api_goes() {
    let results = Results::new();
    let [json, plots] = results.options();
    // Slow enough that the first half is still asked about when the API goes.
    let output = load_test(&[
        "--nodes=20",
        "--scenario=outage",
        "--burst-seconds=1",
        "--outage-seconds=3",
        "--outage-kind=503",
        "--latency=700ms",
        "--no-floor",
        "--no-comparison",
        &json,
        &plots,
    ]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("✔ Nodes initialised at the return"), "{text}");
    let limits = &results.json()["scenarios"][0]["limits"];
    let after = limits.as_array().unwrap().iter().find(|limit| limit["unit"] == "s").unwrap();
    assert!(after["measured"].as_f64().unwrap() > 0.0, "{after}");
}

#[test]
fn a_limit_that_does_not_hold_is_a_failure_that_names_it_and_keeps_the_log() {
    let results = Results::new();
    let [json, plots] = results.options();
    // One request a minute is not enough for two pages.
    let output = load_test(&[
        "--nodes=20",
        "--scenario=throttled-silently",
        "--burst-seconds=0",
        "--rate-limit=1/1m",
        "--timeout=2s",
        "--no-floor",
        "--no-comparison",
        "--max-per-page=5",
        &json,
        &plots,
    ]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for part in ["were not initialised within 2s", "Not every check held: throttled-silently", "uninitialized taint"] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    assert!(results.json()["scenarios"][0]["runs"][0]["packet_api"]["refused"].as_u64().unwrap() >= 1);
    let kept = text.lines().find_map(|line| line.strip_prefix("The program's logs are kept in ")).unwrap();
    let folder = PathBuf::from(kept.trim_end_matches('.'));
    assert!(folder.join("throttled-silently/packet-cloud-controller-manager-1.log").is_file(), "{text}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_program_that_ends_by_itself_is_said_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken");
    std::fs::write(&broken, "#!/bin/sh\nexit 7\n").unwrap();
    assert!(Command::new("chmod").arg("+x").arg(&broken).status().unwrap().success());
    let results = Results::new();
    let [json, plots] = results.options();
    let mut lab = lab();
    lab.args(["--nodes=3", "--scenario=cold-start", "--no-floor", "--no-comparison", &json, &plots]);
    let output = lab.arg("--binary").arg(&broken).output().unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("ended by itself with exit status: 7"), "{text}");
    let kept = text.lines().find_map(|line| line.strip_prefix("The program's logs are kept in ")).unwrap();
    std::fs::remove_dir_all(kept.trim_end_matches('.')).unwrap();
}

#[test]
fn nothing_is_left_on_a_cluster_that_was_there_before() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(kube_api_server::Server::start()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("config");
    std::fs::write(&kubeconfig, server.kubeconfig()).unwrap();
    let results = Results::new();
    let [json, plots] = results.options();
    let mut lab = lab();
    lab.arg("--binary").arg(&*PRODUCT).args(["--nodes=10", "--scenario=cold-start", "--no-comparison", &json, &plots]);
    let output = lab.env("KUBECONFIG", &kubeconfig).output().unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert_eq!(text.matches("Removed 10 Nodes").count(), 2, "{text}");
    assert_eq!(server.store().nodes(), [] as [Value; 0]);
}

#[test]
fn what_was_played_before_an_interruption_is_told() {
    let results = Results::new();
    let [json, plots] = results.options();
    let mut lab = lab();
    lab.arg("--binary").arg(&*PRODUCT).args(["--nodes=5", "--scenario=cold-start,flapping", "--flapping-seconds=600"]);
    lab.args(["--no-floor", "--no-comparison", &json, &plots]).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut lab = lab.spawn().unwrap();
    let mut text = String::new();
    let mut output = std::io::BufReader::new(lab.stdout.take().unwrap());
    while !text.contains("flapping: ") {
        assert_ne!(output.read_line(&mut text).unwrap(), 0, "{text}");
    }
    assert!(Command::new("kill").args(["-INT", &lab.id().to_string()]).status().unwrap().success());
    output.read_to_string(&mut text).unwrap();
    assert_eq!(lab.wait().unwrap().code(), Some(130), "{text}");
    assert!(text.contains("Not everything was played: interrupted"), "{text}");
    let result = results.json();
    assert_eq!((result["passed"].as_bool(), result["scenarios"].as_array().unwrap().len()), (Some(false), 1));
    assert_eq!(result["scenarios"][0]["logs"], serde_json::json!([]));
    assert!(results.plots().contains("cold-start"));
}

#[test]
fn anybody_may_read_the_programs_metrics_at_the_port_that_was_named() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let results = Results::new();
    let mut lab = lab();
    lab.arg("--binary").arg(&*PRODUCT).args(["--nodes=5", "--scenario=flapping", "--flapping-seconds=600"]);
    lab.arg(format!("--secure-port={port}")).args(results.options()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut lab = lab.spawn().unwrap();
    rustls::crypto::ring::default_provider().install_default().unwrap();
    let client = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).no_proxy().build().unwrap();
    let read = async || client.get(format!("https://127.0.0.1:{port}/metrics")).send().await?.text().await;
    let runtime = tokio::runtime::Runtime::new().unwrap();
    // Refused until the program is up, and for good where it does not serve: then the lab's end is what ends the wait.
    let metrics = loop {
        if let Ok(metrics) = runtime.block_on(read()) {
            break metrics;
        }
        assert_eq!(lab.try_wait().unwrap(), None, "the load test ended, and nobody could read the metrics");
        std::thread::sleep(Duration::from_millis(20));
    };
    assert!(Command::new("kill").args(["-INT", &lab.id().to_string()]).status().unwrap().success());
    assert_eq!(lab.wait().unwrap().code(), Some(130));
    assert!(metrics.contains("packet_ccm_build_info{"), "{metrics}");
}

#[test]
fn a_file_that_cannot_be_written_is_refused_before_anything_is_played() {
    let output = load_test(&["--nodes=5", "--json=/nowhere/result.json"]);
    assert_eq!(output.status.code(), Some(1));
    let text = said(&output);
    assert!(text.contains("writing /nowhere/result.json") && !text.contains("cold-start"), "{text}");
}

#[test]
fn a_wrong_command_line_is_refused_with_what_would_be_right() {
    let output = load_test(&["--scenario=earthquake"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("join-burst"), "{}", said(&output));
    let output = load_test(&["--nodes=10", "--devices=5"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(said(&output).contains("--devices is 5"), "{}", said(&output));
}
