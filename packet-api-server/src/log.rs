//! What was asked of the server. Tokens are never part of it.

mod file;
mod record;
mod summary;

pub(crate) use file::LogFile;
pub(crate) use record::ExchangeJson;
pub use record::{Exchange, RequestRecord};
pub use summary::{RequestSummary, Share};

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A server that runs for days must not fill the memory: the log keeps this many requests, and forgets the oldest.
const KEPT: usize = 1_000_000;

/// The requests since the start or the last [`clear`](Self::clear), in the order in which they arrived. Requests to
/// `/healthz` and below `/_admin/` are not among them. Clones share one log.
#[derive(Debug, Clone)]
pub struct RequestLog {
    started: Instant,
    records: Arc<Mutex<Records>>,
    file: Option<Arc<LogFile>>,
}

#[derive(Debug, Default)]
struct Records {
    /// How many requests came before the first one kept.
    forgotten: u64,
    kept: VecDeque<Exchange>,
    /// Since the last clear, whether kept or not.
    count: usize,
    bytes: u64,
}

/// A request that is not answered yet. When it is dropped unanswered, the client has gone away.
#[derive(Debug)]
pub(crate) struct Open {
    log: RequestLog,
    number: u64,
    arrived: Instant,
    closed: bool,
}

impl RequestLog {
    pub(crate) fn new(file: Option<LogFile>) -> Self {
        Self { started: Instant::now(), records: Arc::default(), file: file.map(Arc::new) }
    }

    /// Every request, or the latest million.
    #[must_use]
    pub fn all(&self) -> Vec<RequestRecord> {
        self.lock().kept.iter().map(|exchange| exchange.request.clone()).collect()
    }

    /// Every request, or the latest million, with how long each took and what went wrong with it on purpose.
    #[must_use]
    pub fn exchanges(&self) -> Vec<Exchange> {
        self.exchanges_since(Duration::ZERO)
    }

    /// Those of them that arrived no earlier than this long after the server's start.
    #[must_use]
    pub fn exchanges_since(&self, at: Duration) -> Vec<Exchange> {
        let records = self.lock();
        let first = records.kept.partition_point(|exchange| exchange.at < at);
        records.kept.range(first..).cloned().collect()
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

    /// The most requests that arrived in any stretch of time of this length, its end not counted. This is what a rate limit
    /// is held against.
    #[must_use]
    pub fn most_in(&self, window: Duration) -> usize {
        let records = self.lock();
        most_in(records.kept.iter().map(|exchange| exchange.at), window)
    }

    /// How many requests arrived in each second since the server's start, from the first one that had any to the last:
    /// which second that was, and the counts.
    #[must_use]
    pub fn per_second(&self) -> (u64, Vec<usize>) {
        let records = self.lock();
        let second = |exchange: &Exchange| exchange.at.as_secs();
        let first = records.kept.front().map_or(0, second);
        let mut counts = Vec::new();
        for exchange in &records.kept {
            let place = usize::try_from(second(exchange) - first).unwrap_or(usize::MAX);
            if counts.len() <= place {
                counts.resize(place + 1, 0);
            }
            counts[place] += 1;
        }
        (first, counts)
    }

    /// What it comes to, for people and for reports.
    #[must_use]
    pub fn summary(&self) -> RequestSummary {
        let records = self.lock();
        RequestSummary::of(&records.kept, records.count, records.bytes)
    }

    /// Forgets what was asked so far. An answer that is still to come to one of those is not recorded.
    pub fn clear(&self) {
        let mut records = self.lock();
        records.forgotten += records.kept.len() as u64;
        records.kept.clear();
        records.count = 0;
        records.bytes = 0;
    }

    pub(crate) fn arrived(&self, method: &str, path: &str, query: Option<&str>) -> Open {
        let (method, path, query) = (method.to_owned(), path.to_owned(), query.map(Into::into));
        let mut records = self.lock();
        // Taken with the lock held, so that the records are in the order of their times.
        let arrived = Instant::now();
        let at = arrived.duration_since(self.started);
        if records.kept.len() == KEPT {
            records.kept.pop_front();
            records.forgotten += 1;
        }
        let number = records.forgotten + records.kept.len() as u64;
        let request = RequestRecord { method, path, query, status: 0, at, bytes: 0 };
        records.kept.push_back(Exchange { request, took: None, fault: None });
        records.count += 1;
        Open { log: self.clone(), number, arrived, closed: false }
    }

    fn lock(&self) -> MutexGuard<'_, Records> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Records {
    fn get_mut(&mut self, number: u64) -> Option<&mut Exchange> {
        let place = usize::try_from(number.checked_sub(self.forgotten)?).ok()?;
        self.kept.get_mut(place)
    }
}

impl Open {
    /// What went wrong on purpose.
    pub(crate) fn blame(&self, fault: impl Into<String>) {
        if let Some(record) = self.log.lock().get_mut(self.number) {
            record.fault = Some(fault.into());
        }
    }

