//! The bounds on deletion, which hold whatever the Packet API answers: a share of the cluster within a sliding time, and none
//! at all where too much of it looks gone at once.
//!
//! Nothing here reckons with a clock that can be set. What an earlier process did is read back from its Events, and counts as
//! if it had happened just now, however old they say they are.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::held::Held;
use super::share::Share;

/// How long a deletion may still come about that the process before had under way when it ended: as long as the API server may
/// take to answer one.
const AFTERMATH: Duration = Duration::from_mins(1);
/// So many Nodes can look gone without that being called a mass, however small the cluster is.
const NO_MASS: usize = 2;

/// The settings of the bounds, `safety.*` in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeletionLimits {
    /// The part of the cluster's Nodes that may be deleted within the window; one Node always may.
    pub share: Share,
    /// The sliding time in which they are counted.
    pub window: Duration,
    /// The part of the cluster's Nodes beyond which nothing is deleted where more of them look gone at once.
    pub mass_share: Share,
}

/// More of the cluster looks gone at once than is believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MassDisappearance {
    /// How many Nodes look gone.
    pub gone: usize,
    /// Of how many: those of the cluster, without such as joined since it was stopped.
    pub of: usize,
    /// How many of those that look gone could not be asked for.
    pub unsure: usize,
}

/// What is read back of the processes before this one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recalled {
    /// The uids of the Nodes whose deletion was begun and of which there still are Events.
    pub deletions: Vec<Box<str>>,
    /// How large the cluster was when deletion was stopped for a mass disappearance, if that is remembered.
    pub stopped_at: Option<usize>,
}

/// The deletion of one Node, as far as it counts.
#[derive(Debug, Default)]
struct Count {
    /// Whether one is under way.
    is_under_way: bool,
    /// When the last that came about, or may have, was over.
    over_at: Option<Instant>,
}

/// Keeps the bounds.
#[derive(Debug)]
pub struct Guard {
    limits: DeletionLimits,
    /// The Nodes whose deletion counts, by uid. One that is tried again is still one.
    recent: HashMap<Box<str>, Count>,
    /// Until when the share counts as used up, because what was deleted before the start is not known; and why, once that was
    /// tried to be read.
    not_recalled: Option<(Instant, Option<String>)>,
    /// How large the cluster was when deletion was stopped, while it is. Nodes that join do not make a mass disappearance
    /// smaller.
    stopped_at: Option<usize>,
}

impl Guard {
    /// A guard that knows nothing yet of what was deleted before `now`.
    #[must_use]
    pub fn new(limits: DeletionLimits, now: Instant) -> Self {
        let not_recalled = Some((now + limits.window, None));
        Self { limits, recent: HashMap::new(), not_recalled, stopped_at: None }
    }

    /// The settings it was made of.
    #[must_use]
    pub fn limits(&self) -> &DeletionLimits {
        &self.limits
    }

    /// Goes by these settings from now on. Whether it has to be read back anew what was deleted: of what was longer ago than the
    /// window before, nothing is known any more.
    pub fn set_limits(&mut self, limits: DeletionLimits, now: Instant) -> bool {
        let is_longer = limits.window > self.limits.window;
        if is_longer {
            self.not_recalled = Some((now + limits.window, None));
        }
        self.limits = limits;
        is_longer
    }

    /// Takes in what was read back. Deletions count from now on, for the moments that Events tell are of a clock that may
    /// have been set since.
    pub fn recall(&mut self, recalled: Recalled, now: Instant) {
        self.not_recalled = None;
        for uid in recalled.deletions {
            // Those of this process are known better.
            self.recent.entry(uid).or_insert(Count { is_under_way: false, over_at: Some(now + AFTERMATH) });
        }
        let stopped_at = recalled.stopped_at.filter(|nodes| *nodes > 0);
        self.stopped_at = self.stopped_at.into_iter().chain(stopped_at).min();
    }

    /// Takes in why it could not be read back so far.
    pub fn cannot_recall(&mut self, why: String) {
        if let Some((_, reason)) = &mut self.not_recalled {
            *reason = Some(why);
        }
    }

