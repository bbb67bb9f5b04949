//! `POST /projects/{id}/devices`.

use super::{Api, devices, enter, json, query, uuid};
use crate::answer::Refusal;
use crate::body;
use crate::device::{DeviceSpec, IpSpec, MetroSpec};
use crate::ids;
use crate::input::{Field, Kind, integer, optional, required};
use crate::render::{self, Renderer};
use crate::store::State as Memory;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use uuid::Uuid;

const MOUNT: &[Field] = &[
    optional("device", Kind::Text),
    optional("format", Kind::Text),
    optional("point", Kind::Text),
    optional("options", Kind::List(&Kind::Text)),
];
const PARTITION: &[Field] = &[optional("label", Kind::Text), optional("number", INT32), optional("size", Kind::Text)];
const STORAGE: &[Field] = &[
    optional(
        "disks",
        Kind::List(&Kind::Fields(&[
            optional("device", Kind::Text),
            optional("wipeTable", Kind::Flag),
            optional("partitions", Kind::List(&Kind::Fields(PARTITION))),
        ])),
    ),
    optional(
        "raid",
        Kind::List(&Kind::Fields(&[
            optional("devices", Kind::List(&Kind::Text)),
            optional("level", Kind::Text),
            optional("name", Kind::Text),
        ])),
    ),
    optional("filesystems", Kind::List(&Kind::Fields(&[optional("mount", Kind::Fields(MOUNT))]))),
];
const ADDRESS: &[Field] = &[
    optional("address_family", Kind::OneNumberOf(&[4, 6])),
    optional("cidr", INT32),
    optional("ip_reservations", Kind::List(&Kind::Text)),
    optional("public", Kind::Flag),
];
const KEY: &[Field] =
    &[optional("key", Kind::Text), optional("label", Kind::Text), optional("tags", Kind::List(&Kind::Text))];
const INT32: Kind = Kind::Integer(-(1 << 31), (1 << 31) - 1);

const CREATE: &[Field] = &[
    required("plan", Kind::Text),
    required("operating_system", Kind::Text),
    optional("metro", Kind::Text),
    optional("facility", Kind::List(&Kind::Text)),
    optional("always_pxe", Kind::Flag),
    optional("billing_cycle", Kind::OneOf(&["hourly", "daily", "monthly", "yearly"])),
    optional("customdata", Kind::Object),
    optional("description", Kind::Text),
    optional("features", Kind::List(&Kind::Text)),
    optional("hardware_reservation_id", Kind::Text),
    optional("hostname", Kind::Text),
    optional("ip_addresses", Kind::List(&Kind::Fields(ADDRESS))),
    optional("ipxe_script_url", Kind::Text),
    optional("locked", Kind::Flag),
    optional("network_frozen", Kind::Flag),
    optional("no_ssh_keys", Kind::Flag),
    optional("private_ipv4_subnet_size", INT32),
    optional("project_ssh_keys", Kind::List(&Kind::Uuid)),
    optional("public_ipv4_subnet_size", INT32),
    optional("spot_instance", Kind::Flag),
    optional("spot_price_max", Kind::Number),
    optional("ssh_keys", Kind::List(&Kind::Fields(KEY))),
    optional("storage", Kind::Fields(STORAGE)),
    // packngo has no way to leave it out.
    optional("tags", Kind::OrNull(&Kind::List(&Kind::Text))),
    optional("termination_time", Kind::Time),
    optional("user_ssh_keys", Kind::List(&Kind::Uuid)),
    optional("userdata", Kind::Text),
];
/// What a creation sets that the simulator only shows again.
const KEPT: [&str; 10] = [
    "always_pxe",
    "billing_cycle",
    "customdata",
    "description",
    "ipxe_script_url",
    "network_frozen",
    "spot_price_max",
    "storage",
    "termination_time",
    "userdata",
];

