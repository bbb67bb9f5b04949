//! The devices of a list that was read, by id and by hostname.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use super::device::{Device, SpoiledDevice};
use super::identity::{DeviceId, Hostname};
use super::lookup::Question;
use super::page::DevicePage;

/// What a list says about a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// It shows the device.
    Found(Arc<Device>),
    /// It shows several devices of that hostname; their ids, sorted.
    Ambiguous(Vec<DeviceId>),
    /// It shows an entry of that id or hostname that cannot be read.
    Spoiled(Arc<SpoiledDevice>),
    /// It does not show the device. Pages shift while they are read, so that proves nothing.
    NotShown,
}

/// The devices of a list. A device that shifted from one page to the next while they were read is in it once.
#[derive(Debug, Default)]
pub struct Inventory {
    by_id: HashMap<DeviceId, Arc<Device>>,
    by_hostname: HashMap<Hostname, Ids>,
    spoiled: Vec<Arc<SpoiledDevice>>,
    /// Entries that the API could not be brought to show.
    unread: u64,
    /// What the pages told of the number of entries, each number once, in order.
    totals: Vec<u64>,
}

/// The ids of the devices of one hostname: nearly always one, and then without a list of its own.
#[derive(Debug, PartialEq, Eq)]
enum Ids {
    One(DeviceId),
    Several(Vec<DeviceId>),
}

impl Ids {
    fn as_slice(&self) -> &[DeviceId] {
        match self {
            Self::One(id) => std::slice::from_ref(id),
            Self::Several(ids) => ids,
        }
    }

    fn add(&mut self, id: DeviceId) {
        match self {
            Self::One(first) => *self = Self::Several(vec![first.clone(), id]),
            Self::Several(ids) => ids.push(id),
        }
    }
}

impl FromIterator<DevicePage> for Inventory {
    fn from_iter<I: IntoIterator<Item = DevicePage>>(pages: I) -> Self {
        let mut inventory = Self::default();
        pages.into_iter().for_each(|page| inventory.add(page));
        inventory
    }
}

impl Inventory {
    /// Takes in one more page.
    pub fn add(&mut self, page: DevicePage) {
        if let Some(total) = page.meta.total()
            && self.totals.last() != Some(&total)
        {
            self.totals.push(total);
        }
        self.spoiled.extend(page.spoiled.into_iter().map(Arc::new));
        for device in page.devices {
            let (id, hostname) = (device.id.clone(), device.hostname.clone());
            // One that was renamed while the list was read has two names in it, of which `find` believes the newer. It may have
            // had that one before.
            let has_it = self
                .by_id
                .insert(id.clone(), device)
                .is_some_and(|before| before.hostname == hostname || self.ids(&hostname).contains(&id));
            if !has_it {
                match self.by_hostname.entry(hostname) {
                    Entry::Occupied(mut ids) => ids.get_mut().add(id),
                    Entry::Vacant(place) => {
                        place.insert(Ids::One(id));
                    }
                }
            }
        }
    }

    /// Takes in that there is one more entry, which the API fails to show.
    pub fn add_unread(&mut self) {
        self.unread += 1;
    }

