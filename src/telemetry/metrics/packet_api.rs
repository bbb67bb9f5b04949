//! What is measured of the Packet API: what it is asked and how it answers, whether the budget is the bottleneck, and whether
//! the cache works.

use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::{Alone, Reason, Word};

/// The metrics about the Packet API.
#[derive(Debug, Clone)]
pub struct PacketMetrics {
    /// Requests that have ended, by what was asked and how they ended: `ok`, or the kind of the error.
    pub requests: Family<PacketRequest, Counter>,
    /// How long answers took, by what was asked.
    pub durations: Family<Asked, Histogram, fn() -> Histogram>,
    /// Bytes of the bodies of answers, decompressed.
    pub bytes: Counter,
    /// Requests without an answer yet.
    pub in_flight: Gauge,
    /// Questions that wait for an answer.
    pub waiting: Gauge,
    /// How long requests were held back that could have gone out: by our own `rate`, by the `api`, which asked to wait, by the
    /// cap on requests `in_flight`.
    pub held_back: Family<Reason, Counter<f64, AtomicU64>>,
    /// Requests that could go out now.
    pub tokens: Gauge<f64, AtomicU64>,
    /// `rateLimit.requestsPerSecond`.
    pub rate: Gauge<f64, AtomicU64>,
    /// `rateLimit.burst`.
    pub burst: Gauge,
    /// `rateLimit.maxInFlight`.
    pub max_in_flight: Gauge,
    /// Whether the API took the token when it was last asked.
    pub token_accepted: Family<Alone, Gauge>,
    /// Whether the project could be read with it since the start.
    pub project_read: Family<Alone, Gauge>,
    /// Questions about devices, by whether what is kept answered them: `hit`, `miss`.
    pub lookups: Family<Lookup, Counter>,
    /// What is kept, by kind.
    pub kept: Family<Kept, Gauge>,
}

/// A request that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct PacketRequest {
    /// What was asked for.
    pub request: Word,
    /// `ok`, or the kind of the error.
    pub result: Word,
}

/// What was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Asked {
    /// In one word.
    pub request: Word,
}

/// What came of looking into the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Lookup {
    /// `hit` or `miss`.
    pub result: Word,
}

/// A kind of what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Kept {
    /// In one word.
    pub kind: Word,
}

/// From a fast answer about one device to the longest that is waited for a page, in seconds.
const DURATIONS: [f64; 12] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 30.0];

impl Default for PacketMetrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(|| Histogram::new(DURATIONS)),
            bytes: Counter::default(),
            in_flight: Gauge::default(),
            waiting: Gauge::default(),
            held_back: Family::default(),
            tokens: Gauge::default(),
            rate: Gauge::default(),
            burst: Gauge::default(),
            max_in_flight: Gauge::default(),
            token_accepted: Family::default(),
            project_read: Family::default(),
            lookups: Family::default(),
            kept: Family::default(),
        }
    }
}

impl PacketMetrics {
    /// Takes note of how long an answer took.
    pub fn took(&self, request: Word, time: Duration) {
        self.durations.get_or_create(&Asked { request }).observe(time.as_secs_f64());
    }

    pub(super) fn register(&self, registry: &mut Registry) {
        for reason in ["rate", "api", "in_flight"] {
            // There from the start, so that a rate can be reckoned from the first increase on.
            drop(self.held_back.get_or_create(&Reason { reason: Word(reason) }));
        }
        let registry = registry.sub_registry_with_prefix("packet_api");
        let requests = "Requests to the Packet API that have ended, by what was asked for and how they ended";
        registry.register("requests", requests, self.requests.clone());
        let durations = "How long the Packet API took to answer, by what was asked for";
        registry.register_with_unit("request_duration", durations, Unit::Seconds, self.durations.clone());
        let bytes = "Bodies of the Packet API's answers, decompressed";
        registry.register_with_unit("response", bytes, Unit::Bytes, self.bytes.clone());
        let in_flight = "Requests to the Packet API without an answer yet";
        registry.register("requests_in_flight", in_flight, self.in_flight.clone());
        let waiting = "Questions about devices and places that wait for the Packet API";
        registry.register("questions_waiting", waiting, self.waiting.clone());
        let held_back =
            "How long requests were held back by the rate, by the API's own word, or by the cap on requests in flight";
        registry.register_with_unit("held_back", held_back, Unit::Seconds, self.held_back.clone());
        registry.register("budget_tokens", "Requests that could go out at once", self.tokens.clone());
        let rate = "Requests per second that are allowed, rateLimit.requestsPerSecond";
        registry.register("budget_requests_per_second", rate, self.rate.clone());
        let burst = "Requests that are allowed at once after a pause, rateLimit.burst";
        registry.register("budget_burst", burst, self.burst.clone());
        let most = "Requests that are allowed without an answer yet, rateLimit.maxInFlight";
        registry.register("budget_max_in_flight", most, self.max_in_flight.clone());
        let accepted = "Whether the Packet API took the token when it was last asked";
        registry.register("token_accepted", accepted, self.token_accepted.clone());
        let read = "Whether the project has been read with the token";
        registry.register("project_readable", read, self.project_read.clone());
        let lookups = "Questions about devices, by whether the cache answered them";
        registry.register("cache_lookups", lookups, self.lookups.clone());
        registry.register("cache_entries", "What the cache holds, by kind", self.kept.clone());
    }
}
