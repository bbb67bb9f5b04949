//! A candidate: what to ask of the Lease next, and until when it leads. No clock, no network, no chance of its own: all three
//! are told it.
//!
//! The algorithm is client-go's (`tools/leaderelection`). It excludes two leaders because
//!
//! - a candidate waits for the whole duration of a Lease from the moment when it *saw* what the Lease says, which is after the
//!   moment when the holder wrote it, and
//! - a leader counts its own time from the moment *before* it sent what it wrote, and takes less than that duration.
//!
//! Nobody's wall clock takes part in it, only how fast clocks run: those of two machines may differ by as much as
//! `renew_deadline` and `lease_duration` do. Each write names the version it was made of, so that one that is late, or comes
//! twice, changes nothing that others have written.

use std::time::Duration;

use tokio::time::Instant;

use super::identity::Identity;
use super::lease::{Claim, Lease};
use crate::config::ElectionSettings;

/// By how much of the period waiting differs, so that those that wait do not do so in step.
const JITTER: f64 = 0.2;

/// How many requests that hang fit between a renewal and the end of the right to lead.
const HANGING_REQUESTS: u32 = 3;

/// The longest that a request may hang, however long a leader may try.
const LONGEST_REQUEST: Duration = Duration::from_secs(10);

/// A candidate.
#[derive(Debug)]
pub(super) struct Candidate {
    settings: ElectionSettings,
    identity: Identity,
    /// What the Lease said last, and since when it is known to say so.
    seen: Option<Seen>,
    /// Until when this candidate leads, if it does.
    leads_until: Option<Instant>,
    /// Who holds the Lease that this candidate took itself to hold.
    stolen_by: Option<String>,
    next: Next,
    /// When that is due.
    due: Instant,
    /// Whether the Lease may name this candidate without its knowing: a claim was sent and its answer is lost.
    may_hold: bool,
}

#[derive(Debug)]
struct Seen {
    lease: Lease,
    since: Instant,
}

/// What comes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Read,
    Create,
    /// Write into the Lease as it was seen last, which was just now, or a period ago when this candidate wrote it.
    Update {
        was_just_read: bool,
    },
}

/// What a candidate wants.
#[derive(Debug)]
pub(super) enum Step {
    /// Nothing until then.
    Wait(Instant),
    /// To have this answered.
    Send(Request),
    /// To lead no more.
    Stop(Lost),
}

/// A request for the Lease.
#[derive(Debug)]
pub(super) enum Request {
    Read,
    /// Write it, if there is none.
    Create(Claim),
    /// Write it, if it is of that version still.
    Update(Lease, Claim),
}

/// What became of a request.
#[derive(Debug)]
pub(super) enum Answer {
    /// This is the Lease, as it was read, or as it was written.
    Is(Lease),
    /// There is none.
    Missing,
    /// It is there already, or of another version: nothing was written.
    Conflict,
    /// It is not known.
    Unknown,
}

/// Why a candidate leads no more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Lost {
    /// This one holds the Lease.
    StolenBy(String),
    /// Its time is over.
    RanOut,
}

impl Candidate {
    pub(super) fn new(settings: ElectionSettings, identity: Identity, now: Instant) -> Self {
        Self {
            settings,
            identity,
            seen: None,
            leads_until: None,
            stolen_by: None,
            next: Next::Read,
            due: now,
            may_hold: false,
        }
    }

    /// What is to be done at `now`.
    pub(super) fn step(&mut self, now: Instant) -> Step {
        if let Some(lost) = self.lost(now) {
            return Step::Stop(lost);
        }
        if now < self.due {
            return Step::Wait(self.leads_until.map_or(self.due, |end| end.min(self.due)));
        }
        let lease_duration = self.settings.lease_duration;
        Step::Send(match (self.next, &self.seen) {
            (Next::Create, _) => {
                self.may_hold = true;
                Request::Create(Claim::first(&self.identity, lease_duration))
            }
            (Next::Update { .. }, Some(Seen { lease, .. })) => {
                self.may_hold = true;
                Request::Update(lease.clone(), Claim::to(lease, &self.identity, lease_duration))
            }
            (Next::Read, _) | (Next::Update { .. }, None) => Request::Read,
        })
    }

