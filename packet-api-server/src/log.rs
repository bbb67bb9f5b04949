//! What was asked of the server. Tokens are never part of it.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// A server that runs for days must not fill the memory: the log keeps this many requests, and forgets the oldest.
const KEPT: usize = 1_000_000;

/// One request, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestRecord {
    /// The method, say `GET`.
    pub method: String,
    /// The path as asked for, with the base path: `/metal/v1/devices/…`.
    pub path: String,
    /// The query string as asked for, without its question mark.
    pub query: Option<String>,
    /// The status answered; 0 while there is no answer, and for good where a fault withheld it or the client went away.
    pub status: u16,
    /// When the request arrived, after the server's start.
    pub at: Duration,
    /// How many bytes of body were sent in answer.
    pub bytes: u64,
}

/// The requests since the start or the last [`clear`](Self::clear), in the order in which they arrived. Requests to
/// `/healthz` are not among them. Clones share one log.
#[derive(Debug, Clone)]
pub struct RequestLog {
    started: Instant,
    records: Arc<Mutex<Records>>,
}

#[derive(Debug, Default)]
struct Records {
    /// How many requests came before the first one kept.
    forgotten: u64,
    kept: VecDeque<RequestRecord>,
    /// Since the last clear, whether kept or not.
    count: usize,
    bytes: u64,
}

/// Which record an answer belongs to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ticket(u64);

impl RequestLog {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), records: Arc::default() }
    }

    /// Every request, or the latest million.
    #[must_use]
    pub fn all(&self) -> Vec<RequestRecord> {
        self.lock().kept.iter().cloned().collect()
    }

    /// How many requests there were.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lock().count
    }

    /// How many requests there were whose path starts so, with or without the base path: `/devices/` or
    /// `/metal/v1/devices/`.
    #[must_use]
    pub fn count_of(&self, path_prefix: &str) -> usize {
        self.lock().kept.iter().filter(|record| starts(&record.path, path_prefix)).count()
    }

    /// How many bytes of bodies were sent in answer to all of them.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.lock().bytes
    }

    /// Forgets what was asked so far. An answer that is still to come to one of those is not recorded.
    pub fn clear(&self) {
        let mut records = self.lock();
        records.forgotten += records.kept.len() as u64;
        records.kept.clear();
        records.count = 0;
        records.bytes = 0;
    }

    pub(crate) fn arrived(&self, method: &str, path: &str, query: Option<&str>) -> Ticket {
        let record = RequestRecord {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.map(Into::into),
            status: 0,
            at: self.started.elapsed(),
            bytes: 0,
        };
        let mut records = self.lock();
        if records.kept.len() == KEPT {
            records.kept.pop_front();
            records.forgotten += 1;
        }
        let ticket = Ticket(records.forgotten + records.kept.len() as u64);
        records.kept.push_back(record);
        records.count += 1;
        ticket
    }

    pub(crate) fn answered(&self, ticket: Ticket, status: u16, bytes: u64) {
        let mut records = self.lock();
        let place = ticket.0.checked_sub(records.forgotten).and_then(|place| usize::try_from(place).ok());
        if let Some(record) = place.and_then(|place| records.kept.get_mut(place)) {
            record.status = status;
            record.bytes = bytes;
            records.bytes += bytes;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a path starts so, the base path being optional in the prefix.
pub(crate) fn starts(path: &str, prefix: &str) -> bool {
    path.starts_with(prefix) || path.strip_prefix(crate::BASE_PATH).is_some_and(|rest| rest.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::RequestLog;

    #[test]
    fn a_request_counts_once_it_has_arrived() {
        let log = RequestLog::new();
        let ticket = log.arrived("GET", "/metal/v1/devices/x", Some("include=plan"));
        assert_eq!((log.count(), log.all().first().map(|record| record.status)), (1, Some(0)));
        log.answered(ticket, 200, 12);
        assert_eq!((log.bytes(), log.all().first().map(|record| record.status)), (12, Some(200)));
    }

    #[test]
    fn an_answer_to_what_was_cleared_is_not_put_on_another_request() {
        let log = RequestLog::new();
        let early = log.arrived("GET", "/a", None);
        log.clear();
        log.arrived("GET", "/b", None);
        log.answered(early, 500, 5);
        assert_eq!(log.all().iter().map(|record| record.status).collect::<Vec<_>>(), [0]);
        assert_eq!(log.bytes(), 0);
    }

    #[test]
    fn a_prefix_counts_with_or_without_the_base_path() {
        let log = RequestLog::new();
        log.arrived("GET", "/metal/v1/devices/x", None);
        log.arrived("GET", "/metal/v1/projects/y/devices", None);
        assert_eq!((log.count_of("/devices/"), log.count_of("/metal/v1/devices/"), log.count_of("/")), (1, 1, 2));
    }
}