    /// The answer is ready: its status, and the size of its body.
    pub(crate) fn answered(mut self, status: u16, bytes: u64) {
        self.close(status, bytes);
    }

    /// The answer has begun to be sent: its status, and how much of its body so far.
    pub(crate) fn sent(&self, status: u16, bytes: u64) {
        let mut records = self.log.lock();
        if let Some(record) = records.get_mut(self.number) {
            let more = bytes.saturating_sub(record.request.bytes);
            (record.request.status, record.request.bytes) = (status, bytes);
            records.bytes += more;
        }
    }

    fn close(&mut self, status: u16, bytes: u64) {
        self.sent(status, bytes);
        self.finish();
    }

    fn finish(&mut self) {
        if std::mem::replace(&mut self.closed, true) {
            return;
        }
        let took = self.arrived.elapsed();
        let mut records = self.log.lock();
        let Some(record) = records.get_mut(self.number) else { return };
        record.took = Some(took);
        if let Some(file) = &self.log.file {
            file.write(record.clone());
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.finish();
    }
}

/// The most of these times, which are in order, in any window of this length, its end not counted.
fn most_in(times: impl Iterator<Item = Duration>, window: Duration) -> usize {
    let mut inside = VecDeque::new();
    let mut most = 0;
    for time in times {
        while inside.front().is_some_and(|first| time.saturating_sub(*first) >= window) {
            inside.pop_front();
        }
        inside.push_back(time);
        most = most.max(inside.len());
    }
    most
}

/// Whether a path starts so, the base path being optional in the prefix.
pub(crate) fn starts(path: &str, prefix: &str) -> bool {
    path.starts_with(prefix) || path.strip_prefix(crate::BASE_PATH).is_some_and(|rest| rest.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::{RequestLog, most_in};
    use std::time::Duration;

    #[test]
    fn a_request_counts_once_it_has_arrived() {
        let log = RequestLog::new(None);
        let open = log.arrived("GET", "/metal/v1/devices/x", Some("include=plan"));
        assert_eq!((log.count(), log.all().first().map(|record| record.status)), (1, Some(0)));
        open.answered(200, 12);
        assert_eq!((log.bytes(), log.all().first().map(|record| record.status)), (12, Some(200)));
    }

    #[test]
    fn an_answer_to_what_was_cleared_is_not_put_on_another_request() {
        let log = RequestLog::new(None);
        let early = log.arrived("GET", "/a", None);
        log.clear();
        let open = log.arrived("GET", "/b", None);
        early.answered(500, 5);
        assert_eq!(log.all().iter().map(|record| record.status).collect::<Vec<_>>(), [0]);
        assert_eq!(log.bytes(), 0);
        drop(open);
    }

    #[test]
    fn a_request_that_nobody_waits_for_any_more_is_over_without_an_answer() {
        let log = RequestLog::new(None);
        let open = log.arrived("GET", "/a", None);
        open.blame("hang");
        assert_eq!((log.exchanges()[0].took, log.exchanges()[0].fault.as_deref()), (None, Some("hang")));
        drop(open);
        let exchange = &log.exchanges()[0];
        assert!(exchange.took.is_some());
        assert_eq!((exchange.status, exchange.fault.as_deref()), (0, Some("hang")));
    }

    #[test]
    fn a_prefix_counts_with_or_without_the_base_path() {
        let log = RequestLog::new(None);
        log.arrived("GET", "/metal/v1/devices/x", None);
        log.arrived("GET", "/metal/v1/projects/y/devices", None);
        assert_eq!((log.count_of("/devices/"), log.count_of("/metal/v1/devices/"), log.count_of("/")), (1, 1, 2));
    }

    #[test]
    fn the_fullest_window_is_found_wherever_it_begins() {
        let most =
            |window| most_in([0, 900, 1_100, 1_800, 1_900, 5_000].map(Duration::from_millis).into_iter(), window);
        assert_eq!(most(Duration::from_secs(1)), 3, "900 to 1800; 1900 is a whole second after 900");
        assert_eq!(most(Duration::from_millis(1_001)), 4);
        assert_eq!(most(Duration::from_secs(10)), 6);
        assert_eq!(most(Duration::from_millis(1)), 1);
        assert_eq!(most_in(std::iter::empty(), Duration::from_secs(1)), 0);
    }
}
