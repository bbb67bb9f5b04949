//! Ctrl-C and SIGTERM: the first ends the work in good order, the second ends it at once.

use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use crate::error::LabError;

/// What a shell reports of a program that Ctrl-C ended.
pub(crate) const EXIT_CODE: u8 = 130;

/// A token that is cancelled by the first signal.
///
/// # Errors
/// When the operating system refuses.
pub(crate) fn listen() -> Result<CancellationToken, LabError> {
    let preparing = || LabError::io("preparing for signals");
    let mut interrupt = signal(SignalKind::interrupt()).map_err(preparing())?;
    let mut terminate = signal(SignalKind::terminate()).map_err(preparing())?;
    let interrupted = CancellationToken::new();
    let token = interrupted.clone();
    tokio::spawn(async move {
        loop {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
            if token.is_cancelled() {
                // Children have guards that see to their end.
                std::process::exit(EXIT_CODE.into());
            }
            token.cancel();
        }
    });
    Ok(interrupted)
}

/// Works until it is done or interrupted.
///
/// # Errors
/// [`LabError::Interrupted`], or that of the work.
pub(crate) async fn unless<T>(
    interrupted: impl Future<Output = ()>,
    work: impl Future<Output = Result<T, LabError>>,
) -> Result<T, LabError> {
    tokio::select! {
        biased;
        () = interrupted => Err(LabError::Interrupted),
        done = work => done,
    }
}
