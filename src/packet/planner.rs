//! The request planner: which requests answer everything that is being asked, with the fewest of them.
//!
//! A pure state machine: questions go in, plans come out, and whoever carries a plan out says when it has ended. It
//! knows no clock, no network and nobody who waits.
//!
//! The rule is the simplest that keeps a burst cheap: as many questions as the list has pages are asked one by one, more
//! are answered by one sweep of all pages, and while a sweep is on its way nothing else is sent, for it will answer most
//! of what has come up meanwhile. What a sweep left open because one of its pages could not be had is asked one by one,
//! so that a page that stays broken holds up only the devices on it.

use std::collections::HashSet;

use super::identity::{DeviceId, Hostname};

/// What is asked about devices.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Question {
    /// The device of an id.
    ById(DeviceId),
    /// The one device of exactly this hostname.
    ByHostname(Hostname),
}

/// A piece of work that answers questions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// Ask this one question by itself.
    Single(Question),
    /// Read the whole list; the answer to every question that waits.
    Sweep,
}

/// The questions that wait and the plans under way.
#[derive(Debug, Default)]
pub struct Planner {
    waiting: HashSet<Question>,
    singles: HashSet<Question>,
    sweeping: bool,
    /// How many pages the list had when it was last read; one where that is not known.
    pages: usize,
    /// Whether the last sweep lacked a page.
    lacked: bool,
}

impl Planner {
    /// Takes in a question. One that waits or is being asked already stays one.
    pub fn ask(&mut self, question: Question) {
        if !self.singles.contains(&question) {
            self.waiting.insert(question);
        }
    }

    /// Takes in a question that a sweep has left open, and that only a request of its own can answer.
    #[must_use]
    pub fn ask_alone(&mut self, question: Question) -> Option<Plan> {
        self.waiting.remove(&question);
        self.singles.insert(question.clone()).then_some(Plan::Single(question))
    }

    /// What to send now, if anything.
    #[must_use]
    pub fn plan(&mut self) -> Option<Plan> {
        if self.sweeping || self.waiting.is_empty() {
            return None;
        }
        if self.lacked || self.waiting.len() <= self.pages.max(1) {
            let question = self.waiting.iter().next().cloned()?;
            self.waiting.remove(&question);
            self.lacked &= !self.waiting.is_empty();
            self.singles.insert(question.clone());
            return Some(Plan::Single(question));
        }
        self.sweeping = true;
        Some(Plan::Sweep)
    }

    /// A single request has ended, well or not.
    pub fn single_ended(&mut self, question: &Question) {
        self.singles.remove(question);
    }

    /// The sweep has ended, well or not; it read so many pages, and perhaps lacked some. Answers the questions that waited
    /// for it.
    #[must_use]
    pub fn sweep_ended(&mut self, pages: usize, lacked: bool) -> HashSet<Question> {
        self.sweeping = false;
        self.lacked = lacked;
        if pages > 0 && !lacked {
            self.pages = pages;
        }
        std::mem::take(&mut self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by_hostname(name: &str) -> Question {
        Question::ByHostname(Hostname::new(name))
    }

    #[test]
    fn a_question_that_is_alone_is_asked_by_itself_and_once() {
        let mut planner = Planner::default();
        planner.ask(by_hostname("a"));
        planner.ask(by_hostname("a"));
        assert_eq!(planner.plan(), Some(Plan::Single(by_hostname("a"))));
        planner.ask(by_hostname("a"));
        assert_eq!(planner.plan(), None);
        planner.single_ended(&by_hostname("a"));
        planner.ask(by_hostname("a"));
        assert_eq!(planner.plan(), Some(Plan::Single(by_hostname("a"))));
    }

    #[test]
    fn several_questions_are_one_sweep_and_those_that_come_meanwhile_wait_for_it() {
        let mut planner = Planner::default();
        planner.ask(by_hostname("a"));
        planner.ask(by_hostname("b"));
        assert_eq!(planner.plan(), Some(Plan::Sweep));
        planner.ask(by_hostname("c"));
        assert_eq!(planner.plan(), None);
        assert_eq!(planner.sweep_ended(1, false).len(), 3);
        assert_eq!(planner.plan(), None);
    }

    #[test]
    fn no_more_questions_than_the_list_has_pages_are_asked_one_by_one() {
        let mut planner = Planner::default();
        let ask = |planner: &mut Planner, names: &[&str]| names.iter().for_each(|name| planner.ask(by_hostname(name)));
        ask(&mut planner, &["a", "b", "c", "d"]);
        assert_eq!(planner.plan(), Some(Plan::Sweep));
        let _ = planner.sweep_ended(3, false);
        ask(&mut planner, &["e", "f", "g"]);
        let plans: Vec<_> = std::iter::from_fn(|| planner.plan()).collect();
        assert!(plans.len() == 3 && !plans.contains(&Plan::Sweep), "{plans:?}");
        ask(&mut planner, &["h", "i", "j", "k"]);
        assert_eq!(planner.plan(), Some(Plan::Sweep));
    }

    #[test]
    fn after_a_sweep_that_lacked_a_page_the_questions_are_asked_one_by_one_and_then_swept_again() {
        let mut planner = Planner::default();
        for round in [Some(Plan::Sweep), Some(Plan::Sweep)] {
            planner.ask(by_hostname("a"));
            planner.ask(by_hostname("b"));
            assert_eq!(planner.plan(), round);
            assert_eq!(planner.sweep_ended(1, true).len(), 2);
            planner.ask(by_hostname("a"));
            planner.ask(by_hostname("b"));
            let plans: Vec<_> = std::iter::from_fn(|| planner.plan()).collect();
            assert!(plans.len() == 2 && !plans.contains(&Plan::Sweep), "{plans:?}");
            planner.single_ended(&by_hostname("a"));
            planner.single_ended(&by_hostname("b"));
        }
    }

    #[test]
    fn a_question_left_open_by_a_sweep_is_asked_by_itself_whatever_else_is_under_way() {
        let mut planner = Planner::default();
        planner.ask(by_hostname("a"));
        planner.ask(by_hostname("b"));
        assert_eq!(planner.plan(), Some(Plan::Sweep));
        assert_eq!(planner.ask_alone(by_hostname("c")), Some(Plan::Single(by_hostname("c"))));
        assert_eq!(planner.ask_alone(by_hostname("c")), None);
    }
}
