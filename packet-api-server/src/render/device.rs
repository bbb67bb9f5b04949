//! Devices as JSON. A page holds up to a thousand of some 6 KB each, nearly all of it shared between them, so what is shared
//! is written once per page and copied.

use super::address::{Assignment, assignment_with};
use super::bulk::{Bulk, Labels};
use super::events::{EventJson, events};
use super::place::{facility_named, metro_named, operating_system_named, plan_named};
use super::ports::{PortJson, ports};
use super::reference::{Either, Href, Path};
use super::{href, path, project};
use crate::device::{Device, DeviceState};
use crate::ids::{self, Kind};
use crate::selection::Selection;
use crate::store::State;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// Ready-made JSON.
#[derive(Clone)]
pub(super) struct Json(Arc<RawValue>);

impl Serialize for Json {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// What a device shows of its project.
#[derive(Clone)]
struct OfProject {
    project: Json,
    created_by: Json,
    ssh_key: Json,
}

/// Writes the devices of one answer.
pub(crate) struct Renderer<'a> {
    state: &'a State,
    selection: &'a Selection,
    /// The parts that devices share, by the resource's name and what tells one from another.
    shared: HashMap<&'static str, HashMap<String, Json>>,
    projects: HashMap<Uuid, OfProject>,
}

/// A device as the API shows it.
#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "the API's own shape")]
struct DeviceJson<'a> {
    id: Uuid,
    short_id: String,
    href: Path,
    hostname: &'a str,
    state: &'a str,
    tags: &'a [String],
    locked: bool,
    spot_instance: bool,
    created_at: &'a str,
    updated_at: &'a str,
    always_pxe: bool,
    billing_cycle: &'a str,
    bonding_mode: u8,
    customdata: Labels<'a>,
    image_url: &'a str,
    ipxe_script_url: &'a str,
    iqn: String,
    network_frozen: bool,
    provisioning_percentage: f32,
    sos: String,
    switch_uuid: String,
    user: &'a str,
    userdata: &'a str,
    volumes: [(); 0],
    ip_addresses: Vec<Either<Assignment<'a>>>,
    network_ports: [Either<PortJson>; 3],
    project_lite: Href,
    provisioning_events: Vec<Either<EventJson<'a>>>,
    operating_system: Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    facility: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metro: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    project: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    created_by: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ssh_keys: Option<Vec<Either<Json>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hardware_reservation: Option<Value>,
}

impl<'a> Renderer<'a> {
    pub(crate) fn new(state: &'a State, selection: &'a Selection) -> Self {
        Self { state, selection, shared: HashMap::new(), projects: HashMap::new() }
    }

    /// Writes a device's JSON.
    pub(crate) fn write(&mut self, device: &Device, text: &mut Vec<u8>) {
        if device.attributes.is_empty() {
            // Into memory, of plain data: there is nothing to fail.
            let _ = serde_json::to_writer(text, &self.json(device));
        } else {
            let _ = serde_json::to_writer(text, &self.value(device));
        }
    }

    /// A device's JSON.
    pub(crate) fn value(&mut self, device: &Device) -> Value {
        let mut json = serde_json::to_value(self.json(device)).unwrap_or_default();
        if let Value::Object(json) = &mut json {
            json.extend(device.attributes.clone());
        }
        json
    }

