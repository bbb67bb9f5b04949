//! The gate that every write passes: open while this process leads, and closed from the moment at which it does not.
//!
//! A leader that renews its Lease opens the gate for a while only. So it is closed in time even where nobody comes to close
//! it: a process that was stopped for a minute and goes on writes nothing before it has looked at the clock.

use std::future::poll_fn;
use std::pin::pin;
use std::task::Poll;

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Until when the gate is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    /// It is closed.
    Not,
    /// Until that time.
    Until(Instant),
    /// Until somebody closes it.
    ForGood,
}

impl Open {
    fn is_open(self, now: Instant) -> bool {
        match self {
            Self::Not => false,
            Self::Until(time) => now < time,
            Self::ForGood => true,
        }
    }
}

/// Opens and closes the gate. It is closed for good when this is dropped.
#[derive(Debug)]
pub struct Gatekeeper(watch::Sender<Open>);

/// The gate, as a write sees it.
#[derive(Debug, Clone)]
pub struct Gate(watch::Receiver<Open>);

/// The gate was closed before the write had ended. It may have come about all the same, if it was on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

impl Gatekeeper {
    /// A gate, open until somebody closes it or closed, and who keeps it.
    #[must_use]
    pub fn new(is_open: bool) -> (Self, Gate) {
        let (keeper, gate) = watch::channel(if is_open { Open::ForGood } else { Open::Not });
        (Self(keeper), Gate(gate))
    }

    /// Lets writes through until that time, whatever was said before.
    pub fn open_until(&self, time: Instant) {
        self.0.send_replace(Open::Until(time));
    }

    /// Lets writes through until the gate is closed.
    pub fn open(&self) {
        self.0.send_replace(Open::ForGood);
    }

    /// Lets no write begin, and gives up those that are on their way.
    pub fn close(&self) {
        self.0.send_replace(Open::Not);
    }
}

impl Gate {
    /// Lets a write through, for as long as the gate is open. The write begins when it is first polled, and so not at all
    /// where the gate is closed.
    ///
    /// # Errors
    /// When the gate is closed, or is closed before the write has ended.
    pub async fn pass<T>(&self, write: impl Future<Output = T>) -> Result<T, Closed> {
        tokio::select! {
            biased;
            () = self.closed() => Err(Closed),
            written = write => Ok(written),
        }
    }

    /// Whether it is open at this moment.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.has_changed().is_ok() && self.0.borrow().is_open(Instant::now())
    }

    /// Waits until the gate is closed.
    pub async fn closed(&self) {
        let mut gate = self.0.clone();
        loop {
            let open = *gate.borrow_and_update();
            let time = async {
                match open {
                    Open::Not => {}
                    Open::Until(time) => passed(time).await,
                    Open::ForGood => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                () = time => return,
                changed = gate.changed() => {
                    // Nobody keeps the gate any more, which closes it.
                    if changed.is_err() {
                        return;
                    }
                }
            }
        }
    }
}

/// Waits until that time. Looks at the clock whenever it is polled: after a process was stopped, a timer alone may not know
/// yet that its time has come, and a write would begin that must not.
async fn passed(time: Instant) {
    let mut timer = pin!(sleep_until(time));
    poll_fn(|context| if Instant::now() >= time { Poll::Ready(()) } else { timer.as_mut().poll(context) }).await;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::time::Duration;
    use tokio::sync::Notify;

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

    #[tokio::test(start_paused = true)]
    async fn whether_it_is_open_is_known_at_every_moment() {
        let (keeper, gate) = Gatekeeper::new(false);
        assert!(!gate.is_open());
        keeper.open_until(Instant::now() + Duration::from_secs(1));
        assert!(gate.is_open());
        tokio::time::advance(Duration::from_secs(1)).await;
        assert!(!gate.is_open());
        keeper.open();
        assert!(gate.is_open());
        drop(keeper);
        assert!(!gate.is_open());
    }

    #[tokio::test]
    async fn a_write_under_way_is_given_up_when_the_gate_closes() {
        let (keeper, gate) = Gatekeeper::new(true);
        let write = tokio::spawn(async move { gate.pass(std::future::pending::<()>()).await });
        tokio::task::yield_now().await;
        keeper.close();
        assert_eq!(write.await.unwrap(), Err(Closed));
    }

    #[tokio::test(start_paused = true)]
    async fn a_gate_that_nobody_holds_open_closes_by_itself() {
        let (keeper, gate) = Gatekeeper::new(false);
        let opened = Instant::now();
        keeper.open_until(opened + Duration::from_secs(10));
        assert_eq!(gate.pass(async { 1 }).await, Ok(1));
        assert_eq!(gate.pass(std::future::pending::<()>()).await, Err(Closed));
        assert_eq!(opened.elapsed(), Duration::from_secs(10));
        assert_eq!(gate.pass(async { 1 }).await, Err(Closed));
    }

    #[tokio::test(start_paused = true)]
    async fn a_gate_that_is_held_open_lets_a_long_write_through() {
        let (keeper, gate) = Gatekeeper::new(false);
        keeper.open_until(Instant::now() + Duration::from_secs(10));
        let write = tokio::spawn(async move { gate.pass(tokio::time::sleep(Duration::from_secs(15))).await });
        tokio::time::sleep(Duration::from_secs(9)).await;
        keeper.open_until(Instant::now() + Duration::from_secs(10));
        assert_eq!(write.await.unwrap(), Ok(()));
    }

    /// The thread sleeps, and with it everything that would tell timers of the time, as in a process that is stopped.
    #[tokio::test]
    async fn a_process_that_goes_on_after_it_was_stopped_writes_nothing() {
        let (keeper, gate) = Gatekeeper::new(false);
        let stopped_for = Duration::from_millis(50);
        keeper.open_until(Instant::now() + stopped_for);
        let answer = Notify::new();
        let mut under_way = pin!(gate.pass(answer.notified()));
        assert!(futures::poll!(&mut under_way).is_pending());
        std::thread::sleep(2 * stopped_for);
        assert_eq!(futures::poll!(pin!(gate.pass(async { 1 }))), Poll::Ready(Err(Closed)));
        answer.notify_one();
        assert_eq!(futures::poll!(&mut under_way), Poll::Ready(Err(Closed)));
    }
}
