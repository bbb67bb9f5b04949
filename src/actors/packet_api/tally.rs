//! What was asked of the API and what was kept from asking it, told to the log now and then.

use super::cache::Counts;
use crate::packet::Exchange;

/// What was asked since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    requests: u64,
    failures: u64,
    refusals: u64,
    bytes: u64,
    told: (u64, u64),
}

impl Tally {
    /// Counts a request.
    pub(super) fn count(&mut self, exchange: &Exchange) {
        self.requests += 1;
        self.failures += u64::from(exchange.result.is_err());
        self.refusals += u64::from(exchange.word.refused);
        self.bytes += exchange.bytes as u64;
    }

    /// Tells the log, where anything was asked since the last time.
    pub(super) fn tell(&mut self, counts: Counts) {
        let now = (self.requests, counts.hits + counts.misses);
        if std::mem::replace(&mut self.told, now) == now {
            return;
        }
        tracing::info!(
            requests = self.requests,
            failures = self.failures,
            refused_429 = self.refusals,
            bytes = self.bytes,
            cache_hits = counts.hits,
            cache_misses = counts.misses,
            "asked of the Packet API since the start"
        );
    }
}