    /// When to give up waiting for an answer to what was sent then.
    pub(super) fn gives_up_at(&self, sent: Instant) -> Instant {
        let limit = sent + (self.settings.renew_deadline / HANGING_REQUESTS).min(LONGEST_REQUEST);
        self.leads_until.map_or(limit, |end| end.min(limit))
    }

    /// Takes in what became, by `now`, of what the last step said to send, and which was sent no earlier than `sent`. `chance`
    /// is from 0 to 1.
    pub(super) fn answered(&mut self, sent: Instant, now: Instant, answer: Answer, chance: f64) {
        if self.lost(now).is_some() {
            return;
        }
        let period = self.settings.retry_period;
        let jittered = if self.leads_until.is_some() { period } else { period.mul_f64(1.0 + JITTER * chance) };
        let later = (sent + jittered).max(now);
        let (next, due) = match (self.next, answer) {
            (Next::Create | Next::Update { .. }, Answer::Is(lease)) if lease.is_held_by(&self.identity) => {
                self.see(lease, now);
                let end = sent + self.settings.renew_deadline;
                if now < end {
                    self.leads_until = Some(end);
                    (Next::Update { was_just_read: false }, (sent + period).max(now))
                } else {
                    // This process was stopped meanwhile.
                    (Next::Read, now)
                }
            }
            (Next::Read, Answer::Is(lease)) => {
                self.see(lease, now);
                self.decide(now, later)
            }
            (Next::Read, Answer::Missing) => self.without_a_lease(now, later),
            (Next::Update { was_just_read: false }, _) => (Next::Read, now),
            _ => (Next::Read, later),
        };
        (self.next, self.due) = (next, due);
    }

    /// Until when this candidate leads, if it does.
    pub(super) fn leads_until(&self) -> Option<Instant> {
        self.leads_until
    }

    /// Who else holds the Lease, as far as this candidate knows.
    pub(super) fn other_holder(&self) -> Option<&str> {
        let lease = &self.seen.as_ref()?.lease;
        lease.holder().filter(|_| !lease.is_held_by(&self.identity))
    }

    /// Whether there is nothing that it would do at once if it could: it has renewed the Lease, or knows who holds it.
    pub(super) fn is_settled(&self) -> bool {
        match self.next {
            Next::Update { was_just_read } => !was_just_read,
            Next::Read => self.leads_until.is_none() && self.other_holder().is_some(),
            Next::Create => false,
        }
    }

    /// The Lease as it was seen last.
    pub(super) fn lease(&self) -> Option<&Lease> {
        self.seen.as_ref().map(|seen| &seen.lease)
    }

    /// Whether the Lease may name this candidate, and so has to be given back when it stops.
    pub(super) fn may_hold(&self) -> bool {
        self.may_hold
    }

    /// What to write into the Lease so that nobody has to wait for this candidate; nothing where it does not hold the Lease.
    pub(super) fn release(&self, lease: &Lease) -> Option<Claim> {
        lease.is_held_by(&self.identity).then(|| Claim::released(lease))
    }

    fn lost(&self, now: Instant) -> Option<Lost> {
        let stolen = self.stolen_by.clone().map(Lost::StolenBy);
        stolen.or_else(|| self.leads_until.is_some_and(|end| now >= end).then_some(Lost::RanOut))
    }

    /// The age of a Lease counts from when it was first seen to say what it says, by this clock: after it was received, for it
    /// may have been written while the question was on its way.
    fn see(&mut self, lease: Lease, now: Instant) {
        let since = self.seen.take().filter(|seen| lease.says_what(&seen.lease)).map_or(now, |seen| seen.since);
        self.seen = Some(Seen { lease, since });
    }

    /// What to do with a Lease that was just read.
    fn decide(&mut self, now: Instant, later: Instant) -> (Next, Instant) {
        let take = (Next::Update { was_just_read: true }, now);
        let Some(holder) = self.other_holder().map(ToOwned::to_owned) else {
            return take;
        };
        if self.leads_until.is_some() {
            self.stolen_by = Some(holder);
            return (Next::Read, later);
        }
        // What was sent has not come about, or somebody else has come since.
        self.may_hold = false;
        match self.holds_until() {
            Some(end) if now < end => (Next::Read, later.min(end)),
            _ => take,
        }
    }

