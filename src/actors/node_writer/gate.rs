//! The gate that every write passes: open while this process leads, and closed from the moment at which it does not.

use tokio::sync::watch;

/// Opens and closes the gate. It is closed for good when this is dropped.
#[derive(Debug)]
pub struct Gatekeeper(watch::Sender<bool>);

/// The gate, as a write sees it.
#[derive(Debug, Clone)]
pub struct Gate(watch::Receiver<bool>);

/// The gate was closed before the write had ended. It may have come about all the same, if it was on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

impl Gatekeeper {
    /// A gate, open or closed, and who keeps it.
    #[must_use]
    pub fn new(is_open: bool) -> (Self, Gate) {
        let (keeper, gate) = watch::channel(is_open);
        (Self(keeper), Gate(gate))
    }

    /// Lets writes through.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    /// Lets no write begin, and gives up those that are on their way.
    pub fn close(&self) {
        self.0.send_replace(false);
    }
}

impl Gate {
    /// Lets a write through, for as long as the gate is open. The write begins when it is first polled, and so not at all
    /// where the gate is closed.
    ///
    /// # Errors
    /// When the gate is closed, or is closed before the write has ended.
    pub(super) async fn pass<T>(&self, write: impl Future<Output = T>) -> Result<T, Closed> {
        let mut gate = self.0.clone();
        tokio::select! {
            biased;
            // An error means that nobody keeps the gate any more, which closes it.
            _ = gate.wait_for(|is_open| !is_open) => Err(Closed),
            written = write => Ok(written),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[tokio::test]
    async fn a_closed_gate_lets_no_write_begin() {
        let (keeper, gate) = Gatekeeper::new(false);
        let begun = AtomicBool::new(false);
        let write = async { begun.store(true, Ordering::Relaxed) };
        assert_eq!(gate.pass(write).await, Err(Closed));
        assert!(!begun.load(Ordering::Relaxed));
        keeper.open();
        assert_eq!(gate.pass(async { 1 }).await, Ok(1));
        drop(keeper);
        assert_eq!(gate.pass(async { 1 }).await, Err(Closed));
    }

    #[tokio::test]
    async fn a_write_under_way_is_given_up_when_the_gate_closes() {
        let (keeper, gate) = Gatekeeper::new(true);
        let write = tokio::spawn(async move { gate.pass(std::future::pending::<()>()).await });
        tokio::task::yield_now().await;
        keeper.close();
        assert_eq!(write.await.unwrap(), Err(Closed));
    }
}
