//! The program under demonstration, as a process that cannot outlive the lab.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant, SystemTime};

use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};

use crate::cli::ProgramOptions;
use crate::error::LabError;

const NAME: &str = "packet-cloud-controller-manager";
/// A Pod's default grace period is 30 s; the program promises to be gone within ten.
const STOP_TIMEOUT: Duration = Duration::from_secs(15);
/// Reads from a pipe whose only writing end is in our process, and so learns of our end however it comes about, SIGKILL
/// included; then ends the program.
const GUARD: &str = r#"read -r _; kill -KILL "$0" 2>/dev/null"#;

/// The program, running.
pub(crate) struct Product {
    child: Child,
    guard: Child,
    pid: Option<u32>,
    /// When it was started, for measuring.
    pub(crate) started: Instant,
    /// When it was started, to compare with a server's log.
    pub(crate) started_at: SystemTime,
    peak_memory: Option<u64>,
}

/// How it ended on SIGTERM.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ending {
    /// Its exit code; `None` where a signal ended it, ours included when it took too long.
    pub(crate) code: Option<i32>,
    /// How long it took.
    pub(crate) took: Duration,
}

/// What the program needs to know of the two APIs.
pub(crate) struct Surroundings<'a> {
    /// The file that leads to Kubernetes.
    pub(crate) kubeconfig: &'a Path,
    /// The simulated Packet API.
    pub(crate) packet: &'a packet_api_server::Server,
}

/// The binary to run: the one that was named, or the one beside this program, or the one that `make build` made.
///
/// # Errors
/// [`LabError::NoBinary`] with every place it was looked for.
pub(crate) fn find(named: Option<&Path>) -> Result<PathBuf, LabError> {
    let looked: Vec<PathBuf> = if let Some(path) = named {
        vec![path.to_owned()]
    } else {
        let beside = std::env::current_exe().ok().and_then(|lab| Some(lab.parent()?.join(NAME)));
        let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
        let os = if os == "macos" { "darwin" } else { os };
        let arch = match arch {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            other => other,
        };
        beside.into_iter().chain([PathBuf::from(format!("dist/bin/{NAME}--{os}-{arch}"))]).collect()
    };
    let found = looked.iter().find(|path| path.is_file()).and_then(|path| path.canonicalize().ok());
    found.ok_or(LabError::NoBinary { looked })
}

