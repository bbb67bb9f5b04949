//! What was asked of the server: every request, in the order in which they came.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

/// One request and how it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// "GET" and so on.
    pub method: String,
    /// The path without the query, such as `/api/v1/nodes/node-0001`.
    pub path: String,
    /// The query string as it came, without the question mark.
    pub query: String,
    /// The HTTP status code of the answer; 0 for a connection that was cut instead.
    pub status: u16,
    /// When the request came.
    pub at: SystemTime,
    /// The `User-Agent` header, empty where there was none.
    pub user_agent: String,
}

impl RequestRecord {
    /// Whether the request was to change something.
    #[must_use]
    pub fn is_write(&self) -> bool {
        matches!(self.method.as_str(), "POST" | "PUT" | "PATCH" | "DELETE")
    }
}

/// All requests since the start or since it was last cleared. Shared and cheap to clone.
///
/// A request is written down when its answer begins: a watch as soon as it is open.
#[derive(Debug, Clone, Default)]
pub struct RequestLog {
    records: Arc<Mutex<Vec<RequestRecord>>>,
}

impl RequestLog {
    fn with<T>(&self, use_records: impl FnOnce(&mut Vec<RequestRecord>) -> T) -> T {
        use_records(&mut self.records.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn push(&self, record: RequestRecord) {
        self.with(|records| records.push(record));
    }

    /// All requests, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<RequestRecord> {
        self.with(|records| records.clone())
    }

    /// The requests that were to change something, oldest first, refused ones too.
    #[must_use]
    pub fn writes(&self) -> Vec<RequestRecord> {
        self.with(|records| records.iter().filter(|record| record.is_write()).cloned().collect())
    }

    /// How many requests there were.
    #[must_use]
    pub fn count(&self) -> usize {
        self.with(|records| records.len())
    }

    /// Forgets all requests.
    pub fn clear(&self) {
        self.with(Vec::clear);
    }
}
