//! `/projects/{id}/devices` as a list, and `/devices/{id}`.

use super::{Api, DevicesShown, enter, json, query, uuid};
use crate::answer::Refusal;
use crate::body;
use crate::device::DeviceState;
use crate::filters::DeviceFilter;
use crate::input::{Field, Kind, optional};
use crate::paging::{Meta, Page};
use crate::render::Renderer;
use crate::store::{Body, Entry, State as Memory};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use uuid::Uuid;

/// How many devices a page holds when nothing is asked.
const DEFAULT_PER_PAGE: u32 = 10;

const UPDATE: &[Field] = &[
    optional("always_pxe", Kind::Flag),
    optional("billing_cycle", Kind::Text),
    optional("customdata", Kind::Object),
    optional("description", Kind::Text),
    optional("hostname", Kind::Text),
    optional("firmware_set_id", Kind::Text),
    optional("ipxe_script_url", Kind::Text),
    optional("locked", Kind::Flag),
    optional("network_frozen", Kind::Flag),
    optional("spot_instance", Kind::Flag),
    optional("tags", Kind::List(&Kind::Text)),
    optional("userdata", Kind::Text),
];
/// What an update sets that the simulator only shows again.
const KEPT: [&str; 8] = [
    "always_pxe",
    "billing_cycle",
    "customdata",
    "description",
    "firmware_set_id",
    "ipxe_script_url",
    "network_frozen",
    "userdata",
];

pub(super) async fn list(State(api): State<Api>, Path(id): Path<String>, uri: Uri) -> Result<Response, Refusal> {
    let id = uuid(&id)?;
    let query = query(&uri)?;
    let page = Page::of(&query, DEFAULT_PER_PAGE, api.max_per_page)?;
    let filter = DeviceFilter::of(&query)?;
    let selection = query.selection();
    api.store.read(|state| enter(state, &id))?;
    api.store.shift(id);
    api.store.read(|state| {
        enter(state, &id)?;
        let (total, shown) = if filter.is_by_hostname_only() {
            state.devices.page(&id, filter.hostname(), (page.start(), page.len()))
        } else {
            matching(state, &id, &filter, page)
        };
        let mut renderer = Renderer::new(state, &selection);
        let mut text = br#"{"devices":["#.to_vec();
        for (n, entry) in shown.iter().enumerate() {
            if n > 0 {
                text.push(b',');
            }
            write(&mut text, entry, &mut renderer);
            if n == 0 {
                // Most are of about the size of the first. Growing step by step to some megabytes costs as much as writing.
                text.reserve(text.len() * 3 / 2 * shown.len());
            }
        }
        text.extend_from_slice(br#"],"meta":"#);
        text.extend(serde_json::to_vec(&Meta::new(&uri, page, total, api.legacy_meta)).unwrap_or_default());
        text.push(b'}');
        Ok(of_devices(shown.len(), json(text)))
    })
}

/// How many devices pass all filters, and those of them that are on this page.
fn matching<'a>(state: &'a Memory, project: &Uuid, filter: &DeviceFilter, page: Page) -> (usize, Vec<&'a Entry>) {
    let named = state.devices.of_project(project, filter.hostname());
    let mut total = 0;
    let mut shown = Vec::new();
    for entry in named.filter(|entry| filter.passes(entry, &state.catalogue)) {
        if total >= page.start() && shown.len() < page.len() {
            shown.push(entry);
        }
        total += 1;
    }
    (total, shown)
}

/// Marks an answer with how many devices it shows, which the latency may depend on.
fn of_devices(devices: usize, mut answer: Response) -> Response {
    answer.extensions_mut().insert(DevicesShown(devices));
    answer
}

pub(super) async fn show(State(api): State<Api>, Path(id): Path<String>, uri: Uri) -> Result<Response, Refusal> {
    let selection = query(&uri)?.selection();
    api.store.read(|state| {
        let entry = find(state, &id)?;
        let mut text = Vec::new();
        write(&mut text, entry, &mut Renderer::new(state, &selection));
        Ok(of_devices(1, json(text)))
    })
}

pub(super) async fn update(
    State(api): State<Api>,
    Path(id): Path<String>,
    uri: Uri,
    body: Bytes,
) -> Result<Response, Refusal> {
    let selection = query(&uri)?.selection();
    api.store.write(|state| {
        let spot = find(state, &id)?.device().is_some_and(|device| device.spot_instance);
        let mut update = body::checked(&body, UPDATE)?;
        if update.get("spot_instance").and_then(serde_json::Value::as_bool) == Some(true) && !spot {
            return Err(Refusal::unprocessable("spot_instance can only be set to false"));
        }
        if body::text(&update, "firmware_set_id").is_some_and(|id| uuid(id).is_err()) {
            return Err(Refusal::unprocessable("firmware_set_id must be the id of a firmware set"));
        }
        if body::text(&update, "hostname") == Some("") {
            return Err(Refusal::unprocessable("hostname must not be empty"));
        }
        let changed = state.devices.update(&key(&id), |device| {
            if let Some(hostname) = body::text(&update, "hostname") {
                hostname.clone_into(&mut device.hostname);
            }
            if let Some(tags) = body::texts(&update, "tags") {
                device.tags = tags;
            }
            let flag = |name| update.get(name).and_then(serde_json::Value::as_bool);
            device.locked = flag("locked").unwrap_or(device.locked);
            device.spot_instance = flag("spot_instance").unwrap_or(device.spot_instance);
            device.attributes.extend(body::take(&mut update, &KEPT));
            device.updated_at = api.clock.text();
        });
        if !changed {
            return Err(Refusal::unprocessable("this device is served word for word and cannot be updated"));
        }
        let mut text = Vec::new();
        write(&mut text, find(state, &id)?, &mut Renderer::new(state, &selection));
        Ok(json(text))
    })
}

pub(super) async fn delete(State(api): State<Api>, Path(id): Path<String>, uri: Uri) -> Result<StatusCode, Refusal> {
    // Forcing means to detach storage first, of which there is none here: it changes nothing but must be well-formed.
    query(&uri)?.flag("force_delete")?;
    api.store.write(|state| {
        let Some(device) = find(state, &id)?.device() else {
            state.devices.remove(&key(&id));
            return Ok(StatusCode::NO_CONTENT);
        };
        if device.locked {
            return Err(Refusal::unprocessable("Cannot delete a locked item"));
        }
        if device.state == DeviceState::Deprovisioning {
            return Err(Refusal::unprocessable("Cannot delete a device while it is deprovisioning"));
        }
        let id = device.id;
        state.deprovision(id);
        Ok(StatusCode::NO_CONTENT)
    })
}

/// The device of an id that the token may see.
pub(super) fn find<'a>(state: &'a Memory, id: &str) -> Result<&'a Entry, Refusal> {
    let entry = state.devices.get(&key(id)).ok_or(Refusal::NotFound)?;
    enter(state, &entry.project)?;
    Ok(entry)
}

/// An id as the store knows it: UUIDs in their usual spelling, anything else, as old devices have, as it is.
fn key(id: &str) -> String {
    uuid(id).map_or_else(|_| id.to_owned(), |id| id.to_string())
}

pub(super) fn write(text: &mut Vec<u8>, entry: &Entry, renderer: &mut Renderer) {
    match &entry.body {
        Body::Device(device) => renderer.write(device, text),
        Body::Raw(raw) => text.extend(raw.to_string().into_bytes()),
    }
}
