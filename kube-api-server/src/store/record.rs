//! One version of one object: its bytes, and the facts that selectors ask for.
//!
//! A Node of realistic size is 10 to 20 KB of JSON, of which the images and the bookkeeping of field owners are most, and a
//! write changes a few hundred bytes of the rest. So those two are kept apart: versions share their bytes, and a write that
//! does not touch them does not read them. And no version is kept in any form but bytes: as a tree it takes three times
//! the memory.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use axum::body::Bytes;
use serde_json::{Map, Value};

use crate::resource::Resource;
use crate::validation::text;

/// What stands in the place of a part that is kept apart.
const HOLE: &[u8] = b"null";

/// A part of an object that is kept apart: it is large, and few writes touch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    /// `metadata.managedFields`.
    Owners,
    /// `status.images`.
    Images,
}

impl Part {
    /// In the order in which they stand in an object.
    pub(crate) const ALL: [Part; 2] = [Part::Owners, Part::Images];

    /// The two fields that lead to it.
    pub(crate) fn path(self) -> [&'static str; 2] {
        match self {
            Part::Owners => ["metadata", "managedFields"],
            Part::Images => ["status", "images"],
        }
    }
}

/// An object about to be kept. The parts kept apart are not in `rest`.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) rest: Value,
    /// As JSON, in the order of [`Part::ALL`]; for Nodes only.
    pub(crate) apart: [Option<Bytes>; 2],
}

impl Draft {
    /// Takes a whole object apart.
    pub(crate) fn whole(resource: Resource, mut object: Value) -> Draft {
        if resource != Resource::Nodes {
            return Draft { rest: object, apart: [None, None] };
        }
        let apart = Part::ALL.map(|part| {
            let [section, field] = part.path();
            let taken = object.get_mut(section).and_then(Value::as_object_mut)?.remove(field)?;
            Some(bytes_of(&taken))
        });
        Draft { rest: object, apart }
    }

    /// The whole object.
    pub(crate) fn into_value(self) -> Value {
        let mut object = self.rest;
        for (part, bytes) in Part::ALL.into_iter().zip(self.apart) {
            let [section, field] = part.path();
            if let Some(bytes) = bytes {
                object[section][field] = serde_json::from_slice(&bytes).unwrap_or_default();
            }
        }
        object
    }
}

/// A version of an object. It is shared by all who answer with it.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) resource: Resource,
    pub(crate) key: String,
    pub(crate) version: u64,
    /// The object as JSON, without `kind` and `apiVersion`, which lists leave out, and with `null` for what is kept apart.
    rest: Box<[u8]>,
    /// What is kept apart, and where in `rest` its `null` begins.
    apart: [Option<(usize, Bytes)>; 2],
    facts: OnceLock<Facts>,
}

/// What selectors may ask for. They are read when they are first asked for, which in a large cluster is never.
#[derive(Debug)]
pub(crate) struct Facts {
    pub(crate) labels: BTreeMap<String, String>,
    /// What field selectors may ask for.
    pub(crate) fields: BTreeMap<&'static str, String>,
}

/// What an object is called in the store: its name, after its namespace if it has one.
pub(crate) fn key_of(namespace: &str, name: &str) -> String {
    if namespace.is_empty() { name.to_owned() } else { format!("{namespace}/{name}") }
}

impl Record {
    pub(crate) fn new(resource: Resource, key: String, version: u64, draft: Draft) -> Record {
        let wanted = |part: Part| draft.apart.get(part as usize).is_some_and(Option::is_some).then(|| part.path());
        let mut holes = [None, None];
        let mut out = Vec::with_capacity(8 * 1024);
        write_with_holes(&draft.rest, Part::ALL.map(wanted), &mut holes, &mut out);
        let [owners, images] = draft.apart;
        Record {
            resource,
            key,
            version,
            rest: out.into_boxed_slice(),
            apart: [holes[0].zip(owners), holes[1].zip(images)],
            facts: OnceLock::new(),
        }
    }

