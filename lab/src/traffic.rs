//! Requests, added up by what they asked.

use std::collections::BTreeMap;

use serde::Serialize;
use uuid::Uuid;

/// Requests of one kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Row {
    /// The method and the path, ids and names replaced by what they are: `GET /devices/{id}`.
    pub(crate) request: String,
    /// The HTTP status of the answers; 0 for none.
    pub(crate) status: u16,
    /// How many there were.
    pub(crate) count: u64,
    /// How many bytes the answers' bodies had.
    pub(crate) bytes: u64,
}

/// One request: what it asked, how it was answered, how many bytes that had.
pub(crate) type Entry = (String, u16, u64);

/// The requests by what they asked and how they were answered, most frequent first.
pub(crate) fn rows(entries: impl IntoIterator<Item = Entry>) -> Vec<Row> {
    let mut sums: BTreeMap<(String, u16), (u64, u64)> = BTreeMap::new();
    for (request, status, bytes) in entries {
        let (count, sum) = sums.entry((request, status)).or_default();
        *count += 1;
        *sum += bytes;
    }
    let mut rows: Vec<Row> =
        sums.into_iter().map(|((request, status), (count, bytes))| Row { request, status, count, bytes }).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.count));
    rows
}

/// A request to the Packet API.
pub(crate) fn of_packet(record: &packet_api_server::RequestRecord) -> Entry {
    let path = record.path.strip_prefix(packet_api_server::BASE_PATH).unwrap_or(&record.path);
    let parts = path.split('/').map(|part| if Uuid::try_parse(part).is_ok() { "{id}" } else { part });
    let path = parts.collect::<Vec<_>>().join("/");
    let by_hostname = record.query.as_deref().is_some_and(|query| query.split('&').any(|q| q.starts_with("hostname=")));
    let filter = if by_hostname { "?hostname={name}" } else { "" };
    (format!("{} {path}{filter}", record.method), record.status, record.bytes)
}

/// A write to the Kubernetes API; its answer's size is not known.
pub(crate) fn of_kubernetes(record: &kube_api_server::RequestRecord) -> Entry {
    let parts: Vec<&str> = record.path.trim_start_matches('/').split('/').collect();
    let path = match parts[..] {
        ["api", "v1", "nodes", _] => "nodes/{name}".to_owned(),
        ["api", "v1", "nodes", _, subresource] => format!("nodes/{{name}}/{subresource}"),
        ["api", "v1", "namespaces", _, "events"] => "events".to_owned(),
        ["api", "v1", "namespaces", _, "events", _] => "events/{name}".to_owned(),
        _ => record.path.clone(),
    };
    (format!("{} {path}", record.method), record.status, 0)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use std::time::{Duration, SystemTime};

    fn packet(path: &str, query: Option<&str>) -> String {
        let (method, query) = ("GET".to_owned(), query.map(Into::into));
        let (at, path) = (Duration::ZERO, path.to_owned());
        of_packet(&packet_api_server::RequestRecord { method, path, query, status: 200, at, bytes: 1 }).0
    }

    fn kubernetes(method: &str, path: &str) -> String {
        let (method, path, query) = (method.to_owned(), path.to_owned(), String::new());
        let (at, user_agent) = (SystemTime::UNIX_EPOCH, String::new());
        of_kubernetes(&kube_api_server::RequestRecord { method, path, query, status: 200, at, user_agent }).0
    }

    #[test]
    fn requests_that_differ_in_an_id_or_a_page_are_of_one_kind() {
        let id = "93ecc1d0-4a5b-4c7e-9d3a-1f6b7c8e5a20";
        let pages = format!("/metal/v1/projects/{id}/devices");
        assert_eq!(packet(&pages, Some("page=1&per_page=1000")), "GET /projects/{id}/devices");
        assert_eq!(packet(&pages, Some("page=1&hostname=a")), "GET /projects/{id}/devices?hostname={name}");
        assert_eq!(packet("/metal/v1/facilities", None), "GET /facilities");
    }

    #[test]
    fn writes_are_named_by_what_they_write() {
        assert_eq!(kubernetes("PATCH", "/api/v1/nodes/a/status"), "PATCH nodes/{name}/status");
        assert_eq!(kubernetes("DELETE", "/api/v1/nodes/a"), "DELETE nodes/{name}");
        assert_eq!(kubernetes("POST", "/api/v1/namespaces/default/events"), "POST events");
        assert_eq!(kubernetes("PUT", "/apis/x/y"), "PUT /apis/x/y");
    }

    #[test]
    fn requests_of_one_kind_and_answer_are_added_up() {
        let entry = |request: &str, status, bytes| (request.to_owned(), status, bytes);
        let rows =
            rows([entry("GET a", 200, 5), entry("GET b", 200, 1), entry("GET b", 200, 2), entry("GET b", 429, 3)]);
        let told: Vec<_> = rows.iter().map(|row| (row.request.as_str(), row.status, row.count, row.bytes)).collect();
        assert_eq!(told, [("GET b", 200, 2, 3), ("GET a", 200, 1, 5), ("GET b", 429, 1, 3)]);
    }
}
