//! Devices in creation order, and the ways to find one: by id, by project, by hostname, by the id of an address.

use super::hostnames::{Hostnames, Place};
use crate::device::{Device, IpAddress};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use uuid::Uuid;

/// What is served in a device's place.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) project: Uuid,
    pub(crate) body: Body,
}

#[derive(Debug)]
pub(crate) enum Body {
    /// Written from what is known of it.
    Device(Box<Device>),
    /// Served word for word.
    Raw(Box<Value>),
}

impl Entry {
    pub(crate) fn new(device: Device) -> Self {
        Self { project: device.project, body: Body::Device(Box::new(device)) }
    }

    pub(crate) fn raw(project: Uuid, device: Value) -> Self {
        Self { project, body: Body::Raw(Box::new(device)) }
    }

    pub(crate) fn device(&self) -> Option<&Device> {
        match &self.body {
            Body::Device(device) => Some(device),
            Body::Raw(_) => None,
        }
    }

    /// The id that it answers under, if it has one.
    pub(crate) fn id(&self) -> Option<String> {
        match &self.body {
            Body::Device(device) => Some(device.id.to_string()),
            Body::Raw(raw) => raw.get("id").and_then(Value::as_str).map(Into::into),
        }
    }

    /// The addresses of a raw device, as they are.
    pub(crate) fn raw_addresses(&self) -> Value {
        match &self.body {
            Body::Device(_) => Value::Null,
            Body::Raw(raw) => raw.get("ip_addresses").cloned().unwrap_or_else(|| Value::Array(Vec::new())),
        }
    }

    fn hostname(&self) -> &str {
        match &self.body {
            Body::Device(device) => &device.hostname,
            Body::Raw(raw) => raw.get("hostname").and_then(Value::as_str).unwrap_or_default(),
        }
    }

    fn addresses(&self) -> &[IpAddress] {
        self.device().map_or(&[], |device| &device.ip_addresses)
    }
}

/// The devices of all projects.
#[derive(Debug, Default)]
pub(crate) struct DeviceIndex {
    next: Place,
    entries: BTreeMap<Place, Entry>,
    by_id: HashMap<String, Place>,
    by_project: HashMap<Uuid, Hostnames>,
    by_hostname: HashMap<String, BTreeSet<Place>>,
    by_address: HashMap<Uuid, Place>,
}

impl DeviceIndex {
    /// Adds a device after all others.
    pub(crate) fn insert(&mut self, entry: Entry) {
        let place = self.next;
        self.next += 1;
        self.put(place, entry);
    }

    /// Adds a device before all others.
    pub(crate) fn insert_at_the_front(&mut self, entry: Entry) {
        let first = self.entries.first_key_value().map_or(self.next, |(first, _)| *first);
        self.put(first - 1, entry);
    }

    fn put(&mut self, place: Place, entry: Entry) {
        if let Some(id) = entry.id() {
            self.by_id.insert(id, place);
        }
        self.list(place, &entry);
        self.entries.insert(place, entry);
    }

    pub(crate) fn get(&self, id: &str) -> Option<&Entry> {
        self.entries.get(self.by_id.get(id)?)
    }

    /// Removes a device; says whether it was there.
    pub(crate) fn remove(&mut self, id: &str) -> bool {
        let Some(place) = self.by_id.remove(id) else {
            return false;
        };
        let Some(entry) = self.entries.remove(&place) else {
            return false;
        };
        self.unlist(place, &entry);
        true
    }

    /// Changes a device, whose id and project stay; says whether it was there.
    pub(crate) fn update(&mut self, id: &str, change: impl FnOnce(&mut Device)) -> bool {
        let Some(&place) = self.by_id.get(id) else { return false };
        let Some(Body::Device(device)) = self.entries.get_mut(&place).map(|entry| &mut entry.body) else {
            return false;
        };
        let (id, project, hostname) = (device.id, device.project, device.hostname.clone());
        for address in &device.ip_addresses {
            self.by_address.remove(&address.id);
        }
        change(device);
        (device.id, device.project) = (id, project);
        self.by_address.extend(device.ip_addresses.iter().map(|address| (address.id, place)));
        if device.hostname != hostname {
            let now = device.hostname.clone();
            self.unname(place, &project, &hostname);
            self.name(place, project, &now);
        }
        true
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// The devices of a project whose hostname contains this text, case aside, in creation order.
    pub(crate) fn of_project(&self, project: &Uuid, hostname: &str) -> impl Iterator<Item = &Entry> {
        let listed = self.by_project.get(project);
        let named = (!hostname.is_empty())
            .then(|| listed.map_or_else(Vec::new, |listed| listed.find(hostname, &(0..usize::MAX)).1));
        let all = listed.filter(|_| named.is_none()).map(Hostnames::places);
        let places = named.into_iter().flatten().chain(all.into_iter().flatten());
        places.filter_map(|place| self.entries.get(&place))
    }

    /// How many devices of a project have this text in their hostname, case aside, and those of them that come after so many
    /// and are no more than so many.
    pub(crate) fn page(&self, project: &Uuid, hostname: &str, (start, len): (usize, usize)) -> (usize, Vec<&Entry>) {
        let Some(listed) = self.by_project.get(project) else { return (0, Vec::new()) };
        let (total, places) = if hostname.is_empty() {
            (listed.len(), listed.places().skip(start).take(len).collect())
        } else {
            listed.find(hostname, &(start..start.saturating_add(len)))
        };
        (total, places.iter().filter_map(|place| self.entries.get(place)).collect())
    }

    /// How many devices a project has.
    pub(crate) fn count(&self, project: &Uuid) -> usize {
        self.by_project.get(project).map_or(0, Hostnames::len)
    }

    /// The devices with exactly this hostname.
    pub(crate) fn named(&self, hostname: &str) -> impl Iterator<Item = &Entry> {
        self.by_hostname.get(hostname).into_iter().flatten().filter_map(|place| self.entries.get(place))
    }

    /// The address of this id, and the device that has it.
    pub(crate) fn address(&self, id: &Uuid) -> Option<(&Device, &IpAddress)> {
        let device = self.entries.get(self.by_address.get(id)?)?.device()?;
        device.ip_addresses.iter().find(|address| address.id == *id).map(|address| (device, address))
    }

    /// Removes every device of a project.
    pub(crate) fn remove_project(&mut self, project: &Uuid) {
        for place in self.by_project.remove(project).unwrap_or_default().places() {
            if let Some(entry) = self.entries.remove(&place) {
                if let Some(id) = entry.id() {
                    self.by_id.remove(&id);
                }
                self.unlist(place, &entry);
            }
        }
    }

    fn list(&mut self, place: Place, entry: &Entry) {
        self.name(place, entry.project, entry.hostname());
        self.by_address.extend(entry.addresses().iter().map(|address| (address.id, place)));
    }

    fn unlist(&mut self, place: Place, entry: &Entry) {
        self.unname(place, &entry.project, entry.hostname());
        for address in entry.addresses() {
            self.by_address.remove(&address.id);
        }
    }

    fn name(&mut self, place: Place, project: Uuid, hostname: &str) {
        self.by_project.entry(project).or_default().insert(place, hostname);
        self.by_hostname.entry(hostname.to_owned()).or_default().insert(place);
    }

    fn unname(&mut self, place: Place, project: &Uuid, hostname: &str) {
        if let Some(listed) = self.by_project.get_mut(project) {
            listed.remove(place);
        }
        if let Some(places) = self.by_hostname.get_mut(hostname) {
            places.remove(&place);
            if places.is_empty() {
                self.by_hostname.remove(hostname);
            }
        }
    }
}
