//! A project as JSON, with what hangs on it: its user, its organization, its key.

use super::{Renderer, href, path};
use crate::ids;
use crate::project::Project;
use crate::selection::Selection;
use crate::store::State;
use serde_json::{Value, json};

/// A project; what hangs on it comes as references, unless asked otherwise. `devices` says whether to list its devices
/// when nothing is asked: within each device of a page of a thousand that would be a million references.
pub(crate) fn project(state: &State, project: &Project, selection: &Selection, devices: bool) -> Value {
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
    if selection.shows("devices", devices) {
        json["devices"] = state
            .devices
            .of_project(&project.id, "")
            .map(|entry| {
                let full = selection.shows("devices", false);
                match (entry.device(), full) {
                    (Some(device), true) => Renderer::new(state, selection.of("devices")).value(device),
                    (Some(device), false) => href("devices", device.id),
                    (None, _) => entry.id().map_or(Value::Null, |id| href("devices", id)),
                }
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
