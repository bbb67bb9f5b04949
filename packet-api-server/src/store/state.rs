//! What is behind the store's lock, the rules by which devices and reservations come into being, and what happens to them
//! when their time has come.

use super::Access;
use super::allocation::Allocation;
use super::index::{DeviceIndex, Entry};
use super::shifting::Movement;
use crate::addresses;
use crate::catalogue::Catalogue;
use crate::device::{Device, DeviceSpec, DeviceState, IpAddress, IpSpec, MetroSpec};
use crate::ids::{self, Kind};
use crate::project::Project;
use crate::reservation::{Reservation, ReservationKind};
use jiff::Timestamp;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::time::Duration;
use tokio::time::Instant;
use uuid::Uuid;

/// When the first device was created, 2021-06-01; each one after it is a second younger, so that runs can be repeated.
const FIRST_CREATION: i64 = 1_622_505_600;

/// What a device is about to do by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Transition {
    Activate,
    Disappear,
}

/// A reservation to be made.
#[derive(Debug)]
pub(crate) struct NewReservation {
    pub(crate) kind: ReservationKind,
    pub(crate) addresses: u32,
    pub(crate) facility: Option<String>,
    pub(crate) metro: Option<String>,
    pub(crate) attributes: Map<String, Value>,
}

/// The simulated API's memory.
#[derive(Debug)]
pub(crate) struct State {
    pub(super) seed: u64,
    /// How many devices were ever created: the number of the next one.
    created: u64,
    /// How many reservations and later assignments were ever made.
    numbered: u64,
    pub(crate) catalogue: Catalogue,
    pub(crate) devices: DeviceIndex,
    projects: HashMap<Uuid, (Project, Access)>,
    reservations: BTreeMap<u64, Reservation>,
    allocation: Allocation,
    due: Vec<(Instant, String, Transition)>,
    /// When the first of it is: everybody who asks anything looks here.
    next_due: Option<Instant>,
    pub(crate) provision_time: Duration,
    pub(crate) deprovision_time: Duration,
    pub(super) movement: Movement,
}

