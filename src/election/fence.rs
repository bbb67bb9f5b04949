//! The gate, for connections: what a write has handed to its connection goes out only while the gate is open.
//!
//! The [`Gate`] alone is no help to a process that is stopped between the two: when it goes on, the connection's task may be
//! the first to run, and would send what was meant to be sent long ago. So that task, too, looks at the clock each time before
//! it does anything. What is left is the time that it takes to encrypt a request and hand it to the operating system.

use std::pin::Pin;

use hyper::rt::Executor;

use super::gate::Gate;

/// Runs the tasks of connections while the gate is open; when it closes, the connections are cut.
#[derive(Debug, Clone)]
pub struct Fence(Gate);

impl Fence {
    /// A fence around whatever is sent past that gate.
    #[must_use]
    pub fn new(gate: Gate) -> Self {
        Self(gate)
    }
}

impl Executor<Pin<Box<dyn Future<Output = ()> + Send>>> for Fence {
    fn execute(&self, connection: Pin<Box<dyn Future<Output = ()> + Send>>) {
        let gate = self.0.clone();
        tokio::spawn(async move {
            // Whoever waits for an answer is told that the connection is gone.
            let _ = gate.pass(connection).await;
        });
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Poll;
    use std::time::Duration;

    use tokio::sync::Notify;
    use tokio::time::Instant;

    use super::super::gate::Gatekeeper;
    use super::*;

    /// The thread sleeps, as a process does that is stopped, while something waits to be sent.
    #[tokio::test]
    async fn what_waits_to_be_sent_when_the_process_is_stopped_is_not_sent_when_it_goes_on() {
        let (keeper, gate) = Gatekeeper::new(false);
        let stopped_for = Duration::from_millis(50);
        keeper.open_until(Instant::now() + stopped_for);
        let (polls, wake) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
        let connection = {
            let (polls, wake) = (Arc::clone(&polls), Arc::clone(&wake));
            async move {
                loop {
                    polls.fetch_add(1, Ordering::Relaxed);
                    wake.notified().await;
                }
            }
        };
        Fence::new(gate.clone()).execute(Box::pin(connection));
        tokio::task::yield_now().await;
        wake.notify_one();
        tokio::task::yield_now().await;
        let before = polls.load(Ordering::Relaxed);
        assert_eq!(before, 2, "it sends while the gate is open");
        wake.notify_one();
        std::thread::sleep(2 * stopped_for);
        gate.closed().await;
        tokio::task::yield_now().await;
        assert_eq!(polls.load(Ordering::Relaxed), before);
    }

    #[tokio::test]
    async fn a_connection_is_cut_when_the_gate_closes() {
        struct Cut(Arc<Notify>);
        impl Drop for Cut {
            fn drop(&mut self) {
                self.0.notify_one();
            }
        }
        let (keeper, gate) = Gatekeeper::new(true);
        let is_cut = Arc::new(Notify::new());
        let connection = Cut(Arc::clone(&is_cut));
        Fence::new(gate).execute(Box::pin(poll_fn(move |_| {
            let _ = &connection;
            Poll::Pending
        })));
        tokio::task::yield_now().await;
        keeper.close();
        is_cut.notified().await;
    }
}
