//! One step of a resource's history, and the watch events it makes for those who see all, some or none of it.

use std::sync::{Arc, OnceLock};

use axum::body::Bytes;
use serde_json::Value;

use super::record::Record;
use crate::selector::Selection;

/// What a watch event says of its object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventType {
    Added,
    Modified,
    Deleted,
}

impl EventType {
    pub(crate) fn name(self) -> &'static str {
        match self {
            EventType::Added => "ADDED",
            EventType::Modified => "MODIFIED",
            EventType::Deleted => "DELETED",
        }
    }
}

/// A creation, a change or a deletion.
#[derive(Debug)]
pub(crate) struct Change {
    /// The object after it; for a deletion the object as it last was, at the version of the deletion.
    pub(crate) record: Arc<Record>,
    /// The object before it, if there was one.
    pub(crate) previous: Option<Arc<Record>>,
    pub(crate) deleted: bool,
    /// The event as bytes, made once for all watchers.
    frames: [OnceLock<Bytes>; 3],
}

/// The line that a watch answers for a record.
pub(crate) fn frame(event: EventType, record: &Record) -> Bytes {
    let mut out = Vec::with_capacity(record.item_len() + 96);
    out.extend_from_slice(b"{\"type\":\"");
    out.extend_from_slice(event.name().as_bytes());
    out.extend_from_slice(b"\",\"object\":");
    record.write_object(&mut out);
    out.extend_from_slice(b"}\n");
    out.into()
}

impl Change {
    pub(crate) fn new(record: Arc<Record>, previous: Option<Arc<Record>>, deleted: bool) -> Change {
        Change { record, previous, deleted, frames: Default::default() }
    }

    /// What someone who sees only that selection is told: an object may come into it and leave it by a change.
    pub(crate) fn seen_by(&self, selection: &Selection) -> Option<EventType> {
        let before = self.previous.as_deref().is_some_and(|record| selection.matches(record));
        let after = !self.deleted && selection.matches(&self.record);
        match (before, after) {
            (false, true) => Some(EventType::Added),
            (true, true) => Some(EventType::Modified),
            (true, false) => Some(EventType::Deleted),
            (false, false) => None,
        }
    }

    /// The object that such an event carries. One that left a selection is shown as it was inside, at the new version.
    pub(crate) fn shown(&self, event: EventType) -> Arc<Record> {
        match (&self.previous, event) {
            (Some(previous), EventType::Deleted) if !self.deleted => {
                let mut value = previous.to_value();
                if let Some(fields) = value.as_object_mut() {
                    fields.remove("kind");
                    fields.remove("apiVersion");
                }
                value["metadata"]["resourceVersion"] = Value::from(self.record.version.to_string());
                Arc::new(Record::new(previous.resource, previous.key.clone(), self.record.version, &value))
            }
            _ => self.record.clone(),
        }
    }

    /// The event as a line of JSON.
    pub(crate) fn frame(&self, event: EventType) -> Bytes {
        let slot = match event {
            EventType::Added => 0,
            EventType::Modified => 1,
            EventType::Deleted => 2,
        };
        self.frames[slot].get_or_init(|| frame(event, &self.shown(event))).clone()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use serde_json::json;

    use super::*;
    use crate::resource::Resource;

    fn record(version: u64, label: &str) -> Arc<Record> {
        let value =
            json!({ "metadata": { "name": "n", "labels": { "l": label }, "resourceVersion": version.to_string() } });
        Arc::new(Record::new(Resource::Nodes, "n".to_owned(), version, &value))
    }

    #[test]
    fn an_object_that_leaves_a_selection_is_deleted_for_it() {
        let change = Change::new(record(2, "b"), Some(record(1, "a")), false);
        let selection = Selection::parse(Resource::Nodes, "l=a", "").unwrap();
        assert_eq!(change.seen_by(&selection), Some(EventType::Deleted));
        let event: Value = serde_json::from_slice(&change.frame(EventType::Deleted)).unwrap();
        assert_eq!(event["object"]["metadata"]["labels"]["l"], "a");
        assert_eq!(event["object"]["metadata"]["resourceVersion"], "2");
    }

    #[test]
    fn watchers_share_the_bytes_of_an_event() {
        let change = Change::new(record(2, "b"), None, false);
        let (one, other) = (change.frame(EventType::Added), change.frame(EventType::Added));
        assert_eq!(one.as_ptr(), other.as_ptr());
    }
}
