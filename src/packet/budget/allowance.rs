//! The API's own word on how much it wants to hear: `Retry-After`, and `X-RateLimit-Remaining` with `X-RateLimit-Reset`.
//!
//! One token is shared with people's other tools, so our own count is never the whole truth.

use std::time::Duration;

use tokio::time::Instant;

/// What the head of an answer says about limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RateLimitWord {
    /// Whether the answer was 429.
    pub refused: bool,
    /// `Retry-After`, in either of its forms (RFC 9110 §10.2.3).
    pub retry_after: Option<Duration>,
    /// `X-RateLimit-Remaining`: requests that the API still takes until `reset`.
    pub remaining: Option<u64>,
    /// How long it is until `X-RateLimit-Reset`.
    pub reset: Option<Duration>,
}

/// What the API has said, and what follows for the next request.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    /// Nothing is sent before then.
    closed_until: Option<Instant>,
    /// How many requests may go out until when.
    left: Option<(u64, Instant)>,
    /// Refusals in a row that named no time.
    unnamed: u32,
}

impl Allowance {
    /// The longest that the API's word holds: a clock that is wrong on either side must not stop us for days.
    pub(super) const LONGEST: Duration = Duration::from_mins(15);
    /// The wait after a refusal that names none; it doubles with each that follows, up to a minute.
    const UNNAMED_WAIT: Duration = Duration::from_secs(5);
    const LONGEST_UNNAMED_WAIT: Duration = Duration::from_mins(1);
    /// A wait that is named and shorter than this is none: two clocks that differ by a second, or an API that rounds down.
    const SHORTEST_NAMED_WAIT: Duration = Duration::from_secs(1);
    /// Two answers of one window may name its end a second apart, for it is told in whole seconds.
    const SAME_WINDOW: Duration = Duration::from_secs(2);

    /// Until when nothing may be sent, if that is so.
    pub(super) fn closed(&self, now: Instant) -> Option<Instant> {
        let used_up = self.left.filter(|(left, _)| *left == 0).map(|(_, until)| until);
        [self.closed_until, used_up].into_iter().flatten().filter(|until| *until > now).max()
    }

    /// How many requests the API still takes, as far as it has said so.
    pub(super) fn left(&self, now: Instant) -> Option<u64> {
        self.left.filter(|(_, until)| *until > now).map(|(left, _)| left)
    }

    /// A request goes out.
    pub(super) fn spend(&mut self) {
        if let Some((left, _)) = &mut self.left {
            *left = left.saturating_sub(1);
        }
    }

    /// An answer has come while `others` more are awaited, which the API may not have counted yet.
    pub(super) fn heard(&mut self, word: RateLimitWord, others: u64, now: Instant) {
        let named = word.retry_after.or(word.reset.filter(|_| word.refused));
        if let Some(wait) = named.filter(|wait| !word.refused || *wait >= Self::SHORTEST_NAMED_WAIT) {
            self.close(now, wait);
        } else if word.refused && self.closed(now).is_none() {
            // Requests that were on their way together are refused together; that is one refusal.
            let wait = Self::UNNAMED_WAIT.saturating_mul(1 << self.unnamed.min(8));
            self.unnamed += 1;
            self.close(now, wait.min(Self::LONGEST_UNNAMED_WAIT));
        }
        if !word.refused {
            self.unnamed = 0;
        }
        self.left = self.left.filter(|(_, until)| *until > now);
        if let (Some(remaining), Some(reset)) = (word.remaining, word.reset) {
            let (left, until) = (remaining.saturating_sub(others), now + reset.min(Self::LONGEST));
            self.left = match self.left {
                // A late answer, of a window that is over.
                Some(known) if until + Self::SAME_WINDOW < known.1 => Some(known),
                Some((before, end)) if until < end + Self::SAME_WINDOW => Some((before.min(left), end.max(until))),
                _ => Some((left, until)),
            };
        }
    }

