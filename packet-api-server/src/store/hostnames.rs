//! The hostnames of a project's devices, for looking up a part of one among a hundred thousand.

use memchr::memmem::Finder;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::OnceLock;

/// A device's place in the order of creation. What was put in front of everything has negative ones.
pub(super) type Place = i64;

/// What no hostname has in it, so that no match reaches from one into the next.
const BETWEEN: char = '\n';

/// Hostnames in lower case, in the order of their devices.
#[derive(Debug, Default)]
pub(super) struct Hostnames {
    by_place: BTreeMap<Place, Box<str>>,
    /// All of them in a row, which is searched in a tenth of the time that it takes to visit each. Written when it is first
    /// wanted after a change.
    row: OnceLock<Row>,
}

#[derive(Debug, Default)]
struct Row {
    text: String,
    /// Where each begins in the text.
    starts: Vec<usize>,
    places: Vec<Place>,
}

impl Hostnames {
    pub(super) fn insert(&mut self, place: Place, hostname: &str) {
        self.by_place.insert(place, hostname.to_lowercase().replace(BETWEEN, " ").into());
        self.row.take();
    }

    pub(super) fn remove(&mut self, place: Place) {
        self.by_place.remove(&place);
        self.row.take();
    }

    pub(super) fn len(&self) -> usize {
        self.by_place.len()
    }

    /// The places of all, in order.
    pub(super) fn places(&self) -> impl Iterator<Item = Place> {
        self.by_place.keys().copied()
    }

    /// How many hostnames have this text in them, case aside, and the places of those of them that are in this range.
    pub(super) fn find(&self, text: &str, range: &Range<usize>) -> (usize, Vec<Place>) {
        if text.contains(BETWEEN) {
            return (0, Vec::new());
        }
        let row = self.row.get_or_init(|| Row::of(&self.by_place));
        let text = text.to_lowercase();
        let finder = Finder::new(text.as_bytes());
        let (mut found, mut from, mut places) = (0, 0, Vec::new());
        while let Some(at) = row.text.as_bytes().get(from..).and_then(|rest| finder.find(rest)) {
            // The one that the match is in is the last that begins no later. One that matches twice counts once.
            let next = row.starts.partition_point(|start| *start <= from + at);
            if range.contains(&found) {
                places.extend(next.checked_sub(1).and_then(|n| row.places.get(n)));
            }
            found += 1;
            let Some(start) = row.starts.get(next) else { break };
            from = *start;
        }
        (found, places)
    }
}

impl Row {
    fn of(by_place: &BTreeMap<Place, Box<str>>) -> Self {
        let mut row = Self::default();
        for (place, hostname) in by_place {
            row.starts.push(row.text.len());
            row.places.push(*place);
            row.text.push_str(hostname);
            row.text.push(BETWEEN);
        }
        row
    }
}

#[cfg(test)]
mod tests {
    use super::Hostnames;

    fn hostnames(names: &[&str]) -> Hostnames {
        let mut hostnames = Hostnames::default();
        (0..).zip(names).for_each(|(place, name)| hostnames.insert(place, name));
        hostnames
    }

    #[test]
    fn each_that_has_the_text_in_it_is_found_once_in_order() {
        let hostnames = hostnames(&["aNa-na", "bob", "banana", "", "na"]);
        assert_eq!(hostnames.find("NA", &(0..9)), (3, vec![0, 2, 4]));
        assert_eq!(hostnames.find("na", &(1..2)), (3, vec![2]));
        assert_eq!(hostnames.find("", &(0..9)), (5, vec![0, 1, 2, 3, 4]));
        assert_eq!(hostnames.find("absent", &(0..9)), (0, vec![]));
    }

    #[test]
    fn a_match_does_not_reach_from_one_into_the_next() {
        assert_eq!(hostnames(&["ab", "cd"]).find("bc", &(0..9)), (0, vec![]));
        assert_eq!(hostnames(&["ab", "cd"]).find("b\nc", &(0..9)), (0, vec![]));
    }

    #[test]
    fn what_came_and_went_since_the_last_look_counts() {
        let mut hostnames = hostnames(&["a", "ab"]);
        assert_eq!(hostnames.find("a", &(0..9)).0, 2);
        hostnames.remove(0);
        hostnames.insert(-1, "ba");
        assert_eq!(hostnames.find("a", &(0..9)), (2, vec![-1, 1]));
    }
}
