//! Addresses as JSON: a device's assignments, a project's reservations.

use super::place::{facility_named, metro_named};
use super::{Renderer, href, path, project};
use crate::device::{Device, IpAddress};
use crate::reservation::Reservation;
use crate::selection::Selection;
use crate::store::State;
use serde_json::{Value, json};

/// An assignment; its metro comes in full, the device as a reference, unless asked otherwise.
pub(crate) fn assignment(state: &State, device: &Device, address: &IpAddress, selection: &Selection) -> Value {
    let block = address.block();
    // The block that the address is out of: the reservation if there is one, else the pair that came with the device.
    let (parent, parent_href) = match address.reservation.and_then(|id| state.reservation(&id)) {
        Some(from) => (from.block(), path("ips", from.id)),
        None => (block, path("ips", address.id)),
    };
    let mut json = json!({
        "id": address.id,
        "href": path("ips", address.id),
        "type": "IPAssignment",
        "address": address.address,
        "address_family": address.family,
        "cidr": block.cidr,
        "created_at": device.created_at,
        "customdata": {},
        "enabled": true,
        "gateway": parent.gateway(),
        "global_ip": false,
        "manageable": true,
        "management": address.management,
        "netmask": block.netmask,
        "network": block.network,
        "parent_block": {
            "cidr": parent.cidr,
            "href": parent_href,
            "netmask": parent.netmask,
            "network": parent.network,
        },
        "public": address.public,
        "state": "active",
        "tags": [],
        "assigned_to": if selection.shows("assigned_to", false) {
            let mut renderer = Renderer::new(state, selection.of("assigned_to"));
            serde_json::from_slice(&renderer.device(device)).unwrap_or_default()
        } else {
            href("devices", device.id)
        },
    });
    if let Some(code) = &device.metro {
        json["metro"] = metro_named(&state.catalogue, code, selection.shows("metro", true));
    }
    if let Value::Object(json) = &mut json {
        json.extend(address.attributes.clone());
    }
    json
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
            Some(owner) if selection.shows("project", false) => project(state, owner, selection.of("project"), false),
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
