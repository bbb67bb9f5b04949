//! Whether the API is well, told by how requests end, and how long to leave it alone where it is not.
//!
//! One request that fails may be about one device, and so may several that ask for the same one. Other failures in a row, with
//! no success between them, are an API in trouble:
//! then requests wait, longer each time, and later go out one by one to see whether it is back.

use std::time::Duration;

use tokio::time::Instant;

use crate::packet::error::Error;
use crate::packet::identity::DeviceId;

/// The wait after the second failure in a row; it doubles from there.
const FIRST_WAIT: Duration = Duration::from_millis(500);
/// The longest wait: an API that is back is noticed within that time.
const LONGEST_WAIT: Duration = Duration::from_secs(10);
/// The longest wait where the API refuses the credentials or the project, which takes people to mend.
const LONGEST_REFUSED_WAIT: Duration = Duration::from_mins(1);
/// From so many failures in a row on, one request at a time finds out whether the API is back.
const PROBING: u32 = 3;
/// After so many failures in a row whoever waits is told, rather than kept waiting.
const GIVING_UP: u32 = 4;

/// What a request was about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum About<'a> {
    /// One device.
    Device(&'a DeviceId),
    /// More than that.
    Others,
}

/// How the last requests ended.
#[derive(Debug, Default)]
pub(super) struct Health {
    /// Failures since the last success. Those of requests that were on their way together count once.
    failures: u32,
    /// When the last of them was counted.
    counted_at: Option<Instant>,
    held_until: Option<Instant>,
    /// The one device that all of them were about, where it was one: it may be the trouble, and not the API.
    only: Option<DeviceId>,
}

impl Health {
    /// A request ended well, or with an answer that is about nothing but what was asked.
    pub(super) fn succeeded(&mut self) {
        *self = Self::default();
    }

    /// A request that went out at `sent` failed. `jitter` is any number from 0 to 1.
    pub(super) fn failed(&mut self, about: About<'_>, error: &Error, sent: Instant, now: Instant, jitter: f64) {
        if !is_trouble(about, error) {
            return self.succeeded();
        }
        // The API's own word holds the gate closed already.
        if matches!(error, Error::RateLimited { .. }) || self.counted_at.is_some_and(|counted| sent < counted) {
            return;
        }
        match about {
            About::Device(id) if self.only.as_ref() == Some(id) => return,
            About::Device(id) => self.only = (self.failures == 0).then(|| id.clone()),
            About::Others => self.only = None,
        }
        self.failures = self.failures.saturating_add(1);
        self.counted_at = Some(now);
        let longest = if error.is_passing() { LONGEST_WAIT } else { LONGEST_REFUSED_WAIT };
        if let Some(doublings) = self.failures.checked_sub(2) {
            let wait = FIRST_WAIT.saturating_mul(1 << doublings.min(16)).min(longest);
            self.held_until = Some(now + wait.mul_f64(1.0 - jitter.clamp(0.0, 1.0) / 2.0));
        }
    }

    /// Until when nothing should be sent, if that is so.
    pub(super) fn held(&self, now: Instant) -> Option<Instant> {
        self.held_until.filter(|until| *until > now)
    }

    /// Whether requests go out one at a time, to find out whether the API is back.
    pub(super) fn is_probing(&self) -> bool {
        self.failures >= PROBING
    }

    /// Whether whoever waits had better be told.
    pub(super) fn is_given_up(&self) -> bool {
        self.failures >= GIVING_UP
    }
}

/// Whether an error says something about the API or our standing with it, and not only about the one device asked for.
fn is_trouble(about: About<'_>, error: &Error) -> bool {
    match error {
        Error::Shifting { .. } | Error::TokenChanged { .. } => false,
        Error::NotFound { .. } | Error::Forbidden { .. } | Error::Shape { .. } | Error::TooLarge { .. } => {
            about == About::Others
        }
        Error::Unauthorized { .. }
        | Error::ForeignNotFound { .. }
        | Error::RateLimited { .. }
        | Error::Server { .. }
        | Error::Unexpected { .. }
        | Error::NotJson { .. }
        | Error::CutOff { .. }
        | Error::Timeout { .. }
        | Error::Unreachable { .. }
        | Error::Endless { .. } => true,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn device(id: &str) -> DeviceId {
        DeviceId::parse(id).unwrap()
    }

    fn down() -> Error {
        Error::Unreachable { request: "GET".into(), reason: "refused".into() }
    }

    fn waits(error: &Error, times: u32) -> (Health, Vec<f64>) {
        let (mut health, mut now) = (Health::default(), Instant::now());
        let mut waits = Vec::new();
        for _ in 0..times {
            health.failed(About::Others, error, now, now, 0.0);
            let until = health.held(now).unwrap_or(now);
            waits.push((until - now).as_secs_f64());
            now = until + Duration::from_millis(1);
        }
        (health, waits)
    }

    #[test]
    fn one_failure_holds_up_nobody_and_more_in_a_row_wait_longer_each_time() {
        let (health, waits) = waits(&down(), 8);
        assert_eq!(waits, [0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0]);
        assert!(health.is_probing() && health.is_given_up());
    }

    #[test]
    fn a_token_that_is_refused_is_tried_ever_more_rarely() {
        let refused = Error::Unauthorized { request: "GET".into(), said: "".into() };
        assert_eq!(waits(&refused, 12).1.last(), Some(&60.0));
    }

    #[test]
    fn requests_that_fail_together_are_one_failure() {
        let (mut health, sent) = (Health::default(), Instant::now());
        for late in 1..8 {
            health.failed(About::Others, &down(), sent, sent + Duration::from_millis(late), 0.5);
        }
        assert!(!health.is_probing() && health.held(sent).is_none());
    }

    #[test]
    fn a_success_and_an_answer_about_one_device_alone_end_the_trouble() {
        let now = Instant::now();
        let absent = Error::NotFound { request: "GET".into(), said: "Not found".into() };
        for end in [None, Some(absent)] {
            let (mut health, _) = waits(&down(), 5);
            match end {
                None => health.succeeded(),
                Some(error) => health.failed(About::Device(&device("d")), &error, now, now, 0.0),
            }
            assert!(!health.is_probing() && health.held(now).is_none());
        }
    }

    #[test]
    fn the_jitter_takes_off_half_of_a_wait_at_most() {
        let (mut health, now) = (Health::default(), Instant::now());
        health.failed(About::Others, &down(), now, now, 1.0);
        health.failed(About::Others, &down(), now, now, 1.0);
        assert_eq!(health.held(now), Some(now + FIRST_WAIT / 2));
    }

    #[test]
    fn one_device_that_cannot_be_asked_holds_up_nobody_else() {
        let (mut health, now) = (Health::default(), Instant::now());
        for second in 0..20 {
            let now = now + Duration::from_secs(second);
            health.failed(About::Device(&device("d")), &down(), now, now, 0.5);
            assert!(!health.is_probing() && health.held(now).is_none());
        }
        for (second, id) in (20..).zip(["e", "f", "d"]) {
            let now = now + Duration::from_secs(second);
            health.failed(About::Device(&device(id)), &down(), now, now, 0.5);
        }
        assert!(health.is_probing(), "several devices are an API in trouble");
    }
}
