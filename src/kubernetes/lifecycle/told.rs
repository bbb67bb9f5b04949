//! What people were told of, so that they are neither told over and over nor all at once.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// How often something is told again while it goes on. Events are forgotten after an hour (kube-apiserver `--event-ttl`).
pub(super) const AGAIN: Duration = Duration::from_mins(20);
/// How much is told within that time, at most: there may be tens of thousands of Nodes, and who has read of a hundred knows.
const MOST: usize = 100;

/// What was told, and when.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// By the uid of a Node and what was said of it.
    said: HashMap<(Box<str>, &'static str), Instant>,
}

impl Told {
    /// Whether to tell something of a Node now; then it counts as told.
    pub(super) fn is_news(&mut self, uid: &str, what: &'static str, now: Instant) -> bool {
        let key = (uid.into(), what);
        if self.said.contains_key(&key) || self.said.len() >= MOST {
            return false;
        }
        self.said.insert(key, now);
        true
    }

    /// Forgets what may be told again.
    pub(super) fn forget(&mut self, now: Instant) {
        self.said.retain(|_, told| now.saturating_duration_since(*told) < AGAIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_is_told_once_in_a_while_and_only_so_much_of_all() {
        let (mut told, now) = (Told::default(), Instant::now());
        assert!(
            told.is_news("a", "share", now) && !told.is_news("a", "share", now) && told.is_news("a", "refused", now)
        );
        let more = (0..1_000).filter(|uid| told.is_news(&uid.to_string(), "share", now)).count();
        assert_eq!(more, MOST - 2);
        told.forget(now + AGAIN);
        assert!(told.is_news("a", "share", now));
    }
}
