//! Lists that move while they are read: other people create and delete devices between a client's pages.

use super::state::State;
use crate::device::DeviceSpec;
use crate::ids::{self, Kind};
use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use uuid::Uuid;

/// How many devices stand by to be deleted where the list only shrinks.
const STOCK: u64 = 1_000;

/// How a project's list of devices moves before each request for a page of it, whatever page that is. What comes and goes
/// are devices of nobody, `nobody-0000` and so on, at the front of the list; all others keep their order. A client that
/// reads page after page by number so sees things that never were: compare `Store::devices`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shifting {
    /// A device of nobody is created at the front: who reads on sees the last device of the page before once more
    Grows,
    /// The front one of nobody's devices is deleted: who reads on misses a device. A stock of them is put in front first,
    /// and again when it is used up after 1,000 requests
    Shrinks,
    /// One is created, before the next request it is deleted, and so on: who reads on misses devices and sees others twice
    Both,
}

/// As the command line has it.
impl fmt::Display for Shifting {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Grows => "grows",
            Self::Shrinks => "shrinks",
            Self::Both => "both",
        })
    }
}

/// What moves, and what has been put in front of the lists for it.
#[derive(Debug, Default)]
pub(super) struct Movement {
    shifting: Option<Shifting>,
    /// Of each project, the frontmost last.
    nobodys: HashMap<Uuid, Vec<String>>,
    created: u64,
}

impl State {
    pub(crate) const fn shifting(&self) -> Option<Shifting> {
        self.movement.shifting
    }

    /// Sets how lists move from now on. The devices of nobody go.
    pub(crate) fn set_shifting(&mut self, shifting: Option<Shifting>) {
        self.movement.shifting = shifting;
        for id in std::mem::take(&mut self.movement.nobodys).into_values().flatten() {
            self.devices.remove(&id);
        }
    }

    /// Moves the list of a project, as is set.
    pub(crate) fn shift(&mut self, project: Uuid) {
        let any = self.movement.nobodys.get(&project).is_some_and(|nobodys| !nobodys.is_empty());
        match self.movement.shifting {
            None => {}
            Some(Shifting::Grows) => self.come(project),
            Some(Shifting::Both) if !any => self.come(project),
            Some(Shifting::Both) => self.go(project),
            Some(Shifting::Shrinks) => {
                if !any {
                    (0..STOCK).for_each(|_| self.come(project));
                }
                self.go(project);
            }
        }
    }

    fn come(&mut self, project: Uuid) {
        let n = self.movement.created;
        self.movement.created += 1;
        let id = ids::numbered(self.seed, Kind::Nobody, n);
        self.create_at_the_front(project, DeviceSpec::new(format!("nobody-{n:04}")).id(id));
        self.movement.nobodys.entry(project).or_default().push(id.to_string());
    }

    fn go(&mut self, project: Uuid) {
        if let Some(id) = self.movement.nobodys.get_mut(&project).and_then(Vec::pop) {
            // Somebody may have deleted it already, which moved the list as well.
            self.devices.remove(&id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Shifting;
    use crate::device::DeviceSpec;
    use crate::store::Store;
    use uuid::Uuid;

    /// What a client sees that reads six devices in pages of two.
    fn read(shifting: Shifting) -> Vec<String> {
        let store = Store::new(0, "token".into(), Uuid::nil());
        for n in 0..6 {
            store.create_device(DeviceSpec::new(format!("d{n}")));
        }
        store.set_shifting(Some(shifting));
        let page = |number: usize| {
            store.write(|state| {
                state.shift(Uuid::nil());
                let (_, page) = state.devices.page(&Uuid::nil(), "", (number * 2, 2));
                page.iter().filter_map(|entry| Some(entry.device()?.hostname.clone())).collect::<Vec<_>>()
            })
        };
        // One page more than six devices have, for those that were moved on to it.
        (0..4).flat_map(page).collect()
    }

    #[test]
    fn in_a_list_that_grows_devices_are_seen_twice() {
        let seen = read(Shifting::Grows);
        assert_eq!(seen, ["nobody-0000", "d0", "d0", "d1", "d1", "d2", "d2", "d3"]);
    }

    #[test]
    fn in_a_list_that_shrinks_devices_are_missed() {
        let store = Store::new(0, "token".into(), Uuid::nil());
        for n in 0..6 {
            store.create_device(DeviceSpec::new(format!("d{n}")));
        }
        store.set_shifting(Some(Shifting::Shrinks));
        // 999 of nobody's devices are left for the first page, 998 for the second.
        let page = |start| {
            store.write(|state| {
                state.shift(Uuid::nil());
                let (_, page) = state.devices.page(&Uuid::nil(), "", (start, 1_001));
                page.iter().filter_map(|entry| Some(entry.device()?.hostname.clone())).collect::<Vec<_>>()
            })
        };
        assert_eq!(page(0).split_off(999), ["d0", "d1"]);
        assert_eq!(page(1_001), ["d3", "d4", "d5"]);
    }

    #[test]
    fn in_a_list_that_does_both_devices_are_missed_and_seen_twice() {
        let seen = read(Shifting::Both);
        assert_eq!(seen, ["nobody-0000", "d0", "d2", "d3", "d3", "d4"]);
    }

    #[test]
    fn once_lists_stand_still_nobodys_devices_are_gone() {
        let store = Store::new(0, "token".into(), Uuid::nil());
        store.create_device(DeviceSpec::new("d"));
        store.set_shifting(Some(Shifting::Shrinks));
        store.write(|state| state.shift(Uuid::nil()));
        assert_eq!(store.devices().len(), 1_000);
        store.set_shifting(None);
        assert_eq!(store.devices().iter().map(|device| device.hostname.as_str()).collect::<Vec<_>>(), ["d"]);
    }
}
