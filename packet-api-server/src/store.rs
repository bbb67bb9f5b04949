//! Everything that the simulated API knows, behind one lock: what tests seed and inspect, and what the routes serve.

#![allow(clippy::must_use_candidate, reason = "tests seed for the effect as often as for the answer")]

mod allocation;
mod hostnames;
mod index;
mod shifting;
mod state;

pub(crate) use index::{Body, Entry};
pub use shifting::Shifting;
pub(crate) use state::{NewReservation, State};

use crate::auth::Token;
use crate::catalogue::{Facility, Metro, OperatingSystem, Plan};
use crate::device::{Device, DeviceSpec, DeviceState};
use crate::fleet::Fleet;
use crate::project::Project;
use crate::reservation::Reservation;
use serde_json::Value;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use uuid::Uuid;

/// Whether the token may see a project and what belongs to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// It may.
    Allowed,
    /// It may not: 403.
    Forbidden,
}

/// The simulated API's memory. Clones share it; every call sees the effect of the calls before it, whoever made them.
#[derive(Debug, Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    token: Token,
    default_project: Uuid,
    state: RwLock<State>,
}

impl Store {
    /// A store with the stock catalogue, one project and no devices.
    pub(crate) fn new(seed: u64, token: String, project: Uuid) -> Self {
        let mut state = State::new(seed);
        state.put_project(Project::new(project, "simulated project"), Access::Allowed);
        Self {
            shared: Arc::new(Shared { token: Token::new(token), default_project: project, state: RwLock::new(state) }),
        }
    }

    /// Creates a device in the server's own project, after those that are there.
    pub fn create_device(&self, spec: DeviceSpec) -> Device {
        self.create_device_in(self.shared.default_project, spec)
    }

    /// Creates a device in this project, which need not be one that the token may see.
    pub fn create_device_in(&self, project: Uuid, spec: DeviceSpec) -> Device {
        self.write(|state| state.create_device(project, spec))
    }

    /// Creates `n` devices in the server's own project, each as [`DeviceSpec::new`] has it, named `prefix` and a number
    /// from `0000`.
    pub fn create_devices(&self, n: usize, prefix: &str) -> Vec<Device> {
        self.write(|state| {
            let project = self.shared.default_project;
            (0..n).map(|i| state.create_device(project, DeviceSpec::new(format!("{prefix}{i:04}")))).collect()
        })
    }

    /// Creates as many devices as are in a fleet, in the server's own project, after those that are there. Answers their
    /// ids, in the order of their numbers.
    pub fn create_fleet(&self, fleet: &Fleet) -> Vec<Uuid> {
        let project = self.shared.default_project;
        self.write(|state| fleet.specs().map(|spec| state.add_device(project, spec)).collect())
    }

    /// The device of this id. One that was put in raw is not a [`Device`] and is not found here.
    #[must_use]
    pub fn device(&self, id: &Uuid) -> Option<Device> {
        self.read(|state| state.devices.get(&id.to_string()).and_then(Entry::device).cloned())
    }

    /// The devices with exactly this hostname, in creation order.
    #[must_use]
    pub fn devices_named(&self, hostname: &str) -> Vec<Device> {
        self.read(|state| state.devices.named(hostname).filter_map(Entry::device).cloned().collect())
    }

    /// Every device of every project, in creation order; those that were put in raw are not among them.
    #[must_use]
    pub fn devices(&self) -> Vec<Device> {
        self.read(|state| state.devices.all().filter_map(Entry::device).cloned().collect())
    }

    /// How many devices all projects have together, without those that were put in raw.
    #[must_use]
    pub fn device_count(&self) -> usize {
        self.read(|state| state.devices.all().filter(|entry| entry.device().is_some()).count())
    }

    /// Removes a device at once, locked or not, raw or not: the API answers 404 from now on. Returns whether it was there.
    pub fn delete_device(&self, id: &Uuid) -> bool {
        self.write(|state| state.devices.remove(&id.to_string()))
    }

    /// Puts a device into a state. Returns whether it was there.
    pub fn set_device_state(&self, id: &Uuid, to: DeviceState) -> bool {
        self.update_device(id, |device| device.state = to)
    }

    /// Changes a device in place; its id stays what it was. Returns whether it was there.
    pub fn update_device(&self, id: &Uuid, change: impl FnOnce(&mut Device)) -> bool {
        self.write(|state| state.devices.update(&id.to_string(), change))
    }

    /// Puts in a device that is served word for word, however wrong: without an id, with a string for `ip_addresses`, with
    /// nulls, with an id that is no UUID. It takes its place in the lists of the server's own project, in creation order,
    /// and answers under `/devices/{id}` where it has an `id` that is a string.
    pub fn put_raw_device(&self, device: Value) {
        self.write(|state| state.devices.insert(Entry::raw(self.shared.default_project, device)));
    }

    /// Removes a raw device by its `id`, whatever that looks like. Returns whether it was there.
    pub fn delete_raw_device(&self, id: &str) -> bool {
        self.write(|state| state.devices.remove(id))
    }

