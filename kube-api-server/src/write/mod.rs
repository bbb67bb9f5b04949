//! Writes: from what a client asks for to what the store keeps, in the steps and the order of kube-apiserver.

mod changing;
mod creating;
mod deleting;
mod in_part;
mod patching;
mod request;

use std::sync::Arc;

use serde_json::{Map, Value};

use crate::resource::Resource;
use crate::status::ApiError;
use crate::store::record::Record;
use crate::store::{Step, Store};
use crate::{admission, decode};
pub(crate) use changing::{replace, update_in_place};
pub(crate) use creating::{create, keep, registration};
pub(crate) use deleting::{Delete, Deleted, delete};
pub(crate) use patching::{Patch, patch};
pub(crate) use request::{FieldValidation, Write};

/// A write that was done, or would have been in a dry run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) object: Written,
    pub(crate) created: bool,
    pub(crate) warnings: Vec<String>,
    /// What was done; nothing in a dry run, and where the object is as it was.
    pub(crate) step: Option<Step>,
}

/// What a write came to.
#[derive(Debug)]
pub(crate) enum Written {
    /// The object as it is kept now.
    Kept(Arc<Record>),
    /// What would have been kept, or what it was at its end; with `kind` and `apiVersion`.
    Shown(Value),
}

impl Written {
    /// As JSON, with `kind` and `apiVersion`.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        match self {
            Written::Kept(record) => record.object(),
            Written::Shown(object) => object.to_string().into_bytes(),
        }
    }

    /// With `kind` and `apiVersion`.
    pub(crate) fn to_value(&self) -> Value {
        match self {
            Written::Kept(record) => record.to_value(),
            Written::Shown(object) => object.clone(),
        }
    }
}

fn without_type(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.remove("kind");
        fields.remove("apiVersion");
    }
    object
}

fn with_type(resource: Resource, mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.insert("kind".to_owned(), resource.kind().into());
        fields.insert("apiVersion".to_owned(), resource.api_version().into());
    }
    object
}

fn metadata(object: &mut Value) -> Option<&mut Map<String, Value>> {
    object.get_mut("metadata").and_then(Value::as_object_mut)
}

/// What a write came to, and the step that it made if it made one.
type Stepped = (Written, Option<Step>);

fn answer(written: Result<Stepped, ApiError>, created: bool, warnings: Vec<String>) -> Result<Outcome, ApiError> {
    match written {
        Ok((object, step)) => Ok(Outcome { object, created, warnings, step }),
        Err(error) => Err(error.after_warnings(warnings)),
    }
}

/// The object as Go would read and write it; `known` is one that is so already.
fn normal(store: &Store, resource: Resource, object: Value, known: &Value) -> Result<Value, ApiError> {
    let decoded = decode::decode_over(store.schema().of(resource), object, known).map_err(ApiError::internal)?;
    let mut object = without_type(decoded.value);
    admission::on_decoding(resource, &mut object);
    Ok(object)
}
