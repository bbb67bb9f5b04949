//! Faults that a test injects.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::drawn::Drawn;

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
    pub(super) kind: FaultKind,
    pub(super) method: Option<String>,
    pub(super) path_contains: Option<String>,
    /// How many requests it still meets; `None` for all.
    pub(super) times: Option<usize>,
    /// Of all requests that fit, in billionths; `None` for all. A whole number, so that faults can be compared.
    share: Option<u32>,
}

const BILLION: f64 = 1e9;

impl Fault {
    /// A fault that meets every request, once it has been pushed, until it is cleared.
    #[must_use]
    pub fn new(kind: FaultKind) -> Fault {
        Fault { kind, method: None, path_contains: None, times: None, share: None }
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

    /// Meets only that share of the requests that fit, drawn by lot: 0.01 is one of a hundred. Which ones is the same in
    /// every run. A share below 0 counts as 0, and one above 1 as 1.
    #[must_use]
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "it is a number from 0 to a billion")]
    pub fn share(mut self, share: f64) -> Fault {
        self.share = Some((share.clamp(0.0, 1.0) * BILLION).round() as u32);
        self
    }

    /// From 0 to 1.
    pub(super) fn share_of_all(&self) -> Option<f64> {
        self.share.map(|share| f64::from(share) / BILLION)
    }

    fn is_drawn(&self, drawn: &mut Drawn) -> bool {
        self.share.is_none_or(|share| drawn.fraction() * BILLION < f64::from(share))
    }

    fn meets(&self, method: &str, path: &str) -> bool {
        self.times != Some(0)
            && self.method.as_deref().is_none_or(|wanted| wanted == method)
            && self.path_contains.as_deref().is_none_or(|part| path.contains(part))
    }
}

/// The faults in force. Shared and cheap to clone.
#[derive(Debug, Clone)]
pub struct Faults {
    in_force: Arc<Mutex<InForce>>,
}

#[derive(Debug)]
struct InForce {
    queue: Vec<Fault>,
    drawn: Drawn,
}

impl Default for Faults {
    fn default() -> Faults {
        Faults::new(0)
    }
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Faults {
        let in_force = InForce { queue: Vec::new(), drawn: Drawn::from_seed(seed) };
        Faults { in_force: Arc::new(Mutex::new(in_force)) }
    }

    fn with<T>(&self, use_it: impl FnOnce(&mut InForce) -> T) -> T {
        use_it(&mut self.in_force.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts a fault in force, behind those that are: a request meets the first that fits.
    pub fn push(&self, fault: Fault) {
        self.with(|in_force| in_force.queue.push(fault));
    }

    /// Ends all faults.
    pub fn clear(&self) {
        self.with(|in_force| in_force.queue.clear());
    }

    /// How many faults are in force, those with nothing left to meet not counted.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.with(|in_force| in_force.queue.len())
    }

    /// The faults in force, in the order in which requests meet them.
    pub(crate) fn in_force(&self) -> Vec<Fault> {
        self.with(|in_force| in_force.queue.clone())
    }

    /// The fault that a request meets.
    pub(crate) fn take(&self, method: &str, path: &str) -> Option<FaultKind> {
        self.with(|InForce { queue, drawn }| {
            let at = queue.iter().position(|fault| fault.meets(method, path) && fault.is_drawn(drawn))?;
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

    #[test]
    fn a_share_of_requests_meets_a_fault_and_the_rest_looks_further() {
        let faults = Faults::default();
        faults.push(Fault::new(FaultKind::Reset).share(0.1));
        faults.push(Fault::new(FaultKind::ResetAfter).method("PATCH"));
        let kinds: Vec<Option<FaultKind>> = (0..10_000).map(|_| faults.take("PATCH", "/")).collect();
        let resets = kinds.iter().filter(|kind| **kind == Some(FaultKind::Reset)).count();
        assert!((900..1_100).contains(&resets), "{resets}");
        assert_eq!(kinds.iter().filter(|kind| **kind == Some(FaultKind::ResetAfter)).count(), 10_000 - resets);
        let again = Faults::default();
        again.push(Fault::new(FaultKind::Reset).share(0.1));
        assert!((0..10_000).all(|at| again.take("PATCH", "/").is_some() == (kinds[at] == Some(FaultKind::Reset))));
    }
}
