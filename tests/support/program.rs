//! The built program, as a process.

use std::path::Path;
use std::process::{ExitStatus, Output, Stdio};
use std::time::Duration;

use tokio::process::{Child, Command};

/// The environment that decides what the program does; none of it comes from whoever runs the tests.
const VARIABLES: &[&str] = &[
    "METAL_API_KEY",
    "PACKET_AUTH_TOKEN",
    "METAL_PROJECT_ID",
    "PACKET_PROJECT_ID",
    "METAL_BASE_URL",
    "PACKET_BASE_URL",
    "KUBECONFIG",
    "KUBERNETES_SERVICE_HOST",
    "HTTPS_PROXY",
    "https_proxy",
    "NO_PROXY",
    "no_proxy",
];

/// A command that runs the program with these flags.
pub(crate) fn program(flags: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_packet-cloud-controller-manager"));
    command.args(flags).kill_on_drop(true).stdin(Stdio::null());
    for variable in VARIABLES {
        command.env_remove(variable);
    }
    command
}

/// Runs the program to its end.
pub(crate) async fn output(mut command: Command) -> Output {
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().await.unwrap()
}

/// A running program whose log is written to a file.
pub(crate) struct Running {
    child: Child,
}

impl Running {
    /// Starts the program.
    pub(crate) fn start(mut command: Command, log: &Path) -> Self {
        let log = std::fs::File::create(log).unwrap();
        Self { child: command.stdout(Stdio::null()).stderr(log).spawn().unwrap() }
    }

    /// Sends SIGTERM and answers the exit code, or nothing where a signal ended it or nothing did in time.
    pub(crate) async fn terminate(mut self) -> Option<i32> {
        self.signal("TERM").await;
        self.ended(Duration::from_secs(10)).await?.code()
    }

    /// Sends a signal, named as `kill` has it.
    pub(crate) async fn signal(&self, name: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().await.unwrap().success());
    }

    /// How it ended, if it ends within that time.
    pub(crate) async fn ended(&mut self, within: Duration) -> Option<ExitStatus> {
        tokio::time::timeout(within, self.child.wait()).await.ok().map(Result::unwrap)
    }
}