    /// Whether nothing shows that a device was missed: no page told another total than the others, and so many different
    /// devices are here as they told. Devices move from page to page when others come and go while the list is read.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let entries = (self.by_id.len() + self.spoiled.len()) as u64 + self.unread;
        self.totals.iter().all(|total| *total == entries)
    }

    /// Whether two readings of a list show the same devices and tell the same totals.
    #[must_use]
    pub fn shows_the_same(&self, other: &Self) -> bool {
        self.totals == other.totals
            && self.spoiled.len() == other.spoiled.len()
            && self.unread == other.unread
            && self.by_id.len() == other.by_id.len()
            && self.by_id.keys().all(|id| other.by_id.contains_key(id))
    }

    /// Every device in it.
    #[must_use]
    pub fn devices(&self) -> impl ExactSizeIterator<Item = &Arc<Device>> {
        self.by_id.values()
    }

    /// The device of an id.
    #[must_use]
    pub fn device(&self, id: &DeviceId) -> Option<&Arc<Device>> {
        self.by_id.get(id)
    }

    /// The ids of the devices of a hostname, those included that had it and were renamed while the list was read.
    #[must_use]
    pub fn ids(&self, hostname: &Hostname) -> &[DeviceId] {
        self.by_hostname.get(hostname).map_or(&[], Ids::as_slice)
    }

    /// Every hostname in it, with the ids of the devices that have it.
    pub fn hostnames(&self) -> impl Iterator<Item = (&Hostname, &[DeviceId])> {
        self.by_hostname.iter().map(|(hostname, ids)| (hostname, ids.as_slice()))
    }

    /// What it says about a question.
    #[must_use]
    pub fn find(&self, question: &Question) -> Finding {
        match question {
            Question::ById(id) => match self.by_id.get(id) {
                Some(device) => Finding::Found(Arc::clone(device)),
                None => self.find_spoiled(|spoiled| spoiled.id.as_ref() == Some(id)),
            },
            Question::ByHostname(hostname) => {
                let spoiled = self.find_spoiled(|spoiled| spoiled.hostname.as_ref() == Some(hostname));
                let named = self.ids(hostname).iter().filter_map(|id| self.by_id.get(id));
                let mut named = named.filter(|device| device.hostname == *hostname);
                match (named.next(), named.next(), spoiled) {
                    // One that cannot be read may be the right one as well as one that can.
                    (_, _, Finding::Spoiled(spoiled)) => Finding::Spoiled(spoiled),
                    (None, _, _) => Finding::NotShown,
                    (Some(device), None, _) => Finding::Found(Arc::clone(device)),
                    (Some(first), Some(second), _) => {
                        let mut ids: Vec<_> = [first, second].into_iter().chain(named).map(|d| d.id.clone()).collect();
                        ids.sort();
                        Finding::Ambiguous(ids)
                    }
                }
            }
        }
    }

    fn find_spoiled(&self, is_it: impl Fn(&SpoiledDevice) -> bool) -> Finding {
        let found = self.spoiled.iter().find(|spoiled| is_it(spoiled));
        found.map_or(Finding::NotShown, |spoiled| Finding::Spoiled(Arc::clone(spoiled)))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn inventory(devices: &[(&str, &str)]) -> Inventory {
        let page = |(id, hostname): &(&str, &str)| DevicePage {
            devices: vec![Arc::new(Device::named(id, hostname))],
            ..DevicePage::default()
        };
        devices.iter().map(page).collect()
    }

    fn by_hostname(hostname: &str) -> Question {
        Question::ByHostname(Hostname::new(hostname))
    }

    #[test]
    fn a_hostname_is_matched_exactly() {
        let inventory = inventory(&[("d1", "node-1"), ("d10", "node-10")]);
        assert_eq!(inventory.find(&by_hostname("node-1")), Finding::Found(Arc::new(Device::named("d1", "node-1"))));
        assert_eq!(inventory.find(&by_hostname("node")), Finding::NotShown);
        assert_eq!(inventory.find(&by_hostname("NODE-1")), Finding::NotShown);
    }

    #[test]
    fn two_devices_of_one_hostname_are_never_guessed_between() {
        let inventory = inventory(&[("d2", "node"), ("d1", "node")]);
        let ids = ["d1", "d2"].map(|id| DeviceId::parse(id).unwrap());
        assert_eq!(inventory.find(&by_hostname("node")), Finding::Ambiguous(ids.to_vec()));
    }

    #[test]
    fn a_device_that_shifted_between_pages_is_one_device() {
        let inventory = inventory(&[("d1", "node"), ("d1", "node")]);
        assert!(matches!(inventory.find(&by_hostname("node")), Finding::Found(_)));
    }

    #[test]
    fn a_device_that_was_renamed_while_the_list_was_read_has_its_newer_name() {
        let inventory = inventory(&[("d1", "old"), ("d1", "new")]);
        assert_eq!(inventory.find(&by_hostname("old")), Finding::NotShown);
        assert!(matches!(inventory.find(&by_hostname("new")), Finding::Found(_)));
    }

    #[test]
    fn a_device_that_was_renamed_and_back_while_the_list_was_read_is_one_device() {
        let inventory = inventory(&[("d1", "node"), ("d1", "other"), ("d1", "node")]);
        assert!(matches!(inventory.find(&by_hostname("node")), Finding::Found(_)));
        assert_eq!(inventory.ids(&Hostname::new("node")).len(), 1);
    }

    #[test]
    fn a_list_that_shifted_while_it_was_read_is_not_whole() {
        let page = |ids: &[&str], total: u64| DevicePage {
            devices: ids.iter().map(|id| Arc::new(Device::named(id, id))).collect(),
            meta: serde_json::from_value(serde_json::json!({ "total": total })).unwrap(),
            ..DevicePage::default()
        };
        let is_whole = |pages: Vec<DevicePage>| pages.into_iter().collect::<Inventory>().is_whole();
        assert!(is_whole(vec![page(&["a", "b"], 3), page(&["c"], 3)]));
        assert!(!is_whole(vec![page(&["a", "b"], 3), page(&[], 3)]), "one was missed");
        assert!(!is_whole(vec![page(&["a", "b"], 4), page(&["d"], 3)]), "one was deleted, and one missed");
        assert!(!is_whole(vec![page(&["a", "b"], 3), page(&["b"], 3)]), "one was seen twice, and one missed");
        assert!(
            is_whole(vec![DevicePage { devices: vec![Arc::new(Device::named("a", "a"))], ..DevicePage::default() }]),
            "not told"
        );
    }

    #[test]
    fn an_entry_that_cannot_be_read_answers_for_its_own_hostname_only() {
        let spoiled =
            SpoiledDevice { id: None, hostname: Some(Hostname::new("bad")), field: "id".into(), reason: "".into() };
        let page = DevicePage {
            devices: vec![Arc::new(Device::named("d1", "good"))],
            spoiled: vec![spoiled],
            ..DevicePage::default()
        };
        let inventory: Inventory = [page].into_iter().collect();
        assert!(matches!(inventory.find(&by_hostname("bad")), Finding::Spoiled(_)));
        assert!(matches!(inventory.find(&by_hostname("good")), Finding::Found(_)));
    }
}
