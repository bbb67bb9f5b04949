//! A number that only rises, and that many may wait for.
//!
//! `tokio::sync::watch` would do, but for one thing: it spreads those who wait over several lists by lot, and so leaves to
//! chance who is woken first. Here they are woken in the order in which they came.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Notify;

#[derive(Debug)]
pub(crate) struct Rising {
    value: AtomicU64,
    risen: Notify,
}

impl Rising {
    pub(super) fn from(value: u64) -> Rising {
        Rising { value: AtomicU64::new(value), risen: Notify::new() }
    }

    pub(crate) fn get(&self) -> u64 {
        self.value.load(Ordering::Acquire)
    }

    /// Raises it to that value, unless it is there already.
    pub(super) fn raise_to(&self, value: u64) {
        if self.value.fetch_max(value, Ordering::AcqRel) < value {
            self.risen.notify_waiters();
        }
    }

    /// Raises it by one.
    pub(super) fn raise(&self) {
        self.value.fetch_add(1, Ordering::AcqRel);
        self.risen.notify_waiters();
    }

    /// Waits until it is at least that.
    pub(crate) async fn reaches(&self, value: u64) {
        loop {
            // Before the look: whatever rises after it wakes us.
            let risen = self.risen.notified();
            if self.get() >= value {
                return;
            }
            risen.await;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use std::sync::{Arc, Mutex};

    use super::*;

    #[tokio::test]
    async fn those_who_wait_are_woken_in_the_order_in_which_they_came() {
        let (number, woken) = (Arc::new(Rising::from(1)), Arc::new(Mutex::new(Vec::new())));
        let wait = |place: u64| {
            let (number, woken) = (number.clone(), woken.clone());
            tokio::spawn(async move {
                number.reaches(7).await;
                woken.lock().unwrap().push(place);
            })
        };
        let tasks: Vec<_> = (0..20).map(wait).collect();
        tokio::task::yield_now().await;
        number.raise_to(6);
        tokio::task::yield_now().await;
        assert!(woken.lock().unwrap().is_empty());
        number.raise();
        futures::future::join_all(tasks).await;
        assert_eq!(*woken.lock().unwrap(), (0..20).collect::<Vec<_>>());
        assert_eq!(number.get(), 7);
        number.raise_to(3);
        assert_eq!(number.get(), 7);
    }
}