pub(super) async fn create(
    State(api): State<Api>,
    Path(id): Path<String>,
    uri: Uri,
    body: Bytes,
) -> Result<Response, Refusal> {
    let project = uuid(&id)?;
    let selection = query(&uri)?.selection();
    api.store.write(|state| {
        enter(state, &project)?;
        let wanted = body::checked(&body, CREATE)?;
        let spec = spec(state, wanted)?;
        let device = state.create_device(project, spec);
        let to = state.provision(device.id);
        state.devices.update(&device.id.to_string(), |device| device.state = to);
        let mut text = Vec::new();
        devices::write(&mut text, devices::find(state, &device.id.to_string())?, &mut Renderer::new(state, &selection));
        Ok((StatusCode::CREATED, json(text)).into_response())
    })
}

/// What to create, once it is known that it can be had.
fn spec(state: &Memory, mut wanted: Map<String, Value>) -> Result<DeviceSpec, Refusal> {
    let flag = |name| wanted.get(name).and_then(Value::as_bool).unwrap_or(false);
    let plan = body::text(&wanted, "plan").unwrap_or_default();
    let plans = &state.catalogue.plans;
    let plan = plans.iter().find(|there| there.slug == plan || there.id.to_string() == plan);
    let plan = plan.ok_or_else(|| Refusal::unprocessable("plan is not a valid plan; GET /plans lists them"))?;
    let systems = &state.catalogue.operating_systems;
    let system = body::text(&wanted, "operating_system").unwrap_or_default();
    let system = systems.iter().find(|there| there.slug == system || there.id.to_string() == system);
    let system = system.ok_or_else(|| Refusal::unprocessable("operating_system is not a valid operating system"))?;
    let (facility, metro) = place(state, &wanted)?;

    let mut spec = DeviceSpec::new(body::text(&wanted, "hostname").unwrap_or_default())
        .plan(plan.slug.as_str())
        .operating_system(system.slug.clone())
        .facility(facility.as_deref())
        .tags(body::texts(&wanted, "tags").unwrap_or_default())
        .locked(flag("locked"))
        .spot_instance(flag("spot_instance"))
        .ips(addresses(state, &wanted)?);
    if metro.is_some() {
        spec.metro = MetroSpec::Given(metro);
    }
    spec.hardware_reservation = hardware_reservation(state, &wanted)?;
    if let Some(keys) = ssh_keys(&wanted, flag("no_ssh_keys")) {
        spec = spec.attribute("ssh_keys", keys);
    }
    if spec.hostname.is_empty() {
        // As the real API, which names a device after its operating system.
        spec.hostname = format!("{}-{}", system.distro, state.next_device_number());
    }
    spec.attributes.extend(body::take(&mut wanted, &KEPT));
    Ok(spec)
}

/// The facility and the metro to create it in, exactly one of which was asked for.
fn place(state: &Memory, wanted: &Map<String, Value>) -> Result<(Option<String>, Option<String>), Refusal> {
    let metro = body::text(wanted, "metro");
    let facilities = body::texts(wanted, "facility");
    match (metro, facilities) {
        (Some(code), None) => {
            let metro = state.catalogue.metro(code).ok_or_else(|| {
                Refusal::unprocessable("metro is not a valid metro; GET /locations/metros lists them")
            })?;
            let facility = state.catalogue.facility_in(&metro.code).map(|facility| facility.code.clone());
            Ok((facility, Some(metro.code.clone())))
        }
        (None, Some(codes)) => {
            let known =
                |code: &String| state.catalogue.facilities.iter().find(|there| there.code == *code || code == "any");
            let facility = codes.iter().find_map(known).ok_or_else(|| {
                Refusal::unprocessable("facility names no valid facility; GET /facilities lists them")
            })?;
            Ok((Some(facility.code.clone()), None))
        }
        (Some(_), Some(_)) => Err(Refusal::unprocessable("only one of metro and facility can be given")),
        (None, None) => Err(Refusal::unprocessable("metro or facility must be given")),
    }
}