impl State {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            seed,
            created: 0,
            numbered: 0,
            catalogue: Catalogue::stock(),
            devices: DeviceIndex::default(),
            projects: HashMap::new(),
            reservations: BTreeMap::new(),
            allocation: Allocation::default(),
            due: Vec::new(),
            next_due: None,
            provision_time: Duration::ZERO,
            deprovision_time: Duration::ZERO,
            movement: Movement::default(),
        }
    }

    pub(crate) fn create_device(&mut self, project: Uuid, spec: DeviceSpec) -> Device {
        let device = self.make_device(project, spec);
        self.devices.insert(Entry::new(device.clone()));
        device
    }

    /// Creates a device that nobody wants to look at now; answers its id.
    pub(super) fn add_device(&mut self, project: Uuid, spec: DeviceSpec) -> Uuid {
        let device = self.make_device(project, spec);
        let id = device.id;
        self.devices.insert(Entry::new(device));
        id
    }

    /// Creates a device before all others.
    pub(super) fn create_at_the_front(&mut self, project: Uuid, spec: DeviceSpec) {
        let device = self.make_device(project, spec);
        self.devices.insert_at_the_front(Entry::new(device));
    }

    fn make_device(&mut self, project: Uuid, spec: DeviceSpec) -> Device {
        let n = self.created;
        self.created += 1;
        let id = spec.id.unwrap_or_else(|| ids::numbered(self.seed, Kind::Device, n));
        let specs = spec.ips.unwrap_or_else(|| default_addresses(n));
        let metro = match spec.metro {
            MetroSpec::Given(metro) => metro,
            MetroSpec::OfFacility => {
                spec.facility.as_deref().and_then(|code| self.catalogue.facility(code)?.metro.clone())
            }
        };
        let created_at = created_at(n);
        Device {
            id,
            project,
            hostname: spec.hostname,
            state: spec.state,
            plan: spec.plan,
            facility: spec.facility,
            metro,
            operating_system: spec.operating_system,
            ip_addresses: (0..).zip(specs).map(|(i, spec)| IpAddress::from_spec(id, i, spec)).collect(),
            tags: spec.tags,
            locked: spec.locked,
            hardware_reservation: spec.hardware_reservation,
            spot_instance: spec.spot_instance,
            updated_at: created_at.clone(),
            created_at,
            attributes: spec.attributes,
            realistic_size: spec.realistic_size,
        }
    }

    /// The address specifications that a request for these families gets: as many as asked for, from this device's numbers.
    pub(crate) fn next_addresses(&self, wanted: &[(bool, bool)]) -> Vec<IpSpec> {
        let [public_v4, public_v6, private_v4] = default_addresses(self.created)[..] else {
            return Vec::new();
        };
        let spec = |&(ipv6, public): &(bool, bool)| match (ipv6, public) {
            (true, _) => public_v6,
            (false, true) => public_v4,
            (false, false) => private_v4,
        };
        wanted.iter().map(spec).collect()
    }

    /// The number of the device that is created next.
    pub(crate) const fn next_device_number(&self) -> u64 {
        self.created
    }

    /// A hardware reservation for the device that is created next.
    pub(crate) fn next_hardware_reservation(&self) -> Uuid {
        ids::numbered(self.seed, Kind::HardwareReservation, self.created)
    }

    /// Starts a device's way from `queued` to `active`; says in which state it is for now.
    pub(crate) fn provision(&mut self, id: Uuid) -> DeviceState {
        if self.provision_time.is_zero() {
            return DeviceState::Active;
        }
        self.later(self.provision_time, id, Transition::Activate);
        DeviceState::Queued
    }

    /// Starts a device's way out.
    pub(crate) fn deprovision(&mut self, id: Uuid) {
        let key = id.to_string();
        if self.deprovision_time.is_zero() {
            self.devices.remove(&key);
            return;
        }
        self.devices.update(&key, |device| device.state = DeviceState::Deprovisioning);
        self.later(self.deprovision_time, id, Transition::Disappear);
    }

    fn later(&mut self, time: Duration, id: Uuid, transition: Transition) {
        // A time that the clock cannot count to never comes.
        if let Some(at) = Instant::now().checked_add(time) {
            self.due.push((at, id.to_string(), transition));
            self.next_due = Some(self.next_due.map_or(at, |next| next.min(at)));
        }
    }

    pub(crate) fn is_anything_due(&self) -> bool {
        self.next_due.is_some_and(|at| at <= Instant::now())
    }

    pub(crate) fn do_what_is_due(&mut self) {
        if !self.is_anything_due() {
            return;
        }
        let now = Instant::now();
        for (_, id, transition) in self.due.extract_if(.., |(at, _, _)| *at <= now) {
            match transition {
                Transition::Disappear => {
                    self.devices.remove(&id);
                }
                Transition::Activate => {
                    self.devices.update(&id, |device| {
                        // Somebody may have moved it on meanwhile.
                        if device.state == DeviceState::Queued {
                            device.state = DeviceState::Active;
                        }
                    });
                }
            }
        }
        self.next_due = self.due.iter().map(|(at, _, _)| *at).min();
    }

    pub(crate) fn put_project(&mut self, project: Project, access: Access) {
        self.projects.insert(project.id, (project, access));
    }

    pub(crate) fn project(&self, id: &Uuid) -> Option<&(Project, Access)> {
        self.projects.get(id)
    }

    pub(crate) fn project_mut(&mut self, id: &Uuid) -> Option<&mut Project> {
        self.projects.get_mut(id).map(|(project, _)| project)
    }

    pub(crate) fn set_access(&mut self, id: &Uuid, access: Access) -> bool {
        self.projects.get_mut(id).map(|(_, there)| *there = access).is_some()
    }

    pub(crate) fn remove_project(&mut self, id: &Uuid) -> bool {
        self.devices.remove_project(id);
        self.reservations.retain(|_, reservation| reservation.project != *id);
        self.projects.remove(id).is_some()
    }

    /// Makes a reservation, unless the address space is used up.
    pub(crate) fn reserve(&mut self, project: Uuid, new: NewReservation) -> Option<Reservation> {
        let block = self.allocation.block(new.kind, new.addresses)?;
        let n = self.next_number();
        let reservation = Reservation {
            id: ids::numbered(self.seed, Kind::Reservation, n),
            project,
            kind: new.kind,
            network: block.network,
            cidr: block.cidr,
            facility: new.facility,
            metro: new.metro,
            created_at: created_at(n),
            attributes: new.attributes,
        };
        self.reservations.insert(n, reservation.clone());
        Some(reservation)
    }

    pub(crate) fn reservations_of(&self, project: &Uuid) -> impl Iterator<Item = &Reservation> {
        let project = *project;
        self.reservations.values().filter(move |reservation| reservation.project == project)
    }

    pub(crate) fn reservation(&self, id: &Uuid) -> Option<&Reservation> {
        self.reservations.values().find(|reservation| reservation.id == *id)
    }

    pub(crate) fn reservation_mut(&mut self, id: &Uuid) -> Option<&mut Reservation> {
        self.reservations.values_mut().find(|reservation| reservation.id == *id)
    }

    pub(crate) fn remove_reservation(&mut self, id: &Uuid) {
        self.reservations.retain(|_, reservation| reservation.id != *id);
    }

    /// The addresses that devices have from a reservation.
    pub(crate) fn assignments_of(&self, reservation: &Reservation) -> impl Iterator<Item = (&Device, &IpAddress)> {
        let id = reservation.id;
        self.devices.of_project(&reservation.project, "").filter_map(Entry::device).flat_map(move |device| {
            let from_it = move |address: &&IpAddress| address.reservation == Some(id);
            device.ip_addresses.iter().filter(from_it).map(move |address| (device, address))
        })
    }

    /// Gives a device an address from a reservation; answers the assignment.
    pub(crate) fn assign(
        &mut self,
        device: Uuid,
        (address, cidr): (IpAddr, u8),
        from: &Reservation,
        attributes: Map<String, Value>,
    ) -> Option<IpAddress> {
        let spec = IpSpec::new(address, from.kind.is_public()).cidr(cidr).management(false);
        let n = self.next_number();
        let mut assignment = IpAddress::from_spec(device, n, spec);
        // The numbers of the addresses that a device is born with start at 0 in its own sequence; these have another.
        assignment.id = ids::numbered(self.seed, Kind::Address, n);
        assignment.reservation = Some(from.id);
        assignment.attributes = attributes;
        let added = assignment.clone();
        self.devices.update(&device.to_string(), |device| device.ip_addresses.push(added)).then_some(assignment)
    }

    fn next_number(&mut self) -> u64 {
        self.numbered += 1;
        self.numbered
    }
}

/// One public IPv4, one public IPv6 and one private IPv4 address, in the API's order.
fn default_addresses(n: u64) -> Vec<IpSpec> {
    vec![
        IpSpec::new(addresses::public_v4(n), true),
        IpSpec::new(addresses::public_v6(n), true),
        IpSpec::new(addresses::private_v4(n), false),
    ]
}

fn created_at(n: u64) -> String {
    let seconds = i64::try_from(n).unwrap_or_default();
    Timestamp::from_second(FIRST_CREATION.saturating_add(seconds)).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}
