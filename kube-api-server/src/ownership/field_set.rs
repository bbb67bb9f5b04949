//! Sets of field paths, as `managedFields[].fieldsV1` writes them.

use std::collections::BTreeMap;

use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

/// A tree of path elements. An element is kept in its written form: `f:name` for a field, `k:{…}` for a list item known
/// by its keys, `v:…` for a value of a set.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldSet {
    /// Whether the path up to here is itself in the set, besides what is below it.
    member: bool,
    below: BTreeMap<String, FieldSet>,
}

impl FieldSet {
    pub(crate) fn is_empty(&self) -> bool {
        !self.member && self.below.values().all(FieldSet::is_empty)
    }

    /// Puts one path in.
    pub(crate) fn insert(&mut self, path: &[String]) {
        match path {
            [] => self.member = true,
            [first, rest @ ..] => self.below.entry(first.clone()).or_default().insert(rest),
        }
    }

    /// The set of the paths given.
    #[cfg(test)]
    pub(crate) fn of(paths: &[&[&str]]) -> FieldSet {
        let mut set = FieldSet::default();
        for path in paths {
            set.insert(&path.iter().map(|&element| element.to_owned()).collect::<Vec<_>>());
        }
        set
    }

    pub(crate) fn contains(&self, element: &str) -> bool {
        self.below.get(element).is_some_and(|child| child.member)
    }

    pub(crate) fn child(&self, element: &str) -> Option<&FieldSet> {
        self.below.get(element).filter(|child| child.below.values().any(|set| !set.is_empty()))
    }

    pub(crate) fn union(&self, other: &FieldSet) -> FieldSet {
        let mut out = self.clone();
        out.member |= other.member;
        for (element, set) in &other.below {
            let merged = out.below.get(element).map_or_else(|| set.clone(), |mine| mine.union(set));
            out.below.insert(element.clone(), merged);
        }
        out
    }

    /// The second element of every path, or the first of a path that has no more.
    pub(crate) fn second_steps(&self) -> impl Iterator<Item = &str> {
        self.below.iter().flat_map(|(element, set)| {
            set.below.keys().map(String::as_str).chain(set.member.then_some(element.as_str()))
        })
    }

    /// Takes in what is in the other. It costs what the other holds, however large this is.
    pub(crate) fn add(&mut self, other: FieldSet) {
        self.member |= other.member;
        for (element, set) in other.below {
            match self.below.get_mut(&element) {
                Some(mine) => mine.add(set),
                None => drop(self.below.insert(element, set)),
            }
        }
    }

    /// Takes out, path by path, what is in the other. It costs what the other holds, however large this is.
    pub(crate) fn subtract(&mut self, other: &FieldSet) {
        self.member &= !other.member;
        for (element, set) in &other.below {
            if let Some(mine) = self.below.get_mut(element) {
                mine.subtract(set);
                if mine.is_empty() {
                    self.below.remove(element);
                }
            }
        }
    }

    /// What is in this set and not, path by path, in the other.
    pub(crate) fn difference(&self, other: &FieldSet) -> FieldSet {
        self.zip(other, |mine, theirs| mine && !theirs)
    }

    pub(crate) fn intersection(&self, other: &FieldSet) -> FieldSet {
        self.zip(other, |mine, theirs| mine && theirs)
    }

    fn zip(&self, other: &FieldSet, keep: fn(bool, bool) -> bool) -> FieldSet {
        let nothing = FieldSet::default();
        let below = self.below.iter().filter_map(|(element, set)| {
            let kept = set.zip(other.below.get(element).unwrap_or(&nothing), keep);
            (!kept.is_empty()).then(|| (element.clone(), kept))
        });
        FieldSet { member: keep(self.member, other.member), below: below.collect() }
    }

    /// Without a top-level field and all that is below it.
    pub(crate) fn without_field(mut self, name: &str) -> FieldSet {
        self.below.remove(&format!("f:{name}"));
        self
    }

    /// The same set with every field that has something below it as a member; list items are left as they are.
    pub(crate) fn with_fields_as_members(&self) -> FieldSet {
        let below = self.below.iter().map(|(element, set)| {
            let mut set = set.with_fields_as_members();
            if element.starts_with("f:") && !set.is_empty() {
                set.member = true;
            }
            (element.clone(), set)
        });
        FieldSet { member: self.member, below: below.collect() }
    }

