//! What was asked of the server: every request, in the order in which they came, and what they come to.

mod summary;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use serde::Serialize;

use summary::Tally;
pub use summary::{RequestCount, RequestSummary, SecondCount};

/// How many requests are remembered one by one. Each takes some 150 bytes; those of initialising 100,000 Nodes fit.
const MOST_RECORDS: usize = 500_000;

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
    /// When the request came, by the server's wall clock.
    pub at: SystemTime,
    /// The `User-Agent` header, empty where there was none.
    pub user_agent: String,
}

impl RequestRecord {
    /// Whether the request was to change something.
    #[must_use]
    pub fn is_write(&self) -> bool {
        is_write(&self.method)
    }
}

fn is_write(method: &str) -> bool {
    matches!(method, "POST" | "PUT" | "PATCH" | "DELETE")
}

/// A record as it is remembered: there are many of them, and few methods and user agents.
#[derive(Debug)]
struct Remembered {
    method: Arc<str>,
    path: Box<str>,
    query: Box<str>,
    status: u16,
    at: SystemTime,
    user_agent: Arc<str>,
}

impl Remembered {
    fn record(&self) -> RequestRecord {
        RequestRecord {
            method: self.method.to_string(),
            path: self.path.to_string(),
            query: self.query.to_string(),
            status: self.status,
            at: self.at,
            user_agent: self.user_agent.to_string(),
        }
    }
}

#[derive(Debug)]
struct Log {
    /// How many records there may be.
    most: usize,
    records: VecDeque<Remembered>,
    /// How many requests there were, those that are forgotten too.
    count: usize,
    /// Methods and user agents, each held once.
    words: HashMap<String, Arc<str>>,
    tally: Tally,
}

impl Log {
    fn new(most: usize) -> Log {
        Log { most, records: VecDeque::new(), count: 0, words: HashMap::new(), tally: Tally::default() }
    }

    fn word(&mut self, text: String) -> Arc<str> {
        self.words.entry(text).or_insert_with_key(|text| Arc::from(text.as_str())).clone()
    }
}

/// All requests since the start or since it was last cleared. Shared and cheap to clone.
///
/// A request is written down when its answer begins: a watch as soon as it is open. Beyond half a million, the oldest are
/// forgotten, and only counted.
#[derive(Debug, Clone)]
pub struct RequestLog {
    log: Arc<Mutex<Log>>,
}

impl Default for RequestLog {
    fn default() -> RequestLog {
        RequestLog::remembering(MOST_RECORDS)
    }
}

impl RequestLog {
    fn remembering(most: usize) -> RequestLog {
        RequestLog { log: Arc::new(Mutex::new(Log::new(most))) }
    }

    fn with<T>(&self, use_log: impl FnOnce(&mut Log) -> T) -> T {
        use_log(&mut self.log.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Writes a request down; `bytes` is the length of the answer's body.
    pub(crate) fn push(&self, record: RequestRecord, bytes: u64) {
        self.with(|log| {
            log.tally.add(&record, bytes);
            log.count += 1;
            if log.records.len() == log.most {
                log.records.pop_front();
            }
            let (method, user_agent) = (log.word(record.method), log.word(record.user_agent));
            log.records.push_back(Remembered {
                method,
                path: record.path.into(),
                query: record.query.into(),
                status: record.status,
                at: record.at,
                user_agent,
            });
        });
    }

    /// All requests that are remembered, oldest first.
    #[must_use]
    pub fn all(&self) -> Vec<RequestRecord> {
        self.with(|log| log.records.iter().map(Remembered::record).collect())
    }

    /// The newest requests, at most that many, oldest first.
    #[must_use]
    pub fn newest(&self, most: usize) -> Vec<RequestRecord> {
        self.with(|log| {
            let from = log.records.len().saturating_sub(most);
            log.records.range(from..).map(Remembered::record).collect()
        })
    }

    /// The requests that were to change something, oldest first, refused ones too.
    #[must_use]
    pub fn writes(&self) -> Vec<RequestRecord> {
        self.with(|log| log.records.iter().filter(|record| is_write(&record.method)).map(Remembered::record).collect())
    }

    /// How many requests there were.
    #[must_use]
    pub fn count(&self) -> usize {
        self.with(|log| log.count)
    }

    /// What the requests come to: how many of each kind, and how many each second.
    #[must_use]
    pub fn summary(&self) -> RequestSummary {
        self.with(|log| log.tally.summary())
    }

    /// Forgets all requests.
    pub fn clear(&self) {
        self.with(|log| *log = Log::new(log.most));
    }
}

impl Serialize for RequestRecord {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let at = jiff::Timestamp::try_from(self.at).map(crate::clock::microseconds).unwrap_or_default();
        let mut record = serializer.serialize_struct("RequestRecord", 6)?;
        record.serialize_field("at", &at)?;
        record.serialize_field("method", &self.method)?;
        record.serialize_field("path", &self.path)?;
        record.serialize_field("query", &self.query)?;
        record.serialize_field("status", &self.status)?;
        record.serialize_field("userAgent", &self.user_agent)?;
        record.end()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_most_the_oldest_are_only_counted() {
        let log = RequestLog::remembering(3);
        for number in 0..5 {
            let record = RequestRecord {
                method: "GET".to_owned(),
                path: format!("/{number}"),
                query: String::new(),
                status: 200,
                at: SystemTime::UNIX_EPOCH,
                user_agent: String::new(),
            };
            log.push(record, 1);
        }
        assert_eq!((log.count(), log.all().len()), (5, 3));
        assert_eq!(log.all()[0].path, "/2");
        assert_eq!(log.newest(1)[0].path, "/4");
        assert_eq!(log.summary().requests, 5);
        log.clear();
        assert_eq!((log.count(), log.summary().requests), (0, 0));
    }
}
