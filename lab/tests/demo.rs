//! The demo as a person runs it: the lab's binary, the program's binary, nothing else.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod support;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use support::{PRODUCT, said};

fn lab() -> Command {
    let mut lab = Command::new(env!("CARGO_BIN_EXE_lab"));
    lab.arg("demo").env_remove("KUBECONFIG").env_remove("KEEP").stdin(Stdio::null());
    lab
}

fn demo(options: &[&str]) -> Output {
    lab().arg("--binary").arg(&*PRODUCT).args(options).output().unwrap()
}

#[test]
fn twenty_nodes_come_through_and_the_report_says_how() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("summary.json");
    let output = demo(&["--nodes=20", "--burst-seconds=0.2", "--max-per-page=5", "--json", json.to_str().unwrap()]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    for part in ["All 20 Nodes came through.", "✔ provider ID is its own device's", "2 of 2", "exit code 0"] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    assert!(!text.contains('✘') && text.lines().all(|line| line.chars().count() <= 100), "{text}");

    let summary: Value = serde_json::from_str(&std::fs::read_to_string(json).unwrap()).unwrap();
    assert_eq!(summary["nodes"]["initialised"], 20);
    assert_eq!(summary["scenario"]["device_pages"], 5);
    assert_eq!(summary["problems"], serde_json::json!([]));
    // What it is all about: a burst costs what the devices' pages cost, however many Nodes ask.
    let requests = summary["packet_api"]["requests"].as_u64().unwrap();
    assert!((1..=5 + 3).contains(&requests), "{requests} requests for 5 pages\n{text}");
    assert_eq!(summary["kubernetes"]["counted_by_server"], true);
}

#[test]
fn nodes_without_a_device_are_named_with_what_their_events_say() {
    let output = demo(&["--nodes=10", "--burst-seconds=0", "--missing-devices=2", "--timeout=5s"]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("2 of 10 Nodes did not come through within 5s"), "{text}");
    for number in ["-0009", "-0010"] {
        assert!(text.lines().any(|line| line.trim().ends_with(number)), "{number} is not named in\n{text}");
    }
    assert!(text.contains("latest Event: SyncFailed: "), "{text}");
    let kept = text.lines().find_map(|line| line.strip_prefix("The program's log is kept in ")).unwrap();
    let folder = PathBuf::from(kept.trim_end_matches('.'));
    assert!(folder.join("packet-cloud-controller-manager.log").is_file(), "{text}");
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn the_program_is_compared_with_a_bare_loop_of_the_same_writes() {
    let output = demo(&["--nodes=20", "--floor", "--provider=packet"]);
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("program / bare loop") && text.contains("are there before the program starts"), "{text}");
}

#[test]
fn a_program_that_ends_by_itself_is_said_at_once_with_its_last_words() {
    let folder = tempfile::tempdir().unwrap();
    let broken = folder.path().join("broken");
    std::fs::write(&broken, "#!/bin/sh\necho 'no such luck' >&2\nexit 7\n").unwrap();
    let executable = Command::new("chmod").arg("+x").arg(&broken).status().unwrap();
    assert!(executable.success());
    let output = lab().args(["--nodes=3", "--burst-seconds=0"]).arg("--binary").arg(&broken).output().unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    for part in ["ended by itself with exit status: 7", "no such luck", "3 of 3 Nodes were not initialised"] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    let kept = text.lines().find_map(|line| line.strip_prefix("The program's log is kept in ")).unwrap();
    std::fs::remove_dir_all(kept.trim_end_matches('.')).unwrap();
}

#[test]
fn without_the_program_the_error_says_how_to_build_it() {
    let output = lab().args(["--binary", "/nowhere/program"]).output().unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("/nowhere/program") && text.contains("cargo build -p"), "{text}");
}

#[test]
fn a_cluster_with_machines_of_packet_is_left_alone() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(kube_api_server::Server::start()).unwrap();
    let machine = kube_api_server::NodeSpec::new("machine").provider_id("packet://e781ae1b");
    server.store().create_node(machine.without_uninitialized_taint()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("config");
    std::fs::write(&kubeconfig, server.kubeconfig()).unwrap();
    let output = lab().arg("--binary").arg(&*PRODUCT).arg("--kubeconfig").arg(&kubeconfig).output().unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.contains("is left alone: the Nodes machine may be machines of Packet"), "{text}");
    assert_eq!(server.requests().writes(), []);
}

#[test]
fn nothing_is_left_on_a_cluster_that_was_there_before() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(kube_api_server::Server::start()).unwrap();
    let other = kube_api_server::NodeSpec::new("other").provider_id("kind://docker/other");
    let before = server.store().create_node(other.without_uninitialized_taint()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("config");
    std::fs::write(&kubeconfig, server.kubeconfig()).unwrap();
    let mut lab = lab();
    lab.arg("--binary").arg(&*PRODUCT).args(["--nodes=10", "--burst-seconds=0"]).env("KUBECONFIG", &kubeconfig);
    let output = lab.output().unwrap();
    let text = said(&output);
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.contains("your cluster") && text.contains("Removed 10 Nodes"), "{text}");
    assert_eq!(server.store().nodes(), [before]);
}

#[test]
#[cfg(unix)]
fn a_signal_ends_everything_in_good_order() {
    use std::io::{BufRead, BufReader};
    let mut lab = lab();
    lab.arg("--binary").arg(&*PRODUCT).args(["--nodes=5", "--burst-seconds=0", "--missing-devices=1"]);
    let mut running = lab.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(running.stdout.take().unwrap()).lines().map(Result::unwrap);
    let log = lines.find_map(|line| line.trim().strip_prefix("log ").map(|path| path.trim().to_owned())).unwrap();
    // Once four Nodes are initialised the program is at work, and waits for a device that never comes.
    lines.find(|line| line.split_whitespace().nth(4) == Some("4")).unwrap();
    let pid = rustix::process::Pid::from_raw(i32::try_from(running.id()).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
    let output = running.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(130), "{}", said(&output));
    assert!(said(&output).contains("interrupted"), "{}", said(&output));
    assert!(!Path::new(&log).exists(), "{log} is left");
}
