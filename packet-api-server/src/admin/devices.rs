//! Devices that come, go and change behind the API's back.

use super::{Admin, Mistake, read};
use crate::device::{Device, DeviceSpec, DeviceState};
use crate::fleet::Fleet;
use crate::store::Store;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Json, Path};
use axum::http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// More at once is a slip of the finger.
const MOST: usize = 1_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct One {
    hostname: String,
    id: Option<Uuid>,
    facility: Option<String>,
    metro: Option<String>,
    plan: Option<String>,
    state: Option<DeviceState>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(default)]
    realistic_size: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Many {
    count: usize,
    #[serde(default)]
    first: usize,
    hostname_prefix: Option<String>,
    facilities: Option<Vec<String>>,
    metros: Option<Vec<String>>,
    plans: Option<Vec<String>>,
    #[serde(default)]
    realistic_size: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Change {
    hostname: Option<String>,
    state: Option<DeviceState>,
}

const ONE: &str = r#"{"hostname": "node-a", "facility": "ny5"} or {"count": 100, "hostname_prefix": "more-"}"#;
const CHANGE: &str = r#"{"state": "inactive"} or {"hostname": "node-b"}"#;

pub(super) async fn create(
    Extension(admin): Extension<Admin>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), Mistake> {
    let store = &admin.store;
    let json: Value = read(&body, ONE)?;
    let created = if json.get("count").is_some() {
        many(store, read(&body, ONE)?)?
    } else {
        summary(&one(store, read(&body, ONE)?)?)
    };
    Ok((StatusCode::CREATED, Json(created)))
}

fn one(store: &Store, wanted: One) -> Result<Device, Mistake> {
    if wanted.hostname.is_empty() {
        return Err(Mistake::Value("hostname must not be empty".into()));
    }
    known(store, &wanted.facility, &wanted.metro, &wanted.plan)?;
    let mut spec = DeviceSpec::new(wanted.hostname).tags(wanted.tags).realistic_size(wanted.realistic_size);
    if let Some(id) = wanted.id {
        if store.device(&id).is_some() {
            return Err(Mistake::SameId(id));
        }
        spec = spec.id(id);
    }
    if let Some(code) = &wanted.facility {
        spec = spec.facility(code.as_str());
    }
    if let Some(code) = &wanted.metro {
        spec = spec.metro(code.as_str());
    }
    if let Some(slug) = &wanted.plan {
        spec = spec.plan(slug.as_str());
    }
    Ok(store.create_device(spec.state(wanted.state.unwrap_or(DeviceState::Active))))
}

fn many(store: &Store, wanted: Many) -> Result<Value, Mistake> {
    if wanted.count > MOST {
        return Err(Mistake::Value(format!("count must be at most {MOST}, not {}", wanted.count)));
    }
    let default = Fleet::default();
    let fleet = Fleet {
        count: wanted.count,
        first: wanted.first,
        hostname_prefix: wanted.hostname_prefix.unwrap_or(default.hostname_prefix),
        facilities: wanted.facilities.unwrap_or(default.facilities),
        metros: wanted.metros.unwrap_or_default(),
        plans: wanted.plans.unwrap_or(default.plans),
        realistic_size: wanted.realistic_size,
    };
    known(store, &fleet.facilities, &fleet.metros, &fleet.plans)?;
    Ok(json!({"created": store.create_fleet(&fleet).len()}))
}

/// Whether all of these are in the catalogue.
fn known<'a>(
    store: &Store,
    facilities: impl IntoIterator<Item = &'a String>,
    metros: impl IntoIterator<Item = &'a String>,
    plans: impl IntoIterator<Item = &'a String>,
) -> Result<(), Mistake> {
    let unknown = |list, code: &String, from| Err(Mistake::Unknown { list, code: code.clone(), from });
    let there = store.facilities();
    if let Some(code) = facilities.into_iter().find(|code| there.iter().all(|there| there.code != **code)) {
        return unknown("facility", code, "/facilities");
    }
    let there = store.metros();
    if let Some(code) = metros.into_iter().find(|code| there.iter().all(|there| there.code != **code)) {
        return unknown("metro", code, "/locations/metros");
    }
    let there = store.plans();
    if let Some(slug) = plans.into_iter().find(|slug| there.iter().all(|there| there.slug != **slug)) {
        return unknown("plan", slug, "/plans");
    }
    Ok(())
}

pub(super) async fn show(Extension(admin): Extension<Admin>, Path(name): Path<String>) -> Result<Json<Value>, Mistake> {
    Ok(Json(summary(&find(&admin.store, name)?)))
}

pub(super) async fn change(
    Extension(admin): Extension<Admin>,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, Mistake> {
    let Change { hostname, state } = read(&body, CHANGE)?;
    if hostname.is_none() && state.is_none() {
        return Err(Mistake::Value(format!("the body changes nothing; send a JSON object like {CHANGE}")));
    }
    if hostname.as_deref() == Some("") {
        return Err(Mistake::Value("hostname must not be empty".into()));
    }
    let id = find(&admin.store, name)?.id;
    admin.store.update_device(&id, |device| {
        device.hostname = hostname.unwrap_or_else(|| std::mem::take(&mut device.hostname));
        device.state = state.unwrap_or(device.state);
    });
    Ok(Json(summary(&find(&admin.store, id.to_string())?)))
}

pub(super) async fn delete(
    Extension(admin): Extension<Admin>,
    Path(name): Path<String>,
) -> Result<Json<Value>, Mistake> {
    let device = find(&admin.store, name)?;
    admin.store.delete_device(&device.id);
    Ok(Json(json!({"deleted": device.id})))
}

/// The device of an id or a hostname.
fn find(store: &Store, name: String) -> Result<Device, Mistake> {
    if let Some(device) = Uuid::try_parse(&name).ok().and_then(|id| store.device(&id)) {
        return Ok(device);
    }
    let mut named = store.devices_named(&name);
    if named.len() > 1 {
        let ids = named.iter().map(|device| device.id).collect();
        return Err(Mistake::SeveralDevices { hostname: name, ids });
    }
    named.pop().ok_or(Mistake::NoSuchDevice(name))
}

fn summary(device: &Device) -> Value {
    json!({"id": device.id, "hostname": device.hostname, "state": device.state})
}
