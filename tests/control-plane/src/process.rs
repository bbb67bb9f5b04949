//! A server process that cannot outlive the program that started it.

use std::fs::File;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::Error;

/// Runs the server and a watcher beside it. The watcher reads from a pipe whose only writing end is in our process: it
/// reads end-of-file when we drop that end, and also when we panic, abort or are killed, and then kills the server.
const SUPERVISOR: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- &
server=$!
{ read -r _ <&3; kill -KILL "$server"; } 2>/dev/null &
watcher=$!
exec 3<&-
wait "$server"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"
"#;

/// How many lines of a log an error shows: enough for the cause and what led to it.
const LOG_LINES: usize = 15;

/// A running server. Dropping it kills the server and waits until it is gone.
#[derive(Debug)]
pub(crate) struct Process {
    name: &'static str,
    supervisor: Child,
    log: PathBuf,
}

impl Process {
    /// Starts `binary` in `folder` with these arguments; its output goes to `NAME.log` there.
    pub(crate) fn start(name: &'static str, binary: &Path, folder: &Path, arguments: &[String]) -> Result<Self, Error> {
        let log = folder.join(format!("{name}.log"));
        let writing = || Error::io(format!("creating the log {}", log.display()));
        let output = File::create(&log).map_err(writing())?;
        let errors = output.try_clone().map_err(writing())?;
        let supervisor = Command::new("sh")
            .args(["-c", SUPERVISOR, "control-plane"])
            .arg(binary)
            .args(arguments)
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(output)
            .stderr(errors)
            // Ctrl-C in a terminal is for us alone; that the servers end then is the pipe's doing.
            .process_group(0)
            .spawn()
            .map_err(Error::io(format!("starting {}", binary.display())))?;
        Ok(Self { name, supervisor, log })
    }

    /// What runs here: `etcd` or `kube-apiserver`.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// How the server ended, or `None` while it runs.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>, Error> {
        self.supervisor.try_wait().map_err(Error::io(format!("asking whether {} still runs", self.name)))
    }

    /// The last lines of the server's log, or why they cannot be read.
    pub(crate) fn log_tail(&self) -> String {
        match std::fs::read(&self.log) {
            Ok(log) => tail(&String::from_utf8_lossy(&log)),
            Err(error) => format!("({} cannot be read: {error})", self.log.display()),
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.supervisor.stdin.take());
        // An error here means that the process is gone already, which is what was wanted.
        let _ = self.supervisor.wait();
    }
}

/// The last lines of a text.
pub(crate) fn tail(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(LOG_LINES)..).unwrap_or_default().join("\n")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn the_tail_of_a_long_log_is_its_last_lines() {
        let log: Vec<String> = (1..=100).map(|line| format!("line {line}")).collect();
        assert_eq!(tail(&log.join("\n")), log[85..].join("\n"));
    }

    #[test]
    fn the_tail_of_a_short_log_is_all_of_it() {
        assert_eq!(tail("only line\n"), "only line");
        assert_eq!(tail(""), "");
    }

    #[test]
    fn a_dropped_process_is_gone_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let process = Process::start("sleep", Path::new("sleep"), folder.path(), &["1000".to_owned()]).unwrap();
        let supervisor = process.supervisor.id();
        drop(process);
        let left = Command::new("ps").args(["-o", "args=", "-g", &supervisor.to_string()]).output().unwrap();
        assert_eq!(String::from_utf8_lossy(&left.stdout), "");
    }
}
