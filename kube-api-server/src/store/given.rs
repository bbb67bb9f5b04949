//! What the server gives to a new object: its uid, and its name where the client leaves that open. Both are drawn from the
//! seed, so that the same writes in the same order make the same objects.

use std::sync::{Mutex, PoisonError};

use crate::drawn::Drawn;

/// Kubernetes' alphabet for generated names: no vowels, and nothing that reads as something else.
const ALPHABET: [&str; 27] = [
    "b", "c", "d", "f", "g", "h", "j", "k", "l", "m", "n", "p", "q", "r", "s", "t", "v", "w", "x", "z", "2", "4", "5",
    "6", "7", "8", "9",
];
/// How many of it a generated name ends with.
const SUFFIX: usize = 5;
/// What sets the lots for uids and for names apart from those for the weather, which are drawn from the seed itself.
const FOR_UIDS: u64 = 0x7569_6400_0000_0000;
const FOR_NAMES: u64 = 0x6e61_6d65_0000_0000;

#[derive(Debug)]
pub(super) struct Given {
    uids: Mutex<Drawn>,
    names: Mutex<Drawn>,
}

impl Given {
    pub(super) fn from_seed(seed: u64) -> Given {
        let lots = |purpose: u64| Mutex::new(Drawn::from_seed(seed ^ purpose));
        Given { uids: lots(FOR_UIDS), names: lots(FOR_NAMES) }
    }

    pub(super) fn uid(&self) -> String {
        self.uids.lock().unwrap_or_else(PoisonError::into_inner).uuid().to_string()
    }

    /// What is put after the prefix that a client gave.
    pub(super) fn name_suffix(&self) -> String {
        let mut lots = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        (0..SUFFIX).map(|_| lots.one_of(&ALPHABET)).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_and_nothing_twice() {
        let given = |seed| -> Vec<(String, String)> {
            let given = Given::from_seed(seed);
            (0..1_000).map(|_| (given.uid(), given.name_suffix())).collect()
        };
        let (uids, names): (BTreeSet<String>, BTreeSet<String>) = given(1).into_iter().unzip();
        assert_eq!(uids.len(), 1_000);
        assert!(names.len() > 990, "{}", names.len());
        assert_eq!(given(1), given(1));
        assert_ne!(given(1)[0], given(2)[0]);
    }
}
