//! `/devices/{id}/ips` and `/ips/{id}`: the addresses of devices.

use super::{Api, devices, enter, query, uuid};
use crate::addresses::Block;
use crate::answer::Refusal;
use crate::body;
use crate::input::{Field, Kind, optional, required};
use crate::render;
use crate::reservation::Reservation;
use crate::selection::Selection;
use crate::store::State as Memory;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use serde_json::{Value, json};
use std::net::IpAddr;
use uuid::Uuid;

const ASSIGN: &[Field] = &[required("address", Kind::Text), optional("customdata", Kind::Object)];
const UPDATE: &[Field] =
    &[optional("details", Kind::Text), optional("customdata", Kind::Object), optional("tags", Kind::List(&Kind::Text))];

pub(super) async fn of_device(
    State(api): State<Api>,
    Path(id): Path<String>,
    uri: Uri,
) -> Result<Json<Value>, Refusal> {
    let selection = query(&uri)?.selection();
    api.store.read(|state| {
        // A device that is served word for word has its addresses served so, too.
        let entry = devices::find(state, &id)?;
        let Some(device) = entry.device() else {
            return Ok(Json(json!({"ip_addresses": entry.raw_addresses()})));
        };
        let addresses = device.ip_addresses.iter();
        let addresses = addresses.map(|address| render::assignment(state, device, address, &selection));
        Ok(Json(json!({"ip_addresses": addresses.collect::<Vec<_>>()})))
    })
}

pub(super) async fn assign(
    State(api): State<Api>,
    Path(id): Path<String>,
    uri: Uri,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let selection = query(&uri)?.selection();
    api.store.write(|state| {
        let Some(device) = devices::find(state, &id)?.device() else {
            return Err(Refusal::unprocessable("this device is served word for word and cannot be assigned addresses"));
        };
        let (device, project) = (device.id, device.project);
        let mut wanted = body::checked(&body, ASSIGN)?;
        let (address, bits) = address(body::text(&wanted, "address").unwrap_or_default())?;
        let from = reservation_with(state, &project, address, bits)?;
        let attributes = body::take(&mut wanted, &["customdata"]);
        let assignment = state.assign(device, (address, bits), &from, attributes).ok_or(Refusal::NotFound)?;
        Ok((StatusCode::CREATED, json_of(state, &assignment.id, &selection)?))
    })
}

pub(super) async fn show(State(api): State<Api>, Path(id): Path<String>, uri: Uri) -> Result<Json<Value>, Refusal> {
    let id = uuid(&id)?;
    let selection = query(&uri)?.selection();
    api.store.read(|state| json_of(state, &id, &selection))
}

pub(super) async fn update(
    State(api): State<Api>,
    Path(id): Path<String>,
    uri: Uri,
    body: Bytes,
) -> Result<Json<Value>, Refusal> {
    let id = uuid(&id)?;
    let selection = query(&uri)?.selection();
    api.store.write(|state| {
        enter(state, &owner(state, &id)?)?;
        // The body is optional; without one nothing changes.
        let update = if body.is_empty() { serde_json::Map::new() } else { body::checked(&body, UPDATE)? };
        let update = body::take(&mut { update }, &["details", "customdata", "tags"]);
        if let Some(reservation) = state.reservation_mut(&id) {
            reservation.attributes.extend(update);
        } else if let Some((device, _)) = state.devices.address(&id) {
            let device = device.id.to_string();
            state.devices.update(&device, |device| {
                for address in device.ip_addresses.iter_mut().filter(|address| address.id == id) {
                    address.attributes.extend(update.clone());
                }
            });
        }
        json_of(state, &id, &selection)
    })
}

/// Unassigns an address, or gives back a reservation that nothing is assigned from.
pub(super) async fn delete(State(api): State<Api>, Path(id): Path<String>) -> Result<StatusCode, Refusal> {
    let id = uuid(&id)?;
    api.store.write(|state| {
        if let Some(reservation) = state.reservation(&id) {
            enter(state, &reservation.project)?;
            if state.assignments_of(reservation).next().is_some() {
                return Err(Refusal::NotNow("Addresses of this reservation are assigned; unassign them first".into()));
            }
            state.remove_reservation(&id);
            return Ok(StatusCode::NO_CONTENT);
        }
        let (device, address) = state.devices.address(&id).ok_or(Refusal::NotFound)?;
        enter(state, &device.project)?;
        if address.management {
            return Err(Refusal::NotNow("An address that the device came with cannot be unassigned".into()));
        }
        let device = device.id.to_string();
        state.devices.update(&device, |device| device.ip_addresses.retain(|address| address.id != id));
        Ok(StatusCode::NO_CONTENT)
    })
}

/// The project that an address or a reservation belongs to.
fn owner(state: &Memory, id: &Uuid) -> Result<Uuid, Refusal> {
    let reserved = state.reservation(id).map(|reservation| reservation.project);
    reserved.or_else(|| state.devices.address(id).map(|(device, _)| device.project)).ok_or(Refusal::NotFound)
}

/// The address or reservation of an id, if the token may see it.
fn json_of(state: &Memory, id: &Uuid, selection: &Selection) -> Result<Json<Value>, Refusal> {
    if let Some(reservation) = state.reservation(id) {
        enter(state, &reservation.project)?;
        return Ok(Json(render::reservation(state, reservation, selection)));
    }
    let (device, address) = state.devices.address(id).ok_or(Refusal::NotFound)?;
    enter(state, &device.project)?;
    Ok(Json(render::assignment(state, device, address, selection)))
}

/// An address as a client writes it, `147.75.1.2` or `147.75.1.2/31`, and its block's length.
fn address(text: &str) -> Result<(IpAddr, u8), Refusal> {
    let wrong = || Refusal::unprocessable("address must be an IP address, with or without a length in bits");
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let address: IpAddr = address.parse().map_err(|_| wrong())?;
    let all = if address.is_ipv4() { 32 } else { 128 };
    let bits = bits.map_or(Ok(all), |bits| bits.parse().map_err(|_| wrong()))?;
    if bits > all { Err(wrong()) } else { Ok((address, bits)) }
}

/// The reservation that holds this block, if nothing of the block is assigned yet.
fn reservation_with(state: &Memory, project: &Uuid, address: IpAddr, bits: u8) -> Result<Reservation, Refusal> {
    let holds = |reservation: &&Reservation| reservation.block().holds(address) && reservation.cidr <= bits;
    let reservation = state.reservations_of(project).find(holds).ok_or_else(|| {
        Refusal::unprocessable("address is not in a reservation of the project; GET /projects/{id}/ips lists them")
    })?;
    let wanted = Block::around(address, bits);
    let overlaps = |there: Block| wanted.holds(there.network) || there.holds(wanted.network);
    if state.assignments_of(reservation).any(|(_, there)| overlaps(there.block())) {
        return Err(Refusal::unprocessable("address is assigned already"));
    }
    Ok(reservation.clone())
}
