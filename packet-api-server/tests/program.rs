//! The program as a user runs it: what it prints, how it fails, how it ends.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use common::Asker;
use packet_api_server::Server;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_packet-api-server"));
    command.args(arguments).env_remove("PACKET_API_SERVER_TOKEN").env_remove("RUST_LOG");
    command
}

fn run(arguments: &[&str]) -> Output {
    program(arguments).output().unwrap()
}

/// A program that serves, and what it said at its start. Ends with the test, whatever becomes of that.
struct Running {
    child: Child,
    said: String,
    out: BufReader<ChildStdout>,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child = program(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        for _ in 0..3 {
            out.read_line(&mut said).unwrap();
        }
        Self { child, said, out }
    }

    fn url(&self) -> &str {
        self.said.lines().next().unwrap().strip_prefix("serving the Packet API at ").unwrap()
    }

    /// Ends it with SIGTERM; what it says at its end.
    fn terminate(&mut self) -> String {
        assert!(Command::new("kill").arg(self.child.id().to_string()).status().unwrap().success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
        let mut said = String::new();
        self.out.read_to_string(&mut said).unwrap();
        said
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn errors(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn it_says_where_it_is_and_ends_well_on_sigterm() {
    let mut running = Running::start(&["--listen", "127.0.0.1:0", "--devices", "7"]);
    let said = running.said.clone();
    let url = running.url();
    assert!(url.starts_with("http://127.0.0.1:") && url.ends_with("/metal/v1/"), "{said}");
    assert!(said.contains("with 7 devices") && said.contains("curl -H 'X-Auth-Token: "), "{said}");
    assert!(running.terminate().starts_with("0 requests in 0.0 s"));
}

#[tokio::test]
async fn what_was_asked_is_in_the_log_file_and_summed_up_at_the_end() {
    let file = std::env::temp_dir().join(format!("packet-api-server-requests-{}.json", std::process::id()));
    let mut running = Running::start(&[
        "--listen",
        "127.0.0.1:0",
        "--token",
        "quite-secret",
        "--fault",
        "/devices/ 503 share=1",
        "--request-log",
        file.to_str().unwrap(),
    ]);
    let mut asker = Asker::at(running.url());
    asker.token = "quite-secret".into();
    assert_eq!(asker.get("plans?type=standard").await.0, 200);
    assert_eq!(asker.get("devices/x").await.0, 503);
    let said = running.terminate();
    let written = std::fs::read_to_string(&file).unwrap();
    std::fs::remove_file(&file).unwrap();
    let lines: Vec<serde_json::Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((&lines[0]["path"], &lines[0]["query"]), (&"/metal/v1/plans".into(), &"type=standard".into()));
    assert_eq!((&lines[1]["status"], &lines[1]["fault"], lines.len()), (&503.into(), &"503".into(), 2));
    assert!(!written.contains("quite-secret") && !said.contains("quite-secret"));
    for part in ["2 requests in ", "GET /devices/{id}", "1 × 200, 1 × 503", "on purpose: 1 × 503"] {
        assert!(said.contains(part), "{part:?} is not in {said}");
    }
}

#[tokio::test]
async fn the_weather_is_set_on_the_command_line() {
    let mut running = Running::start(&[
        "--listen",
        "127.0.0.1:0",
        "--devices=3",
        "--realistic-size",
        "--latency=1ms..2ms+1ms/device",
        "--rate-limit=100/1m",
        "--rate-limit-burst=7",
        "--rate-limit-headers=counters",
        "--retry-after=date",
        "--fault=GET /devices/ 500 share=0.05",
        "--fault=delay=5s contains=?page=3&",
        "--outage=503 for=60m",
        "--shifting=both",
    ]);
    let admin = Asker::at(&running.url().replace("/metal/v1/", "/_admin/"));
    let weather = admin.ok("weather").await;
    assert_eq!(weather["latency"], "1ms..2ms+1ms/device");
    assert_eq!(
        weather["rate_limit"],
        serde_json::json!({"limit": "100/1m", "burst": 7, "headers": "counters", "retry_after": "date"})
    );
    assert_eq!((&weather["outage"], &weather["shifting"]), (&"503 for=60m".into(), &"both".into()));
    let faults = admin.ok("faults").await;
    assert_eq!(faults["faults"][0]["fault"], "GET /devices/ 500 share=0.05");
    assert_eq!(faults["faults"][1]["fault"], "delay=5s contains=?page=3&");
    running.terminate();
}

#[test]
fn an_option_that_does_not_do_is_refused_with_what_would() {
    for (option, advice) in [
        ("--latency=fast", "100ms"),
        ("--rate-limit=60", "60/1m"),
        ("--rate-limit-burst=5", "--rate-limit <N/TIME>"),
        ("--fault=explode", "html=502"),
        ("--outage=bad", "refuse, reset, hang"),
        ("--shifting=left", "grows, shrinks, both"),
    ] {
        let output = run(&["--listen", "127.0.0.1:0", option]);
        assert_eq!(output.status.code(), Some(2), "{option}");
        assert!(errors(&output).contains(advice), "{option}: {}", errors(&output));
    }
    let output = run(&["--listen", "127.0.0.1:0", "--request-log", "/no/such/folder/requests.json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(errors(&output).contains("/no/such/folder/requests.json: "), "{}", errors(&output));
}

#[test]
fn a_token_of_ones_own_is_not_printed() {
    let running = Running::start(&["--listen", "127.0.0.1:0", "--devices", "1", "--token", "quite-secret"]);
    assert!(!running.said.contains("quite-secret"), "{}", running.said);
}

#[tokio::test]
async fn a_port_in_use_ends_it_with_1_and_advice() {
    let server = Server::start().await.unwrap();
    let output = run(&["--listen", &server.address().unwrap().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    let text = errors(&output);
    assert!(text.contains(&server.address().unwrap().to_string()) && text.contains("choose another address"), "{text}");
}

#[test]
fn bad_fixtures_end_it_with_1_and_the_place() {
    let file = std::env::temp_dir().join(format!("packet-api-server-{}.json", std::process::id()));
    std::fs::write(&file, r#"{"devices": [{"hostname": 5}]}"#).unwrap();
    let output = run(&["--listen", "127.0.0.1:0", "--fixtures", file.to_str().unwrap()]);
    std::fs::remove_file(&file).unwrap();
    assert_eq!(output.status.code(), Some(1));
    let text = errors(&output);
    assert!(text.contains(file.to_str().unwrap()) && text.contains("devices[0].hostname must be a string"), "{text}");
    let output = run(&["--fixtures", "/no/such/file.json"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(errors(&output).contains("/no/such/file.json"));
}

#[test]
fn a_place_that_is_not_known_ends_it_with_1() {
    for (flag, wanted) in [("--facility", "GET /facilities"), ("--metro", "GET /locations/metros")] {
        let output = run(&["--listen", "127.0.0.1:0", flag, "atlantis"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(errors(&output).contains(flag) && errors(&output).contains(wanted), "{}", errors(&output));
    }
}

#[test]
fn help_shows_examples_and_version_the_version() {
    let help = String::from_utf8(run(&["--help"]).stdout).unwrap();
    for part in [
        "Examples:",
        "--fixtures",
        "PACKET_API_SERVER_TOKEN",
        "--legacy-meta",
        "--seed",
        "Weather:",
        "share=0.05",
        "/_admin/",
    ] {
        assert!(help.contains(part), "{part} is not in {help}");
    }
    let mut version = String::new();
    run(&["--version"]).stdout.as_slice().read_to_string(&mut version).unwrap();
    assert_eq!(version.trim(), concat!("packet-api-server ", env!("CARGO_PKG_VERSION")));
}
