//! The options that make the API slow, strict or broken.

use crate::fault::Fault;
use crate::latency::Latency;
use crate::outage::Outage;
use crate::rate_limit::{RateLimit, RateLimitHeaders, RetryAfter};
use crate::store::Shifting;
use clap::Args;

/// How the API treats its clients.
#[derive(Args)]
#[command(next_help_heading = "Weather")]
pub(super) struct WeatherArguments {
    /// How long answers take, say 50ms, 20ms..200ms or p50=80ms,p99=900ms; see Latencies below
    #[arg(long, default_value = "0ms", value_name = "LATENCY")]
    pub(super) latency: Latency,

    /// How many requests each token may make in which time, say 60/1m; the rest is answered with 429
    #[arg(long, value_name = "N/TIME")]
    rate_limit: Option<RateLimit>,

    /// Refill the limit evenly, up to so many requests at once, instead of all of it at the end of each window
    #[arg(long, value_name = "N", requires = "rate_limit", value_parser = clap::value_parser!(u32).range(1..))]
    rate_limit_burst: Option<u32>,

    /// What answers say about the limit
    #[arg(long, value_enum, default_value_t, value_name = "WHICH", requires = "rate_limit")]
    rate_limit_headers: RateLimitHeaders,

    /// How Retry-After is written
    #[arg(long, value_enum, default_value_t, value_name = "FORM", requires = "rate_limit")]
    retry_after: RetryAfter,

    /// What goes wrong, say 'GET /devices/ 500 share=0.05'; may be repeated. See Faults below
    #[arg(long = "fault", value_name = "FAULT")]
    pub(super) faults: Vec<Fault>,

    /// Begin with an outage: refuse, reset, hang or a status like 503, each with an optional for=30s
    #[arg(long, value_name = "OUTAGE")]
    pub(super) outage: Option<Outage>,

    /// Let lists of devices move before each request for a page
    #[arg(long, value_enum, value_name = "HOW")]
    pub(super) shifting: Option<Shifting>,
}

impl WeatherArguments {
    pub(super) fn rate_limit(&self) -> Option<RateLimit> {
        let limit = self.rate_limit?.burst(self.rate_limit_burst);
        Some(limit.headers(self.rate_limit_headers).retry_after(self.retry_after))
    }
}
