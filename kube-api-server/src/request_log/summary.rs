//! What many requests come to: how many of each kind there were and how many bytes they were answered with, in all and
//! second by second.

use std::collections::{BTreeMap, VecDeque};
use std::time::UNIX_EPOCH;

use serde::Serialize;

use super::RequestRecord;
use crate::api::path::{self, Place};
use crate::validation::Door;

/// How many seconds are told apart: an hour's.
const MOST_SECONDS: usize = 3_600;

/// What the requests come to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestSummary {
    /// How many there were.
    pub requests: u64,
    /// How long the bodies of their answers were together. Those of watches are not counted: they have no length when they
    /// begin.
    pub bytes: u64,
    /// By what was asked and how it was answered.
    pub by_kind: Vec<RequestCount>,
    /// The seconds of the last hour in which there were requests, oldest first.
    pub per_second: Vec<SecondCount>,
}

/// The requests of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestCount {
    /// As Kubernetes calls it: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete` or `deletecollection`.
    pub verb: String,
    /// Such as `nodes` or `nodes/status`; a path for what is no object.
    pub resource: String,
    /// The HTTP status code of the answer; 0 for a connection that was cut instead.
    pub status: u16,
    /// How many there were.
    pub requests: u64,
    /// How long the bodies of their answers were together.
    pub bytes: u64,
}

/// The requests of one second.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SecondCount {
    /// The second, counted from 1970 in UTC.
    pub second: u64,
    /// How many there were.
    pub requests: u64,
    /// How many of them were refused or cut.
    pub failed: u64,
    /// How long the bodies of their answers were together.
    pub bytes: u64,
}

/// Counts as requests come.
#[derive(Debug, Default)]
pub(super) struct Tally {
    by_kind: BTreeMap<(String, &'static str, u16), (u64, u64)>,
    seconds: VecDeque<SecondCount>,
}

impl Tally {
    pub(super) fn add(&mut self, record: &RequestRecord, bytes: u64) {
        let (verb, resource) = kind(record);
        let (requests, all_bytes) = self.by_kind.entry((resource, verb, record.status)).or_default();
        *requests += 1;
        *all_bytes += bytes;

        let second = record.at.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        // A slow request is written down after quicker ones that came later.
        let at = self.seconds.partition_point(|count| count.second < second);
        if self.seconds.get(at).is_none_or(|count| count.second != second) {
            self.seconds.insert(at, SecondCount { second, requests: 0, failed: 0, bytes: 0 });
        }
        if let Some(count) = self.seconds.get_mut(at) {
            count.requests += 1;
            count.failed += u64::from(record.status == 0 || record.status >= 400);
            count.bytes += bytes;
        }
        if self.seconds.len() > MOST_SECONDS {
            self.seconds.pop_front();
        }
    }

    pub(super) fn summary(&self) -> RequestSummary {
        let by_kind: Vec<RequestCount> = self
            .by_kind
            .iter()
            .map(|((resource, verb, status), (requests, bytes))| RequestCount {
                verb: (*verb).to_owned(),
                resource: resource.clone(),
                status: *status,
                requests: *requests,
                bytes: *bytes,
            })
            .collect();
        RequestSummary {
            requests: by_kind.iter().map(|count| count.requests).sum(),
            bytes: by_kind.iter().map(|count| count.bytes).sum(),
            by_kind,
            per_second: self.seconds.iter().cloned().collect(),
        }
    }
}

/// The verb and the resource, as Kubernetes calls them.
fn kind(record: &RequestRecord) -> (&'static str, String) {
    let (resource, is_one) = match path::parse(&record.path) {
        Place::Target(target) => {
            let subresource = if target.door == Door::Status { "/status" } else { "" };
            (format!("{}{subresource}", target.resource.plural()), !target.name.is_empty())
        }
        Place::Pods => ("pods".to_owned(), false),
        // There may be any number of these; they are not told apart by more than their beginning.
        Place::NoSuchResource => ("unknown".to_owned(), false),
        Place::Other => (record.path.split('/').take(4).collect::<Vec<_>>().join("/"), true),
    };
    let watches = || record.query.split('&').any(|pair| matches!(pair, "watch=true" | "watch=1" | "watch"));
    let verb = match (record.method.as_str(), is_one) {
        ("GET" | "HEAD", true) => "get",
        ("GET" | "HEAD", false) if watches() => "watch",
        ("GET" | "HEAD", false) => "list",
        ("POST", _) => "create",
        ("PUT", _) => "update",
        ("PATCH", _) => "patch",
        ("DELETE", true) => "delete",
        ("DELETE", false) => "deletecollection",
        _ => "other",
    };
    (verb, resource)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn record(method: &str, path: &str, query: &str, status: u16, second: u64) -> RequestRecord {
        RequestRecord {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.to_owned(),
            status,
            at: UNIX_EPOCH + Duration::from_secs(second),
            user_agent: String::new(),
        }
    }

    #[test]
    fn requests_are_counted_by_what_they_ask_for() {
        let kind = |method, path, query| kind(&record(method, path, query, 200, 0));
        assert_eq!(kind("GET", "/api/v1/nodes", "limit=500"), ("list", "nodes".to_owned()));
        assert_eq!(kind("GET", "/api/v1/nodes", "limit=500&watch=true"), ("watch", "nodes".to_owned()));
        assert_eq!(kind("PATCH", "/api/v1/nodes/n/status", ""), ("patch", "nodes/status".to_owned()));
        assert_eq!(kind("POST", "/api/v1/namespaces/default/events", ""), ("create", "events".to_owned()));
        assert_eq!(kind("DELETE", "/api/v1/nodes", ""), ("deletecollection", "nodes".to_owned()));
        assert_eq!(kind("GET", "/healthz", ""), ("get", "/healthz".to_owned()));
    }

    #[test]
    fn a_second_counts_its_requests_also_those_written_down_late() {
        let mut tally = Tally::default();
        for (status, second) in [(200, 5), (429, 6), (200, 5), (0, 6)] {
            tally.add(&record("PATCH", "/api/v1/nodes/n", "", status, second), 10);
        }
        let summary = tally.summary();
        let seconds: Vec<(u64, u64, u64)> =
            summary.per_second.iter().map(|count| (count.second, count.requests, count.failed)).collect();
        assert_eq!(seconds, [(5, 2, 0), (6, 2, 2)]);
        assert_eq!((summary.requests, summary.bytes), (4, 40));
        assert_eq!(summary.by_kind.len(), 3);
    }
}
