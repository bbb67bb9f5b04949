//! One request to the Kubernetes API about a Node: at the pace of all, through the gate, within its time, and measured.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::{DefaultDirectRateLimiter, RateLimiter};
use kube::core::Status;
use tokio::time::Instant;

use crate::election::{Closed, Gate};
use crate::kubernetes::Node;
use crate::kubernetes::client_error::shown;
use crate::messages::writes::WriteError;
use crate::packet::quota;
use crate::telemetry::logging::seconds;
use crate::telemetry::metrics::{Word, Write, WriteMetrics};

/// What every request passes.
#[derive(Clone)]
pub(super) struct Door {
    /// The pace that all keep together; `None` leaves it to the API server.
    pace: Option<Arc<DefaultDirectRateLimiter>>,
    gate: Gate,
    metrics: WriteMetrics,
}

/// What is asked of the API server.
#[derive(Debug, Clone, Copy)]
pub(super) struct Errand {
    /// In one word, for metrics.
    pub(super) kind: &'static str,
    /// In words for people: "cannot … of Node".
    pub(super) what: &'static str,
    /// How long it may take, the client's own retries on 429 and 503 included.
    pub(super) timeout: Duration,
}

impl Door {
    pub(super) fn new(pace: Option<(f64, NonZeroU32)>, gate: Gate, metrics: WriteMetrics) -> Self {
        let pace = pace.map(|(per_second, burst)| Arc::new(RateLimiter::direct(quota(per_second, burst))));
        Self { pace, gate, metrics }
    }

    /// Lets a request through that is about that Node.
    ///
    /// # Errors
    /// What has become of it otherwise.
    pub(super) async fn send<T>(
        &self,
        Errand { kind, what, timeout }: Errand,
        node: &Node,
        request: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, WriteError> {
        if let Some(limiter) = &self.pace {
            limiter.until_ready().await;
        }
        let begun = Instant::now();
        let answer = match self.gate.pass(tokio::time::timeout(timeout, request)).await {
            Ok(Ok(Ok(answer))) => Ok(answer),
            Ok(Ok(Err(error))) => Err(error_of(what, node, error)),
            Ok(Err(_)) => {
                let reason = format!("no answer within {} s", timeout.as_secs());
                Err(WriteError::Unreachable { what, node: node.name.to_string(), reason })
            }
            Err(Closed) => Err(WriteError::NotLeading),
        };
        let result = answer.as_ref().map_or_else(word, |_| "ok");
        self.metrics.writes.get_or_create(&Write { write: Word(kind), result: Word(result) }).inc();
        self.metrics.durations.observe(begun.elapsed().as_secs_f64());
        tracing::trace!(node = %node.name, request = kind, result, took_s = seconds(begun.elapsed()), "asked Kubernetes");
        answer
    }

    /// What is measured here.
    pub(super) fn metrics(&self) -> &WriteMetrics {
        &self.metrics
    }
}

/// What an error of the client means.
fn error_of(what: &'static str, node: &Node, error: kube::Error) -> WriteError {
    let node = node.name.to_string();
    match error {
        kube::Error::Api(status) => {
            let Status { code, reason, message, .. } = *status;
            WriteError::Refused { what, node, code, reason, message }
        }
        error => WriteError::Unreachable { what, node, reason: shown(&error) },
    }
}

/// How a request ended that did not end well, in one word.
fn word(error: &WriteError) -> &'static str {
    match error {
        WriteError::Refused { code: 409 | 422, .. } => "conflict",
        WriteError::Refused { code: 404, .. } => "gone",
        WriteError::Refused { .. } => "refused",
        WriteError::NotLeading => "not_leading",
        _ => "unreachable",
    }
}
