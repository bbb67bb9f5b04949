//! From what a client sent to what the API keeps: typed, without unknown or empty fields, with defaults.

use serde_json::{Map, Value};

use crate::schema::{Presence, Shape, StructShape};
use crate::{clock, quantity};

/// What decoding came to.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) value: Value,
    /// The paths of fields that no type declares, in the order met.
    pub(crate) unknown: Vec<String>,
}

/// Decodes an object. The error is the reason, in the words of Go's decoder.
pub(crate) fn decode(shape: &Shape, value: &Value) -> Result<Decoded, String> {
    let mut decoder = Decoder { unknown: Vec::new() };
    let at = Place { enclosing: "", fields: String::new(), full: String::new() };
    let value = decoder.value(shape, value, &at)?.unwrap_or_else(|| Value::Object(Map::new()));
    Ok(Decoded { value, unknown: decoder.unknown })
}

/// An object of that shape with nothing in it, defaults aside: what server-side apply compares a first write with.
pub(crate) fn empty(shape: &Shape) -> Value {
    decode(shape, &Value::Object(Map::new())).map_or_else(|_| Value::Object(Map::new()), |decoded| decoded.value)
}

/// Where the decoder is, as Go's messages and as strict validation name it.
struct Place<'a> {
    /// The innermost struct's name.
    enclosing: &'a str,
    /// Field names only, as in "metadata.labels".
    fields: String,
    /// With indices, as in "spec.taints[0].key".
    full: String,
}

impl Place<'_> {
    fn field<'b>(&self, enclosing: &'b str, name: &str) -> Place<'b> {
        Place { enclosing, fields: joined(&self.fields, name), full: joined(&self.full, name) }
    }
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

struct Decoder {
    unknown: Vec<String>,
}

impl Decoder {
    /// `None` stands for Go's zero value: nothing given, `null` or empty.
    fn value(&mut self, shape: &Shape, value: &Value, at: &Place<'_>) -> Result<Option<Value>, String> {
        let mismatch = || {
            let what = match value {
                Value::Null => "null",
                Value::Bool(_) => "bool",
                Value::Number(_) => "number",
                Value::String(_) => "string",
                Value::Array(_) => "array",
                Value::Object(_) => "object",
            };
            let field =
                if at.enclosing.is_empty() { at.fields.clone() } else { format!("{}.{}", at.enclosing, at.fields) };
            format!("json: cannot unmarshal {what} into Go struct field {field} of type {}", shape.go_type())
        };
        if value.is_null() {
            return Ok(None);
        }
        match (shape, value) {
            (Shape::Text, Value::String(_)) | (Shape::Boolean, Value::Bool(_)) | (Shape::Opaque, _) => {
                Ok(Some(value.clone()))
            }
            (Shape::Integer { bits }, Value::Number(number)) => {
                let fits = number.as_i64().is_some_and(|whole| *bits == 64 || i32::try_from(whole).is_ok());
                if fits {
                    Ok(Some(value.clone()))
                } else {
                    Err(mismatch().replace("number", &format!("number {number}")))
                }
            }
            (Shape::Time, Value::String(text)) => Ok(Some(clock::seconds(clock::parse(text)?).into())),
            (Shape::MicroTime, Value::String(text)) => Ok(Some(clock::microseconds(clock::parse_micro(text)?).into())),
            (Shape::Quantity, Value::String(text)) => Ok(Some(canonical(text)?)),
            (Shape::Quantity, Value::Number(number)) => Ok(Some(canonical(&number.to_string())?)),
            (Shape::Map(values), Value::Object(map)) => self.map(values, map, at).map(Some),
            (Shape::List { item, .. }, Value::Array(items)) => self.list(item, items, at).map(Some),
            (Shape::Struct(shape), Value::Object(map)) => self.structure(shape, map, at).map(Some),
            _ => Err(mismatch()),
        }
    }

    fn map(&mut self, shape: &Shape, map: &Map<String, Value>, at: &Place<'_>) -> Result<Value, String> {
        let mut out = Map::new();
        for (key, value) in map {
            let at = Place { enclosing: at.enclosing, fields: at.fields.clone(), full: joined(&at.full, key) };
            let value = self.value(shape, value, &at)?.unwrap_or_else(|| zero(shape));
            out.insert(key.clone(), value);
        }
        Ok(out.into())
    }

