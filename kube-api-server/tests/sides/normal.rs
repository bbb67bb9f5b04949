//! Answers freed of what differs from run to run: uids, times, versions, generated names, ages.
//!
//! A uid or version becomes its number in the order of first appearance, so that "the same one" and "another one" are
//! still told apart.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::script::{Compare, Step};

#[derive(Debug, Default)]
pub(crate) struct Normalizer {
    uids: Vec<String>,
    versions: Vec<String>,
    newest: u64,
    /// What later steps may refer to: `${rv:NAME}`, `${uid:NAME}`, `${list}`, `${continue}`.
    captured: BTreeMap<String, String>,
}

impl Normalizer {
    /// The text with what earlier answers said put in.
    pub(crate) fn fill(&self, text: &str) -> String {
        let mut out = text.to_owned();
        for (name, value) in &self.captured {
            out = out.replace(&format!("${{{name}}}"), value);
        }
        assert!(!out.contains("${"), "nothing was captured for {out}");
        out
    }

    pub(crate) fn renumber(&mut self) {
        self.uids.clear();
        self.versions.clear();
    }

    /// The newest version that any answer named.
    pub(crate) fn newest_version(&self) -> u64 {
        self.newest
    }

    pub(crate) fn read(&mut self, step: &Step, text: &str) -> Vec<Value> {
        let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
        let Ok(values) = values else { return vec![Value::from(text)] };
        values
            .into_iter()
            .map(|value| {
                self.capture(&value);
                let value = loosened(value, step.compare);
                self.value("", value)
            })
            .collect()
    }

    fn capture(&mut self, value: &Value) {
        let object = value.get("object").filter(|_| value.get("type").is_some()).unwrap_or(value);
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let Some(version) = text("/metadata/resourceVersion") else {
            if let Some(token) = text("/metadata/continue") {
                self.captured.insert("continue".to_owned(), token);
            }
            return;
        };
        self.newest = self.newest.max(version.parse().unwrap_or(0));
        if let Some(name) = text("/metadata/name") {
            self.captured.insert(format!("rv:{name}"), version);
            self.captured.insert(format!("uid:{name}"), text("/metadata/uid").unwrap_or_default());
        } else {
            self.captured.insert("list".to_owned(), version);
            self.captured.insert("continue".to_owned(), text("/metadata/continue").unwrap_or_default());
        }
    }

    fn value(&mut self, field: &str, value: Value) -> Value {
        match value {
            Value::Object(fields) => self.object(field, fields),
            Value::Array(items) if field == "cells" => {
                items.into_iter().map(|item| aged(self.value("", item))).collect()
            }
            Value::Array(mut items) => {
                if field == "managedFields" {
                    items.sort_by_key(owner);
                }
                items.into_iter().map(|item| self.value(field, item)).collect()
            }
            Value::String(text) => self.text(field, &text).into(),
            other => other,
        }
    }

    fn object(&mut self, field: &str, mut fields: Map<String, Value>) -> Value {
        // A list's or a bookmark's version is that of the whole store, which on the real side moves by itself.
        if field == "metadata" && !fields.contains_key("name") && fields.contains_key("resourceVersion") {
            fields.insert("resourceVersion".to_owned(), "<store>".into());
        }
        // The descriptions of a table's columns are the crate's own words.
        if fields.contains_key("priority") && fields.contains_key("format") {
            fields.remove("description");
        }
        // The first object named by an answer is numbered first, whatever the order of the fields.
        let uid = fields.get("uid").cloned();
        if let Some(Value::String(uid)) = uid {
            self.number_of(&uid);
        }
        fields.into_iter().map(|(name, value)| (name.clone(), self.value(&name, value))).collect::<Map<_, _>>().into()
    }

    fn number_of(&mut self, uid: &str) -> usize {
        position(&mut self.uids, uid)
    }

    fn text(&mut self, field: &str, text: &str) -> String {
        match field {
            "resourceVersion" if text.parse::<u64>().is_ok() => {
                format!("<version {}>", position(&mut self.versions, text))
            }
            "continue" if !text.is_empty() => continue_token(text),
            _ if is_now(text) => "<now>".to_owned(),
            _ => self.prose(text),
        }
    }

    /// Text in which uids, versions and generated names may occur.
    fn prose(&mut self, text: &str) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some(first) = rest.chars().next() {
            let uid = rest.get(..36).filter(|candidate| is_uid(candidate));
            if let Some(uid) = uid {
                let number = self.number_of(uid);
                out.extend(["<uid ", &number.to_string(), ">"]);
                rest = &rest[36..];
            } else if let Some(after) =
                rest.strip_prefix("gen-").filter(|after| after.len() >= 5 && after.is_char_boundary(5))
            {
                out.push_str("gen-<5>");
                rest = &after[5..];
            } else if let Some(after) = rest.strip_prefix("ResourceVersion in record (") {
                out.push_str("ResourceVersion in record (<version>");
                rest = after.trim_start_matches(|letter: char| letter.is_ascii_digit());
            } else {
                out.push(first);
                rest = &rest[first.len_utf8()..];
            }
        }
        out
    }
}

fn position(known: &mut Vec<String>, text: &str) -> usize {
    known.iter().position(|one| one == text).unwrap_or_else(|| {
        known.push(text.to_owned());
        known.len() - 1
    })
}

fn is_uid(text: &str) -> bool {
    text.bytes().enumerate().all(|(at, byte)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit() && !byte.is_ascii_uppercase(),
    })
}

/// A time near the present; the script's own times are far in the past.
fn is_now(text: &str) -> bool {
    let Ok(at) = text.parse::<jiff::Timestamp>() else { return false };
    (jiff::Timestamp::now().as_second() - at.as_second()).abs() < 3600
}

/// Whose entry of `managedFields` it is. Appliers come first; the others are kept in the order of the seconds in which they
/// wrote, and a second may begin between two requests on one side and not on the other.
fn owner(entry: &Value) -> [String; 4] {
    ["operation", "manager", "apiVersion", "subresource"]
        .map(|name| entry[name].as_str().unwrap_or_default().to_owned())
}

/// The ages of objects that the script has made, in a table's cells.
fn aged(cell: Value) -> Value {
    let is_age = cell.as_str().is_some_and(|text| {
        text.len() > 1 && text.ends_with(['s', 'm', 'h', 'd']) && text.starts_with(|first: char| first.is_ascii_digit())
    });
    if is_age { "<age>".into() } else { cell }
}

/// Where a token goes on, and whether from a snapshot.
fn continue_token(text: &str) -> String {
    let bytes = URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    let token: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    let start = token["start"].as_str().unwrap_or(text).trim_start_matches('/').to_owned();
    format!("<continue after {start:?}, newest {}>", token["rv"] == -1)
}

fn loosened(mut value: Value, compare: Compare) -> Value {
    if compare == Compare::Whole {
        return value;
    }
    if let Some(fields) = value.as_object_mut()
        && fields.get("kind") == Some(&"Status".into())
    {
        fields.remove("message");
        fields.remove("details");
    }
    value
}
