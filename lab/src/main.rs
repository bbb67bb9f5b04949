//! The lab: shows the cloud controller manager at work, and measures it.
#![forbid(unsafe_code)]

mod apis;
mod cli;
mod curves;
mod demo;
mod error;
mod interrupt;
mod load_test;
mod nodes;
mod program;
mod text;
mod times;
mod traffic;

use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use cli::{Arguments, Command};
use error::LabError;

/// How long threads that wait for the terminal may hold up the end.
const THREADS_TIMEOUT: Duration = Duration::from_millis(100);

fn main() -> ExitCode {
    let command = Arguments::parse().command;
    // Nobody else has chosen one in this process.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let given = runtime.map_err(LabError::io("starting threads")).and_then(|runtime| {
        let given = match command {
            Command::Demo(demo) => runtime.block_on(demo::give(*demo)),
            Command::LoadTest(load_test) => runtime.block_on(load_test::run(*load_test)),
            Command::Curves(options) => curves::draw(&options).map(|()| true),
        };
        runtime.shutdown_timeout(THREADS_TIMEOUT);
        given
    });
    match given {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("lab: {error}");
            match error {
                LabError::Interrupted => ExitCode::from(interrupt::EXIT_CODE),
                LabError::Options(_) => ExitCode::from(2),
                _ => ExitCode::FAILURE,
            }
        }
    }
}
