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

impl RateLimitWord {
    /// The longest that it holds: a clock that is wrong on either side must not stop us for days.
    pub const LONGEST: Duration = Duration::from_mins(15);
}

/// What the API has said, and what follows for the next request.
#[derive(Debug, Default)]
pub(super) struct Allowance {
    /// Nothing is sent before then.
    closed_until: Option<Instant>,
    /// The least that the API has said remains until then. It counts requests in the order in which it takes them, so whatever
    /// has been answered is part of that, and what has not may not be.
    remaining: Option<(u64, Instant)>,
    /// Refusals in a row that named no time.
    unnamed: u32,
}

impl Allowance {
    /// The wait after a refusal that names none; it doubles with each that follows, up to a minute.
    const UNNAMED_WAIT: Duration = Duration::from_secs(5);
    const LONGEST_UNNAMED_WAIT: Duration = Duration::from_mins(1);
    /// A wait that is named and shorter than this is none: two clocks that differ by a second, or an API that rounds down.
    const SHORTEST_NAMED_WAIT: Duration = Duration::from_secs(1);
    /// Two answers of one window may name its end a second apart, for it is told in whole seconds.
    const SAME_WINDOW: Duration = Duration::from_secs(2);

    /// Until when nothing may be sent, if that is so.
    pub(super) fn closed(&self, now: Instant) -> Option<Instant> {
        self.closed_until.filter(|until| *until > now)
    }

    /// How many requests the API still takes until when, as far as it has said so, while so many have no answer yet.
    pub(super) fn left(&self, awaited: u64, now: Instant) -> Option<(u64, Instant)> {
        let (remaining, until) = self.remaining.filter(|(_, until)| *until > now)?;
        Some((remaining.saturating_sub(awaited), until))
    }

    /// A request has ended, with or without an answer.
    pub(super) fn heard(&mut self, word: RateLimitWord, now: Instant) {
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
        self.remaining = self.remaining.filter(|(_, until)| *until > now);
        match (word.remaining, word.reset, self.remaining) {
            (Some(remaining), Some(reset), known) => {
                let until = now + reset.min(RateLimitWord::LONGEST);
                self.remaining = match known {
                    // A late answer, of a window that is over.
                    Some((_, end)) if until + Self::SAME_WINDOW < end => known,
                    Some((before, end)) if until < end + Self::SAME_WINDOW => {
                        Some((before.min(remaining), end.max(until)))
                    }
                    _ => Some((remaining, until)),
                };
            }
            // It may have been counted, and nobody says so.
            (_, _, Some((before, end))) => self.remaining = Some((before.saturating_sub(1), end)),
            (_, _, None) => {}
        }
    }

    /// Lets nothing out for a time.
    pub(super) fn close(&mut self, now: Instant, wait: Duration) {
        let until = now + wait.min(RateLimitWord::LONGEST);
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
        allowance.heard(refused(Some(30 * SECOND)), now);
        allowance.heard(refused(Some(SECOND)), now);
        assert_eq!(allowance.closed(now), Some(now + 30 * SECOND));
        assert_eq!(allowance.closed(now + 30 * SECOND), None);
    }

    #[test]
    fn what_is_on_its_way_counts_until_its_answer_says_what_remains() {
        let (mut allowance, now) = (Allowance::default(), Instant::now());
        let reset = now + 20 * SECOND;
        allowance.heard(left(9, 20 * SECOND), now);
        assert_eq!(allowance.left(7, now), Some((2, reset)));
        assert_eq!(allowance.left(9, now), Some((0, reset)));
        // Their answers come in any order, and count themselves.
        for remaining in [4, 7, 6, 5] {
            allowance.heard(left(remaining, 20 * SECOND), now);
        }
        assert_eq!(allowance.left(0, now), Some((4, reset)));
        assert_eq!(allowance.left(0, reset), None);
    }

    #[test]
    fn a_request_that_ends_without_a_word_may_have_been_counted() {
        let (mut allowance, now) = (Allowance::default(), Instant::now());
        allowance.heard(left(2, 20 * SECOND), now);
        allowance.heard(RateLimitWord::default(), now);
        assert_eq!(allowance.left(0, now), Some((1, now + 20 * SECOND)));
    }

    #[test]
    fn the_next_window_begins_with_what_it_says() {
        let (mut allowance, now) = (Allowance::default(), Instant::now());
        allowance.heard(left(0, 20 * SECOND), now);
        let next = now + 20 * SECOND;
        allowance.heard(left(5, 60 * SECOND), next);
        assert_eq!(allowance.left(0, next), Some((5, next + 60 * SECOND)));
    }

    #[test]
    fn a_late_answer_of_the_window_before_takes_nothing_from_this_one() {
        let (mut allowance, now) = (Allowance::default(), Instant::now());
        allowance.heard(left(59, 60 * SECOND), now);
        allowance.heard(left(0, Duration::ZERO), now + SECOND);
        assert_eq!(allowance.left(0, now + SECOND), Some((59, now + 60 * SECOND)));
    }

    #[test]
    fn a_refusal_that_names_no_wait_to_speak_of_is_one_that_names_none() {
        for word in [refused(Some(Duration::ZERO)), RateLimitWord { reset: Some(Duration::ZERO), ..refused(None) }] {
            let (mut allowance, now) = (Allowance::default(), Instant::now());
            allowance.heard(word, now);
            assert_eq!(allowance.closed(now), Some(now + 5 * SECOND));
        }
    }

    #[test]
    fn requests_that_are_refused_together_are_one_refusal() {
        let (mut allowance, now) = (Allowance::default(), Instant::now());
        for _ in 0..8 {
            allowance.heard(refused(None), now);
        }
        assert_eq!(allowance.closed(now), Some(now + 5 * SECOND));
    }

    #[test]
    fn refusals_that_name_no_time_wait_longer_each_time_until_one_is_none() {
        let (mut allowance, mut now) = (Allowance::default(), Instant::now());
        let mut waits = Vec::new();
        for _ in 0..6 {
            allowance.heard(refused(None), now);
            let until = allowance.closed(now).unwrap_or(now);
            waits.push((until - now).as_secs());
            now = until;
        }
        assert_eq!(waits, [5, 10, 20, 40, 60, 60]);
        allowance.heard(RateLimitWord::default(), now);
        allowance.heard(refused(None), now);
        assert_eq!(allowance.closed(now), Some(now + 5 * SECOND));
    }

    #[test]
    fn a_good_answer_that_names_a_reset_and_nothing_else_closes_nothing() {
        let (mut allowance, now) = (Allowance::default(), Instant::now());
        allowance.heard(RateLimitWord { reset: Some(60 * SECOND), ..RateLimitWord::default() }, now);
        assert_eq!(allowance.closed(now), None);
    }

    #[test]
    fn a_wait_of_years_is_cut_short() {
        let (mut allowance, now) = (Allowance::default(), Instant::now());
        allowance.heard(refused(Some(Duration::MAX)), now);
        allowance.heard(left(0, Duration::MAX), now);
        assert_eq!(allowance.closed(now), Some(now + RateLimitWord::LONGEST));
        assert_eq!(allowance.left(0, now), Some((0, now + RateLimitWord::LONGEST)));
    }
}
