//! Which Events are worth sending: each warning once in a while, and no more of them than people can read.
//!
//! What is wrong with the Packet API is wrong for every Node: it is told of some of them, and by the log and the metrics. What
//! is wrong with a Node is its own, and is not drowned out by that.

use std::hash::{BuildHasher, RandomState};
use std::num::NonZeroU32;
use std::time::Duration;

use governor::Quota;
use moka::sync::Cache;
use tokio::time::Instant;

use crate::kubernetes::event::Notice;
use crate::messages::writes::Announce;
use crate::packet::{self, Limiter};

/// The same warning about the same Node is not repeated within this time (as client-go aggregates Events within ten minutes).
const ONCE_WITHIN: Duration = Duration::from_mins(10);
/// Warnings that are remembered for that.
const REMEMBERED: u64 = 20_000;
/// Warnings of what is wrong for all that may be sent at once, and then one in so long a time: what a person can still look
/// through.
const COMMON: (NonZeroU32, Duration) = (NonZeroU32::new(50).expect("not zero"), Duration::from_secs(6));
/// The same of what is wrong with a Node, which people look for on that very Node.
const OWN: (NonZeroU32, Duration) = (NonZeroU32::new(500).expect("not zero"), Duration::from_secs(1));

/// What becomes of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is sent.
    Send,
    /// It was sent not long ago.
    Repeated,
    /// There were too many like it.
    OverLimit,
}

/// Decides which Events are sent.
pub(super) struct Notices {
    /// When each warning was sent last.
    told: Cache<u64, Instant>,
    hasher: RandomState,
    /// Of what is wrong for all.
    common: Limiter,
    /// Of what is wrong with a Node.
    own: Limiter,
}

impl Default for Notices {
    fn default() -> Self {
        let told = Cache::builder().max_capacity(REMEMBERED).build();
        // `with_period` is `None` for a zero period only.
        let limiter = |(burst, one_in): (NonZeroU32, Duration)| {
            packet::limiter(Quota::with_period(one_in).unwrap_or(Quota::per_minute(burst)).allow_burst(burst))
        };
        Self { told, hasher: RandomState::new(), common: limiter(COMMON), own: limiter(OWN) }
    }
}

impl Notices {
    /// Whether it is sent. One that is counts.
    pub(super) fn judge(&self, announcement: &Announce) -> Verdict {
        let notice = &announcement.notice;
        let Some(text) = warning(notice) else { return Verdict::Send };
        let is_common = matches!(notice, Notice::SyncFailed { is_common: true, .. });
        let limiter = if is_common { &self.common } else { &self.own };
        let key = self.key(announcement, text);
        if self.told.get(&key).is_some_and(|told_at| told_at.elapsed() < ONCE_WITHIN) {
            return Verdict::Repeated;
        }
        if limiter.check().is_err() {
            return Verdict::OverLimit;
        }
        self.told.insert(key, Instant::now());
        Verdict::Send
    }

    /// One that was to be sent was not, and may be told of when it comes again.
    pub(super) fn forget(&self, announcement: &Announce) {
        if let Some(text) = warning(&announcement.notice) {
            self.told.invalidate(&self.key(announcement, text));
        }
    }

    fn key(&self, Announce { node, notice }: &Announce, text: &str) -> u64 {
        self.hasher.hash_one((&node.uid, std::mem::discriminant(notice), text))
    }
}

/// The text of a warning; nothing of what there is one of, and people wait for.
fn warning(notice: &Notice) -> Option<&str> {
    match notice {
        Notice::SyncFailed { why, .. } | Notice::LeftAlone(why) | Notice::DeletionHeldBack(why) => Some(why),
        Notice::Synced | Notice::Deleting | Notice::DeletionStopped { .. } | Notice::DeletionResumed => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::kubernetes::NodeObject;
    use serde_json::json;
    use std::sync::Arc;

    fn announce(node: usize, notice: Notice) -> Announce {
        let object = json!({"metadata": {"name": format!("node-{node}"), "uid": node.to_string()}});
        Announce { node: Arc::new(serde_json::from_value::<NodeObject>(object).unwrap().into()), notice }
    }

    fn failed(why: &str, is_common: bool) -> Notice {
        Notice::SyncFailed { why: why.into(), is_common }
    }

    #[test]
    fn the_same_warning_about_a_node_is_not_repeated() {
        let notices = Notices::default();
        assert_eq!(notices.judge(&announce(1, failed("two devices", false))), Verdict::Send);
        assert_eq!(notices.judge(&announce(1, failed("two devices", false))), Verdict::Repeated);
        assert_eq!(notices.judge(&announce(1, failed("no device", false))), Verdict::Send);
        assert_eq!(notices.judge(&announce(2, failed("two devices", false))), Verdict::Send);
    }

    #[test]
    fn a_token_that_is_refused_is_not_an_event_for_each_of_five_thousand_nodes() {
        let notices = Notices::default();
        let sent = (0..5_000).map(|n| notices.judge(&announce(n, failed("401", true))));
        let sent = sent.filter(|verdict| *verdict == Verdict::Send).count();
        assert!((50..=60).contains(&sent), "{sent}");
        assert_eq!(notices.judge(&announce(1, failed("two devices", false))), Verdict::Send);
    }

    #[test]
    fn every_node_that_is_initialised_is_told_of() {
        let notices = Notices::default();
        assert!((0..5_000).all(|n| notices.judge(&announce(n, Notice::Synced)) == Verdict::Send));
    }
}
