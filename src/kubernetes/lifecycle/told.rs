//! What people were told of, so that they are neither told over and over nor all at once.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

/// How often something is told again while it goes on. Events are forgotten after an hour (kube-apiserver `--event-ttl`).
pub(super) const AGAIN: Duration = Duration::from_mins(20);
/// Of how many Nodes one thing is told within that time, at most: there may be tens of thousands, and who has read of a hundred
/// knows. What is told of others is no reason to be silent about these.
const MOST: usize = 100;

/// What was told, and when.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// By what was said, the uids of the Nodes that it was said of.
    said: HashMap<&'static str, HashMap<Box<str>, Instant>>,
}

impl Told {
    /// Whether to tell something of a Node now; then it counts as told.
    pub(super) fn is_news(&mut self, uid: &str, what: &'static str, now: Instant) -> bool {
        let said = self.said.entry(what).or_default();
        if said.contains_key(uid) || said.len() >= MOST {
            return false;
        }
        said.insert(uid.into(), now);
        true
    }

    /// Forgets what may be told again.
    pub(super) fn forget(&mut self, now: Instant) {
        for said in self.said.values_mut() {
            said.retain(|_, told| now.saturating_duration_since(*told) < AGAIN);
        }
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
        assert_eq!(more, MOST - 1);
        assert!(told.is_news("b", "refused", now), "that is another thing");
        told.forget(now + AGAIN);
        assert!(told.is_news("a", "share", now));
    }
}
