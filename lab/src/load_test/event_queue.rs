//! The queue of a controller that works on one thing at a time for each Node: a Node that is in it is in it once, and one
//! that changes while it is worked on comes again afterwards (as client-go's `workqueue` has it).

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::Duration;

use super::look::Look;

/// After the first failure a Node waits so long, then twice that, and so on.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// A Node waits no longer than that.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// The queue.
#[derive(Debug, Default)]
pub(crate) struct EventQueue {
    line: VecDeque<String>,
    in_line: HashSet<String>,
    busy: HashSet<String>,
    /// Changed while it was worked on.
    again: HashSet<String>,
    /// As the Nodes that wait were seen last.
    latest: HashMap<String, Look>,
    failures: HashMap<String, u32>,
}

impl EventQueue {
    /// A Node has changed.
    pub(crate) fn changed(&mut self, look: Look) {
        let name = look.name().to_owned();
        if look.taint_place.is_none() {
            self.latest.remove(&name);
            return;
        }
        self.latest.insert(name.clone(), look);
        self.add(name);
    }

    /// Puts a Node at the end of the line, unless it stands in it already.
    pub(crate) fn add(&mut self, name: String) {
        if self.busy.contains(&name) {
            self.again.insert(name);
        } else if self.in_line.insert(name.clone()) {
            self.line.push_back(name);
        }
    }

    /// The next Node to work on, as it was seen last. [`done`](Self::done) has to follow.
    pub(crate) fn next(&mut self) -> Option<Look> {
        while let Some(name) = self.line.pop_front() {
            self.in_line.remove(&name);
            // One that is initialised meanwhile needs nothing.
            if let Some(look) = self.latest.get(&name) {
                self.busy.insert(name);
                return Some(look.clone());
            }
        }
        None
    }

    /// The work on a Node is over: `Ok` with the version that it has now. Returns how long to wait before it is to be
    /// [added](Self::add) again, where it failed.
    pub(crate) fn done(&mut self, name: &str, version: Option<u64>) -> Option<Duration> {
        self.busy.remove(name);
        let again = self.again.remove(name);
        let Some(version) = version else {
            let failures = self.failures.entry(name.to_owned()).or_default();
            let wait = FIRST_WAIT.saturating_mul(1 << (*failures).min(10)).min(LONGEST_WAIT);
            *failures += 1;
            return Some(wait);
        };
        self.failures.remove(name);
        // What was seen before it was written is history.
        if self.latest.get(name).is_some_and(|look| look.version() < version) {
            self.latest.remove(name);
        } else if again {
            self.add(name.to_owned());
        }
        None
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::nodes::checks::UNINITIALIZED_TAINT;
    use serde_json::json;

    fn look(version: u64, tainted: bool) -> Look {
        let taints = if tainted { json!([{ "key": UNINITIALIZED_TAINT }]) } else { json!([]) };
        let metadata = json!({ "name": "n", "resourceVersion": version.to_string() });
        serde_json::from_value(json!({ "metadata": metadata, "spec": { "taints": taints } })).unwrap()
    }

    #[test]
    fn a_node_that_changes_twice_before_its_turn_is_worked_on_once_as_it_is_then() {
        let mut queue = EventQueue::default();
        queue.changed(look(1, true));
        queue.changed(look(2, true));
        assert_eq!(queue.next().unwrap().version(), 2);
        assert!(queue.next().is_none());
    }

    #[test]
    fn a_node_that_is_initialised_before_its_turn_is_not_worked_on() {
        let mut queue = EventQueue::default();
        queue.changed(look(1, true));
        queue.changed(look(2, false));
        assert!(queue.next().is_none());
    }

    #[test]
    fn a_node_that_is_tainted_anew_while_it_is_worked_on_comes_again() {
        let mut queue = EventQueue::default();
        queue.changed(look(1, true));
        queue.next().unwrap();
        queue.changed(look(9, true));
        assert!(queue.next().is_none());
        assert_eq!(queue.done("n", Some(5)), None);
        assert_eq!(queue.next().unwrap().version(), 9);
    }

    #[test]
    fn a_change_that_its_own_write_made_is_no_reason_to_come_again() {
        let mut queue = EventQueue::default();
        queue.changed(look(1, true));
        queue.next().unwrap();
        queue.changed(look(4, true));
        assert_eq!(queue.done("n", Some(5)), None);
        assert!(queue.next().is_none());
    }

    #[test]
    fn each_failure_doubles_the_wait_up_to_a_minute_and_success_ends_it() {
        let mut queue = EventQueue::default();
        queue.changed(look(1, true));
        let waits: Vec<u64> = (0..8).map(|_| queue.done("n", None).unwrap().as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 60, 60]);
        queue.done("n", Some(0));
        assert_eq!(queue.done("n", None), Some(FIRST_WAIT));
    }
}
