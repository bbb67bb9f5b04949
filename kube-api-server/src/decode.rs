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
pub(crate) fn decode(shape: &Shape, value: Value) -> Result<Decoded, String> {
    decode_over(shape, value, &Value::Null)
}

/// Decodes an object that replaces another, which was decoded before: what is the same in both need not be looked at.
pub(crate) fn decode_over(shape: &Shape, value: Value, known: &Value) -> Result<Decoded, String> {
    let mut decoder = Decoder { unknown: Vec::new() };
    let at = Place { above: None, step: Step::Field(""), enclosing: "" };
    let value = decoder.value(shape, value, Some(known), &at)?.unwrap_or_else(|| Value::Object(Map::new()));
    Ok(Decoded { value, unknown: decoder.unknown })
}

/// An object of that shape with nothing in it, defaults aside: what server-side apply compares a first write with.
pub(crate) fn empty(shape: &Shape) -> Value {
    decode(shape, Value::Object(Map::new())).map_or_else(|_| Value::Object(Map::new()), |decoded| decoded.value)
}

/// One step from an object to what is in it.
enum Step<'a> {
    Field(&'a str),
    Key(&'a str),
    Item(usize),
}

/// Where the decoder is. It is put into words only where something is wrong.
struct Place<'a> {
    above: Option<&'a Place<'a>>,
    step: Step<'a>,
    /// The innermost struct's name.
    enclosing: &'a str,
}

impl<'a> Place<'a> {
    fn below<'b>(&'b self, step: Step<'b>) -> Place<'b>
    where
        'a: 'b,
    {
        Place { above: Some(self), step, enclosing: self.enclosing }
    }

    /// As Go's messages name it: field names only, as in "metadata.labels".
    fn fields(&self) -> String {
        let path = self.above.map(Place::fields).unwrap_or_default();
        match self.step {
            Step::Field(name) => joined(&path, name),
            Step::Key(_) | Step::Item(_) => path,
        }
    }

    /// As strict validation names it: with keys and indices, as in "spec.taints[0].key".
    fn full(&self) -> String {
        let path = self.above.map(Place::full).unwrap_or_default();
        match self.step {
            Step::Field(name) | Step::Key(name) => joined(&path, name),
            Step::Item(index) => format!("{path}[{index}]"),
        }
    }

    fn mismatch(&self, shape: &Shape, what: &str) -> String {
        let fields = self.fields();
        let field = if self.enclosing.is_empty() { fields } else { format!("{}.{fields}", self.enclosing) };
        format!("json: cannot unmarshal {what} into Go struct field {field} of type {}", shape.go_type())
    }
}

fn joined(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}

struct Decoder {
    unknown: Vec<String>,
}

impl Decoder {
    /// `None` stands for Go's zero value: nothing given, `null` or empty. What equals `known` is decoded already.
    fn value(
        &mut self,
        shape: &Shape,
        value: Value,
        known: Option<&Value>,
        at: &Place<'_>,
    ) -> Result<Option<Value>, String> {
        if value.is_null() {
            return Ok(None);
        }
        if known == Some(&value) {
            return Ok(Some(value));
        }
        match (shape, value) {
            (Shape::Text, value @ Value::String(_))
            | (Shape::Boolean, value @ Value::Bool(_))
            | (Shape::Opaque, value) => Ok(Some(value)),
            (Shape::Integer { bits }, Value::Number(number)) => {
                let fits = number.as_i64().is_some_and(|whole| *bits == 64 || i32::try_from(whole).is_ok());
                if fits { Ok(Some(number.into())) } else { Err(at.mismatch(shape, &format!("number {number}"))) }
            }
            (Shape::Time, Value::String(text)) => Ok(Some(clock::seconds(clock::parse(&text)?).into())),
            (Shape::MicroTime, Value::String(text)) => Ok(Some(clock::microseconds(clock::parse_micro(&text)?).into())),
            (Shape::Quantity, Value::String(text)) => Ok(Some(canonical(&text)?)),
            (Shape::Quantity, Value::Number(number)) => Ok(Some(canonical(&number.to_string())?)),
            (Shape::Map(values), Value::Object(map)) => {
                self.map(values, map, known.and_then(Value::as_object), at).map(Some)
            }
            (Shape::List { item, .. }, Value::Array(items)) => {
                self.list(item, items, known.and_then(Value::as_array), at).map(Some)
            }
            (Shape::Struct(shape), Value::Object(map)) => {
                self.structure(shape, map, known.and_then(Value::as_object), at).map(Some)
            }
            (shape, value) => Err(at.mismatch(shape, kind_of(&value))),
        }
    }

