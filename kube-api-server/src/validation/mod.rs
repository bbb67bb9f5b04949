//! What an object must be like to be kept, as kube-apiserver checks it.

mod event;
mod lease;
mod metadata;
mod names;
mod node;

use serde_json::Value;

use self::metadata::NameForm;
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
    match resource {
        Resource::Nodes => {
            metadata::whole(NameForm::Subdomain, None, object, &mut causes);
            metadata::finalizers(object, &mut causes);
            node::creation(object, &mut causes);
        }
        Resource::Events => event::whole(object, &mut causes),
        Resource::Leases => {
            metadata::whole(NameForm::Subdomain, None, object, &mut causes);
            lease::spec(object, &mut causes);
        }
        Resource::Namespaces => {
            metadata::whole(NameForm::Label, None, object, &mut causes);
            metadata::finalizers(object, &mut causes);
        }
    }
    verdict(resource, object, &causes)?;
    // What holds for all resources is said only where the resource's own rules are kept.
    metadata::whole(NameForm::PathSegment, None, object, &mut causes);
    verdict(resource, object, &causes)
}

/// Checks an object that is about to replace another.
pub(crate) fn update(resource: Resource, door: Door, old: &Value, new: &Value) -> Result<(), ApiError> {
    let mut causes = Vec::new();
    // What holds for all resources comes first, and the resource's own rules say some of it again: both are listed.
    metadata::whole(NameForm::PathSegment, Some(old), new, &mut causes);
    metadata::changes(old, new, &mut causes);
    match resource {
        Resource::Nodes => {
            if door == Door::Main {
                metadata::whole(NameForm::Subdomain, Some(old), new, &mut causes);
                metadata::finalizers(new, &mut causes);
                node::creation(new, &mut causes);
            }
            metadata::changes(old, new, &mut causes);
            metadata::finalizers(new, &mut causes);
            node::update(old, new, &mut causes);
        }
        Resource::Events => event::whole(new, &mut causes),
        Resource::Leases => {
            metadata::changes(old, new, &mut causes);
            lease::spec(new, &mut causes);
        }
        Resource::Namespaces => {
            if door == Door::Main {
                metadata::whole(NameForm::Label, Some(old), new, &mut causes);
                metadata::finalizers(new, &mut causes);
            }
            metadata::changes(old, new, &mut causes);
            metadata::finalizers(new, &mut causes);
            if door == Door::Status {
                namespace_phase(new, &mut causes);
            }
        }
    }
    verdict(resource, new, &causes)
}

fn namespace_phase(namespace: &Value, causes: &mut Vec<Cause>) {
    let phase = text(namespace, "/status/phase");
    let (wanted, when) = match namespace.pointer("/metadata/deletionTimestamp") {
        None => ("Active", "empty"),
        Some(_) => ("Terminating", "not empty"),
    };
    if phase != wanted {
        let why = format!("may only be '{wanted}' if `deletionTimestamp` is {when}");
        causes.push(Cause::invalid_text("status.Phase", phase, &why));
    }
}

fn verdict(resource: Resource, object: &Value, causes: &[Cause]) -> Result<(), ApiError> {
    if causes.is_empty() {
        return Ok(());
    }
    let name = text(object, "/metadata/name");
    Err(ApiError::invalid(resource.kind(), resource.group(), name, causes))
}

/// What a path such as `/metadata/labels` leads to. Unlike a JSON Pointer it knows neither indices nor escapes, and so does
/// not allocate.
pub(crate) fn at<'a>(object: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('/').skip(1).try_fold(object, |value, field| value.get(field))
}

/// A string in the object, empty where there is none.
pub(crate) fn text<'a>(object: &'a Value, path: &str) -> &'a str {
    at(object, path).and_then(Value::as_str).unwrap_or_default()
}

fn items<'a>(object: &'a Value, path: &str) -> &'a [Value] {
    at(object, path).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}
