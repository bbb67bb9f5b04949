//! Resources as JSON: each with what was asked of the resources nested in it.

mod address;
mod bulk;
mod device;
mod events;
mod place;
mod ports;
mod project;
mod reference;

pub(crate) use address::{assignment, reservation};
pub(crate) use device::Renderer;
pub(crate) use place::{facility, metro, plan};
pub(crate) use project::project_with_devices;

use crate::server::BASE_PATH;
use serde_json::{Value, json};
use std::fmt::Display;

/// A reference to a resource.
pub(crate) fn href(resource: &str, id: impl Display) -> Value {
    json!({"href": path(resource, id)})
}

/// The path of a resource.
pub(crate) fn path(resource: &str, id: impl Display) -> String {
    format!("{BASE_PATH}/{resource}/{id}")
}
