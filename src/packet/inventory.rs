//! The devices of a list that was read, by id and by hostname.

use std::collections::HashMap;
use std::sync::Arc;

use super::device::{Device, SpoiledDevice};
use super::identity::{DeviceId, Hostname};
use super::page::DevicePage;
use super::planner::Question;

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
    by_hostname: HashMap<Hostname, Vec<DeviceId>>,
    spoiled: Vec<Arc<SpoiledDevice>>,
    /// What the pages told of the number of entries, in order.
    totals: Vec<u64>,
}

impl FromIterator<DevicePage> for Inventory {
    fn from_iter<I: IntoIterator<Item = DevicePage>>(pages: I) -> Self {
        let mut inventory = Self::default();
        for page in pages {
            inventory.totals.extend(page.meta.total());
            inventory.spoiled.extend(page.spoiled.into_iter().map(Arc::new));
            for device in page.devices {
                let (id, hostname) = (device.id.clone(), device.hostname.clone());
                if inventory.by_id.insert(id.clone(), Arc::new(device)).is_none() {
                    inventory.by_hostname.entry(hostname).or_default().push(id);
                }
            }
        }
        inventory.by_hostname.values_mut().for_each(|ids| ids.sort());
        inventory
    }
}

impl Inventory {
    /// Whether nothing shows that a device was missed: no page told another total than the others, and so many different
    /// devices are here as they told. Devices move from page to page when others come and go while the list is read.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let entries = (self.by_id.len() + self.spoiled.len()) as u64;
        self.totals.iter().all(|total| *total == entries)
    }

    /// Whether two readings of a list show the same devices and tell the same totals.
    #[must_use]
    pub fn shows_the_same(&self, other: &Self) -> bool {
        self.totals == other.totals
            && self.spoiled.len() == other.spoiled.len()
            && self.by_id.len() == other.by_id.len()
            && self.by_id.keys().all(|id| other.by_id.contains_key(id))
    }

    /// Every device in it.
    pub fn devices(&self) -> impl Iterator<Item = &Arc<Device>> {
        self.by_id.values()
    }

    /// Every hostname in it, with the ids of the devices that have it.
    pub fn hostnames(&self) -> impl Iterator<Item = (&Hostname, &[DeviceId])> {
        self.by_hostname.iter().map(|(hostname, ids)| (hostname, ids.as_slice()))
    }

    /// The entries that could not be read.
    #[must_use]
    pub fn spoiled(&self) -> &[Arc<SpoiledDevice>] {
        &self.spoiled
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
                match (self.by_hostname.get(hostname).map(Vec::as_slice), spoiled) {
                    // One that cannot be read may be the right one as well as one that can.
                    (_, Finding::Spoiled(spoiled)) => Finding::Spoiled(spoiled),
                    (Some([id]), _) => self.by_id.get(id).map_or(Finding::NotShown, |d| Finding::Found(Arc::clone(d))),
                    (Some(ids @ [_, _, ..]), _) => Finding::Ambiguous(ids.to_vec()),
                    (Some([]) | None, _) => Finding::NotShown,
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
            devices: vec![Device::named(id, hostname)],
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
    fn a_list_that_shifted_while_it_was_read_is_not_whole() {
        let page = |ids: &[&str], total: u64| DevicePage {
            devices: ids.iter().map(|id| Device::named(id, id)).collect(),
            meta: serde_json::from_value(serde_json::json!({ "total": total })).unwrap(),
            ..DevicePage::default()
        };
        let is_whole = |pages: Vec<DevicePage>| pages.into_iter().collect::<Inventory>().is_whole();
        assert!(is_whole(vec![page(&["a", "b"], 3), page(&["c"], 3)]));
        assert!(!is_whole(vec![page(&["a", "b"], 3), page(&[], 3)]), "one was missed");
        assert!(!is_whole(vec![page(&["a", "b"], 4), page(&["d"], 3)]), "one was deleted, and one missed");
        assert!(!is_whole(vec![page(&["a", "b"], 3), page(&["b"], 3)]), "one was seen twice, and one missed");
        assert!(
            is_whole(vec![DevicePage { devices: vec![Device::named("a", "a")], ..DevicePage::default() }]),
            "not told"
        );
    }

    #[test]
    fn an_entry_that_cannot_be_read_answers_for_its_own_hostname_only() {
        let spoiled =
            SpoiledDevice { id: None, hostname: Some(Hostname::new("bad")), field: "id".into(), reason: "".into() };
        let page =
            DevicePage { devices: vec![Device::named("d1", "good")], spoiled: vec![spoiled], ..DevicePage::default() };
        let inventory: Inventory = [page].into_iter().collect();
        assert!(matches!(inventory.find(&by_hostname("bad")), Finding::Spoiled(_)));
        assert!(matches!(inventory.find(&by_hostname("good")), Finding::Found(_)));
    }
}
