//! What the `NodeWatcher` remembers of each Node.

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

use super::trouble::Trouble;
use crate::kubernetes::Node;
use crate::messages::initialise::Ticket;

/// The wait after the first failure of a Node; it doubles from there, with jitter, so that Nodes that failed together do
/// not all come back together.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// The longest wait of a Node, but for jitter.
const LONGEST_WAIT: Duration = Duration::from_mins(2);
/// The longest wait of a Node whose device could not be asked for, but for jitter. That costs no request: `PacketApi` alone
/// decides how often an API in trouble is asked, and answers all who wait from the first answer that comes.
const LONGEST_WAIT_FOR_PACKET: Duration = Duration::from_secs(8);
/// How soon after it was initialised a Node that is tainted again is initialised again: somebody keeps tainting it, and
/// that must not become a race.
const INITIALISE_PAUSE: Duration = Duration::from_secs(10);

/// What is being done for a Node: one thing at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Work {
    /// Nothing.
    Idle,
    /// It is on its way through the other actors.
    UnderWay(Ticket),
    /// It waits out a pause.
    Waiting(Ticket),
}

/// A Node and what is being done for it.
pub(super) struct Entry {
    pub(super) node: Arc<Node>,
    pub(super) work: Work,
    /// Whether its addresses are to be compared with its device.
    pub(super) refresh_is_due: bool,
    last_ticket: u64,
    /// The waits of the failures to come; none since the last success, as with nearly all Nodes.
    waits: Option<Box<ExponentialBackoff>>,
    /// The same, of failures to ask the Packet API.
    packet_waits: Option<Box<ExponentialBackoff>>,
    /// What was last told of it, so that the same is not told over and over.
    told: Option<String>,
    /// What went wrong at the last attempt, as with few Nodes.
    pub(super) trouble: Option<Box<Trouble>>,
    /// Since when it waits to be initialised.
    uninitialised_since: Option<Instant>,
    initialised_at: Option<Instant>,
}

impl Entry {
    pub(super) fn new(node: Arc<Node>) -> Self {
        Self {
            uninitialised_since: node.is_uninitialized().then(Instant::now),
            node,
            work: Work::Idle,
            refresh_is_due: false,
            last_ticket: 0,
            waits: None,
            packet_waits: None,
            told: None,
            trouble: None,
            initialised_at: None,
        }
    }

    /// Takes in a state of the same Node that the watch delivered. It may be older than what the last write was answered
    /// with, or be just that, and is then ignored: one state is kept once.
    pub(super) fn saw(&mut self, node: Node) {
        if self.node.is_newer_than(&node) || self.node.is_same_state_as(&node) {
            return;
        }
        if node.is_uninitialized() && !self.node.is_uninitialized() {
            self.uninitialised_since = Some(Instant::now());
        }
        let wish_changed = self.node.provided_node_ip != node.provided_node_ip;
        let hopeful = wish_changed || self.node.provider_id != node.provider_id;
        self.refresh_is_due |= wish_changed;
        self.node = Arc::new(node);
        // What made it fail may be mended: it need not wait any longer.
        if hopeful && matches!(self.work, Work::Waiting(_)) {
            self.work = Work::Idle;
        }
    }

    /// Lets the next state count as the newer one, whatever its version.
    pub(super) fn forget_version(&mut self) {
        if self.node.resource_version.is_some() {
            self.node = Arc::new(Node { resource_version: None, ..(*self.node).clone() });
        }
    }

    /// Whether it has a device to be compared with, and is to stay.
    pub(super) fn can_be_refreshed(&self) -> bool {
        self.node.provider_id.is_some() && !self.node.being_deleted
    }

    /// Begins a piece of work.
    pub(super) fn begin(&mut self) -> Ticket {
        let ticket = self.next_ticket();
        self.work = Work::UnderWay(ticket);
        ticket
    }

    /// Begins a pause.
    pub(super) fn pause(&mut self) -> Ticket {
        let ticket = self.next_ticket();
        self.work = Work::Waiting(ticket);
        ticket
    }

    fn next_ticket(&mut self) -> Ticket {
        self.last_ticket += 1;
        Ticket(self.last_ticket)
    }

    /// It is as it should be, and this is how the API server has it.
    pub(super) fn succeeded(&mut self, node: Arc<Node>) {
        if !self.node.is_newer_than(&node) {
            self.node = node;
        }
        (self.waits, self.packet_waits) = (None, None);
        (self.told, self.trouble) = (None, None);
    }

    /// For how long it has waited to be initialised, if it does.
    pub(super) fn waited(&self) -> Option<Duration> {
        self.uninitialised_since.filter(|_| self.node.is_uninitialized()).map(|since| since.elapsed())
    }

    /// Whether it was initialised before, by this process.
    pub(super) fn was_initialised(&self) -> bool {
        self.initialised_at.is_some()
    }