    fn list(&mut self, shape: &Shape, items: &[Value], at: &Place<'_>) -> Result<Value, String> {
        let mut out = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let full = format!("{}[{index}]", at.full);
            let at = Place { enclosing: at.enclosing, fields: at.fields.clone(), full };
            out.push(self.value(shape, item, &at)?.unwrap_or_else(|| zero(shape)));
        }
        Ok(out.into())
    }

    fn structure(&mut self, shape: &StructShape, map: &Map<String, Value>, at: &Place<'_>) -> Result<Value, String> {
        for name in map.keys() {
            if !shape.properties.contains_key(name) {
                self.unknown.push(joined(&at.full, name));
            }
        }
        let mut out = Map::new();
        for (name, property) in &shape.properties {
            let given = map.get(name).unwrap_or(&Value::Null);
            let decoded = self.value(&property.shape, given, &at.field(&shape.name, name))?;
            let written = match (&property.presence, decoded) {
                // Storage does not tell an empty list from none.
                (Presence::Always(Value::Null), Some(Value::Array(items))) if items.is_empty() => Some(Value::Null),
                (Presence::Always(_) | Presence::IfGiven, Some(value)) => Some(value),
                (Presence::Always(Value::Null), None) => Some(Value::Null),
                (Presence::Always(_), None) => Some(zero(&property.shape)),
                (Presence::IfNotEmpty, Some(value)) if !is_empty(&value) => Some(value),
                (Presence::IfGiven | Presence::IfNotEmpty, _) => None,
            };
            if let Some(value) = written {
                out.insert(name.clone(), value);
            }
        }
        Ok(out.into())
    }
}

fn canonical(text: &str) -> Result<Value, String> {
    quantity::canonical(text).map(Value::from).map_err(|error| error.to_string())
}

/// Go's zero value of a type, as JSON.
fn zero(shape: &Shape) -> Value {
    match shape {
        Shape::Text => "".into(),
        Shape::Integer { .. } => 0.into(),
        Shape::Boolean => false.into(),
        Shape::Quantity => "0".into(),
        Shape::Struct(_) => empty(shape),
        Shape::Time | Shape::MicroTime | Shape::Opaque | Shape::Map(_) | Shape::List { .. } => Value::Null,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(flag) => !flag,
        Value::Number(number) => number.as_i64() == Some(0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use serde_json::json;

    use super::*;
    use crate::resource::Resource;
    use crate::schema::Schema;

    fn node(value: &Value) -> Result<Decoded, String> {
        decode(Schema::embedded().unwrap().of(Resource::Nodes), value)
    }

    #[test]
    fn an_empty_node_has_what_go_always_writes() {
        let decoded = node(&json!({ "metadata": { "name": "n", "labels": {} } })).unwrap();
        assert_eq!(decoded.value["metadata"], json!({ "name": "n" }));
        assert_eq!(decoded.value["spec"], json!({}));
        assert_eq!(decoded.value["status"]["daemonEndpoints"], json!({ "kubeletEndpoint": { "Port": 0 } }));
        assert_eq!(decoded.value["status"]["nodeInfo"]["kubeletVersion"], "");
    }

    #[test]
    fn unknown_fields_are_dropped_and_named() {
        let decoded =
            node(&json!({ "spec": { "bar": 1, "taints": [{ "key": "k", "effect": "NoSchedule", "x": 1 }] } }));
        let decoded = decoded.unwrap();
        assert_eq!(decoded.unknown, ["spec.bar", "spec.taints[0].x"]);
        assert_eq!(decoded.value["spec"]["taints"], json!([{ "key": "k", "effect": "NoSchedule" }]));
    }

    #[test]
    fn a_wrong_type_is_refused_in_gos_words() {
        assert_eq!(
            node(&json!({ "metadata": { "labels": { "a": 1 } } })).unwrap_err(),
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string"
        );
    }

    #[test]
    fn a_condition_has_its_times_even_if_unset() {
        let decoded = node(&json!({ "status": { "conditions": [{ "type": "Ready", "status": "True" }] } })).unwrap();
        let condition = &decoded.value["status"]["conditions"][0];
        assert_eq!(condition["lastHeartbeatTime"], Value::Null);
        assert!(condition.as_object().unwrap().contains_key("lastTransitionTime"));
    }

    #[test]
    fn an_empty_holder_of_a_lease_is_kept() {
        let schema = Schema::embedded().unwrap();
        let lease = decode(schema.of(Resource::Leases), &json!({ "spec": { "holderIdentity": "" } })).unwrap();
        assert_eq!(lease.value["spec"], json!({ "holderIdentity": "" }));
    }
}
