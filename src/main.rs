//! Parses the command line, starts telemetry, runs the supervisor; nothing else.

#![forbid(unsafe_code)]

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use packet_cloud_controller_manager::actors::supervisor;
use packet_cloud_controller_manager::config::{Config, Flags};
use packet_cloud_controller_manager::telemetry::logging;

fn main() -> ExitCode {
    let flags = Flags::parse();
    logging::start(flags.v, flags.logging_format);
    logging::end_the_process_on_panic();
    match run(&flags) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("packet-cloud-controller-manager: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(flags: &Flags) -> Result<(), Box<dyn Error>> {
    Ok(supervisor::run(Config::from_process(flags)?)?)
}