    fn json<'d>(&mut self, device: &'d Device) -> DeviceJson<'d> {
        let (catalogue, selection) = (&self.state.catalogue, self.selection);
        let shows = |name| selection.shows(name, true);
        let bulk = Bulk::of(device);
        let plan = device
            .plan
            .as_ref()
            .map(|slug| self.share("plan", slug, || plan_named(catalogue, slug, shows("plan"), selection.of("plan"))));
        let facility = device.facility.as_ref().map(|code| {
            self.share("facility", code, || {
                facility_named(catalogue, code, shows("facility"), selection.of("facility"))
            })
        });
        let metro = device.metro.as_ref();
        let metro = metro.map(|code| self.share("metro", code, || metro_named(catalogue, code, shows("metro"))));
        let operating_system = self.share("operating_system", &device.operating_system, || {
            operating_system_named(catalogue, &device.operating_system, shows("operating_system"))
        });
        let of_project = self.of_project(device.project);
        DeviceJson {
            id: device.id,
            short_id: device.short_id(),
            href: Path::new("devices", device.id),
            hostname: &device.hostname,
            state: device.state.as_str(),
            tags: &device.tags,
            locked: device.locked,
            spot_instance: device.spot_instance,
            created_at: &device.created_at,
            updated_at: &device.updated_at,
            always_pxe: false,
            billing_cycle: "hourly",
            // 802.3ad, as Packet bonds the ports of its hosts.
            bonding_mode: 4,
            customdata: bulk.customdata,
            image_url: "",
            ipxe_script_url: "",
            iqn: format!("iqn.2021-06.net.packet:device.{}", device.short_id()),
            network_frozen: false,
            provisioning_percentage: if device.state == DeviceState::Active { 100.0 } else { 0.0 },
            sos: format!("{}@sos.{}.platformequinix.com", device.id, device.facility.as_deref().unwrap_or("any")),
            switch_uuid: ids::short(ids::of(device.id, Kind::Switch, 0)),
            user: "root",
            userdata: bulk.userdata,
            volumes: [],
            ip_addresses: self.addresses(device),
            network_ports: ports(device, shows("network_ports")),
            project_lite: Href::new("projects", device.project),
            provisioning_events: events(device, bulk.reboots, selection.shows("provisioning_events", false)),
            operating_system,
            plan,
            facility,
            metro,
            project: of_project.as_ref().map(|shared| shared.project.clone()),
            created_by: of_project.as_ref().map(|shared| shared.created_by.clone()),
            ssh_keys: of_project.map(|shared| keys(shared.ssh_key, device, bulk.keys)),
            hardware_reservation: device.hardware_reservation.map(|id| self.hardware_reservation(device, id)),
        }
    }

    fn share(&mut self, resource: &'static str, name: &str, write: impl FnOnce() -> Value) -> Json {
        let shared = self.shared.entry(resource).or_default();
        if let Some(json) = shared.get(name) {
            return json.clone();
        }
        shared.entry(name.to_owned()).or_insert(raw(&write())).clone()
    }

    fn of_project(&mut self, id: Uuid) -> Option<OfProject> {
        if let Some(shared) = self.projects.get(&id) {
            return Some(shared.clone());
        }
        let (owner, _) = self.state.project(&id)?;
        let selection = self.selection;
        let shared = OfProject {
            project: raw(&if selection.shows("project", false) {
                project::project(self.state, owner, selection.of("project"))
            } else {
                href("projects", id)
            }),
            created_by: raw(&if selection.shows("created_by", true) {
                project::user(owner)
            } else {
                href("users", owner.user())
            }),
            ssh_key: raw(&if selection.shows("ssh_keys", false) {
                project::ssh_key(owner)
            } else {
                href("ssh-keys", owner.ssh_key())
            }),
        };
        self.projects.insert(id, shared.clone());
        Some(shared)
    }

    fn addresses<'d>(&mut self, device: &'d Device) -> Vec<Either<Assignment<'d>>> {
        if !self.selection.shows("ip_addresses", true) {
            return device.ip_addresses.iter().map(|address| Either::Href(Href::new("ips", address.id))).collect();
        }
        let (state, selection) = (self.state, self.selection.of("ip_addresses"));
        let metro = device.metro.as_ref().map(|code| {
            self.share("ip_addresses.metro", code, || {
                metro_named(&state.catalogue, code, selection.shows("metro", true))
            })
        });
        let addresses = device.ip_addresses.iter();
        addresses
            .map(|address| Either::Full(assignment_with(state, device, address, selection, metro.clone())))
            .collect()
    }

    fn hardware_reservation(&self, device: &Device, id: Uuid) -> Value {
        if !self.selection.shows("hardware_reservation", false) {
            return href("hardware-reservations", id);
        }
        let mut json = json!({
            "id": id,
            "short_id": ids::short(id),
            "href": path("hardware-reservations", id),
            "created_at": device.created_at,
            "custom_rate": 0.0,
            "need_of_service": false,
            "provisionable": false,
            "spare": false,
            "device": href("devices", device.id),
            "project": href("projects", device.project),
        });
        if let Some(slug) = &device.plan {
            let selection = self.selection.of("hardware_reservation");
            json["plan"] = plan_named(&self.state.catalogue, slug, selection.shows("plan", true), selection.of("plan"));
        }
        json
    }
}

pub(super) fn raw(value: &Value) -> Json {
    // A value's own text is JSON, so this does not fail; null would be its visible sign.
    Json(to_raw_value(value).map_or_else(|_| Arc::from(RawValue::NULL.to_owned()), Arc::from))
}

/// The project's key, and references to those that the device has besides, which are the project's, too.
fn keys(of_project: Json, device: &Device, more: u64) -> Vec<Either<Json>> {
    let more = (0..more).map(|n| Either::Href(Href::new("ssh-keys", ids::of(device.project, Kind::Bulk, n))));
    std::iter::once(Either::Full(of_project)).chain(more).collect()
}
