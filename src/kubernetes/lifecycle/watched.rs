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
/// The longest pause after something that failed.
pub(super) const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// How far the deletion of a Node has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Deletion {
    NotUnderWay,
    UnderWay,
    /// It is done, and only the watch has not told yet.
    Done,
}

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
    /// What was told last of what holds it back, and when.
    pub(super) told: Option<(&'static str, Instant)>,
    /// Whether its deletion was told of.
    pub(super) deletion_is_told: bool,
    pub(super) deletion: Deletion,
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
            told: None,
            deletion_is_told: false,
            deletion: Deletion::NotUnderWay,
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

    /// Whether it is being deleted, or was and only the watch has not told yet.
    pub(super) fn is_leaving(&self) -> bool {
        self.deletion != Deletion::NotUnderWay
    }

    pub(super) fn may_be_confirmed(&self, now: Instant) -> bool {
        self.looks_gone() && !self.is_leaving() && self.rests_until <= now
    }

    pub(super) fn rest(&mut self, now: Instant) {
        self.rests_until = now + pause(self.failures);
        self.failures = self.failures.saturating_add(1);
    }
}

fn pause(failures: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << failures.min(8)).min(LONGEST_PAUSE)
}
