//! Parses the command line, starts telemetry, runs the supervisor; nothing else.

#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{self, ErrorKind, Write};
use std::process::ExitCode;

use clap::Parser;
use packet_cloud_controller_manager::actors::supervisor;
use packet_cloud_controller_manager::config::flags::{self, Command, StatusForm, VersionForm};
use packet_cloud_controller_manager::config::{Config, Flags};
use packet_cloud_controller_manager::serving::local;
use packet_cloud_controller_manager::telemetry::logging;

fn main() -> ExitCode {
    let flags = match Flags::try_parse() {
        Ok(flags) => flags,
        Err(answer) => {
            // Help that nobody reads any more is no failure.
            let _ = answer.print();
            return if answer.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS };
        }
    };
    match run(&flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {error}", flags::PROGRAM);
            ExitCode::FAILURE
        }
    }
}

fn run(flags: &Flags) -> Result<(), Box<dyn Error>> {
    if let Some(version) = flags.version.and_then(VersionForm::text) {
        return Ok(print(version.as_bytes())?);
    }
    match &flags.command {
        Some(Command::Completions { shell }) => Ok(print(&flags::completions(*shell))?),
        Some(Command::Man) => Ok(print(&flags::man()?)?),
        Some(Command::Status { port, output }) => Ok(print(&status(*port, *output)?)?),
        None => control(flags),
    }
}

fn control(flags: &Flags) -> Result<(), Box<dyn Error>> {
    let verbosity = logging::start(flags.logging.v, flags.logging.logging_format);
    logging::end_the_process_on_panic();
    Ok(supervisor::run(Config::watched(flags.clone())?, verbosity)?)
}

/// What the instance of that port is doing.
fn status(port: u16, form: StatusForm) -> Result<Vec<u8>, Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let status = runtime.block_on(local::ask(port))?;
    Ok(match form {
        StatusForm::Text => status.to_string().into_bytes(),
        StatusForm::Json => serde_json::to_vec_pretty(&status)?,
    })
}

/// Prints to standard output, also to a reader that has seen enough before the end.
fn print(text: &[u8]) -> io::Result<()> {
    let mut output = io::stdout().lock();
    match output.write_all(text).and_then(|()| output.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        done => done,
    }
}
