//! The objects, their versions and the window of history that watches and paged lists may look back on.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;

use super::change::Change;
use super::record::{Record, Stored, key_of};
use crate::resource::Resource;
use crate::validation::text;

#[derive(Debug)]
pub(super) struct State {
    /// One counter for all writes, as etcd has.
    pub(super) version: u64,
    /// How many changes of each resource are kept.
    history: usize,
    tables: BTreeMap<Resource, Table>,
}

#[derive(Debug, Default)]
struct Table {
    objects: BTreeMap<String, Stored>,
    changes: VecDeque<Arc<Change>>,
    /// Changes up to and including this version are forgotten.
    forgotten: u64,
}

/// The version asked for is older than what is remembered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooOld {
    /// The oldest version that can still be asked for.
    pub(crate) oldest: u64,
}

impl State {
    pub(super) fn new(history: usize) -> State {
        let tables = Resource::ALL.into_iter().map(|resource| (resource, Table::default())).collect();
        State { version: 1, history, tables }
    }

    fn table(&self, resource: Resource) -> Option<&Table> {
        self.tables.get(&resource)
    }

    pub(super) fn get(&self, resource: Resource, key: &str) -> Option<&Stored> {
        self.table(resource)?.objects.get(key)
    }

    /// All objects, in the order of their keys.
    pub(super) fn all(&self, resource: Resource) -> impl Iterator<Item = &Stored> {
        self.table(resource).into_iter().flat_map(|table| table.objects.values())
    }

    /// Creates or replaces an object, which gets the next version.
    pub(super) fn put(&mut self, resource: Resource, mut value: Value) -> Stored {
        self.version += 1;
        let version = self.version;
        value["metadata"]["resourceVersion"] = version.to_string().into();
        let key = key_of(text(&value, "/metadata/namespace"), text(&value, "/metadata/name"));
        let record = Arc::new(Record::new(resource, key.clone(), version, &value));
        let stored = Stored { value: Arc::new(value), record: record.clone() };
        let table = self.tables.entry(resource).or_default();
        let previous = table.objects.insert(key, stored.clone()).map(|stored| stored.record);
        table.remember(Change::new(record, previous, false), self.history);
        stored
    }

    /// Deletes an object; `last` is how it was at the end.
    pub(super) fn remove(&mut self, resource: Resource, key: &str, mut last: Value) {
        let table = self.tables.entry(resource).or_default();
        let Some(previous) = table.objects.remove(key) else { return };
        self.version += 1;
        last["metadata"]["resourceVersion"] = self.version.to_string().into();
        let record = Arc::new(Record::new(resource, key.to_owned(), self.version, &last));
        table.remember(Change::new(record, Some(previous.record), true), self.history);
    }

    /// The changes after that version, oldest first, at most `limit`.
    pub(super) fn changes_after(
        &self,
        resource: Resource,
        version: u64,
        limit: usize,
    ) -> Result<Vec<Arc<Change>>, TooOld> {
        let Some(table) = self.table(resource) else { return Ok(Vec::new()) };
        table.check(version)?;
        let from = table.changes.partition_point(|change| change.record.version <= version);
        Ok(table.changes.iter().skip(from).take(limit).cloned().collect())
    }

    /// The objects as they were at that version, in the order of their keys.
    pub(super) fn snapshot(&self, resource: Resource, version: u64) -> Result<Vec<Arc<Record>>, TooOld> {
        let Some(table) = self.table(resource) else { return Ok(Vec::new()) };
        table.check(version)?;
        let mut then: BTreeMap<&str, Option<Arc<Record>>> = BTreeMap::new();
        let from = table.changes.partition_point(|change| change.record.version <= version);
        for change in table.changes.iter().skip(from) {
            then.entry(&change.record.key).or_insert_with(|| change.previous.clone());
        }
        let mut records: BTreeMap<&str, Arc<Record>> =
            table.objects.iter().map(|(key, stored)| (key.as_str(), stored.record.clone())).collect();
        for (key, record) in then {
            match record {
                Some(record) => records.insert(key, record),
                None => records.remove(key),
            };
        }
        Ok(records.into_values().collect())
    }

    /// Forgets all history: whoever asks for an older version than the present is too late.
    pub(super) fn compact(&mut self) {
        for table in self.tables.values_mut() {
            table.changes.clear();
            table.forgotten = self.version;
        }
    }
}

impl Table {
    fn remember(&mut self, change: Change, limit: usize) {
        self.changes.push_back(Arc::new(change));
        while self.changes.len() > limit {
            if let Some(oldest) = self.changes.pop_front() {
                self.forgotten = oldest.record.version;
            }
        }
    }

    fn check(&self, version: u64) -> Result<(), TooOld> {
        if version < self.forgotten { Err(TooOld { oldest: self.forgotten }) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use serde_json::json;

    use super::*;

    fn put(state: &mut State, name: &str) -> u64 {
        state.put(Resource::Nodes, json!({ "metadata": { "name": name } })).record.version
    }

    #[test]
    fn a_snapshot_shows_what_was() {
        let mut state = State::new(10);
        put(&mut state, "a");
        let then = put(&mut state, "b");
        put(&mut state, "a");
        put(&mut state, "c");
        state.remove(Resource::Nodes, "b", json!({ "metadata": { "name": "b" } }));
        let records = state.snapshot(Resource::Nodes, then).unwrap();
        let seen: Vec<(&str, bool)> =
            records.iter().map(|record| (record.key.as_str(), record.version <= then)).collect();
        assert_eq!(seen, [("a", true), ("b", true)]);
    }

    #[test]
    fn history_is_bounded_and_says_so() {
        let mut state = State::new(2);
        let first = put(&mut state, "a");
        let second = put(&mut state, "b");
        put(&mut state, "c");
        assert_eq!(state.changes_after(Resource::Nodes, first, 10).unwrap().len(), 2);
        put(&mut state, "d");
        assert_eq!(state.changes_after(Resource::Nodes, first, 10).unwrap_err(), TooOld { oldest: second });
    }

    #[test]
    fn after_a_compaction_only_the_present_can_be_asked_for() {
        let mut state = State::new(10);
        let first = put(&mut state, "a");
        let last = put(&mut state, "b");
        state.compact();
        assert!(state.changes_after(Resource::Nodes, first, 10).is_err());
        assert!(state.changes_after(Resource::Nodes, last, 10).unwrap().is_empty());
    }
}
