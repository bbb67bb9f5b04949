//! Logs: structured, text or JSON, at Kubernetes' verbosity levels.

use std::io::IsTerminal;
use std::panic;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry, fmt, reload};

use crate::config::LogFormat;

/// The highest verbosity that there is.
const HIGHEST: u8 = 10;
/// The exit code after a panic, that of Rust itself.
const PANICKED: i32 = 101;

/// How much is logged, in Kubernetes' verbosity; it may be changed at any time. Clones share it.
#[derive(Debug, Clone)]
pub struct Verbosity {
    level: Arc<AtomicU8>,
    filter: reload::Handle<Targets, Registry>,
}

/// The verbosity cannot be changed: this process logs by other means than ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the verbosity of this process cannot be changed")]
pub struct Fixed;

impl Verbosity {
    /// The verbosity, 0 to 10.
    #[must_use]
    pub fn get(&self) -> u8 {
        self.level.load(Ordering::Relaxed)
    }

    /// Logs at that verbosity from now on; more than 10 counts as 10.
    ///
    /// # Errors
    /// When the process logs by other means.
    pub fn set(&self, verbosity: u8) -> Result<(), Fixed> {
        self.filter.reload(levels(verbosity)).map_err(|_| Fixed)?;
        let now = verbosity.min(HIGHEST);
        let before = self.level.swap(now, Ordering::Relaxed);
        tracing::info!(before, now, "the verbosity of the log is changed");
        Ok(())
    }
}

/// Starts logging to standard error at a Kubernetes verbosity, 0 to 10. Has an effect once per process.
pub fn start(verbosity: u8, format: LogFormat) -> Verbosity {
    let (filter, handle) = reload::Layer::new(levels(verbosity));
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed(),
    };
    // A second start, as in tests, keeps the first.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
    Verbosity { level: Arc::new(AtomicU8::new(verbosity)), filter: handle }
}

/// A time in seconds as it is logged: to the millisecond.
#[must_use]
pub fn seconds(time: Duration) -> f64 {
    let milliseconds = u32::try_from(time.as_millis()).unwrap_or(u32::MAX);
    f64::from(milliseconds) / 1000.0
}

/// What is logged at a verbosity. Crates that we use are quieter than ourselves; none of them logs headers.
fn levels(verbosity: u8) -> Targets {
    let (own, others) = match verbosity {
        0 | 1 => (Level::WARN, Level::WARN),
        2 | 3 => (Level::INFO, Level::WARN),
        4 | 5 => (Level::DEBUG, Level::WARN),
        6 | 7 => (Level::TRACE, Level::INFO),
        _ => (Level::TRACE, Level::DEBUG),
    };
    let targets = Targets::new().with_default(others).with_target(env!("CARGO_CRATE_NAME"), own);
    // It reports each failed request by itself, without saying which; whoever sent it says more. And it repeats answers that it
    // cannot read, and what plugins print that bring credentials: there may be secrets in either.
    targets.with_target("kube_client", LevelFilter::OFF)
}

/// Lets a panic anywhere end the process with a last line that says where: state is rebuilt from the two APIs at start,
/// and half a controller is worse than none.
pub fn end_the_process_on_panic() {
    panic::set_hook(Box::new(|panicked| {
        let place = panicked.location().map(ToString::to_string);
        let said = panicked.payload_as_str().unwrap_or("no message");
        tracing::error!(place, panic = said, "a defect of this program: it ends, and is to be started again");
        std::process::exit(PANICKED);
    }));
}