    /// Lets nothing out for a time.
    pub(super) fn close(&mut self, now: Instant, wait: Duration) {
        let until = now + wait.min(Self::LONGEST);
        self.closed_until = Some(self.closed_until.map_or(until, |earlier| earlier.max(until)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn left(remaining: u64, reset: Duration) -> RateLimitWord {
        RateLimitWord { remaining: Some(remaining), reset: Some(reset), ..RateLimitWord::default() }
    }

    fn refused(retry_after: Option<Duration>) -> RateLimitWord {
        RateLimitWord { refused: true, retry_after, ..RateLimitWord::default() }
    }

    #[test]
    fn the_gate_is_closed_until_the_latest_time_that_was_named() {
        let (mut allowance, now) = (Allowance::default(), Instant::now());
        allowance.heard(refused(Some(30 * SECOND)), 0, now);
        allowance.heard(refused(Some(SECOND)), 0, now);
        assert_eq!(allowance.closed(now), Some(now + 30 * SECOND));
        assert_eq!(allowance.closed(now + 30 * SECOND), None);
    }

    #[test]
    fn what_remains_is_spent_and_then_nothing_goes_out_until_the_reset() {
        let (mut allowance, now) = (Allowance::default(), Instant::now());
        allowance.heard(left(3, 20 * SECOND), 1, now);
        allowance.spend();
        assert_eq!(allowance.closed(now), None);
        allowance.spend();
        assert_eq!(allowance.closed(now), Some(now + 20 * SECOND));
        assert_eq!(allowance.closed(now + 20 * SECOND), None);
    }

    #[test]
    fn a_late_answer_of_the_same_window_does_not_bring_back_what_was_spent() {
        let (mut allowance, now) = (Allowance::default(), Instant::now());
        allowance.heard(left(1, 20 * SECOND), 0, now);
        allowance.spend();
        allowance.heard(left(5, 20 * SECOND), 0, now);
        assert!(allowance.closed(now).is_some());
        let next = now + 20 * SECOND;
        allowance.heard(left(5, 60 * SECOND), 0, next);
        assert_eq!(allowance.closed(next), None);
    }

    #[test]
    fn a_late_answer_of_the_window_before_takes_nothing_from_this_one() {
        let (mut allowance, now) = (Allowance::default(), Instant::now());
        allowance.heard(left(59, 60 * SECOND), 0, now);
        allowance.heard(left(0, Duration::ZERO), 0, now + SECOND);
        assert_eq!((allowance.closed(now + SECOND), allowance.left(now + SECOND)), (None, Some(59)));
    }

    #[test]
    fn a_refusal_that_names_no_wait_to_speak_of_is_one_that_names_none() {
        for word in [refused(Some(Duration::ZERO)), RateLimitWord { reset: Some(Duration::ZERO), ..refused(None) }] {
            let (mut allowance, now) = (Allowance::default(), Instant::now());
            allowance.heard(word, 0, now);
            assert_eq!(allowance.closed(now), Some(now + 5 * SECOND));
        }
    }

    #[test]
    fn requests_that_are_refused_together_are_one_refusal() {
        let (mut allowance, now) = (Allowance::default(), Instant::now());
        for _ in 0..8 {
            allowance.heard(refused(None), 0, now);
        }
        assert_eq!(allowance.closed(now), Some(now + 5 * SECOND));
    }

    #[test]
    fn refusals_that_name_no_time_wait_longer_each_time_until_one_is_none() {
        let (mut allowance, mut now) = (Allowance::default(), Instant::now());
        let mut waits = Vec::new();
        for _ in 0..6 {
            allowance.heard(refused(None), 0, now);
            let until = allowance.closed(now).unwrap_or(now);
            waits.push((until - now).as_secs());
            now = until;
        }
        assert_eq!(waits, [5, 10, 20, 40, 60, 60]);
        allowance.heard(RateLimitWord::default(), 0, now);
        allowance.heard(refused(None), 0, now);
        assert_eq!(allowance.closed(now), Some(now + 5 * SECOND));
    }

    #[test]
    fn a_good_answer_that_names_a_reset_and_nothing_else_closes_nothing() {
        let (mut allowance, now) = (Allowance::default(), Instant::now());
        allowance.heard(RateLimitWord { reset: Some(60 * SECOND), ..RateLimitWord::default() }, 0, now);
        assert_eq!(allowance.closed(now), None);
    }

    #[test]
    fn a_wait_of_years_is_cut_short() {
        let (mut allowance, now) = (Allowance::default(), Instant::now());
        allowance.heard(refused(Some(Duration::MAX)), 0, now);
        allowance.heard(left(0, Duration::MAX), 0, now);
        assert_eq!(allowance.closed(now), Some(now + Allowance::LONGEST));
    }
}
