//! The program as a user runs it: what it prints, how it fails, how it ends.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use packet_api_server::Server;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Output, Stdio};

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
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child = program(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut said = String::new();
        for _ in 0..3 {
            lines.read_line(&mut said).unwrap();
        }
        Self { child, said }
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
    let url = said.lines().next().unwrap().strip_prefix("serving the Packet API at ").unwrap();
    assert!(url.starts_with("http://127.0.0.1:") && url.ends_with("/metal/v1/"), "{said}");
    assert!(said.contains("with 7 devices") && said.contains("curl -H 'X-Auth-Token: "), "{said}");
    let killed = Command::new("kill").arg(running.child.id().to_string()).status().unwrap();
    assert!(killed.success());
    assert_eq!(running.child.wait().unwrap().code(), Some(0));
}

#[test]
fn a_token_of_ones_own_is_not_printed() {
    let running = Running::start(&["--listen", "127.0.0.1:0", "--devices", "1", "--token", "quite-secret"]);
    assert!(!running.said.contains("quite-secret"), "{}", running.said);
}

#[tokio::test]
async fn a_port_in_use_ends_it_with_1_and_advice() {
    let server = Server::start().await.unwrap();
    let output = run(&["--listen", &server.address().to_string()]);
    assert_eq!(output.status.code(), Some(1));
    let text = errors(&output);
    assert!(text.contains(&server.address().to_string()) && text.contains("choose another address"), "{text}");
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
    for part in ["Examples:", "--fixtures", "PACKET_API_SERVER_TOKEN", "--legacy-meta", "--seed"] {
        assert!(help.contains(part), "{part} is not in {help}");
    }
    let mut version = String::new();
    run(&["--version"]).stdout.as_slice().read_to_string(&mut version).unwrap();
    assert_eq!(version.trim(), concat!("packet-api-server ", env!("CARGO_PKG_VERSION")));
}
