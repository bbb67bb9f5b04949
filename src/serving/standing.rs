//! Whether something works, told to the log once per change rather than once per attempt.

use std::sync::{Mutex, PoisonError};

/// Whether something works, and if not, why.
#[derive(Debug)]
pub(super) struct Standing {
    /// What it is that works or fails, as the log has it.
    what: &'static str,
    /// What does not happen while it fails.
    consequence: &'static str,
    trouble: Mutex<Option<String>>,
}

impl Standing {
    pub(super) fn new(what: &'static str, consequence: &'static str) -> Self {
        Self { what, consequence, trouble: Mutex::default() }
    }

    /// It worked.
    pub(super) fn works(&self) {
        if self.change(None) {
            tracing::info!("{} works again", self.what);
        }
    }

    /// It failed.
    pub(super) fn failed(&self, reason: &str) {
        if self.change(Some(reason)) {
            tracing::warn!(reason, "{} does not work; {}", self.what, self.consequence);
        }
    }

    /// Why it does not work.
    pub(super) fn trouble(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether this is news.
    fn change(&self, trouble: Option<&str>) -> bool {
        let mut known = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = known.as_deref() != trouble;
        if is_news {
            *known = trouble.map(str::to_owned);
        }
        is_news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_change_is_news() {
        let standing = Standing::new("it", "nothing follows");
        assert!(!standing.change(None), "nothing was wrong");
        assert!(standing.change(Some("away")));
        assert!(!standing.change(Some("away")));
        assert!(standing.change(Some("forbidden")));
        assert_eq!(standing.trouble().as_deref(), Some("forbidden"));
        assert!(standing.change(None));
    }
}
