//! What is measured of the API, and told to the log now and then.

use std::time::Duration;

use tokio::time::Instant;

use super::ONE_DEVICE;
use super::cache::Lookups;
use crate::packet::{Budget, Error, Exchange, NotYet};
use crate::telemetry::metrics::{Kept, Lookup, PacketMetrics, PacketRequest, Reason, Word, gauge};

/// Counts what is asked, and for how long what could be asked is held back.
pub(super) struct Meter {
    metrics: PacketMetrics,
    lookups: Lookups,
    requests: u64,
    failures: u64,
    refusals: u64,
    /// Since when a request is held back, and by what.
    held_back: Option<(Instant, &'static str)>,
    last_error: Option<(String, Instant)>,
    /// What was told last.
    told: (u64, u64),
}

impl Meter {
    pub(super) fn new(metrics: PacketMetrics) -> Self {
        let counter = |result| metrics.lookups.get_or_create(&Lookup { result: Word(result) }).clone();
        let lookups = Lookups { hits: counter("hit"), misses: counter("miss") };
        Self {
            lookups,
            metrics,
            requests: 0,
            failures: 0,
            refusals: 0,
            held_back: None,
            last_error: None,
            told: (0, 0),
        }
    }

    /// Where the cache counts what it answers.
    pub(super) fn lookups(&self) -> Lookups {
        self.lookups.clone()
    }

    /// Counts a request that has ended.
    pub(super) fn count(&mut self, request: &'static str, took: Duration, exchange: &Exchange) {
        let result = exchange.result.as_ref().map_or_else(Error::kind, |_| "ok");
        let (request, result) = (Word(request), Word(result));
        self.metrics.requests.get_or_create(&PacketRequest { request, result }).inc();
        self.metrics.took(request, took);
        self.metrics.bytes.inc_by(exchange.bytes as u64);
        self.requests += 1;
        self.refusals += u64::from(exchange.word.refused);
        // That there is no such device is an answer like any other.
        let is_answer = |error: &Error| request == Word(ONE_DEVICE) && matches!(error, Error::NotFound { .. });
        if let Some(error) = exchange.result.as_ref().err().filter(|error| !is_answer(error)) {
            self.failures += 1;
            self.last_error = Some((error.to_string(), Instant::now()));
        }
    }

    /// Takes note that a request could go out and may not, and of what keeps it back; or that none is kept back any more.
    pub(super) fn held_back(&mut self, by: Option<NotYet>, now: Instant) {
        self.count_held_back(now);
        self.held_back = by.map(|by| {
            let reason = match by {
                NotYet::Until(_) => "rate",
                NotYet::ApiAsks(_) => "api",
                NotYet::AnAnswer => "in_flight",
            };
            (now, reason)
        });
    }

    fn count_held_back(&mut self, now: Instant) {
        if let Some((since, reason)) = self.held_back.take() {
            let held = now.saturating_duration_since(since).as_secs_f64();
            self.metrics.held_back.get_or_create(&Reason { reason: Word(reason) }).inc_by(held);
        }
    }

    /// Measures what is true only at a moment.
    pub(super) fn look(&mut self, budget: &Budget, waiting: usize, kept: &[(&'static str, u64)]) {
        let now = Instant::now();
        if let Some((_, reason)) = self.held_back {
            self.count_held_back(now);
            self.held_back = Some((now, reason));
        }
        for (kind, entries) in kept {
            let entries = i64::try_from(*entries).unwrap_or(i64::MAX);
            self.metrics.kept.get_or_create(&Kept { kind: Word(kind) }).set(entries);
        }
        let state = budget.look();
        self.metrics.in_flight.set(state.in_flight.into());
        self.metrics.waiting.set(gauge(waiting));
        self.metrics.tokens.set(state.tokens);
        self.metrics.rate.set(state.limits.requests_per_second);
        self.metrics.burst.set(state.limits.burst.get().into());
        self.metrics.max_in_flight.set(state.limits.max_in_flight.get().into());
    }

    /// Requests since the start, and those of them that failed.
    pub(super) fn requests(&self) -> (u64, u64) {
        (self.requests, self.failures)
    }

    /// The last failure, and how long ago.
    pub(super) fn last_error(&self) -> Option<(String, Duration)> {
        self.last_error.as_ref().map(|(error, at)| (error.clone(), at.elapsed()))
    }

    /// Tells the log, where anything was asked since the last time.
    pub(super) fn tell(&mut self) {
        let (hits, misses) = (self.lookups.hits.get(), self.lookups.misses.get());
        let now = (self.requests, hits + misses);
        if std::mem::replace(&mut self.told, now) == now {
            return;
        }
        tracing::info!(
            requests = self.requests,
            failures = self.failures,
            refused_429 = self.refusals,
            bytes = self.metrics.bytes.get(),
            cache_hits = hits,
            cache_misses = misses,
            "asked of the Packet API since the start"
        );
    }
}
