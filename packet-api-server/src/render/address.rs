//! Addresses as JSON: a device's assignments, a project's reservations.

use super::device::{Json, raw};
use super::place::{facility_named, metro_named};
use super::reference::{Either, Href, Path};
use super::{Renderer, href, path, project};
use crate::device::{Device, IpAddress};
use crate::reservation::Reservation;
use crate::selection::Selection;
use crate::store::State;
use serde::Serialize;
use serde_json::{Value, json};
use std::net::IpAddr;
use uuid::Uuid;

/// An assignment as the API shows it.
#[derive(Serialize)]
#[expect(clippy::struct_excessive_bools, reason = "the API's own shape")]
pub(super) struct AssignmentJson<'d> {
    id: Uuid,
    href: Path,
    #[serde(rename = "type")]
    kind: &'static str,
    address: IpAddr,
    address_family: u8,
    cidr: u8,
    created_at: &'d str,
    customdata: Empty,
    enabled: bool,
    gateway: IpAddr,
    global_ip: bool,
    manageable: bool,
    management: bool,
    netmask: IpAddr,
    network: IpAddr,
    parent_block: ParentBlock,
    public: bool,
    state: &'static str,
    tags: [(); 0],
    assigned_to: Either<Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metro: Option<Json>,
}

/// The block that an address is out of.
#[derive(Serialize)]
struct ParentBlock {
    cidr: u8,
    href: Path,
    netmask: IpAddr,
    network: IpAddr,
}

#[derive(Serialize)]
struct Empty {}

/// An assignment, or what was made of it by a client.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Assignment<'d> {
    AsItCame(Box<AssignmentJson<'d>>),
    Changed(Value),
}

/// An assignment; its metro comes in full, the device as a reference, unless asked otherwise.
pub(crate) fn assignment(state: &State, device: &Device, address: &IpAddress, selection: &Selection) -> Value {
    let metro = device.metro.as_ref();
    let metro = metro.map(|code| raw(&metro_named(&state.catalogue, code, selection.shows("metro", true))));
    let json = assignment_with(state, device, address, selection, metro);
    serde_json::to_value(json).unwrap_or_default()
}

/// The same, with its metro written already.
pub(super) fn assignment_with<'d>(
    state: &State,
    device: &'d Device,
    address: &IpAddress,
    selection: &Selection,
    metro: Option<Json>,
) -> Assignment<'d> {
    let block = address.block();
    // The reservation if there is one, else the pair that came with the device.
    let (parent, parent_id) = match address.reservation.and_then(|id| state.reservation(&id)) {
        Some(from) => (from.block(), from.id),
        None => (block, address.id),
    };
    let json = AssignmentJson {
        id: address.id,
        href: Path::new("ips", address.id),
        kind: "IPAssignment",
        address: address.address,
        address_family: address.family,
        cidr: block.cidr,
        created_at: &device.created_at,
        customdata: Empty {},
        enabled: true,
        gateway: parent.gateway(),
        global_ip: false,
        manageable: true,
        management: address.management,
        netmask: block.netmask,
        network: block.network,
        parent_block: ParentBlock {
            cidr: parent.cidr,
            href: Path::new("ips", parent_id),
            netmask: parent.netmask,
            network: parent.network,
        },
        public: address.public,
        state: "active",
        tags: [],
        assigned_to: if selection.shows("assigned_to", false) {
            Either::Full(Renderer::new(state, selection.of("assigned_to")).value(device))
        } else {
            Either::Href(Href::new("devices", device.id))
        },
        metro,
    };
    if address.attributes.is_empty() {
        return Assignment::AsItCame(Box::new(json));
    }
    let mut json = serde_json::to_value(json).unwrap_or_default();
    if let Value::Object(json) = &mut json {
        json.extend(address.attributes.clone());
    }
    Assignment::Changed(json)
}

/// A reservation; its places come in full, its project and its assignments as references, unless asked otherwise.
pub(crate) fn reservation(state: &State, reservation: &Reservation, selection: &Selection) -> Value {
    let block = reservation.block();
    let owner = state.project(&reservation.project).map(|(project, _)| project);
    let assignments = state.assignments_of(reservation).map(|(device, address)| {
        if selection.shows("assignments", false) {
            assignment(state, device, address, selection.of("assignments"))
        } else {
            href("ips", address.id)
        }
    });
    let mut json = json!({
        "id": reservation.id,
        "href": path("ips", reservation.id),
        "type": reservation.kind.as_str(),
        "addon": true,
        "address": block.network,
        "address_family": if block.network.is_ipv4() { 4 } else { 6 },
        "assignments": assignments.collect::<Vec<_>>(),
        "available": format!("/{}", block.cidr),
        "bill": reservation.kind.is_public(),
        "cidr": block.cidr,
        "created_at": reservation.created_at,
        "customdata": {},
        "enabled": true,
        "gateway": block.gateway(),
        "global_ip": reservation.kind.is_global(),
        "manageable": true,
        "management": false,
        "netmask": block.netmask,
        "network": block.network,
        "public": reservation.kind.is_public(),
        "state": "created",
        "tags": [],
        "project_lite": href("projects", reservation.project),
        "project": match owner {
            Some(owner) if selection.shows("project", false) => project::project(state, owner, selection.of("project")),
            _ => href("projects", reservation.project),
        },
    });
    if let Some(owner) = owner {
        json["requested_by"] = href("users", owner.user());
    }
    if let Some(code) = &reservation.metro {
        json["metro"] = metro_named(&state.catalogue, code, selection.shows("metro", true));
    }
    if let Some(code) = &reservation.facility {
        let full = selection.shows("facility", true);
        json["facility"] = facility_named(&state.catalogue, code, full, selection.of("facility"));
    }
    if let Value::Object(json) = &mut json {
        json.extend(reservation.attributes.clone());
    }
    json
}
