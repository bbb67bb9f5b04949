//! `/projects/{id}/ips`: the reservations of a project.

use super::{Api, enter, query, uuid};
use crate::answer::Refusal;
use crate::body;
use crate::input::{Field, Kind, integer, optional, required};
use crate::paging::{Meta, Page};
use crate::render;
use crate::reservation::ReservationKind;
use crate::store::{NewReservation, State as Memory};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use serde_json::{Map, Value, json};

/// How many reservations a page holds when nothing is asked.
const DEFAULT_PER_PAGE: u32 = 250;
/// What the `types` filter knows.
const TYPES: [&str; 5] = ["global_ipv4", "private_ipv4", "public_ipv4", "public_ipv6", "vrf"];
/// More addresses than this at once are for a person to approve.
const APPROVED: i64 = 256;
/// More than this nobody approves: it would use up the address space.
const MOST: i64 = 65_536;

const RESERVE: &[Field] = &[
    required("type", Kind::OneOf(&["global_ipv4", "private_ipv4", "public_ipv4", "public_ipv6"])),
    required("quantity", Kind::Integer(1, MOST)),
    optional("comments", Kind::Text),
    optional("customdata", Kind::Object),
    optional("details", Kind::Text),
    optional("facility", Kind::Text),
    optional("fail_on_approval_required", Kind::Flag),
    optional("metro", Kind::Text),
    optional("tags", Kind::List(&Kind::Text)),
];
const VRF: &[Field] = &[
    required("cidr", Kind::Integer(8, 127)),
    required("network", Kind::Address),
    required("vrf_id", Kind::Uuid),
    optional("customdata", Kind::Object),
    optional("details", Kind::Text),
    optional("tags", Kind::List(&Kind::Text)),
];

pub(super) async fn list(State(api): State<Api>, Path(id): Path<String>, uri: Uri) -> Result<Json<Value>, Refusal> {
    let id = uuid(&id)?;
    let query = query(&uri)?;
    let page = Page::of(&query, DEFAULT_PER_PAGE, api.max_per_page)?;
    let kinds = query.words("types", &TYPES)?;
    let selection = query.selection();
    api.store.read(|state| {
        enter(state, &id)?;
        let matching = || {
            let all = state.reservations_of(&id);
            all.filter(|reservation| kinds.is_empty() || kinds.contains(&reservation.kind.as_str()))
        };
        let total = matching().count();
        let shown = matching().skip(page.start()).take(page.len());
        let shown: Vec<Value> = shown.map(|reservation| render::reservation(state, reservation, &selection)).collect();
        Ok(Json(json!({"ip_addresses": shown, "meta": Meta::new(&uri, page, total, api.legacy_meta)})))
    })
}

pub(super) async fn reserve(
    State(api): State<Api>,
    Path(id): Path<String>,
    uri: Uri,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Refusal> {
    let id = uuid(&id)?;
    let selection = query(&uri)?.selection();
    api.store.write(|state| {
        enter(state, &id)?;
        let wanted = body::object(&body)?;
        if body::text(&wanted, "type") == Some("vrf") {
            body::right(&wanted, VRF)?;
            return Err(Refusal::unprocessable("vrf_id names no VRF of the project"));
        }
        body::right(&wanted, RESERVE)?;
        let new = new_reservation(state, wanted)?;
        let reservation = state.reserve(id, new).ok_or_else(|| {
            Refusal::unprocessable("there are no addresses of this type left; give back a reservation first")
        })?;
        Ok((StatusCode::CREATED, Json(render::reservation(state, &reservation, &selection))))
    })
}

fn new_reservation(state: &Memory, mut wanted: Map<String, Value>) -> Result<NewReservation, Refusal> {
    let kind = body::text(&wanted, "type").and_then(ReservationKind::parse);
    let kind = kind.ok_or_else(|| Refusal::unprocessable("type must be a kind of reservation"))?;
    let quantity = wanted.get("quantity").and_then(integer).unwrap_or(1);
    let facility =
        match body::text(&wanted, "facility") {
            Some(code) => Some(state.catalogue.facility(code).ok_or_else(|| {
                Refusal::unprocessable("facility is not a valid facility; GET /facilities lists them")
            })?),
            None => None,
        };
    let metro =
        match body::text(&wanted, "metro") {
            Some(code) => Some(state.catalogue.metro(code).ok_or_else(|| {
                Refusal::unprocessable("metro is not a valid metro; GET /locations/metros lists them")
            })?),
            None => None,
        };
    if !kind.is_global() && facility.is_none() && metro.is_none() {
        return Err(Refusal::unprocessable("metro or facility must be given, except for global_ipv4"));
    }
    let metro = metro.map(|metro| metro.code.clone()).or_else(|| facility.and_then(|facility| facility.metro.clone()));
    let facility = facility.map(|facility| facility.code.clone());

    let strict = wanted.get("fail_on_approval_required").and_then(Value::as_bool).unwrap_or(false);
    let mut attributes = body::take(&mut wanted, &["customdata", "details", "tags"]);
    if quantity > APPROVED {
        if strict {
            return Err(Refusal::unprocessable(format!("quantity over {APPROVED} has to be approved first")));
        }
        attributes.insert("state".into(), json!("pending"));
    }
    let addresses = u32::try_from(quantity).map_err(|_| Refusal::unprocessable("quantity is out of range"))?;
    Ok(NewReservation { kind, addresses, facility, metro, attributes })
}