impl Product {
    /// Starts `binary`; what it says goes to `log`.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub(crate) fn start(
        binary: &Path,
        log: &Path,
        options: &ProgramOptions,
        around: &Surroundings,
    ) -> Result<Self, LabError> {
        let writing = || LabError::io(format!("creating the log {}", log.display()));
        let output = File::create(log).map_err(writing())?;
        let errors = output.try_clone().map_err(writing())?;
        let mut command = Command::new(binary);
        command
            .arg(format!("--cloud-provider={}", options.provider.name()))
            .arg(format!("--kubeconfig={}", around.kubeconfig.display()))
            // There is but one, and one that is started after another was killed would wait until that one's Lease runs out.
            .args(["--v=2", "--logging-format=json", "--leader-elect=false"])
            // Serves nothing unless told to: whatever else runs on this machine may have the port.
            .arg(format!("--secure-port={}", options.secure_port))
            .args(["--bind-address=127.0.0.1", "--authorization-always-allow-paths=/healthz,/livez,/readyz,/metrics"])
            .stdin(Stdio::null())
            .stdout(output)
            .stderr(errors)
            // Ctrl-C in a terminal is for the lab, which then stops the program in good order.
            .process_group(0)
            .kill_on_drop(true);
        // Nothing of the user's own settings, least of all a token that is worth something.
        for (name, _) in std::env::vars_os() {
            if name.to_str().is_some_and(|name| name.starts_with("METAL_") || name.starts_with("PACKET_")) {
                command.env_remove(name);
            }
        }
        command
            .env("METAL_API_KEY", around.packet.token())
            .env("METAL_PROJECT_ID", around.packet.project_id().to_string())
            .env("METAL_BASE_URL", around.packet.url());
        if let Some(rate) = options.rate {
            command.env("METAL_RATE_LIMIT_REQUESTS_PER_SECOND", rate.to_string());
        }
        if let Some(burst) = options.burst {
            command.env("METAL_RATE_LIMIT_BURST", burst.to_string());
        }
        let direct = ["127.0.0.1", "localhost"].map(str::to_owned);
        let exempt = std::env::var("NO_PROXY").or_else(|_| std::env::var("no_proxy")).ok();
        let exempt = exempt.into_iter().chain(direct).collect::<Vec<_>>().join(",");
        command.env("NO_PROXY", &exempt).env("no_proxy", &exempt);

        let (started, started_at) = (Instant::now(), SystemTime::now());
        let child = command.spawn().map_err(LabError::io(format!("starting {}", binary.display())))?;
        let pid = child.id();
        let guard = Command::new("sh")
            .args(["-c", GUARD, &pid.unwrap_or_default().to_string()])
            .stdin(Stdio::piped())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()
            .map_err(LabError::io("starting sh to watch over the program"))?;
        Ok(Self { child, guard, pid, started, started_at, peak_memory: None })
    }

    /// How the program ended, where it has ended by itself.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        let ended = self.child.try_wait().ok().flatten();
        if ended.is_some() {
            self.dismiss_guard();
        }
        ended
    }

    /// The most memory that it has held so far, in bytes; `None` where the system does not tell (it does on Linux).
    pub(crate) fn peak_memory(&mut self) -> Option<u64> {
        let status = self.pid.and_then(|pid| fs::read_to_string(format!("/proc/{pid}/status")).ok());
        if let Some(peak) = status.as_deref().and_then(high_water_mark) {
            self.peak_memory = Some(peak);
        }
        self.peak_memory
    }

    /// Asks it to stop, and waits until it has. One that takes too long is killed.
    ///
    /// # Errors
    /// When the operating system loses track of it.
    pub(crate) async fn stop(&mut self) -> Result<Ending, LabError> {
        self.peak_memory();
        let asked = Instant::now();
        let waiting = || LabError::io("waiting for the program to end");
        let pid = self.child.id().and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
        if let Some(pid) = pid {
            kill_process(pid, Signal::TERM)
                .map_err(|errno| LabError::io("sending SIGTERM to the program")(errno.into()))?;
        }
        let status = tokio::time::timeout(STOP_TIMEOUT, self.child.wait()).await;
        let status = if let Ok(status) = status {
            status.map_err(waiting())?
        } else {
            self.child.start_kill().map_err(waiting())?;
            self.child.wait().await.map_err(waiting())?
        };
        self.dismiss_guard();
        Ok(Ending { code: status.code(), took: asked.elapsed() })
    }

    /// Ends it at once with SIGKILL, as a machine that loses power does, and waits until it is gone.
    ///
    /// # Errors
    /// When the operating system loses track of it.
    pub(crate) async fn kill(&mut self) -> Result<(), LabError> {
        self.peak_memory();
        self.child.kill().await.map_err(LabError::io("killing the program"))?;
        self.dismiss_guard();
        Ok(())
    }

    /// Its process id, while it is known.
    pub(crate) const fn pid(&self) -> Option<u32> {
        self.pid
    }

    /// The guard must not be left with a process id that may soon be somebody else's.
    fn dismiss_guard(&mut self) {
        // An error means that it is gone already.
        let _ = self.guard.start_kill();
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        // Before the pipe to the guard closes, so that it is gone when it would have something to do.
        self.dismiss_guard();
    }
}

/// `VmHWM`, in bytes, out of `/proc/PID/status`.
fn high_water_mark(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn the_peak_of_memory_is_read_in_bytes() {
        assert_eq!(high_water_mark("Name:\tx\nVmHWM:\t   12345 kB\nVmRSS:\t 1 kB\n"), Some(12_345 * 1024));
        assert_eq!(high_water_mark("Name:\tx\n"), None);
    }

    #[test]
    fn a_binary_that_is_not_there_is_said_with_how_to_build_it() {
        let error = find(Some(Path::new("/nowhere/program"))).unwrap_err().to_string();
        assert!(error.contains("/nowhere/program") && error.contains("cargo build -p"), "{error}");
    }
}
