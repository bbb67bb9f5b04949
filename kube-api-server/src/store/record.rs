//! One version of one object: its bytes, and the facts that selectors ask for.
//!
//! A Node of realistic size is 10 to 20 KB of JSON, and a write changes a few hundred bytes of it. So its larger parts are
//! kept apart: versions share their bytes, and a write that does not touch a part does not read it. And no version is kept
//! in any form but bytes: as a tree it takes three times the memory.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use axum::body::Bytes;
use serde_json::{Map, Value};

use super::part::{Apart, Part};
use crate::resource::Resource;
use crate::validation::text;

/// What stands in the place of a part that is kept apart.
const HOLE: &[u8] = b"null";

/// An object about to be kept. The parts kept apart are not in `rest`.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    pub(crate) rest: Value,
    pub(crate) apart: Apart,
}

impl Draft {
    /// Takes a whole object apart.
    pub(crate) fn whole(resource: Resource, object: Value) -> Draft {
        Draft::partly(resource, object, Apart::default())
    }

    /// Takes an object apart of which some parts are apart already.
    pub(crate) fn partly(resource: Resource, mut object: Value, mut apart: Apart) -> Draft {
        if resource == Resource::Nodes {
            for part in Part::ALL {
                let [section, field] = part.path();
                let fields = object.get_mut(section).and_then(Value::as_object_mut);
                if let Some(taken) = fields.and_then(|fields| fields.remove(field)) {
                    apart[part as usize] = Some(bytes_of(&taken));
                }
            }
        }
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
    /// What is kept apart, and where in `rest` its `null` begins, in that order.
    apart: Box<[(Part, u32, Bytes)]>,
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
        let Draft { rest, mut apart } = draft;
        let mut out = Writer { bytes: Vec::with_capacity(ROOM), holes: Vec::with_capacity(Part::ALL.len()) };
        out.object(&rest, &apart);
        let placed = out.holes.into_iter().filter_map(|(part, at)| {
            // An object is at most as long as the longest body that is read.
            Some((part, u32::try_from(at).ok()?, apart[part as usize].take()?))
        });
        let apart = placed.collect();
        Record { resource, key, version, rest: out.bytes.into_boxed_slice(), apart, facts: OnceLock::new() }
    }

    /// The same object as another version.
    pub(crate) fn at_version(&self, version: u64) -> Record {
        let mut draft = Draft { rest: self.rest(&[]), apart: self.apart() };
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
        for (_, at, bytes) in &self.apart {
            let at = *at as usize;
            out.extend_from_slice(self.rest.get(from..at).unwrap_or_default());
            out.extend_from_slice(bytes);
            from = at + HOLE.len();
        }
        out.extend_from_slice(self.rest.get(from..).unwrap_or_default());
    }

    /// The length of the object as an item of a list, in bytes.
    pub(crate) fn item_len(&self) -> usize {
        let apart: usize = self.apart.iter().map(|(_, _, bytes)| bytes.len()).sum();
        self.rest.len() + apart - self.apart.len() * HOLE.len()
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

    /// The object without what is kept apart, but for the parts asked for.
    pub(crate) fn rest(&self, with: &[Part]) -> Value {
        let mut rest: Value = serde_json::from_slice(&self.rest).unwrap_or_default();
        for (part, _, bytes) in &self.apart {
            let [section, field] = part.path();
            let Some(fields) = rest.get_mut(section).and_then(Value::as_object_mut) else { continue };
            if with.contains(part) {
                fields.insert(field.to_owned(), serde_json::from_slice(bytes).unwrap_or_default());
            } else {
                fields.remove(field);
            }
        }
        rest
    }

    /// What is kept apart, as JSON.
    pub(crate) fn apart(&self) -> Apart {
        let mut apart = Apart::default();
        for (part, _, bytes) in &self.apart {
            apart[*part as usize] = Some(bytes.clone());
        }
        apart
    }

    pub(crate) fn facts(&self) -> &Facts {
        self.facts.get_or_init(|| {
            let object = self.rest(&[Part::Labels]);
            let labels = object.pointer("/metadata/labels").and_then(Value::as_object);
            let labels = labels.into_iter().flatten().map(|(key, value)| (key.clone(), as_text(value))).collect();
            Facts { labels, fields: selectable(self.resource, &object) }
        })
    }
}

fn bytes_of(value: &Value) -> Bytes {
    Bytes::from(value.to_string().into_bytes().into_boxed_slice())
}

/// About the length of a realistic Node's rest, in bytes.
const ROOM: usize = 4 * 1024;

/// Writes JSON into memory, which has no way to fail, with `null` where something is kept apart.
struct Writer {
    bytes: Vec<u8>,
    /// Where each `null` begins.
    holes: Vec<(Part, usize)>,
}

impl Writer {
    fn value(&mut self, value: &Value) {
        let _written = serde_json::to_writer(&mut self.bytes, value);
    }

    /// What comes before a member's value; `first` is whether it is the object's first.
    fn name(&mut self, name: &str, first: bool) {
        if !first {
            self.bytes.push(b',');
        }
        let _written = serde_json::to_writer(&mut self.bytes, name);
        self.bytes.push(b':');
    }

    fn object(&mut self, object: &Value, apart: &Apart) {
        let Some(sections) = object.as_object() else { return self.value(object) };
        self.bytes.push(b'{');
        for (index, (name, section)) in sections.iter().enumerate() {
            self.name(name, index == 0);
            let parts = Part::ALL.into_iter().filter(|part| part.path()[0] == name && apart[*part as usize].is_some());
            match section.as_object() {
                Some(fields) => self.section(fields, parts),
                None => self.value(section),
            }
        }
        self.bytes.push(b'}');
    }

    /// Fields and parts together in the order of their names.
    fn section(&mut self, fields: &Map<String, Value>, parts: impl Iterator<Item = Part>) {
        let (mut parts, mut first) = (parts.peekable(), true);
        self.bytes.push(b'{');
        for (name, value) in fields {
            while let Some(part) = parts.next_if(|part| part.path()[1] < name.as_str()) {
                self.hole(part, std::mem::take(&mut first));
            }
            self.name(name, std::mem::take(&mut first));
            self.value(value);
        }
        for part in parts {
            self.hole(part, std::mem::take(&mut first));
        }
        self.bytes.push(b'}');
    }

    fn hole(&mut self, part: Part, first: bool) {
        self.name(part.path()[1], first);
        self.holes.push((part, self.bytes.len()));
        self.bytes.extend_from_slice(HOLE);
    }
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
        let whole = format!("{{\"kind\":\"Node\",\"apiVersion\":\"v1\",{}", &object.to_string()[1..]);
        assert_eq!(String::from_utf8(record.object()).unwrap(), whole);
        assert_eq!(record.item_len(), object.to_string().len());
        assert_eq!(record.rest(&[])["status"], json!({ "nodeInfo": {} }));
        assert_eq!(record.rest(&[Part::Images])["status"], json!({ "images": images, "nodeInfo": {} }));
        let next = record.at_version(8);
        let images = |record: &Record| record.apart()[Part::Images as usize].clone().unwrap().as_ptr();
        assert_eq!(images(&next), images(&record));
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
