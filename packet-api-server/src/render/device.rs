//! Devices as JSON. A page holds up to a thousand of some 6 KB each, nearly all of it shared between them, so what is shared
//! is written once per page and copied.

use super::bulk::Bulk;
use super::place::{facility_named, metro_named, operating_system_named, plan_named};
use super::{address, href, path, project};
use crate::device::{Device, DeviceState};
use crate::ids::{self, Kind};
use crate::selection::Selection;
use crate::store::State;
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value, json};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

/// Ready-made JSON.
#[derive(Clone)]
struct Json(Arc<RawValue>);

impl Serialize for Json {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

/// What a device went through while it was provisioned, as (type, text).
const PROVISIONING: [(&str, &str); 4] = [
    ("provisioning.101", "Device details stored and device is being assigned to hardware"),
    ("provisioning.102", "Network addresses assigned"),
    ("provisioning.106", "Operating system packages are being installed"),
    ("provisioning.109", "Installation finished, rebooting into the operating system"),
];

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
    shared: HashMap<(&'static str, String), Json>,
    projects: HashMap<Uuid, OfProject>,
}

/// A device as the API shows it.
#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "the API's own shape")]
struct DeviceJson<'a> {
    id: Uuid,
    short_id: String,
    href: String,
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
    customdata: Map<String, Value>,
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
    ip_addresses: Vec<Value>,
    network_ports: Vec<Value>,
    project_lite: Value,
    provisioning_events: Vec<Value>,
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
    ssh_keys: Option<Vec<Json>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    hardware_reservation: Option<Value>,
}

impl<'a> Renderer<'a> {
    pub(crate) fn new(state: &'a State, selection: &'a Selection) -> Self {
        Self { state, selection, shared: HashMap::new(), projects: HashMap::new() }
    }

    /// A device's JSON.
    pub(crate) fn device(&mut self, device: &Device) -> Vec<u8> {
        let json = self.json(device);
        if device.attributes.is_empty() {
            return serde_json::to_vec(&json).unwrap_or_default();
        }
        let mut json = serde_json::to_value(&json).unwrap_or_default();
        if let Value::Object(json) = &mut json {
            json.extend(device.attributes.clone());
        }
        json.to_string().into_bytes()
    }

    fn json<'d>(&mut self, device: &'d Device) -> DeviceJson<'d> {
        let (catalogue, selection) = (&self.state.catalogue, self.selection);
        let shows = |name| selection.shows(name, true);
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
        let bulk = Bulk::of(device);
        DeviceJson {
            id: device.id,
            short_id: device.short_id(),
            href: path("devices", device.id),
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
            project_lite: href("projects", device.project),
            provisioning_events: events(device, bulk.events, selection.shows("provisioning_events", false)),
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
        self.shared.entry((resource, name.to_owned())).or_insert_with(|| raw(&write())).clone()
    }

    fn of_project(&mut self, id: Uuid) -> Option<OfProject> {
        if let Some(shared) = self.projects.get(&id) {
            return Some(shared.clone());
        }
        let (owner, _) = self.state.project(&id)?;
        let selection = self.selection;
        let shared = OfProject {
            project: raw(&if selection.shows("project", false) {
                project::project(self.state, owner, selection.of("project"), false)
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

    fn addresses(&self, device: &Device) -> Vec<Value> {
        let full = self.selection.shows("ip_addresses", true);
        let selection = self.selection.of("ip_addresses");
        let json = |address| {
            if full { address::assignment(self.state, device, address, selection) } else { href("ips", address.id) }
        };
        device.ip_addresses.iter().map(json).collect()
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

fn raw(value: &Value) -> Json {
    // A value's own text is JSON, so this does not fail; null would be its visible sign.
    Json(to_raw_value(value).map_or_else(|_| Arc::from(RawValue::NULL.to_owned()), Arc::from))
}

/// The bond and its two ports.
fn ports(device: &Device, full: bool) -> Vec<Value> {
    let [bond_mac, first_mac, second_mac] = device.mac_addresses();
    let bond = ids::of(device.id, Kind::BondPort, 0);
    let ports = [
        ("bond0", "NetworkBondPort", bond, bond_mac),
        ("eth0", "NetworkPort", ids::of(device.id, Kind::FirstPort, 0), first_mac),
        ("eth1", "NetworkPort", ids::of(device.id, Kind::SecondPort, 0), second_mac),
    ];
    let json = |(name, kind, id, mac): (&str, &str, Uuid, String)| {
        if !full {
            return href("ports", id);
        }
        let mut json = json!({
            "id": id,
            "href": path("ports", id),
            "type": kind,
            "name": name,
            "data": {"bonded": true, "mac": mac},
            "disbond_operation_supported": id != bond,
            "virtual_networks": [],
        });
        if id == bond {
            json["network_type"] = json!("layer3");
        } else {
            json["bond"] = json!({"id": bond, "name": "bond0"});
        }
        json
    };
    ports.into_iter().map(json).collect()
}

/// The project's key, and references to those that the device has besides.
fn keys(of_project: Json, device: &Device, more: u64) -> Vec<Json> {
    let more = (0..more).map(|n| raw(&href("ssh-keys", ids::of(device.project, Kind::Bulk, n))));
    std::iter::once(of_project).chain(more).collect()
}

/// What happened to a device; `more` is how often it was reinstalled at the end of its provisioning.
fn events(device: &Device, more: u64, full: bool) -> Vec<Value> {
    let json = |(n, (kind, text)): (u64, (&str, &str))| {
        let id = ids::of(device.id, Kind::Event, n);
        if !full {
            return href("events", id);
        }
        json!({
            "id": id,
            "href": path("events", id),
            "type": kind,
            "body": text,
            "interpolated": text,
            "state": "public",
            "created_at": device.created_at,
            "relationships": [href("devices", device.id)],
        })
    };
    let [.., last] = PROVISIONING;
    let repeated = (0..more).map(|_| last);
    (0..).zip(PROVISIONING.into_iter().chain(repeated)).map(json).collect()
}
