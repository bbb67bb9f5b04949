//! One step of a resource's history, and the watch events it makes for those who see all, some or none of it.

use std::sync::Arc;

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
}

/// Writes the line that a watch answers for a record. Its bytes are there already, so there is nothing to share between
/// watchers but them.
pub(crate) fn write_event(event: EventType, record: &Record, out: &mut Vec<u8>) {
    out.reserve(record.item_len() + 96);
    out.extend_from_slice(b"{\"type\":\"");
    out.extend_from_slice(event.name().as_bytes());
    out.extend_from_slice(b"\",\"object\":");
    record.write_object(out);
    out.extend_from_slice(b"}\n");
}

impl Change {
    pub(crate) fn new(record: Arc<Record>, previous: Option<Arc<Record>>, deleted: bool) -> Change {
        Change { record, previous, deleted }
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
            (Some(previous), EventType::Deleted) if !self.deleted => Arc::new(previous.at_version(self.record.version)),
            _ => self.record.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use serde_json::{Value, json};

    use super::super::record::Draft;
    use super::*;
    use crate::resource::Resource;

    fn record(version: u64, label: &str) -> Arc<Record> {
        let value =
            json!({ "metadata": { "name": "n", "labels": { "l": label }, "resourceVersion": version.to_string() } });
        Arc::new(Record::new(Resource::Nodes, "n".to_owned(), version, Draft::whole(Resource::Nodes, value)))
    }

    #[test]
    fn an_object_that_leaves_a_selection_is_deleted_for_it() {
        let change = Change::new(record(2, "b"), Some(record(1, "a")), false);
        let selection = Selection::parse(Resource::Nodes, "l=a", "").unwrap();
        assert_eq!(change.seen_by(&selection), Some(EventType::Deleted));
        let mut line = Vec::new();
        write_event(EventType::Deleted, &change.shown(EventType::Deleted), &mut line);
        let event: Value = serde_json::from_slice(&line).unwrap();
        assert_eq!(event["object"]["metadata"]["labels"]["l"], "a");
        assert_eq!(event["object"]["metadata"]["resourceVersion"], "2");
    }
}
