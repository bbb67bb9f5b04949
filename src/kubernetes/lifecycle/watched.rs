//! A Node that is not Ready, and what is known and done about it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::held::Held;
use super::verdict::Verdict;
use crate::kubernetes::node::Node;
use crate::packet::DeviceId;

/// The pause after the first confirmation or deletion that failed; it doubles from there.
const FIRST_PAUSE: Duration = Duration::from_secs(5);
/// How long it may take the watch to tell that a Node is deleted.
const DELETED_FOR: Duration = Duration::from_mins(1);
/// How long is waited for what is known of a Node that has just become not Ready.
const AWAITED_FOR: Duration = Duration::from_secs(10);
/// How often the deletion of a Node may fail that counts already and is tried again nevertheless.
const FREE_ATTEMPTS: u32 = 3;
/// The longest pause after something that failed.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// A Node that is not Ready.
#[derive(Debug)]
pub(super) struct Watched {
    pub(super) node: Arc<Node>,
    pub(super) device: DeviceId,
    /// Tells its being not Ready this time from any other.
    pub(super) spell: u64,
    /// The question that is open.
    pub(super) question: Option<u64>,
    pub(super) verdict: Option<Verdict>,
    /// When the last answer came, and how many have come.
    pub(super) answered_at: Instant,
    pub(super) answers: u32,
    /// Whether the device was there in this spell.
    pub(super) was_there: bool,
    /// Since when it looks gone.
    pub(super) gone_since: Option<Instant>,
    pub(super) held: Option<Held>,
    /// Whether its deletion was told of.
    pub(super) deletion_is_told: bool,
    /// When it was deleted, which only the watch has not told yet.
    pub(super) deleted_at: Option<Instant>,
    pub(super) failures: u32,
    pub(super) rests_until: Instant,
}

impl Watched {
    pub(super) fn new(node: Arc<Node>, device: DeviceId, spell: u64, now: Instant) -> Self {
        Self {
            node,
            device,
            spell,
            question: None,
            verdict: None,
            answered_at: now,
            answers: 0,
            was_there: false,
            gone_since: None,
            held: None,
            deletion_is_told: false,
            deleted_at: None,
            failures: 0,
            rests_until: now,
        }
    }

    pub(super) fn judge(&mut self, verdict: Verdict, now: Instant) {
        self.was_there |= verdict.is_there();
        self.gone_since = if verdict == Verdict::Gone { self.gone_since.or(Some(now)) } else { None };
        if verdict != Verdict::Gone {
            self.held = None;
        }
        self.verdict = Some(verdict);
        self.answered_at = now;
        self.answers = self.answers.saturating_add(1);
    }

    pub(super) fn looks_gone(&self) -> bool {
        self.verdict == Some(Verdict::Gone)
    }

    /// Whether it was not or could not be asked for, and may be gone for all that is known.
    pub(super) fn is_unsure(&self) -> bool {
        matches!(self.verdict, None | Some(Verdict::Unknown(_))) && !self.was_there
    }

    /// Whether it was deleted, and only the watch has not told yet. One that still stands after a while was not, whoever said so.
    pub(super) fn is_deleted(&self, now: Instant) -> bool {
        self.deleted_at.is_some_and(|at| now.saturating_duration_since(at) < DELETED_FOR)
    }

    /// Whether it is to be known before anything is decided about the others: it has just become not Ready, and an answer is on
    /// its way.
    pub(super) fn is_awaited(&self, now: Instant) -> bool {
        self.verdict.is_none() && now.saturating_duration_since(self.answered_at) < AWAITED_FOR
    }

    pub(super) fn may_be_confirmed(&self, now: Instant) -> bool {
        self.looks_gone() && !self.is_deleted(now) && self.rests_until <= now
    }

    /// Whether its deletion has failed so often that others go before it.
    pub(super) fn is_weary(&self) -> bool {
        self.failures > FREE_ATTEMPTS
    }

    pub(super) fn rest(&mut self, now: Instant) {
        self.rests_until = now + pause(self.failures);
        self.failures = self.failures.saturating_add(1);
    }
}

fn pause(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << failures.min(8)).min(LONGEST_PAUSE)
}