    /// What to do where there is no Lease. Its holder may not have noticed yet that somebody deleted it, and creates it anew
    /// when it does; whoever has seen its Lease does not do so before its time is over. One that has just started has seen
    /// none, and cannot tell this from a new cluster.
    fn without_a_lease(&self, now: Instant, later: Instant) -> (Next, Instant) {
        match self.holds_until() {
            Some(end) if now < end && self.leads_until.is_none() => (Next::Read, later.min(end)),
            _ => (Next::Create, now),
        }
    }

    /// Until when somebody else may take itself to hold the Lease.
    fn holds_until(&self) -> Option<Instant> {
        self.other_holder()?;
        self.seen.as_ref().map(|seen| seen.since + seen.lease.lasts(self.settings.lease_duration))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic, reason = "a test may panic")]
    use serde_json::{Value, json};

    use super::super::lease::tests::lease;
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn held_by(holder: &str, version: u64) -> Lease {
        lease(
            version,
            &json!({"holderIdentity": holder, "leaseDurationSeconds": 15, "leaseTransitions": 2, "renewTime": version}),
        )
    }

    /// A candidate `me`, and a clock that the test moves.
    struct Scene {
        candidate: Candidate,
        now: Instant,
    }

    impl Scene {
        fn new() -> Self {
            let now = Instant::now();
            Self { candidate: Candidate::new(ElectionSettings::default(), Identity::named("me"), now), now }
        }

        /// Lets time pass until the candidate asks something, and answers what it asks.
        fn asks(&mut self) -> Request {
            loop {
                match self.candidate.step(self.now) {
                    Step::Wait(until) => self.now = until,
                    Step::Send(request) => return request,
                    Step::Stop(lost) => panic!("it stops: {lost:?}"),
                }
            }
        }

        fn reads(&mut self, answer: Answer) {
            let asked = self.asks();
            assert!(matches!(asked, Request::Read), "{asked:?}");
            self.answer(answer);
        }

        /// Answers at once.
        fn answer(&mut self, answer: Answer) {
            self.candidate.answered(self.now, self.now, answer, 1.0);
        }

        /// Lets it take a Lease that is not there.
        fn leads(mut self) -> Self {
            self.reads(Answer::Missing);
            assert!(matches!(self.asks(), Request::Create(_)));
            self.answer(Answer::Is(held_by("me", 1)));
            assert_eq!(self.candidate.leads_until(), Some(self.now + 10 * SECOND));
            self
        }
    }

    #[test]
    fn the_right_to_lead_counts_from_before_the_claim_was_sent() {
        let mut scene = Scene::new();
        scene.reads(Answer::Missing);
        assert!(matches!(scene.asks(), Request::Create(_)));
        let sent = scene.now;
        scene.candidate.answered(sent, sent + 3 * SECOND, Answer::Is(held_by("me", 1)), 0.0);
        assert_eq!(scene.candidate.leads_until(), Some(sent + 10 * SECOND));
    }

    #[test]
    fn a_claim_that_was_granted_while_the_process_was_stopped_is_made_again() {
        let mut scene = Scene::new();
        scene.reads(Answer::Missing);
        let sent = scene.now;
        scene.asks();
        scene.now = sent + 60 * SECOND;
        scene.candidate.answered(sent, scene.now, Answer::Is(held_by("me", 1)), 0.0);
        assert_eq!(scene.candidate.leads_until(), None);
        scene.reads(Answer::Is(held_by("me", 1)));
        assert!(
            matches!(scene.asks(), Request::Update(_, claim) if claim == Claim::to(&held_by("me", 1), &Identity::named("me"), 15 * SECOND))
        );
    }

    #[test]
    fn a_lease_is_waited_for_from_when_it_was_first_seen_to_say_so() {
        let mut scene = Scene::new();
        let begun = scene.now;
        scene.reads(Answer::Is(held_by("you", 1)));
        scene.now = begun + 9 * SECOND;
        scene.reads(Answer::Is(held_by("you", 2)));
        while let Request::Read = scene.asks() {
            scene.answer(Answer::Is(held_by("you", 2)));
        }
        assert_eq!(scene.now, begun + 24 * SECOND);
    }

    #[test]
    fn somebody_who_labels_the_lease_renews_nothing() {
        let mut scene = Scene::new();
        let (begun, spec) = (scene.now, json!({"holderIdentity": "you", "leaseDurationSeconds": 15}));
        let mut version = 0;
        while let Request::Read = scene.asks() {
            version += 1;
            scene.answer(Answer::Is(lease(version, &spec)));
        }
        assert_eq!(scene.now, begun + 15 * SECOND);
    }

    #[test]
    fn a_released_lease_is_taken_within_the_retry_period_and_its_jitter() {
        let mut scene = Scene::new();
        scene.reads(Answer::Is(held_by("you", 1)));
        let released = scene.now;
        scene.reads(Answer::Is(held_by("", 2)));
        assert!(matches!(scene.asks(), Request::Update(..)));
        assert_eq!(scene.now, released + Duration::from_millis(2400));
    }

    #[test]
    fn a_leader_renews_every_period_and_reads_only_when_that_fails() {
        let mut scene = Scene::new().leads();
        let begun = scene.now;
        assert!(matches!(scene.asks(), Request::Update(..)));
        assert_eq!(scene.now, begun + 2 * SECOND);
        scene.answer(Answer::Conflict);
        scene.reads(Answer::Is(held_by("me", 2)));
        assert!(matches!(scene.asks(), Request::Update(..)));
        assert_eq!(scene.now, begun + 2 * SECOND, "at once");
    }

    #[test]
    fn a_leader_whose_requests_fail_stops_by_the_deadline() {
        let mut scene = Scene::new().leads();
        let begun = scene.now;
        loop {
            match scene.candidate.step(scene.now) {
                Step::Wait(until) => scene.now = until,
                Step::Send(_) => {
                    let sent = scene.now;
                    scene.now = scene.candidate.gives_up_at(sent);
                    scene.candidate.answered(sent, scene.now, Answer::Unknown, 0.5);
                }
                Step::Stop(lost) => {
                    assert_eq!((lost, scene.now), (Lost::RanOut, begun + 10 * SECOND));
                    return;
                }
            }
        }
    }

    #[test]
    fn an_answer_after_the_deadline_comes_too_late() {
        let mut scene = Scene::new().leads();
        scene.asks();
        let sent = scene.now;
        scene.candidate.answered(sent, sent + 9 * SECOND, Answer::Is(held_by("me", 2)), 0.5);
        assert!(matches!(scene.candidate.step(sent + 9 * SECOND), Step::Stop(Lost::RanOut)));
    }

    #[test]
    fn a_leader_that_finds_somebody_else_in_the_lease_stops_at_once() {
        let mut scene = Scene::new().leads();
        scene.asks();
        scene.answer(Answer::Conflict);
        scene.reads(Answer::Is(held_by("you", 2)));
        assert!(matches!(scene.candidate.step(scene.now), Step::Stop(Lost::StolenBy(holder)) if holder == "you"));
    }

    #[test]
    fn a_leader_makes_the_lease_anew_that_somebody_deleted_and_a_standby_lets_it() {
        let mut leader = Scene::new().leads();
        leader.asks();
        leader.answer(Answer::Missing);
        leader.reads(Answer::Missing);
        assert!(matches!(leader.asks(), Request::Create(_)));
        let mut standby = Scene::new();
        let begun = standby.now;
        standby.reads(Answer::Is(held_by("you", 1)));
        while let Request::Read = standby.asks() {
            standby.answer(Answer::Missing);
        }
        assert_eq!(standby.now, begun + 15 * SECOND);
    }

    #[test]
    fn no_lease_however_absurd_is_waited_for_for_ever() {
        for spec in [
            json!(null),
            json!({}),
            json!("nonsense"),
            json!({"holderIdentity": 5, "leaseDurationSeconds": 15}),
            json!({"holderIdentity": "you"}),
            json!({"holderIdentity": "you", "leaseDurationSeconds": -1}),
            json!({"holderIdentity": "you", "leaseDurationSeconds": i32::MAX, "renewTime": "9999-12-31T23:59:59.999999Z"}),
        ] {
            let mut scene = Scene::new();
            let begun = scene.now;
            while let Request::Read = scene.asks() {
                scene.answer(Answer::Is(lease(1, &spec)));
                assert!(scene.now - begun <= Duration::from_hours(1), "{spec}");
            }
            let is_held = spec.get("holderIdentity").is_some_and(Value::is_string);
            assert!(!is_held || scene.now - begun >= 15 * SECOND, "{spec}");
        }
    }
}
