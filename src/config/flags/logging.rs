//! The flags that say what is logged, and how.

use clap::{Args, ValueEnum};

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// For people
    #[default]
    Text,
    /// One JSON object per line
    Json,
}

/// The highest verbosity that makes a difference.
const HIGHEST: u32 = 10;

/// What is logged.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Global")]
pub struct LoggingFlags {
    /// 0 and 1: warnings; 2: a line per Node and change; 4: a line per request; 6 and more: all
    #[arg(short, long, value_name = "LEVEL", default_value = "2", value_parser = verbosity)]
    pub v: u8,

    /// How log lines look
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t)]
    pub logging_format: LogFormat,
}

/// klog takes any level that is an `int32`; one above the highest is as good as that.
fn verbosity(text: &str) -> Result<u8, &'static str> {
    let level = text.parse::<u32>().ok().and_then(|level| u8::try_from(level.min(HIGHEST)).ok());
    level.ok_or("expected a whole number, 0 to 10")
}
