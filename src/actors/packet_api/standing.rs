//! Whether the Packet API takes our credentials, told to the log once whenever that changes.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};

use crate::packet::{Error, PlainReply};

/// The longest wait between two attempts to read the project at start.
const LONGEST_WAIT: Duration = Duration::from_mins(1);

/// How we stand with the API.
#[derive(Debug)]
pub(super) struct Standing {
    refused: bool,
    /// The waits of the attempts to come.
    waits: ExponentialBackoff,
}

impl Default for Standing {
    fn default() -> Self {
        let waits = ExponentialBuilder::default().with_min_delay(Duration::from_secs(1)).with_max_delay(LONGEST_WAIT);
        Self { refused: false, waits: waits.with_jitter().without_max_times().build() }
    }
}

impl Standing {
    /// Takes note of how a request ended. A 403 is not taken note of: it may be about one device of another project.
    pub(super) fn heard(&mut self, error: Option<&Error>) {
        match error {
            Some(error @ Error::Unauthorized { .. }) if !std::mem::replace(&mut self.refused, true) => {
                tracing::error!(%error, "the Packet API refuses the credentials; Nodes wait until it takes them");
            }
            None if std::mem::take(&mut self.refused) => tracing::info!("the Packet API takes the credentials again"),
            _ => {}
        }
    }

    /// Takes note of whether the project could be read. Answers how long to wait before that is tried again: at start the
    /// API may be unreachable, refuse the token, or not know the project, and any of these may pass without a restart.
    pub(super) fn project_read(&mut self, result: Result<PlainReply, Error>) -> Option<Duration> {
        match result {
            Ok(reply) => {
                if let PlainReply::Project(project) = reply {
                    tracing::info!(%project, "the Packet API takes the credentials");
                }
                None
            }
            Err(error) => {
                let wait = self.waits.next().unwrap_or(LONGEST_WAIT);
                tracing::error!(%error, retry_in_s = wait.as_secs_f32(), "not ready: cannot read the project");
                Some(wait)
            }
        }
    }
}
