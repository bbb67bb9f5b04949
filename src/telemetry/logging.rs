//! Logs: structured, text or JSON, at Kubernetes' verbosity levels.

use std::io::IsTerminal;
use std::panic;

use tracing::Level;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

use crate::config::LogFormat;

/// The exit code after a panic, that of Rust itself.
const PANICKED: i32 = 101;

/// Starts logging to standard error at a Kubernetes verbosity, 0 to 10. Has an effect once per process.
pub fn start(verbosity: u8, format: LogFormat) {
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(false);
    let lines = match format {
        LogFormat::Text => lines.with_ansi(std::io::stderr().is_terminal()).boxed(),
        LogFormat::Json => lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed(),
    };
    // A second start, as in tests, keeps the first.
    let _ = tracing_subscriber::registry().with(lines).with(levels(verbosity)).try_init();
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
    // It reports each failed request by itself, without saying which; whoever sent it says more.
    if verbosity < 6 { targets.with_target("kube_client", LevelFilter::OFF) } else { targets }
}

/// Lets a panic anywhere end the process with a last line that says where: state is rebuilt from the two APIs at start,
/// and half a controller is worse than none.
pub fn end_the_process_on_panic() {
    panic::set_hook(Box::new(|panicked| {
        let place = panicked.location().map(ToString::to_string);
        let message = panicked.payload_as_str().unwrap_or("no message");
        tracing::error!(place, message, "a defect of this program: it ends, and is to be started again");
        std::process::exit(PANICKED);
    }));
}
