//! One version of one object, in the forms that are asked of it: bytes for lists and watches, facts for selectors.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use serde_json::Value;

use crate::resource::Resource;
use crate::validation::text;

/// A version of an object, as lists and watches need it. It is shared by all who answer with it.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) resource: Resource,
    pub(crate) key: String,
    pub(crate) version: u64,
    pub(crate) labels: BTreeMap<String, String>,
    /// What field selectors may ask for.
    pub(crate) fields: BTreeMap<&'static str, String>,
    /// The object as JSON but for the opening brace, `kind` and `apiVersion`, which lists leave out.
    body: Bytes,
}

/// The version in force, with the object itself.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) value: Arc<Value>,
    pub(crate) record: Arc<Record>,
}

/// What an object is called in the store: its name, after its namespace if it has one.
pub(crate) fn key_of(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

impl Record {
    pub(crate) fn new(resource: Resource, key: String, version: u64, value: &Value) -> Record {
        let labels = value.pointer("/metadata/labels").and_then(Value::as_object);
        let labels = labels.into_iter().flatten().map(|(key, value)| (key.clone(), as_text(value))).collect();
        Record { resource, key, version, labels, fields: selectable(resource, value), body: tail(value) }
    }

    /// The object with `kind` and `apiVersion`.
    pub(crate) fn object(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.body.len() + 64);
        self.write_object(&mut out);
        out
    }

    pub(crate) fn write_object(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(opening(self.resource).as_bytes());
        out.extend_from_slice(&self.body);
    }

    /// The object as an item of a list.
    pub(crate) fn write_item(&self, out: &mut Vec<u8>) {
        out.push(b'{');
        out.extend_from_slice(&self.body);
    }

    /// The length of the object as an item of a list, in bytes.
    pub(crate) fn item_len(&self) -> usize {
        self.body.len() + 1
    }

    /// The object, read back.
    pub(crate) fn to_value(&self) -> Value {
        serde_json::from_slice(&self.object()).unwrap_or_default()
    }
}

fn opening(resource: Resource) -> String {
    format!("{{\"kind\":\"{}\",\"apiVersion\":\"{}\",", resource.kind(), resource.api_version())
}

fn tail(value: &Value) -> Bytes {
    let whole = value.to_string();
    Bytes::copy_from_slice(whole.as_bytes().get(1..).unwrap_or_default())
}

fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The fields that Kubernetes lets a field selector ask for, by resource.
fn selectable(resource: Resource, value: &Value) -> BTreeMap<&'static str, String> {
    let mut fields = BTreeMap::new();
    let mut put = |name: &'static str, value: String| {
        fields.insert(name, value);
    };
    put("metadata.name", text(value, "/metadata/name").to_owned());
    if resource.namespaced() {
        put("metadata.namespace", text(value, "/metadata/namespace").to_owned());
    }
    match resource {
        Resource::Nodes => {
            let unschedulable = value.pointer("/spec/unschedulable") == Some(&Value::Bool(true));
            put("spec.unschedulable", unschedulable.to_string());
        }
        Resource::Namespaces => {
            put("status.phase", text(value, "/status/phase").to_owned());
            // An alias that core/v1 keeps for old clients.
            put("name", text(value, "/metadata/name").to_owned());
        }
        Resource::Events => {
            for (name, pointer) in [
                ("involvedObject.kind", "/involvedObject/kind"),
                ("involvedObject.namespace", "/involvedObject/namespace"),
                ("involvedObject.name", "/involvedObject/name"),
                ("involvedObject.uid", "/involvedObject/uid"),
                ("involvedObject.apiVersion", "/involvedObject/apiVersion"),
                ("involvedObject.resourceVersion", "/involvedObject/resourceVersion"),
                ("involvedObject.fieldPath", "/involvedObject/fieldPath"),
                ("reason", "/reason"),
                ("reportingComponent", "/reportingComponent"),
                ("type", "/type"),
            ] {
                put(name, text(value, pointer).to_owned());
            }
            let source = text(value, "/source/component");
            let source = if source.is_empty() { text(value, "/reportingComponent") } else { source };
            put("source", source.to_owned());
        }
        Resource::Leases => {}
    }
    fields
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use serde_json::json;

    use super::*;

    #[test]
    fn an_object_has_its_kind_and_a_list_item_has_not() {
        let record = Record::new(Resource::Nodes, "n".to_owned(), 7, &json!({ "metadata": { "name": "n" } }));
        let whole: Value = serde_json::from_slice(&record.object()).unwrap();
        assert_eq!(whole, json!({ "kind": "Node", "apiVersion": "v1", "metadata": { "name": "n" } }));
        let mut item = Vec::new();
        record.write_item(&mut item);
        assert_eq!(item.len(), record.item_len());
        assert_eq!(serde_json::from_slice::<Value>(&item).unwrap(), json!({ "metadata": { "name": "n" } }));
    }
}