    /// It is initialised, and this is how the API server has it. Answers how long it had waited.
    pub(super) fn initialised(&mut self, node: Arc<Node>) -> Duration {
        self.succeeded(node);
        self.initialised_at = Some(Instant::now());
        self.uninitialised_since.take().map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// How long to leave it alone before it is initialised once more, if at all.
    pub(super) fn rest_before_initialising(&self) -> Option<Duration> {
        let rest = INITIALISE_PAUSE.checked_sub(self.initialised_at?.elapsed())?;
        (!rest.is_zero()).then_some(rest)
    }

    /// How long to wait after one more failure, which may be that the Packet API could not be asked.
    pub(super) fn next_wait(&mut self, packet_is_away: bool) -> Duration {
        let waits = if packet_is_away { &mut self.packet_waits } else { &mut self.waits };
        let longest = if packet_is_away { LONGEST_WAIT_FOR_PACKET } else { LONGEST_WAIT };
        let waits = waits.get_or_insert_with(|| {
            let builder = ExponentialBuilder::default().with_min_delay(FIRST_WAIT).with_max_delay(longest);
            Box::new(builder.without_max_times().with_jitter().build())
        });
        waits.next().unwrap_or(longest)
    }

    /// Whether something is worth telling: it was not the last thing told.
    pub(super) fn is_news(&mut self, what: String) -> bool {
        let news = self.told.as_ref() != Some(&what);
        self.told = Some(what);
        news
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::kubernetes::NodeObject;
    use serde_json::json;

    fn node(version: u64, node_ip: &str) -> Node {
        let annotations = json!({"alpha.kubernetes.io/provided-node-ip": node_ip});
        let metadata =
            json!({"name": "a", "uid": "u", "resourceVersion": version.to_string(), "annotations": annotations});
        serde_json::from_value::<NodeObject>(json!({ "metadata": metadata })).unwrap().into()
    }

    fn entry() -> Entry {
        Entry::new(Arc::new(node(5, "10.0.0.1")))
    }

    #[test]
    fn the_waits_of_a_node_grow_to_their_limit_and_begin_anew_after_a_success() {
        let mut entry = entry();
        let first = entry.next_wait(false);
        let last = (0..20).map(|_| entry.next_wait(false)).last().unwrap();
        assert!(first >= FIRST_WAIT && first < 3 * FIRST_WAIT, "{first:?}");
        assert!(last >= LONGEST_WAIT, "{last:?}");
        entry.succeeded(Arc::clone(&entry.node));
        assert!(entry.next_wait(false) < 3 * FIRST_WAIT);
    }

    #[test]
    fn a_node_whose_device_cannot_be_asked_for_comes_back_soon() {
        let mut entry = entry();
        let longest = (0..20).map(|_| entry.next_wait(true)).max().unwrap();
        assert!(longest >= LONGEST_WAIT_FOR_PACKET && longest <= 2 * LONGEST_WAIT_FOR_PACKET, "{longest:?}");
    }

    #[test]
    fn the_same_failure_is_told_once() {
        let mut entry = entry();
        assert!(entry.is_news("no device".into()));
        assert!(!entry.is_news("no device".into()));
        assert!(entry.is_news("two devices".into()));
        entry.succeeded(Arc::clone(&entry.node));
        assert!(entry.is_news("two devices".into()));
    }

    #[test]
    fn a_state_older_than_the_last_answer_is_ignored_but_not_one_of_a_fresh_list() {
        let mut entry = entry();
        entry.saw(node(4, "10.0.0.4"));
        assert_eq!(entry.node.provided_node_ip.as_deref(), Some("10.0.0.1"));
        entry.forget_version();
        entry.saw(node(4, "10.0.0.4"));
        assert_eq!(entry.node.provided_node_ip.as_deref(), Some("10.0.0.4"));
    }

    #[test]
    fn a_node_whose_wish_changes_waits_no_longer() {
        let mut entry = entry();
        entry.pause();
        entry.saw(node(6, "10.0.0.1"));
        assert!(matches!(entry.work, Work::Waiting(_)));
        entry.saw(node(7, "10.0.0.2"));
        assert!(matches!(entry.work, Work::Idle) && entry.refresh_is_due);
    }

    #[tokio::test(start_paused = true)]
    async fn a_node_that_is_tainted_again_at_once_is_left_alone_for_a_while() {
        let mut entry = entry();
        assert_eq!(entry.rest_before_initialising(), None);
        entry.initialised(Arc::clone(&entry.node));
        assert_eq!(entry.rest_before_initialising(), Some(INITIALISE_PAUSE));
        tokio::time::advance(INITIALISE_PAUSE).await;
        assert_eq!(entry.rest_before_initialising(), None);
    }
}
