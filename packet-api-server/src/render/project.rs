//! A project as JSON, with what hangs on it: its user, its organization, its key.

use super::reference::Href;
use super::{Renderer, href, path};
use crate::ids;
use crate::project::Project;
use crate::selection::Selection;
use crate::store::State;
use serde_json::{Value, json};

/// A project by itself, which lists its devices unless asked otherwise. References to them are written straight to the text:
/// there may be a hundred thousand.
pub(crate) fn project_with_devices(state: &State, owner: &Project, selection: &Selection) -> Vec<u8> {
    // Into memory, of plain data: there is nothing to fail, here and below.
    let mut text = serde_json::to_vec(&project(state, owner, selection)).unwrap_or_default();
    if selection.shows("devices", false) || !selection.shows("devices", true) {
        return text;
    }
    // In place of the brace that ends the object.
    text.pop();
    text.extend_from_slice(br#","devices":["#);
    for (n, entry) in state.devices.of_project(&owner.id, "").enumerate() {
        if n > 0 {
            text.push(b',');
        }
        let _ = match entry.device() {
            Some(device) => serde_json::to_writer(&mut text, &Href::new("devices", device.id)),
            None => serde_json::to_writer(&mut text, &entry.id().map(|id| href("devices", id))),
        };
    }
    text.extend_from_slice(b"]}");
    text
}

/// A project; what hangs on it comes as references, unless asked otherwise. It lists its devices only if asked to: within
/// each device of a page of a thousand that would be a million references.
pub(super) fn project(state: &State, project: &Project, selection: &Selection) -> Value {
    let (user, organization, key) = (project.user(), project.organization(), project.ssh_key());
    let mut json = json!({
        "id": project.id,
        "href": path("projects", project.id),
        "name": project.name,
        "created_at": project.created_at,
        "updated_at": project.updated_at,
        "backend_transfer_enabled": false,
        "customdata": {},
        "type": "default",
        "tags": [],
        "max_devices": {},
        "network_status": {},
        "bgp_config": {"href": format!("{}/bgp-config", path("projects", project.id))},
        "invitations": [],
        "members": [if selection.shows("members", false) { self::user(project) } else { href("users", user) }],
        "memberships": [],
        "organization": if selection.shows("organization", false) {
            json!({
                "id": organization,
                "href": path("organizations", organization),
                "name": "simulated organization",
                "created_at": project.created_at,
                "updated_at": project.updated_at,
                "members": [href("users", user)],
                "projects": [href("projects", project.id)],
            })
        } else {
            href("organizations", organization)
        },
        "payment_method": href("payment-methods", organization),
        "ssh_keys": [if selection.shows("ssh_keys", false) { ssh_key(project) } else { href("ssh-keys", key) }],
        "volumes": [],
    });
    if selection.shows("devices", false) {
        let devices = state.devices.of_project(&project.id, "");
        json["devices"] = devices
            .map(|entry| match entry.device() {
                Some(device) => Renderer::new(state, selection.of("devices")).value(device),
                None => entry.id().map_or(Value::Null, |id| href("devices", id)),
            })
            .collect();
    }
    if let Value::Object(json) = &mut json {
        json.extend(project.attributes.clone());
    }
    json
}

/// The user that everything in a project was created by.
pub(super) fn user(project: &Project) -> Value {
    let id = project.user();
    json!({
        "id": id,
        "short_id": ids::short(id),
        "href": path("users", id),
        "first_name": "Simulated",
        "last_name": "User",
        "full_name": "Simulated User",
        "email": "user@example.org",
        "avatar_thumb_url": "https://www.gravatar.com/avatar/0",
        "created_at": project.created_at,
        "updated_at": project.updated_at,
    })
}

/// The key that a project's devices let in.
pub(super) fn ssh_key(project: &Project) -> Value {
    let id = project.ssh_key();
    json!({
        "id": id,
        "href": path("ssh-keys", id),
        "label": "simulated key",
        "key": "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA simulated",
        "fingerprint": "00:00:00:00:00:00:00:00:00:00:00:00:00:00:00:00",
        "created_at": project.created_at,
        "updated_at": project.updated_at,
    })
}
