//! What the `NodeWatcher` remembers of each Node.

use std::sync::Arc;
use std::time::Duration;

use actix::SpawnHandle;
use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

use crate::kubernetes::Node;

/// The wait after the first failure of a Node; it doubles from there, with jitter, so that Nodes that failed together do
/// not all come back together.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait of a Node.
const LONGEST_WAIT: Duration = Duration::from_mins(2);

/// What is being done for a Node: one thing at a time.
pub(super) enum Work {
    /// Nothing.
    Idle,
    /// It is on its way through the other actors.
    UnderWay,
    /// It waits out a pause, which this timer ends.
    Waiting(SpawnHandle),
}

/// A Node and what is being done for it.
pub(super) struct Entry {
    pub(super) node: Arc<Node>,
    pub(super) work: Work,
    /// The waits of the failures to come; none since the last success.
    waits: Option<ExponentialBackoff>,
    /// What was last told of it, so that the same is not told over and over.
    told: Option<String>,
    first_seen: Instant,
}

impl Entry {
    pub(super) fn new(node: Arc<Node>) -> Self {
        Self { node, work: Work::Idle, waits: None, told: None, first_seen: Instant::now() }
    }

    /// It is as it should be, and this is how the API server has it. Answers how long it has been known.
    pub(super) fn succeeded(&mut self, node: Arc<Node>) -> Duration {
        if !self.node.is_newer_than(&node) {
            self.node = node;
        }
        self.waits = None;
        self.told = None;
        self.first_seen.elapsed()
    }

    /// How long to wait after one more failure.
    pub(super) fn next_wait(&mut self) -> Duration {
        let waits = self.waits.get_or_insert_with(|| {
            let builder = ExponentialBuilder::default().with_min_delay(FIRST_WAIT).with_max_delay(LONGEST_WAIT);
            builder.without_max_times().with_jitter().build()
        });
        waits.next().unwrap_or(LONGEST_WAIT)
    }

    /// Whether something is worth telling: it was not the last thing told.
    pub(super) fn is_news(&mut self, message: &str) -> bool {
        let news = self.told.as_deref() != Some(message);
        if news {
            self.told = Some(message.to_owned());
        }
        news
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::kubernetes::NodeObject;

    fn entry() -> Entry {
        let object: NodeObject = serde_json::from_str(r#"{"metadata":{"name":"a"}}"#).unwrap();
        Entry::new(Arc::new(object.into()))
    }

    #[test]
    fn the_waits_of_a_node_grow_to_their_limit_and_begin_anew_after_a_success() {
        let mut entry = entry();
        let first = entry.next_wait();
        let last = (0..20).map(|_| entry.next_wait()).last().unwrap();
        assert!(first >= FIRST_WAIT && first < 3 * FIRST_WAIT, "{first:?}");
        assert!(last >= LONGEST_WAIT, "{last:?}");
        entry.succeeded(Arc::clone(&entry.node));
        assert!(entry.next_wait() < 3 * FIRST_WAIT);
    }

    #[test]
    fn the_same_failure_is_told_once() {
        let mut entry = entry();
        assert!(entry.is_news("no device"));
        assert!(!entry.is_news("no device"));
        assert!(entry.is_news("two devices"));
        entry.succeeded(Arc::clone(&entry.node));
        assert!(entry.is_news("two devices"));
    }
}