    /// Rotates the token: from now on this one works and the one before is refused.
    pub fn set_token(&self, token: &str) {
        self.shared.token.rotate(token);
    }

    /// Adds a project, or replaces the one of the same id, with the access that the token has to it.
    pub fn add_project(&self, project: Project, access: Access) {
        self.write(|state| state.put_project(project, access));
    }

    /// The project of this id, whether the token may see it or not.
    #[must_use]
    pub fn project(&self, id: &Uuid) -> Option<Project> {
        self.read(|state| state.project(id).map(|(project, _)| project.clone()))
    }

    /// Takes a project away with all that belongs to it: 404 from now on. Returns whether it was there.
    pub fn remove_project(&self, id: &Uuid) -> bool {
        self.write(|state| state.remove_project(id))
    }

    /// The token loses its right to a project and to what belongs to it: 403 from now on. Returns whether it was there.
    pub fn forbid_project(&self, id: &Uuid) -> bool {
        self.write(|state| state.set_access(id, Access::Forbidden))
    }

    /// The token gets its right to a project back. Returns whether the project was there.
    pub fn allow_project(&self, id: &Uuid) -> bool {
        self.write(|state| state.set_access(id, Access::Allowed))
    }

    /// How long a device that is created over HTTP takes from `queued` to `active`. No time at first.
    pub fn set_provision_time(&self, time: Duration) {
        self.write(|state| state.provision_time = time);
    }

    /// How long a device that is deleted over HTTP stays visible as `deprovisioning` before it answers 404. No time at
    /// first; with [`Duration::MAX`] it stays until [`delete_device`](Self::delete_device).
    pub fn set_deprovision_time(&self, time: Duration) {
        self.write(|state| state.deprovision_time = time);
    }

    /// Adds a facility, or replaces the one of the same code.
    pub fn add_facility(&self, facility: Facility) {
        self.write(|state| {
            put(&mut state.catalogue.facilities, facility, |one, other| one.code == other.code);
        });
    }

    /// Every facility, in the API's order.
    #[must_use]
    pub fn facilities(&self) -> Vec<Facility> {
        self.read(|state| state.catalogue.facilities.clone())
    }

    /// Adds a metro, or replaces the one of the same code.
    pub fn add_metro(&self, metro: Metro) {
        self.write(|state| put(&mut state.catalogue.metros, metro, |one, other| one.code == other.code));
    }

    /// Every metro, in the API's order.
    #[must_use]
    pub fn metros(&self) -> Vec<Metro> {
        self.read(|state| state.catalogue.metros.clone())
    }

    /// Adds a plan, or replaces the one of the same slug.
    pub fn add_plan(&self, plan: Plan) {
        self.write(|state| put(&mut state.catalogue.plans, plan, |one, other| one.slug == other.slug));
    }

    /// Every plan, in the API's order.
    #[must_use]
    pub fn plans(&self) -> Vec<Plan> {
        self.read(|state| state.catalogue.plans.clone())
    }

    /// Adds an operating system, or replaces the one of the same slug.
    pub fn add_operating_system(&self, system: OperatingSystem) {
        self.write(|state| {
            put(&mut state.catalogue.operating_systems, system, |one, other| one.slug == other.slug);
        });
    }

    /// Every reservation of a project, in creation order.
    #[must_use]
    pub fn reservations(&self, project: &Uuid) -> Vec<Reservation> {
        self.read(|state| state.reservations_of(project).cloned().collect())
    }

    /// How lists of devices move while they are read; not at all at first, and with `None` from now on. What a
    /// [`Shifting`] has put into them goes when it is lifted or replaced.
    pub fn set_shifting(&self, shifting: Option<Shifting>) {
        self.write(|state| state.set_shifting(shifting));
    }

    /// How lists of devices move while they are read.
    #[must_use]
    pub fn shifting(&self) -> Option<Shifting> {
        self.read(State::shifting)
    }

    /// Moves the list of a project's devices, if lists move.
    pub(crate) fn shift(&self, project: Uuid) {
        if self.shifting().is_some() {
            self.write(|state| state.shift(project));
        }
    }

    pub(crate) fn token(&self) -> &Token {
        &self.shared.token
    }

    pub(crate) fn default_project(&self) -> Uuid {
        self.shared.default_project
    }

    /// Looks, once what is due has happened.
    pub(crate) fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        let state = self.shared.state.read().unwrap_or_else(PoisonError::into_inner);
        if !state.is_anything_due() {
            return look(&state);
        }
        drop(state);
        self.write(|state| look(state))
    }

    /// Changes, once what is due has happened.
    pub(crate) fn write<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.shared.state.write().unwrap_or_else(PoisonError::into_inner);
        state.do_what_is_due();
        change(&mut state)
    }
}

fn put<T>(list: &mut Vec<T>, item: T, same: impl Fn(&T, &T) -> bool) {
    match list.iter_mut().find(|there| same(there, &item)) {
        Some(there) => *there = item,
        None => list.push(item),
    }
}