    /// Whether so many Nodes of ours look gone at once that none may be deleted: `gone` were not found, `unsure` could not be
    /// asked for and may be gone as well.
    pub fn assess(&mut self, gone: usize, unsure: usize, ours: usize) -> Option<MassDisappearance> {
        let looks_gone = gone + unsure;
        // Those that look gone may have joined since; more than all cannot be.
        let of = self.stopped_at.map_or(ours, |then| then.min(ours)).max(looks_gone);
        if looks_gone <= NO_MASS || !self.limits.mass_share.is_exceeded_by(looks_gone, of) {
            self.stopped_at = None;
            return None;
        }
        // Where nothing was to be deleted there is nothing to stop; but what is stopped stays so while nothing can be asked.
        if gone == 0 && self.stopped_at.is_none() {
            return None;
        }
        self.stopped_at = Some(of);
        Some(MassDisappearance { gone: looks_gone, of, unsure })
    }

    /// How large the cluster was when deletion was stopped, while it is.
    #[must_use]
    pub fn stopped_at(&self) -> Option<usize> {
        self.stopped_at
    }

    /// How many Nodes may be deleted now beside those whose deletion counts already, with so many of ours left that do not
    /// count. Those that count may be tried again.
    ///
    /// # Errors
    /// When none may, not even those: why.
    pub fn room(&mut self, left: usize, now: Instant) -> Result<usize, Held> {
        if let Some((until, reason)) = &self.not_recalled {
            match reason {
                Some(_) if now >= *until => self.not_recalled = None,
                reason => return Err(Held::NotRecalled { reason: reason.clone() }),
            }
        }
        self.forget(now);
        // Of the Nodes that there were, those included that are deleted by now.
        let most = self.most_of(left + self.recent.len());
        // More than may be can count only where Events of earlier processes tell of deletions that failed; which did is not
        // known.
        most.checked_sub(self.recent.len()).ok_or_else(|| self.used_up(left))
    }

    /// How many of so many may be deleted within the window: one at least, unless the share is nothing at all.
    fn most_of(&self, ours: usize) -> usize {
        let one = usize::from(self.limits.share != Share::percent(0));
        self.limits.share.of(ours).max(one)
    }

    /// That the share is used up, with so many of ours left that do not count.
    #[must_use]
    pub fn used_up(&self, left: usize) -> Held {
        let ours = left + self.recent.len();
        Held::Share { most: self.most_of(ours), ours }
    }

    /// Lets go what was longer ago than the window.
    fn forget(&mut self, now: Instant) {
        let window = self.limits.window;
        let is_recent = |over_at: Instant| now.saturating_duration_since(over_at) <= window;
        self.recent.retain(|_, count| count.is_under_way || count.over_at.is_some_and(is_recent));
    }

    /// How many deletions count at the moment.
    #[must_use]
    pub fn deleted(&self) -> usize {
        self.recent.len()
    }

    /// Whether the deletion of the Node of that uid counts already, so that it may be tried again.
    #[must_use]
    pub fn counts(&self, uid: &str) -> bool {
        self.recent.contains_key(uid)
    }

    /// Whether the deletion of the Node of that uid is under way.
    #[must_use]
    pub fn is_under_way(&self, uid: &str) -> bool {
        self.recent.get(uid).is_some_and(|count| count.is_under_way)
    }

    /// Counts the deletion of the Node of that uid, which is begun now.
    pub fn begin(&mut self, uid: &str) {
        self.recent.entry(uid.into()).or_default().is_under_way = true;
    }

    /// The deletion of the Node of that uid has ended, and it has come about, or may have.
    pub fn spend(&mut self, uid: &str, now: Instant) {
        self.recent.insert(uid.into(), Count { is_under_way: false, over_at: Some(now) });
    }

