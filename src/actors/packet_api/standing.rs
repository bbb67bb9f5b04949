//! Whether the Packet API takes our credentials, told to the log once whenever that changes, and to probes.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::packet::{Error, PlainReply};
use crate::telemetry::health::{Health, Scope};
use crate::telemetry::metrics::PacketMetrics;

/// The longest wait between two attempts to read the project.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// The name of the check.
const CHECK: &str = "packet-api";

/// How we stand with the API.
pub(super) struct Standing {
    health: Health,
    metrics: PacketMetrics,
    /// Whether the token was taken when it was last shown.
    is_taken: Option<bool>,
    /// Whether the project was read with the token that is in use.
    is_read: bool,
    /// The waits of the attempts to come.
    waits: ExponentialBackoff,
}

impl Standing {
    pub(super) fn new(health: Health, metrics: PacketMetrics) -> Self {
        let standing = Self { health, metrics, is_taken: None, is_read: false, waits: waits() };
        standing.tell_health(Err("the project has not been read yet".to_owned()));
        standing
    }

    /// Takes note of how a request ended; whether the credentials are refused since this one. A 403 is not taken note of: it
    /// may be about one device of another project.
    pub(super) fn heard(&mut self, error: Option<&Error>) -> bool {
        match error {
            Some(error @ Error::Unauthorized { .. }) => {
                let is_new = self.is_taken.replace(false) != Some(false);
                if is_new {
                    tracing::error!(%error, "the Packet API refuses the credentials; Nodes wait until it takes them");
                    self.tell_health(Err("the Packet API refuses the token (401)".to_owned()));
                }
                is_new
            }
            None => {
                if self.is_taken.replace(true) == Some(false) {
                    tracing::info!("the Packet API takes the credentials again");
                }
                if self.is_read {
                    self.tell_health(Ok(()));
                }
                false
            }
            _ => false,
        }
    }

    /// Takes note of whether the project could be read. Answers how long to wait before that is tried again: the API may be
    /// unreachable, refuse the token, or not know the project, and any of these may pass without a restart.
    pub(super) fn project_read(&mut self, result: Result<PlainReply, Error>) -> Option<Duration> {
        match result {
            Ok(reply) => {
                if let PlainReply::Project(project) = reply {
                    tracing::info!(%project, "the Packet API takes the credentials");
                }
                (self.is_read, self.waits) = (true, waits());
                self.tell_health(Ok(()));
                None
            }
            Err(error) => {
                let wait = self.waits.next().unwrap_or(LONGEST_WAIT);
                if self.is_read {
                    tracing::debug!(%error, retry_in_s = wait.as_secs_f32(), "still cannot read the project");
                } else {
                    tracing::error!(%error, retry_in_s = wait.as_secs_f32(), "not ready: cannot read the project");
                    self.tell_health(Err(format!("the project cannot be read: {}", error.kind())));
                }
                Some(wait)
            }
        }
    }

    /// Another token is used from now on.
    pub(super) fn token_changed(&mut self) {
        (self.is_taken, self.is_read, self.waits) = (None, false, waits());
        self.tell_health(Err("the project has not been read with the new token yet".to_owned()));
    }

    /// Whether the token was taken when it was last shown.
    pub(super) fn is_taken(&self) -> Option<bool> {
        self.is_taken
    }

    /// Whether the project was read with the token that is in use.
    pub(super) fn is_read(&self) -> bool {
        self.is_read
    }

    fn tell_health(&self, state: Result<(), String>) {
        self.metrics.token_accepted.set(i64::from(self.is_taken == Some(true)));
        self.metrics.project_read.set(i64::from(self.is_read));
        self.health.set(CHECK, Scope::Ready, state.map(|()| "the Packet API takes the credentials".to_owned()));
    }
}

fn waits() -> ExponentialBackoff {
    let waits = ExponentialBuilder::default().with_min_delay(Duration::from_secs(1)).with_max_delay(LONGEST_WAIT);
    waits.with_jitter().without_max_times().build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unauthorized() -> Error {
        Error::Unauthorized { request: "GET devices".into(), said: "no".into() }
    }

    fn is_ready(health: &Health) -> bool {
        health.all().get(CHECK).is_some_and(|check| check.state.is_ok())
    }

    #[test]
    fn it_is_ready_once_the_project_is_read_and_not_while_the_token_is_refused() {
        let health = Health::default();
        let mut standing = Standing::new(health.clone(), PacketMetrics::default());
        assert!(!is_ready(&health));
        standing.heard(None);
        assert!(!is_ready(&health), "an answer about something else says nothing about the project");
        assert_eq!(standing.project_read(Ok(PlainReply::Project("p".into()))), None);
        assert!(is_ready(&health));
        assert!(standing.heard(Some(&unauthorized())));
        assert!(!standing.heard(Some(&unauthorized())), "it is news once");
        assert!(!is_ready(&health));
        standing.heard(None);
        assert!(is_ready(&health));
        standing.token_changed();
        assert!(!is_ready(&health));
    }

    #[test]
    fn an_api_that_is_away_for_a_while_does_not_make_it_unready() {
        let health = Health::default();
        let mut standing = Standing::new(health.clone(), PacketMetrics::default());
        standing.project_read(Ok(PlainReply::Project("p".into())));
        let error = Error::Unreachable { request: "GET devices".into(), reason: "refused".into() };
        standing.heard(Some(&error));
        assert!(is_ready(&health));
    }
}
