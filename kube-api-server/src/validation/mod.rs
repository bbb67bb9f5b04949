//! What an object must be like to be kept, as kube-apiserver checks it.

mod event;
mod lease;
mod metadata;
mod names;
mod node;

use serde_json::Value;

use crate::resource::Resource;
use crate::status::{ApiError, Cause};

/// Which checks a write goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Door {
    Main,
    Status,
}

/// Checks an object that is about to be created.
pub(crate) fn creation(resource: Resource, object: &Value) -> Result<(), ApiError> {
    let mut causes = Vec::new();
    metadata::creation(resource, object, &mut causes);
    match resource {
        Resource::Nodes => node::creation(object, &mut causes),
        Resource::Events => event::creation(object, &mut causes),
        Resource::Leases => lease::spec(object, &mut causes),
        Resource::Namespaces => {}
    }
    verdict(resource, object, &causes)
}

/// Checks an object that is about to replace another.
pub(crate) fn update(resource: Resource, door: Door, old: &Value, new: &Value) -> Result<(), ApiError> {
    let mut causes = Vec::new();
    // The generic layer checks the metadata before the resource's own rules do so again: kube-apiserver lists both.
    metadata::update(old, new, &mut causes);
    match resource {
        Resource::Nodes => {
            if door == Door::Main {
                metadata::creation(resource, new, &mut causes);
                node::creation(new, &mut causes);
            }
            metadata::update(old, new, &mut causes);
            node::update(old, new, &mut causes);
        }
        Resource::Events => {
            metadata::creation(resource, new, &mut causes);
            event::creation(new, &mut causes);
        }
        Resource::Leases => {
            metadata::update(old, new, &mut causes);
            lease::spec(new, &mut causes);
        }
        Resource::Namespaces => metadata::update(old, new, &mut causes),
    }
    verdict(resource, new, &causes)
}

fn verdict(resource: Resource, object: &Value, causes: &[Cause]) -> Result<(), ApiError> {
    if causes.is_empty() {
        return Ok(());
    }
    let name = text(object, "/metadata/name");
    Err(ApiError::invalid(resource.kind(), resource.group(), name, causes))
}

/// A string in the object, empty where there is none.
pub(crate) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

fn items<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
