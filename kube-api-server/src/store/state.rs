//! The objects, their versions and the window of history that watches and paged lists may look back on.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::ops::Bound;
use std::sync::Arc;

use super::change::Change;
use super::record::{Draft, Record, key_of};
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
    objects: BTreeMap<String, Arc<Record>>,
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

    pub(super) fn get(&self, resource: Resource, key: &str) -> Option<&Arc<Record>> {
        self.table(resource)?.objects.get(key)
    }

    /// All objects, in the order of their keys.
    pub(super) fn all(&self, resource: Resource) -> impl Iterator<Item = &Arc<Record>> {
        self.table(resource).into_iter().flat_map(|table| table.objects.values())
    }

    /// Creates or replaces an object, which gets the next version.
    pub(super) fn put(&mut self, resource: Resource, mut draft: Draft) -> Arc<Record> {
        self.version += 1;
        let version = self.version;
        draft.rest["metadata"]["resourceVersion"] = version.to_string().into();
        let key = key_of(text(&draft.rest, "/metadata/namespace"), text(&draft.rest, "/metadata/name"));
        let record = Arc::new(Record::new(resource, key.clone(), version, draft));
        let table = self.tables.entry(resource).or_default();
        let previous = table.objects.insert(key, record.clone());
        table.remember(Change::new(record.clone(), previous, false), self.history);
        record
    }

    /// Deletes an object; `last` is how it was at the end.
    pub(super) fn remove(&mut self, resource: Resource, key: &str, mut last: Draft) {
        let table = self.tables.entry(resource).or_default();
        let Some(previous) = table.objects.remove(key) else { return };
        self.version += 1;
        last.rest["metadata"]["resourceVersion"] = self.version.to_string().into();
        let record = Arc::new(Record::new(resource, key.to_owned(), self.version, last));
        table.remember(Change::new(record, Some(previous), true), self.history);
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

    /// How many objects there are.
    pub(super) fn count(&self, resource: Resource) -> usize {
        self.table(resource).map_or(0, |table| table.objects.len())
    }

    /// The objects after a key as they were at a version, in the order of their keys, until `wanted` says to stop. It costs
    /// what is looked at and what has changed since, whatever else there is.
    pub(super) fn snapshot(
        &self,
        resource: Resource,
        version: u64,
        after: &str,
        mut wanted: impl FnMut(&Arc<Record>) -> bool,
    ) -> Result<(), TooOld> {
        let Some(table) = self.table(resource) else { return Ok(()) };
        table.check(version)?;
        // What is now the present was, before the oldest change since then, what that change replaced.
        let mut then: HashMap<&str, Option<&Arc<Record>>> = HashMap::new();
        let from = table.changes.partition_point(|change| change.record.version <= version);
        for change in table.changes.range(from..).filter(|change| change.record.key.as_str() > after) {
            then.entry(&change.record.key).or_insert(change.previous.as_ref());
        }
        let is_gone = |key: &str| !table.objects.contains_key(key);
        let mut gone: Vec<&Arc<Record>> =
            then.iter().filter(|(key, _)| is_gone(key)).filter_map(|(_, record)| *record).collect();
        gone.sort_unstable_by(|one, other| other.key.cmp(&one.key));
        for (key, present) in table.objects.range::<str, _>((Bound::Excluded(after), Bound::Unbounded)) {
            while let Some(record) = gone.pop_if(|record| record.key < *key) {
                if !wanted(record) {
                    return Ok(());
                }
            }
            if let Some(record) = then.get(key.as_str()).copied().unwrap_or(Some(present))
                && !wanted(record)
            {
                return Ok(());
            }
        }
        while gone.pop().is_some_and(&mut wanted) {}
        Ok(())
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

    fn draft(name: &str) -> Draft {
        Draft::whole(Resource::Nodes, json!({ "metadata": { "name": name } }))
    }

    fn put(state: &mut State, name: &str) -> u64 {
        state.put(Resource::Nodes, draft(name)).version
    }

    #[test]
    fn a_snapshot_shows_what_was() {
        let mut state = State::new(10);
        put(&mut state, "a");
        let then = put(&mut state, "b");
        put(&mut state, "a");
        put(&mut state, "c");
        state.remove(Resource::Nodes, "b", draft("b"));
        let seen = |after: &str, most: usize| {
            let mut seen = Vec::new();
            let more = |record: &Arc<Record>| {
                seen.push((record.key.clone(), record.version <= then));
                seen.len() < most
            };
            state.snapshot(Resource::Nodes, then, after, more).unwrap();
            seen
        };
        let (a, b) = (("a".to_owned(), true), ("b".to_owned(), true));
        assert_eq!(seen("", 9), [a.clone(), b.clone()]);
        assert_eq!(seen("", 1), [a]);
        assert_eq!(seen("a", 9), [b]);
        assert_eq!(seen("b", 9), []);
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
