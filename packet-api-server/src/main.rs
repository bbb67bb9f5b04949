//! The program: the simulated Packet API, served until it is told to stop.
#![forbid(unsafe_code)]

use clap::Parser;
use packet_api_server::cli::{Arguments, run};
use std::process::ExitCode;

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_env_filter(tracing_subscriber::EnvFilter::from_default_env())
        .init();
    match run(Arguments::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("packet-api-server: {error}");
            ExitCode::FAILURE
        }
    }
}
