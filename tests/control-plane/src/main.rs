//! Runs a control plane for work by hand: prints how to reach it, and stops it on Ctrl-C or SIGTERM.
#![forbid(unsafe_code)]

use std::io::Write;
use std::process::ExitCode;

use control_plane::{ControlPlane, Error};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Error> {
    let on_signals = |source| Error::Io { doing: "preparing for signals".to_owned(), source };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(on_signals)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(on_signals)?;

    let control_plane = tokio::select! {
        started = ControlPlane::start() => started?,
        _ = interrupt.recv() => return Ok(()),
        _ = terminate.recv() => return Ok(()),
    };
    let file = control_plane.folder().join("kubeconfig");
    std::fs::write(&file, control_plane.kubeconfig())
        .and_then(|()| writeln!(std::io::stdout(), "export KUBECONFIG={}", file.display()))
        .map_err(|source| Error::Io { doing: format!("writing {}", file.display()), source })?;
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
    }
    Ok(())
}
