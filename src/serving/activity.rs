//! What a connection has been doing, and so until when it may stay.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::time::Instant;

use super::bounds::{IDLE_TIME, REQUEST_TIME, SEND_TIME};

/// The requests that are open on a connection, and since when there are none.
#[derive(Debug)]
pub(super) struct Activity(Mutex<Requests>);

#[derive(Debug)]
struct Requests {
    idle_since: Instant,
    /// Since when each is open, by number, and so the oldest first.
    open: BTreeMap<u64, Instant>,
    next: u64,
}

/// How much a connection is needed: one that is idle less than one that is not, and of those the longer in that state the less.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Need {
    is_busy: bool,
    since: Instant,
}

/// A request that is open until this is dropped, which is when the last of its answer is on its way.
#[derive(Debug)]
pub(super) struct OpenRequest {
    activity: Arc<Activity>,
    number: u64,
}

impl Activity {
    pub(super) fn new(now: Instant) -> Self {
        Self(Mutex::new(Requests { idle_since: now, open: BTreeMap::new(), next: 0 }))
    }

    /// A request begins.
    pub(super) fn begin(self: &Arc<Self>, now: Instant) -> OpenRequest {
        let mut requests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let number = requests.next;
        requests.next += 1;
        requests.open.insert(number, now);
        OpenRequest { activity: self.clone(), number }
    }

    /// Until when the connection may stay if nothing more happens on it.
    pub(super) fn ends_at(&self) -> Instant {
        let requests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match requests.open.values().next() {
            Some(oldest) => *oldest + REQUEST_TIME + SEND_TIME,
            None => requests.idle_since + IDLE_TIME,
        }
    }

    pub(super) fn need(&self) -> Need {
        let requests = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let oldest = requests.open.values().next();
        Need { is_busy: oldest.is_some(), since: *oldest.unwrap_or(&requests.idle_since) }
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        let mut requests = self.activity.0.lock().unwrap_or_else(PoisonError::into_inner);
        requests.open.remove(&self.number);
        if requests.open.is_empty() {
            requests.idle_since = Instant::now();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn a_connection_may_be_idle_for_a_while_after_each_request() {
        let start = Instant::now();
        let activity = Arc::new(Activity::new(start));
        assert_eq!(activity.ends_at(), start + IDLE_TIME);
        let request = activity.begin(start + SECOND);
        let other = activity.begin(start + 2 * SECOND);
        assert_eq!(activity.ends_at(), start + SECOND + REQUEST_TIME + SEND_TIME);
        tokio::time::advance(5 * SECOND).await;
        drop(request);
        assert_eq!(activity.ends_at(), start + 2 * SECOND + REQUEST_TIME + SEND_TIME);
        drop(other);
        assert_eq!(activity.ends_at(), start + 5 * SECOND + IDLE_TIME);
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_been_idle_longest_is_needed_least() {
        let start = Instant::now();
        let [old, new, busy_long, busy] = [0, 1, 0, 1].map(|age| Arc::new(Activity::new(start + age * SECOND)));
        let _requests = [busy_long.begin(start + 2 * SECOND), busy.begin(start + 3 * SECOND)];
        let mut needs = [busy.need(), new.need(), busy_long.need(), old.need()];
        needs.sort();
        assert_eq!(needs, [old.need(), new.need(), busy_long.need(), busy.need()]);
    }
}