    /// The deletion of the Node of that uid has ended, and it is known not to have come about. One before it may have.
    pub fn refund(&mut self, uid: &str) {
        if let Some(count) = self.recent.get_mut(uid) {
            count.is_under_way = false;
            if count.over_at.is_none() {
                self.recent.remove(uid);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use proptest::prelude::*;

    const LIMITS: DeletionLimits =
        DeletionLimits { share: Share::percent(10), window: Duration::from_mins(10), mass_share: Share::percent(55) };

    fn recalled(deletions: usize, now: Instant) -> Guard {
        let mut guard = Guard::new(LIMITS, now);
        guard.recall(
            Recalled { deletions: (0..deletions).map(|uid| uid.to_string().into()).collect(), stopped_at: None },
            now,
        );
        guard
    }

    #[test]
    fn a_longer_window_counts_as_used_up_until_it_is_read_back_what_was_deleted() {
        let (now, limits) = (Instant::now(), LIMITS);
        let mut guard = Guard::new(limits, now);
        guard.recall(Recalled::default(), now);
        assert!(!guard.set_limits(DeletionLimits { share: Share::percent(20), ..limits }, now));
        assert!(guard.room(100, now).is_ok());
        assert!(guard.set_limits(DeletionLimits { window: limits.window * 2, ..limits }, now));
        assert!(matches!(guard.room(100, now), Err(Held::NotRecalled { .. })));
        guard.recall(Recalled { deletions: vec!["u".into()], stopped_at: None }, now);
        assert!(guard.room(100, now).is_ok() && guard.counts("u"));
    }

    #[test]
    fn a_tenth_may_go_and_one_at_least() {
        let now = Instant::now();
        for (ours, most) in [(1, 1), (9, 1), (19, 1), (20, 2), (1_000, 100)] {
            assert_eq!(recalled(0, now).room(ours, now), Ok(most), "{ours}");
        }
    }

    #[test]
    fn the_deletions_of_the_processes_before_count_for_a_whole_window() {
        let now = Instant::now();
        let mut guard = recalled(2, now);
        assert_eq!(guard.room(18, now), Ok(0));
        let end = now + AFTERMATH + LIMITS.window;
        assert_eq!(guard.room(18, end), Ok(0));
        assert_eq!(guard.room(18, end + Duration::from_millis(1)), Ok(1));
        assert_eq!(recalled(3, now).room(17, now), Err(Held::Share { most: 2, ours: 20 }), "more than may be");
    }

    #[test]
    fn what_cannot_be_read_back_uses_the_share_up_for_one_window() {
        let now = Instant::now();
        let mut guard = Guard::new(LIMITS, now);
        guard.cannot_recall("forbidden".to_owned());
        let before = now + LIMITS.window - Duration::from_millis(1);
        assert_eq!(guard.room(100, before), Err(Held::NotRecalled { reason: Some("forbidden".to_owned()) }));
        assert_eq!(guard.room(100, now + LIMITS.window), Ok(10));
    }

    #[test]
    fn nothing_goes_before_it_was_tried_to_read_back_what_went() {
        let now = Instant::now();
        let mut guard = Guard::new(LIMITS, now);
        assert_eq!(guard.room(100, now + 2 * LIMITS.window), Err(Held::NotRecalled { reason: None }));
        guard.cannot_recall("no answer".to_owned());
        assert_eq!(guard.room(100, now + 2 * LIMITS.window), Ok(10));
    }

    #[test]
    fn a_share_of_nothing_is_none_at_all() {
        let now = Instant::now();
        let mut guard = Guard::new(DeletionLimits { share: Share::percent(0), ..LIMITS }, now);
        guard.recall(Recalled::default(), now);
        assert_eq!(guard.room(100, now), Ok(0));
    }

    #[test]
    fn more_than_two_and_more_than_the_share_stop_everything() {
        let now = Instant::now();
        let stopped = |gone, unsure, ours| recalled(0, now).assess(gone, unsure, ours).is_some();
        assert!(!stopped(2, 0, 2), "two are no mass");
        assert!(stopped(3, 0, 3) && stopped(2, 1, 3), "what cannot be asked for may be gone");
        assert!(!stopped(55, 0, 100) && stopped(56, 0, 100));
        assert!(!stopped(0, 100, 100), "nothing was to be deleted");
    }

    #[test]
    fn nodes_that_join_do_not_let_deletion_go_on_but_devices_that_come_back_do() {
        let mut guard = recalled(0, Instant::now());
        assert!(guard.assess(60, 0, 100).is_some());
        assert_eq!(guard.assess(60, 0, 1_000).unwrap().of, 100);
        assert_eq!(
            guard.assess(0, 60, 1_000).map(|mass| mass.of),
            Some(100),
            "that they cannot be asked for ends nothing"
        );
        assert!(guard.assess(55, 0, 1_000).is_none());
        assert!(guard.assess(60, 0, 1_000).is_none(), "that is over");
    }

    #[test]
    fn a_limit_of_all_never_stops_whatever_is_remembered() {
        let now = Instant::now();
        let mut guard = Guard::new(DeletionLimits { mass_share: Share::percent(100), ..LIMITS }, now);
        guard.recall(Recalled { deletions: vec![], stopped_at: Some(4) }, now);
        assert!(guard.assess(110, 0, 200).is_none());
    }

    #[test]
    fn a_stop_survives_a_restart_and_a_higher_limit_ends_it() {
        let now = Instant::now();
        let recalled = Recalled { deletions: vec![], stopped_at: Some(100) };
        let mut guard = Guard::new(LIMITS, now);
        guard.recall(recalled.clone(), now);
        assert!(guard.assess(60, 0, 1_000).is_some());
        let mut raised = Guard::new(DeletionLimits { mass_share: Share::percent(60), ..LIMITS }, now);
        raised.recall(recalled, now);
        assert!(raised.assess(60, 0, 1_000).is_none());
    }

    #[test]
    fn a_deletion_counts_while_it_is_under_way_and_for_a_window_after_it_and_once_if_it_is_tried_again() {
        let now = Instant::now();
        let mut guard = recalled(0, now);
        guard.begin("a");
        let later = now + 3 * LIMITS.window;
        assert!(guard.counts("a") && guard.room(8, later) == Ok(0));
        guard.spend("a", later);
        assert_eq!(guard.room(8, later + LIMITS.window), Ok(0));
        guard.begin("a");
        assert_eq!((guard.deleted(), guard.room(8, later + 2 * LIMITS.window)), (1, Ok(0)));
    }

    #[test]
    fn a_deletion_that_has_not_come_about_does_not_count_but_one_before_it_that_may_have_does() {
        let now = Instant::now();
        let mut guard = recalled(0, now);
        guard.begin("a");
        guard.refund("a");
        assert_eq!(guard.room(8, now), Ok(1));
        guard.begin("a");
        guard.spend("a", now);
        guard.begin("a");
        guard.refund("a");
        assert_eq!(guard.room(8, now), Ok(0));
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        /// Whatever is asked for and whenever, and whatever restarts fall into it: no window sees more deletions than the
        /// share of the Nodes that there were when it began or joined within it, or one.
        #[test]
        fn no_window_sees_more_deletions_than_the_share(
            share in 1_u32..100,
            mut ours in 1_usize..60,
            happenings in prop::collection::vec((0_u64..400, 0_u8..8, 0_usize..5), 1..80),
        ) {
            let limits = DeletionLimits { share: Share::percent(share), ..LIMITS };
            let mut now = Instant::now();
            let mut guard = Guard::new(limits, now);
            guard.recall(Recalled::default(), now);
            let mut deleted: Vec<(Instant, usize)> = Vec::new();
            for (seconds, what, count) in happenings {
                now += Duration::from_secs(seconds);
                match what {
                    // Events last for an hour.
                    0 => {
                        let numbered = deleted.iter().enumerate();
                        let kept = numbered.filter(|(_, (at, _))| now - *at < Duration::from_hours(1));
                        let deletions = kept.map(|(number, _)| number.to_string().into()).collect();
                        guard = Guard::new(limits, now);
                        guard.recall(Recalled { deletions, stopped_at: None }, now);
                    }
                    1 => ours += count,
                    _ => for _ in 0..=count {
                        if ours > 0 && guard.room(ours, now).is_ok_and(|room| room > 0) {
                            let uid = deleted.len().to_string();
                            guard.begin(&uid);
                            now += Duration::from_millis(seconds);
                            guard.spend(&uid, now);
                            deleted.push((now, ours));
                            ours -= 1;
                        }
                    },
                }
            }
            for (first, (from, _)) in deleted.iter().enumerate() {
                for (count, (at, then)) in (1_usize..).zip(&deleted[first..]) {
                    if *at - *from <= limits.window {
                        let there_were = then + count - 1;
                        prop_assert!(count <= limits.share.of(there_were).max(1), "{count} of {there_were}");
                    }
                }
            }
        }
    }
}
