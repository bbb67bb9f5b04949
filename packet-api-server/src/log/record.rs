//! One request, and what came of it.

use serde::Serialize;
use std::ops::Deref;
use std::time::Duration;

/// What was asked, and what was answered.
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
    /// When the request arrived, after the server's start, by tokio's clock.
    pub at: Duration,
    /// How many bytes of body were sent in answer.
    pub bytes: u64,
}

/// A request's record, and how the server got to its answer. Has the record's fields, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// What was asked, and what was answered.
    pub request: RequestRecord,
    /// How long it took until the answer was ready to be sent, or, where a fault slowed its body down, until all of it was
    /// sent; where there is none, until the client was cut off or gave up. Nothing while it is open.
    pub took: Option<Duration>,
    /// What went wrong on purpose, if anything did: a fault as it is written on the command line without its options
    /// (`500`, `hang`, `delay=2s`), `outage 503`, or `rate limit`.
    pub fault: Option<String>,
}

impl Exchange {
    /// When it was over, after the server's start; see [`took`](Self::took). Nothing while it is open.
    #[must_use]
    pub fn ended_at(&self) -> Option<Duration> {
        self.took.map(|took| self.request.at.saturating_add(took))
    }
}

impl Deref for Exchange {
    type Target = RequestRecord;

    fn deref(&self) -> &RequestRecord {
        &self.request
    }
}

/// An exchange as it is written out as JSON. Times are in seconds.
#[derive(Serialize)]
pub(crate) struct ExchangeJson<'a> {
    at: f64,
    method: &'a str,
    path: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    query: Option<&'a str>,
    status: u16,
    bytes: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    took: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'a str>,
}

impl<'a> From<&'a Exchange> for ExchangeJson<'a> {
    fn from(exchange: &'a Exchange) -> Self {
        Self {
            at: exchange.at.as_secs_f64(),
            method: &exchange.method,
            path: &exchange.path,
            query: exchange.query.as_deref(),
            status: exchange.status,
            bytes: exchange.bytes,
            took: exchange.took.map(|took| took.as_secs_f64()),
            fault: exchange.fault.as_deref(),
        }
    }
}
