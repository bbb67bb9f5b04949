//! The faults to come.

use crate::dice::{Dice, Purpose};
use crate::fault::{Asked, Fault, FaultKind};
use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The faults to come. The first one pushed that matches a request befalls it, one per request. Clones share one queue.
#[derive(Debug, Clone)]
pub struct Faults {
    queue: Arc<Mutex<Queue>>,
    dice: Arc<Dice>,
}

/// Which of the faults that are waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FaultId(pub(crate) u64);

impl fmt::Display for FaultId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}", self.0)
    }
}

#[derive(Debug, Default)]
struct Queue {
    /// How many faults there ever were.
    numbered: u64,
    waiting: VecDeque<(FaultId, Fault)>,
}

impl Faults {
    pub(crate) fn new(seed: u64) -> Self {
        Self { queue: Arc::default(), dice: Arc::new(Dice::new(seed, Purpose::Faults)) }
    }

    /// Adds a fault behind those that are already waiting.
    pub fn push(&self, fault: Fault) {
        let _ = self.add(fault);
    }

    /// Adds a fault behind those that are already waiting; the answer is for [`remove`](Self::remove).
    #[must_use = "push adds a fault that is not to be removed by itself"]
    pub fn add(&self, fault: Fault) -> FaultId {
        let mut queue = self.lock();
        queue.numbered += 1;
        let id = FaultId(queue.numbered);
        queue.waiting.push_back((id, fault));
        id
    }

    /// Drops one fault. Returns whether it was still waiting.
    #[expect(clippy::must_use_candidate, reason = "it is called for its effect")]
    pub fn remove(&self, id: FaultId) -> bool {
        let mut queue = self.lock();
        let before = queue.waiting.len();
        queue.waiting.retain(|(there, _)| *there != id);
        queue.waiting.len() < before
    }

    /// Drops every fault that has not happened yet.
    pub fn clear(&self) {
        self.lock().waiting.clear();
    }

    /// Whether no fault is waiting.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lock().waiting.is_empty()
    }

    /// The faults that are waiting, with what is left of each, in the order in which they are tried.
    #[must_use]
    pub fn waiting(&self) -> Vec<(FaultId, Fault)> {
        self.lock().waiting.iter().cloned().collect()
    }

    /// What befalls this request, if anything does.
    pub(crate) fn take(&self, asked: &Asked) -> Option<FaultKind> {
        let mut queue = self.lock();
        let kind = queue.waiting.iter_mut().find_map(|(_, fault)| fault.befall(asked, || self.dice.roll()))?;
        queue.waiting.retain(|(_, fault)| !fault.is_over());
        Some(kind)
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::Faults;
    use crate::fault::{Asked, Fault, FaultKind};

    fn take(faults: &Faults, path: &str) -> Option<FaultKind> {
        faults.take(&Asked { method: "GET", path, query: None })
    }

    #[test]
    fn a_fault_befalls_the_next_matching_request_only() {
        let faults = Faults::new(0);
        faults.push(Fault::new(FaultKind::Reset).path_prefix("/devices/"));
        assert_eq!(take(&faults, "/metal/v1/plans"), None);
        assert_eq!(take(&faults, "/metal/v1/devices/x"), Some(FaultKind::Reset));
        assert_eq!(take(&faults, "/metal/v1/devices/x"), None);
        assert!(faults.is_empty());
    }

    #[test]
    fn faults_happen_in_the_order_in_which_they_were_pushed() {
        let faults = Faults::new(0);
        faults.push(Fault::new(FaultKind::Hang).times(2));
        faults.push(Fault::new(FaultKind::Reset).always());
        let kinds: Vec<_> = (0..4).filter_map(|_| take(&faults, "/x")).collect();
        assert_eq!(kinds, [FaultKind::Hang, FaultKind::Hang, FaultKind::Reset, FaultKind::Reset]);
        faults.clear();
        assert_eq!(take(&faults, "/x"), None);
    }

    #[test]
    fn what_a_fault_spares_meets_the_one_behind_it() {
        let faults = Faults::new(0);
        faults.push(Fault::new(FaultKind::Hang).share(0.5).always());
        faults.push(Fault::new(FaultKind::Reset).always());
        let kinds: Vec<_> = (0..100).filter_map(|_| take(&faults, "/x")).collect();
        let hangs = kinds.iter().filter(|kind| **kind == FaultKind::Hang).count();
        assert!(kinds.len() == 100 && (25..=75).contains(&hangs), "{hangs} of {}", kinds.len());
    }

    #[test]
    fn one_of_several_faults_can_be_removed() {
        let faults = Faults::new(0);
        let hang = faults.add(Fault::new(FaultKind::Hang).always());
        faults.push(Fault::new(FaultKind::Reset).always());
        assert_eq!(faults.waiting().len(), 2);
        assert!(faults.remove(hang) && !faults.remove(hang));
        assert_eq!(take(&faults, "/x"), Some(FaultKind::Reset));
    }
}
