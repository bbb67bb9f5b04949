//! Request bodies: a JSON object, whatever its `Content-Type` says, checked against a table of fields.

use crate::answer::Refusal;
use crate::input::{Field, mistakes};
use axum::body::Bytes;
use serde_json::{Map, Value};

/// The object in a request's body.
pub(crate) fn object(body: &Bytes) -> Result<Map<String, Value>, Refusal> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(Refusal::unprocessable("body must be a JSON object")),
        Err(error) => Err(Refusal::unprocessable(format!("body must be a JSON object: {error}"))),
    }
}

/// The object in a request's body, once all of its fields are right.
pub(crate) fn checked(body: &Bytes, fields: &[Field]) -> Result<Map<String, Value>, Refusal> {
    let object = object(body)?;
    right(&object, fields)?;
    Ok(object)
}

/// Whether all fields of an object are right.
pub(crate) fn right(object: &Map<String, Value>, fields: &[Field]) -> Result<(), Refusal> {
    let mistakes = mistakes("", object, fields);
    if mistakes.is_empty() { Ok(()) } else { Err(Refusal::Unprocessable(mistakes)) }
}

/// The text under a name.
pub(crate) fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    object.get(name).and_then(Value::as_str)
}

/// The texts of the list under a name.
pub(crate) fn texts(object: &Map<String, Value>, name: &str) -> Option<Vec<String>> {
    let values = object.get(name)?.as_array()?;
    Some(values.iter().filter_map(Value::as_str).map(Into::into).collect())
}

/// The fields of these names, taken out of the object.
pub(crate) fn take(object: &mut Map<String, Value>, names: &[&str]) -> Map<String, Value> {
    names.iter().filter_map(|name| object.remove_entry(*name)).collect()
}
