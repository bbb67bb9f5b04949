//! Deletion: preconditions, finalizers, and what is left.

use std::sync::Arc;

use serde_json::Value;

use super::Write;
use crate::resource::Resource;
use crate::status::ApiError;
use crate::store::record::{Draft, Record};
use crate::store::{Decision, Step, Store};
use crate::validation::text;

/// What a client wants of a deletion.
#[derive(Debug, Clone, Default)]
pub(crate) struct Delete {
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
}

/// What became of an object that was to be deleted.
#[derive(Debug)]
pub(crate) enum Deleted {
    /// It is gone.
    Gone { uid: String },
    /// It waits for its finalizers.
    Waiting(Arc<Record>),
}

/// Deletes an object, or marks it where finalizers hold it. Answers with what was done, too, if anything was.
pub(crate) fn delete(store: &Store, write: &Write, options: &Delete) -> Result<(Deleted, Option<Step>), ApiError> {
    if write.resource == Resource::Namespaces
        && matches!(write.name.as_str(), "default" | "kube-system" | "kube-public")
    {
        return Err(ApiError::forbidden("namespaces", "", &write.name, "this namespace may not be deleted"));
    }
    let mut uid = String::new();
    let stored = store.decide(write.resource, &write.namespace, &write.name, |current| {
        let current = current.ok_or_else(|| write.not_found())?;
        let mut rest = current.rest(&[]);
        text(&rest, "/metadata/uid").clone_into(&mut uid);
        check_preconditions(write, options, &rest)?;
        if write.dry_run {
            return Ok(Decision::Leave);
        }
        let held = rest.pointer("/metadata/finalizers").is_some() || write.resource == Resource::Namespaces;
        if !held {
            return Ok(Decision::Remove(Draft { rest, apart: current.apart() }));
        }
        if rest.pointer("/metadata/deletionTimestamp").is_some() {
            return Ok(Decision::Leave);
        }
        rest["metadata"]["deletionTimestamp"] = store.clock().seconds().into();
        if write.resource == Resource::Namespaces {
            rest["status"]["phase"] = "Terminating".into();
        } else {
            rest["metadata"]["deletionGracePeriodSeconds"] = 0.into();
        }
        Ok(Decision::Put(Draft { rest, apart: current.apart() }))
    })?;
    let deleted = match stored.now {
        Some(stored) if !write.dry_run => Deleted::Waiting(stored),
        _ => Deleted::Gone { uid },
    };
    Ok((deleted, stored.step))
}

fn check_preconditions(write: &Write, options: &Delete, object: &Value) -> Result<(), ApiError> {
    let (kind, group) = (write.resource.kind(), write.resource.group());
    if let Some(wanted) = &options.uid {
        let known = text(object, "/metadata/uid");
        if wanted != known {
            let why = format!(
                "the UID in the precondition ({wanted}) does not match the UID in record ({known}). The object might have \
                 been deleted and then recreated"
            );
            return Err(ApiError::conflict(kind, group, &write.name, &why));
        }
    }
    if let Some(wanted) = &options.resource_version {
        let known = text(object, "/metadata/resourceVersion");
        if wanted != known {
            let why = format!(
                "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record ({known}). \
                 The object might have been modified"
            );
            return Err(ApiError::conflict(kind, group, &write.name, &why));
        }
    }
    Ok(())
}