    /// The same object as another version.
    pub(crate) fn at_version(&self, version: u64) -> Record {
        let mut draft = Draft { rest: self.rest(), apart: self.apart() };
        draft.rest["metadata"]["resourceVersion"] = version.to_string().into();
        Record::new(self.resource, self.key.clone(), version, draft)
    }

    /// The object as JSON, with `kind` and `apiVersion`.
    pub(crate) fn object(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.item_len() + 64);
        self.write_object(&mut out);
        out
    }

    pub(crate) fn write_object(&self, out: &mut Vec<u8>) {
        for piece in ["{\"kind\":\"", self.resource.kind(), "\",\"apiVersion\":\"", self.resource.api_version(), "\","]
        {
            out.extend_from_slice(piece.as_bytes());
        }
        // Its own opening brace has been written with the type.
        self.write_from(1, out);
    }

    /// The object as an item of a list.
    pub(crate) fn write_item(&self, out: &mut Vec<u8>) {
        self.write_from(0, out);
    }

    fn write_from(&self, start: usize, out: &mut Vec<u8>) {
        let mut from = start;
        for (at, bytes) in self.apart.iter().flatten() {
            out.extend_from_slice(self.rest.get(from..*at).unwrap_or_default());
            out.extend_from_slice(bytes);
            from = at + HOLE.len();
        }
        out.extend_from_slice(self.rest.get(from..).unwrap_or_default());
    }

    /// The length of the object as an item of a list, in bytes.
    pub(crate) fn item_len(&self) -> usize {
        self.rest.len() + self.apart.iter().flatten().map(|(_, bytes)| bytes.len() - HOLE.len()).sum::<usize>()
    }

    /// The whole object, read back, without `kind` and `apiVersion`.
    pub(crate) fn value(&self) -> Value {
        let mut out = Vec::with_capacity(self.item_len());
        self.write_item(&mut out);
        serde_json::from_slice(&out).unwrap_or_default()
    }

    /// The object, read back, with `kind` and `apiVersion`.
    pub(crate) fn to_value(&self) -> Value {
        serde_json::from_slice(&self.object()).unwrap_or_default()
    }

    /// The object without what is kept apart.
    pub(crate) fn rest(&self) -> Value {
        let mut rest: Value = serde_json::from_slice(&self.rest).unwrap_or_default();
        for (part, kept) in Part::ALL.into_iter().zip(&self.apart) {
            let [section, field] = part.path();
            if kept.is_some()
                && let Some(fields) = rest.get_mut(section).and_then(Value::as_object_mut)
            {
                fields.remove(field);
            }
        }
        rest
    }

    /// What is kept apart, as JSON.
    pub(crate) fn apart(&self) -> [Option<Bytes>; 2] {
        self.apart.each_ref().map(|kept| kept.as_ref().map(|(_, bytes)| bytes.clone()))
    }

    pub(crate) fn facts(&self) -> &Facts {
        self.facts.get_or_init(|| {
            let object = self.rest();
            let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
            let labels = labels.into_iter().flatten().map(|(key, value)| (key.clone(), as_text(value))).collect();
            Facts { labels, fields: selectable(self.resource, &object) }
        })
    }
}

fn bytes_of(value: &Value) -> Bytes {
    Bytes::from(value.to_string().into_bytes().into_boxed_slice())
}

/// Writes JSON into memory, which has no way to fail.
fn write(value: &Value, out: &mut Vec<u8>) {
    let _written = serde_json::to_writer(out, value);
}