    fn map(
        &mut self,
        shape: &Shape,
        mut map: Map<String, Value>,
        known: Option<&Map<String, Value>>,
        at: &Place<'_>,
    ) -> Result<Value, String> {
        for (key, value) in &mut map {
            let known = known.and_then(|known| known.get(key));
            let decoded = self.value(shape, value.take(), known, &at.below(Step::Key(key)))?;
            *value = decoded.unwrap_or_else(|| zero(shape));
        }
        Ok(map.into())
    }

    fn list(
        &mut self,
        shape: &Shape,
        mut items: Vec<Value>,
        known: Option<&Vec<Value>>,
        at: &Place<'_>,
    ) -> Result<Value, String> {
        for (index, item) in items.iter_mut().enumerate() {
            let known = known.and_then(|known| known.get(index));
            let decoded = self.value(shape, item.take(), known, &at.below(Step::Item(index)))?;
            *item = decoded.unwrap_or_else(|| zero(shape));
        }
        Ok(items.into())
    }

    fn structure(
        &mut self,
        shape: &StructShape,
        mut map: Map<String, Value>,
        known: Option<&Map<String, Value>>,
        at: &Place<'_>,
    ) -> Result<Value, String> {
        for name in map.keys() {
            if !shape.properties.contains_key(name) {
                self.unknown.push(at.below(Step::Key(name)).full());
            }
        }
        let mut out = Map::new();
        for (name, property) in &shape.properties {
            let given = map.remove(name).unwrap_or_default();
            let known = known.and_then(|known| known.get(name));
            let place = Place { above: Some(at), step: Step::Field(name), enclosing: &shape.name };
            let written = match (&property.presence, self.value(&property.shape, given, known, &place)?) {
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
        decode(Schema::embedded().unwrap().of(Resource::Nodes), value.clone())
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
        let lease = decode(schema.of(Resource::Leases), json!({ "spec": { "holderIdentity": "" } })).unwrap();
        assert_eq!(lease.value["spec"], json!({ "holderIdentity": "" }));
    }

    #[test]
    fn decoding_over_what_was_decoded_comes_to_the_same() {
        let schema = Schema::embedded().unwrap();
        let shape = schema.of(Resource::Nodes);
        let first = json!({
            "metadata": { "name": "n", "labels": { "a": "1" } },
            "spec": { "taints": [{ "key": "k", "effect": "NoSchedule" }] },
            "status": { "capacity": { "cpu": "1000m" }, "conditions": [{ "type": "Ready", "status": "True" }] },
        });
        let known = decode(shape, first).unwrap().value;
        let mut next = known.clone();
        next["metadata"]["labels"]["b"] = Value::Null;
        next["spec"]["taints"][0]["unknown"] = 1.into();
        next["status"]["capacity"]["memory"] = "1024Mi".into();
        next["status"]["conditions"][0]["lastHeartbeatTime"] = "2026-01-01T01:00:00+01:00".into();
        let (over, afresh) = (decode_over(shape, next.clone(), &known).unwrap(), decode(shape, next).unwrap());
        assert_eq!((&over.value, &over.unknown), (&afresh.value, &afresh.unknown));
        assert_eq!(over.value["status"]["capacity"]["memory"], "1Gi");
    }
}
