//! What the Events say of whether deletion is stopped: what a process that starts later goes by, and so written until the API
//! server has it, and again before it is forgotten.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::action::Action;
use super::told::AGAIN;
use crate::kubernetes::event::Notice;
use crate::kubernetes::node::Node;

/// How soon it is tried again when it could not be written.
const RETRY: Duration = Duration::from_secs(10);

/// The record.
#[derive(Debug, Default)]
pub(super) struct StopRecord {
    /// Whether the Events say that deletion is stopped.
    says_stopped: bool,
    /// What is being written.
    under_way: Option<bool>,
    /// When it is tried again that could not be written, and when that is written again that is.
    retry_at: Option<Instant>,
    again_at: Option<Instant>,
    /// The Node that it was last written of.
    of: Option<Arc<Node>>,
}

impl StopRecord {
    /// Takes in what the processes before this one have written.
    pub(super) fn recalled(&mut self, says_stopped: bool) {
        self.says_stopped |= says_stopped;
    }

    /// Whether the Events say what is: nothing is deleted before they do.
    pub(super) fn is_true(&self, stopped_at: Option<usize>) -> bool {
        self.says_stopped == stopped_at.is_some()
    }

    /// What is to be written now, of one of the Nodes that look gone, if any.
    pub(super) fn next(&mut self, stopped_at: Option<usize>, one: Option<&Arc<Node>>, now: Instant) -> Option<Action> {
        let is_news = stopped_at.is_some() != self.says_stopped;
        // That it is stopped is written again; that it goes on need be said once.
        let is_due = is_news || (stopped_at.is_some() && self.again_at.is_none_or(|at| now >= at));
        if self.under_way.is_some() || !is_due || self.retry_at.is_some_and(|at| now < at) {
            return None;
        }
        let node = one.cloned().or_else(|| self.of.clone())?;
        let notice = stopped_at.map_or(Notice::DeletionResumed, |nodes| Notice::DeletionStopped { nodes });
        self.under_way = Some(stopped_at.is_some());
        self.of = Some(Arc::clone(&node));
        Some(Action::Record(node, notice))
    }

    /// It was written, or not.
    pub(super) fn recorded(&mut self, is_recorded: bool, now: Instant) {
        let Some(says_stopped) = self.under_way.take() else { return };
        if is_recorded {
            self.says_stopped = says_stopped;
            (self.retry_at, self.again_at) = (None, Some(now + AGAIN));
        } else {
            self.retry_at = Some(now + RETRY);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::kubernetes::NodeObject;
    use serde_json::json;

    #[test]
    fn a_stop_is_written_until_it_is_taken_and_again_and_its_end_once() {
        let node = serde_json::from_value::<NodeObject>(json!({"metadata": {"name": "a", "uid": "u"}})).unwrap();
        let (node, now) = (Arc::new(Node::from(node)), Instant::now());
        let mut record = StopRecord::default();
        assert_eq!(record.next(None, Some(&node), now), None);
        let stopped = Some(Action::Record(Arc::clone(&node), Notice::DeletionStopped { nodes: 100 }));
        assert_eq!(record.next(Some(100), Some(&node), now), stopped);
        assert_eq!(record.next(Some(100), Some(&node), now), None, "it is on its way");
        record.recorded(false, now);
        let later = now + RETRY;
        assert_eq!(record.next(Some(100), Some(&node), later), stopped);
        record.recorded(true, later);
        assert_eq!(record.next(Some(100), Some(&node), later + RETRY), None);
        assert_eq!(record.next(Some(100), Some(&node), later + AGAIN), stopped);
        record.recorded(true, later + AGAIN);
        let end = later + 2 * AGAIN;
        assert_eq!(record.next(None, None, end), Some(Action::Record(node, Notice::DeletionResumed)));
        record.recorded(true, end);
        assert_eq!(record.next(None, None, end + AGAIN), None);
    }
}