/// Writes the object with `null` at the paths given, and notes where.
fn write_with_holes(object: &Value, paths: [Option<[&str; 2]>; 2], holes: &mut [Option<usize>; 2], out: &mut Vec<u8>) {
    let Some(sections) = object.as_object() else { return write(object, out) };
    out.push(b'{');
    for (index, (name, section)) in sections.iter().enumerate() {
        opening(index, name, out);
        let wanted = paths.iter().position(|path| path.is_some_and(|[first, _]| first == name));
        match (wanted, section.as_object()) {
            (Some(which), Some(fields)) => {
                let field = paths.get(which).copied().flatten().map_or("", |[_, field]| field);
                if let Some(hole) = holes.get_mut(which) {
                    *hole = write_with_hole(fields, field, out);
                }
            }
            _ => write(section, out),
        }
    }
    out.push(b'}');
}

/// Writes the fields and, in its place in their order, one more that is `null`; answers with where that begins.
fn write_with_hole(fields: &Map<String, Value>, hole: &str, out: &mut Vec<u8>) -> Option<usize> {
    let mut at = None;
    let mut dig = |index: usize, out: &mut Vec<u8>| {
        opening(index, hole, out);
        at = Some(out.len());
        out.extend_from_slice(HOLE);
    };
    out.push(b'{');
    let before = fields.keys().take_while(|name| name.as_str() < hole).count();
    for (index, (name, value)) in fields.iter().enumerate() {
        if index == before {
            dig(index, out);
        }
        opening(index + usize::from(index >= before), name, out);
        write(value, out);
    }
    if before == fields.len() {
        dig(before, out);
    }
    out.push(b'}');
    at
}

fn opening(index: usize, name: &str, out: &mut Vec<u8>) {
    if index > 0 {
        out.push(b',');
    }
    let _written = serde_json::to_writer(&mut *out, name);
    out.push(b':');
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

    fn record(object: Value) -> Record {
        Record::new(Resource::Nodes, "n".to_owned(), 7, Draft::whole(Resource::Nodes, object))
    }

    #[test]
    fn an_object_has_its_kind_and_a_list_item_has_not() {
        let record = record(json!({ "metadata": { "name": "n" } }));
        let whole: Value = serde_json::from_slice(&record.object()).unwrap();
        assert_eq!(whole, json!({ "kind": "Node", "apiVersion": "v1", "metadata": { "name": "n" } }));
        let mut item = Vec::new();
        record.write_item(&mut item);
        assert_eq!(item.len(), record.item_len());
        assert_eq!(serde_json::from_slice::<Value>(&item).unwrap(), json!({ "metadata": { "name": "n" } }));
    }

    #[test]
    fn what_is_kept_apart_is_put_back_in_its_place() {
        let images = json!([{ "names": ["a"], "sizeBytes": 1 }]);
        let object = json!({
            "metadata": { "managedFields": [{ "manager": "m" }], "name": "n", "labels": { "a": "1" } },
            "status": { "capacity": { "cpu": "1" }, "images": images, "nodeInfo": {} },
        });
        let record = record(object.clone());
        assert_eq!(record.value(), object);
        assert_eq!(String::from_utf8(record.object()).unwrap()[29..], object.to_string()[1..]);
        assert_eq!(record.item_len(), object.to_string().len());
        assert_eq!(record.rest()["status"], json!({ "capacity": { "cpu": "1" }, "nodeInfo": {} }));
        let next = record.at_version(8);
        assert_eq!(next.apart()[1].as_ref().unwrap().as_ptr(), record.apart()[1].as_ref().unwrap().as_ptr());
        assert_eq!(next.value()["metadata"]["resourceVersion"], "8");
    }

    #[test]
    fn a_part_may_be_first_or_last_or_alone_in_its_place() {
        for object in [
            json!({ "metadata": { "managedFields": [{ "manager": "m" }] }, "status": { "images": [1] } }),
            json!({ "metadata": { "name": "n" }, "status": { "images": [1], "nodeInfo": {} } }),
            json!({ "metadata": { "annotations": {}, "managedFields": [1] }, "status": { "capacity": {}, "images": [1] } }),
        ] {
            assert_eq!(record(object.clone()).value(), object);
        }
    }
}