    /// All member paths, in order, as kube-apiserver names them in a conflict: `.metadata.labels.a`,
    /// `.status.conditions[type="Ready"].status`.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut out = Vec::new();
        self.collect_names(&mut String::new(), &mut out);
        out
    }

    fn collect_names(&self, path: &mut String, out: &mut Vec<String>) {
        if self.member {
            out.push(path.clone());
        }
        for (element, set) in &self.below {
            let length = path.len();
            path.push_str(&named(element));
            set.collect_names(path, out);
            path.truncate(length);
        }
    }

    /// As `fieldsV1`.
    pub(crate) fn to_json(&self) -> Value {
        let mut out = Map::new();
        if self.member && !self.below.is_empty() {
            out.insert(".".to_owned(), json!({}));
        }
        for (element, set) in &self.below {
            out.insert(element.clone(), set.to_json());
        }
        out.into()
    }

    /// From `fieldsV1`. What has no form that is known is `None`.
    pub(crate) fn from_json(value: &Value) -> Option<FieldSet> {
        let mut set = FieldSet::default();
        for (element, below) in value.as_object()? {
            if element == "." {
                set.member = true;
                continue;
            }
            if !is_element(element) {
                return None;
            }
            let mut child = FieldSet::from_json(below)?;
            if child.below.is_empty() {
                child.member = true;
            }
            set.below.insert(element.clone(), child);
        }
        Some(set)
    }
}

fn is_element(text: &str) -> bool {
    ["f:", "k:", "v:", "i:"].iter().any(|kind| text.starts_with(kind))
}

/// The same as `to_json`, without the tree between.
impl Serialize for FieldSet {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let marked = self.member && !self.below.is_empty();
        let mut map = serializer.serialize_map(Some(self.below.len() + usize::from(marked)))?;
        if marked {
            map.serialize_entry(".", &FieldSet::default())?;
        }
        for (element, set) in &self.below {
            map.serialize_entry(element, set)?;
        }
        map.end()
    }
}

/// The same as `from_json`, without the tree between.
impl<'de> Deserialize<'de> for FieldSet {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<FieldSet, D::Error> {
        struct Elements;

        impl<'de> Visitor<'de> for Elements {
            type Value = FieldSet;

            fn expecting(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                formatter.write_str("a set of field paths")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<FieldSet, A::Error> {
                let mut set = FieldSet::default();
                while let Some((element, mut below)) = entries.next_entry::<String, FieldSet>()? {
                    if element == "." {
                        set.member = true;
                    } else if is_element(&element) {
                        below.member |= below.below.is_empty();
                        set.below.insert(element, below);
                    } else {
                        return Err(A::Error::custom("a path element of no known form"));
                    }
                }
                Ok(set)
            }
        }

        deserializer.deserialize_map(Elements)
    }
}

fn named(element: &str) -> String {
    let (kind, rest) = element.split_at(2.min(element.len()));
    match kind {
        "f:" => format!(".{rest}"),
        "k:" => {
            let keys: Map<String, Value> = serde_json::from_str(rest).unwrap_or_default();
            let keys: Vec<String> = keys.iter().map(|(key, value)| format!("{key}={value}")).collect();
            format!("[{}]", keys.join(","))
        }
        "v:" => format!("[={rest}]"),
        _ => format!("[{rest}]"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_set_reads_back_as_it_was_written() {
        let written = json!({
            "f:metadata": { "f:labels": { ".": {}, "f:a": {} } },
            "f:status": { "f:addresses": { "k:{\"type\":\"Hostname\"}": { ".": {}, "f:address": {} } } },
        });
        assert_eq!(FieldSet::from_json(&written).unwrap().to_json(), written);
        let set: FieldSet = serde_json::from_str(&written.to_string()).unwrap();
        assert_eq!(set, FieldSet::from_json(&written).unwrap());
        assert_eq!(serde_json::to_string(&set).unwrap(), written.to_string());
        assert!(serde_json::from_str::<FieldSet>(r#"{"f:a":{"b":{}}}"#).is_err());
    }

    #[test]
    fn a_member_above_is_not_a_member_below() {
        let all = FieldSet::of(&[&["f:labels"], &["f:labels", "f:a"]]);
        let one = FieldSet::of(&[&["f:labels"]]);
        assert_eq!(all.difference(&one), FieldSet::of(&[&["f:labels", "f:a"]]));
        assert_eq!(all.intersection(&one), one);
        assert!(one.difference(&all).is_empty());
        let (mut left, mut joined) = (all.clone(), one.clone());
        left.subtract(&one);
        assert_eq!(left, all.difference(&one));
        joined.add(all.clone());
        assert_eq!(joined, one.union(&all));
        left.subtract(&all);
        assert_eq!(left, FieldSet::default());
    }

    #[test]
    fn a_conflict_names_its_path() {
        let set = FieldSet::of(&[&["f:status", "f:conditions", "k:{\"type\":\"Ready\"}", "f:status"]]);
        assert_eq!(set.names(), [".status.conditions[type=\"Ready\"].status"]);
    }
}
