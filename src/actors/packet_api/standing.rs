//! Whether the Packet API takes our credentials, told to the log once whenever that changes, and to probes.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::packet::{Error, PlainReply};
use crate::telemetry::health::{Health, Scope};
use crate::telemetry::logging::seconds;
use crate::telemetry::metrics::{Alone, PacketMetrics};

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
    /// Whether the token has lost its rights on the project's devices since.
    is_forbidden: bool,
    /// The waits of the attempts to come.
    waits: ExponentialBackoff,
}

impl Standing {
    pub(super) fn new(health: Health, metrics: PacketMetrics) -> Self {
        let standing = Self { health, metrics, is_taken: None, is_read: false, is_forbidden: false, waits: waits() };
        standing.tell_health(Err("the project has not been read yet".to_owned()));
        standing
    }

    /// Takes note of how a request ended; whether the credentials are refused since this one, or have lost their rights. That
    /// one device is forbidden, or not found, is not taken note of: it may be another project's.
    pub(super) fn heard(&mut self, error: Option<&Error>, is_about_one_device: bool) -> bool {
        match error {
            Some(error @ Error::Unauthorized { .. }) => {
                let is_new = self.is_taken.replace(false) != Some(false);
                if is_new {
                    tracing::error!(
                        error = error.to_string(),
                        "the Packet API refuses the credentials; Nodes wait until it takes them"
                    );
                    self.tell_health(Err("the Packet API refuses the token (401)".to_owned()));
                }
                is_new
            }
            Some(error @ (Error::Forbidden { .. } | Error::NotFound { .. }))
                if !is_about_one_device && self.is_read =>
            {
                let is_new = !std::mem::replace(&mut self.is_forbidden, true);
                if is_new {
                    tracing::error!(
                        error = error.to_string(),
                        "the token may not read the project any more; Nodes wait until it may"
                    );
                    self.tell_health(Err(format!("the project cannot be read any more: {}", error.kind())));
                }
                is_new
            }
            None => {
                if self.is_taken.replace(true) == Some(false) {
                    tracing::info!("the Packet API takes the credentials again");
                }
                self.metrics.token_accepted.get_or_create(&Alone {}).set(1);
                if self.is_read && !self.is_forbidden {
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
                (self.is_read, self.is_forbidden, self.waits) = (true, false, waits());
                self.tell_health(Ok(()));
                None
            }
            Err(error) => {
                let wait = self.waits.next().unwrap_or(LONGEST_WAIT);
                if self.is_read && !self.is_forbidden {
                    tracing::debug!(
                        error = error.to_string(),
                        retry_in_s = seconds(wait),
                        "still cannot read the project"
                    );
                } else {
                    tracing::error!(
                        error = error.to_string(),
                        retry_in_s = seconds(wait),
                        "not ready: cannot read the project"
                    );
                    self.tell_health(Err(format!("the project cannot be read: {}", error.kind())));
                }
                Some(wait)
            }
        }
    }

    /// Another token is used from now on.
    pub(super) fn token_changed(&mut self) {
        (self.is_taken, self.is_read, self.is_forbidden, self.waits) = (None, false, false, waits());
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
        if let Some(is_taken) = self.is_taken {
            self.metrics.token_accepted.get_or_create(&Alone {}).set(is_taken.into());
        }
        self.metrics.project_read.get_or_create(&Alone {}).set((self.is_read && !self.is_forbidden).into());
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
        standing.heard(None, false);
        assert!(!is_ready(&health), "an answer about something else says nothing about the project");
        assert_eq!(standing.project_read(Ok(PlainReply::Project("p".into()))), None);
        assert!(is_ready(&health));
        assert!(standing.heard(Some(&unauthorized()), false));
        assert!(!standing.heard(Some(&unauthorized()), true), "it is news once");
        assert!(!is_ready(&health));
        standing.heard(None, false);
        assert!(is_ready(&health));
        standing.token_changed();
        assert!(!is_ready(&health));
    }

    #[test]
    fn it_is_not_ready_while_the_token_has_no_rights_on_the_project_but_one_device_says_nothing() {
        let health = Health::default();
        let mut standing = Standing::new(health.clone(), PacketMetrics::default());
        standing.project_read(Ok(PlainReply::Project("p".into())));
        let error = Error::Forbidden { request: "GET devices".into(), said: "no".into() };
        assert!(!standing.heard(Some(&error), true) && is_ready(&health));
        assert!(standing.heard(Some(&error), false) && !is_ready(&health));
        standing.heard(None, true);
        assert!(!is_ready(&health), "only the project says that it may be read again");
        standing.project_read(Ok(PlainReply::Project("p".into())));
        assert!(is_ready(&health));
    }

    #[test]
    fn an_api_that_is_away_for_a_while_does_not_make_it_unready() {
        let health = Health::default();
        let mut standing = Standing::new(health.clone(), PacketMetrics::default());
        standing.project_read(Ok(PlainReply::Project("p".into())));
        let error = Error::Unreachable { request: "GET devices".into(), reason: "refused".into() };
        standing.heard(Some(&error), false);
        assert!(is_ready(&health));
    }
}
