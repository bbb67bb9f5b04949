//! Faults that a test injects, and hooks that let it act at the instant before a write.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::store::Store;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultKind {
    /// The request is refused with that HTTP status code and a `Status` object; nothing is done.
    Status {
        /// The HTTP status code.
        code: u16,
        /// What `Retry-After` says, in whole seconds.
        retry_after: Option<Duration>,
    },
    /// The connection is cut before anything is done or answered.
    Reset,
    /// The request is done, and the connection cut instead of an answer: the client cannot know.
    ResetAfter,
    /// The request waits that long, then takes its course.
    Delay(Duration),
}

/// A fault, the requests that it meets, and how often.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    kind: FaultKind,
    method: Option<String>,
    path_contains: Option<String>,
    /// How many requests it still meets; `None` for all.
    times: Option<usize>,
}

impl Fault {
    /// A fault that meets every request, once it has been pushed, until it is cleared.
    #[must_use]
    pub fn new(kind: FaultKind) -> Fault {
        Fault { kind, method: None, path_contains: None, times: None }
    }

    /// Meets only requests of that method, such as "PATCH".
    #[must_use]
    pub fn method(mut self, method: &str) -> Fault {
        self.method = Some(method.to_uppercase());
        self
    }

    /// Meets only requests whose path or query, joined by a question mark, contains that text.
    #[must_use]
    pub fn path_contains(mut self, part: &str) -> Fault {
        self.path_contains = Some(part.to_owned());
        self
    }

    /// Meets only that many requests.
    #[must_use]
    pub fn times(mut self, times: usize) -> Fault {
        self.times = Some(times);
        self
    }

    fn meets(&self, method: &str, path: &str) -> bool {
        self.times != Some(0)
            && self.method.as_deref().is_none_or(|wanted| wanted == method)
            && self.path_contains.as_deref().is_none_or(|part| path.contains(part))
    }
}

/// The faults in force. Shared and cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Faults {
    queue: Arc<Mutex<Vec<Fault>>>,
}

impl Faults {
    fn with<T>(&self, use_queue: impl FnOnce(&mut Vec<Fault>) -> T) -> T {
        use_queue(&mut self.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a fault in force, behind those that are: a request meets the first that fits.
    pub fn push(&self, fault: Fault) {
        self.with(|queue| queue.push(fault));
    }

    /// Ends all faults.
    pub fn clear(&self) {
        self.with(Vec::clear);
    }

    /// How many faults are in force, those with nothing left to meet not counted.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.with(|queue| queue.len())
    }

    /// The fault that a request meets.
    pub(crate) fn take(&self, method: &str, path: &str) -> Option<FaultKind> {
        self.with(|queue| {
            let at = queue.iter().position(|fault| fault.meets(method, path))?;
            let fault = queue.get_mut(at)?;
            let kind = fault.kind.clone();
            if let Some(times) = fault.times.as_mut() {
                *times -= 1;
                if *times == 0 {
                    queue.remove(at);
                }
            }
            Some(kind)
        })
    }
}

type Hook = dyn Fn(&str, &str, &Store) + Send + Sync;

/// What runs before each write.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    before_write: Arc<Mutex<Vec<Arc<Hook>>>>,
}

impl std::fmt::Debug for Hooks {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Hooks").finish_non_exhaustive()
    }
}

impl Hooks {
    pub(crate) fn push(&self, hook: Arc<Hook>) {
        self.before_write.lock().unwrap_or_else(PoisonError::into_inner).push(hook);
    }

    pub(crate) fn run(&self, method: &str, path: &str, store: &Store) {
        // Taken out of the lock, so that a hook may add another.
        let hooks = self.before_write.lock().unwrap_or_else(PoisonError::into_inner).clone();
        for hook in hooks {
            hook(method, path, store);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_meets_what_it_was_made_for_as_often_as_it_says() {
        let faults = Faults::default();
        faults.push(Fault::new(FaultKind::Reset).method("patch").path_contains("node-1").times(2));
        assert_eq!(faults.take("GET", "/api/v1/nodes/node-1"), None);
        assert_eq!(faults.take("PATCH", "/api/v1/nodes/node-2"), None);
        assert_eq!(faults.take("PATCH", "/api/v1/nodes/node-1"), Some(FaultKind::Reset));
        assert_eq!(faults.take("PATCH", "/api/v1/nodes/node-1"), Some(FaultKind::Reset));
        assert_eq!(faults.take("PATCH", "/api/v1/nodes/node-1"), None);
        assert_eq!(faults.pending(), 0);
    }
}