/// The addresses to create it with: those asked for, else the usual three.
fn addresses(state: &Memory, wanted: &Map<String, Value>) -> Result<Vec<IpSpec>, Refusal> {
    let usual = [(false, true), (true, true), (false, false)];
    let Some(asked) = wanted.get("ip_addresses").and_then(Value::as_array) else {
        let mut specs = state.next_addresses(&usual);
        for (name, public) in [("public_ipv4_subnet_size", true), ("private_ipv4_subnet_size", false)] {
            if let Some(bits) = wanted.get(name).and_then(integer) {
                let bits = length(name, bits, false)?;
                let sized = specs.iter_mut().filter(|spec| spec.address.is_ipv4() && spec.public == public);
                sized.for_each(|spec| spec.cidr = bits);
            }
        }
        return Ok(specs);
    };
    let mut families = Vec::new();
    let mut lengths = Vec::new();
    for (n, asked) in asked.iter().enumerate() {
        let ipv6 = asked.get("address_family").and_then(integer) == Some(6);
        let public = asked.get("public").and_then(Value::as_bool).unwrap_or(true);
        if ipv6 && !public {
            return Err(Refusal::unprocessable(format!("ip_addresses[{n}]: a private address must be IPv4")));
        }
        if families.contains(&(ipv6, public)) {
            return Err(Refusal::unprocessable(format!(
                "ip_addresses[{n}] asks for what another one asks for already"
            )));
        }
        if let Some([_, ..]) = asked.get("ip_reservations").and_then(Value::as_array).map(Vec::as_slice) {
            return Err(Refusal::unprocessable(format!(
                "ip_addresses[{n}].ip_reservations: create the device first, then assign it an address of the reservation"
            )));
        }
        let bits = asked.get("cidr").and_then(integer);
        lengths.push(bits.map(|bits| length(&format!("ip_addresses[{n}].cidr"), bits, ipv6)).transpose()?);
        families.push((ipv6, public));
    }
    let specs = state.next_addresses(&families).into_iter().zip(lengths);
    Ok(specs.map(|(spec, bits)| bits.map_or(spec, |bits| spec.cidr(bits))).collect())
}

/// A block's length in bits, which leaves room for a device and its router.
fn length(name: &str, bits: i64, ipv6: bool) -> Result<u8, Refusal> {
    let range = if ipv6 { 64..=127 } else { 24..=31 };
    u8::try_from(bits)
        .ok()
        .filter(|bits| range.contains(bits))
        .ok_or_else(|| Refusal::unprocessable(format!("{name} must be from {} to {}", range.start(), range.end())))
}

fn hardware_reservation(state: &Memory, wanted: &Map<String, Value>) -> Result<Option<Uuid>, Refusal> {
    match body::text(wanted, "hardware_reservation_id") {
        None | Some("") => Ok(None),
        Some("next-available") => Ok(Some(state.next_hardware_reservation())),
        Some(id) => Uuid::try_parse(id)
            .map(Some)
            .map_err(|_| Refusal::unprocessable("hardware_reservation_id must be a UUID or next-available")),
    }
}

/// The keys to let in, if the project's own are not what was asked for.
fn ssh_keys(wanted: &Map<String, Value>, none: bool) -> Option<Value> {
    if none {
        return Some(Value::Array(Vec::new()));
    }
    let named =
        ["project_ssh_keys", "user_ssh_keys"].into_iter().filter_map(|name| body::texts(wanted, name)).flatten();
    let new = wanted.get("ssh_keys").and_then(Value::as_array).into_iter().flatten();
    let new = new.filter_map(|key| key.get("key")?.as_str()).map(|key| ids::named(ids::Kind::SshKey, key).to_string());
    let keys: Vec<Value> = named.chain(new).map(|id| render::href("ssh-keys", id)).collect();
    (!keys.is_empty()).then_some(Value::Array(keys))
}
