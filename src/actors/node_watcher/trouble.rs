//! Why a Node is not where it should be, in one word for metrics and in words for people.

use crate::messages::initialise::Failure;
use crate::messages::writes::WriteError;
use crate::packet::LookupError;

/// What went wrong with a Node at the last attempt.
#[derive(Debug)]
pub(super) struct Trouble {
    /// In one word.
    pub(super) reason: &'static str,
    /// In words for people.
    pub(super) message: String,
    /// Whether it is that the Packet API could not be asked.
    pub(super) is_packet_away: bool,
}

impl Trouble {
    pub(super) fn of(failure: &Failure) -> Self {
        Self { reason: reason(failure), message: failure.to_string(), is_packet_away: packet_is_away(failure) }
    }
}

/// The kind of a failure, in one word.
pub(super) fn reason(failure: &Failure) -> &'static str {
    match failure {
        Failure::Device(LookupError::Api(error)) | Failure::Place(error) => error.kind(),
        Failure::Device(LookupError::NoSuchHostname(_)) => "no_such_hostname",
        Failure::Device(LookupError::NoSuchId(_)) => "no_such_device",
        Failure::Device(LookupError::Ambiguous { .. }) => "ambiguous_hostname",
        Failure::Device(_) => "unusable_device",
        Failure::ProviderId(_) => "provider_id",
        Failure::Addresses(_) => "addresses",
        Failure::Labels(_) => "labels",
        Failure::Write(error) => match error {
            WriteError::Refused { .. } => "write_refused",
            WriteError::Unreachable { .. } => "kubernetes_unreachable",
            WriteError::Contended { .. } | WriteError::Superseded { .. } | WriteError::Stale { .. } => "write_conflict",
            WriteError::NotLeading | WriteError::Stopping => "stopping",
        },
        Failure::Stopping => "stopping",
    }
}

/// What makes a failure another than the one before. Texts about the API differ by page and time although nothing has
/// changed.
pub(super) fn kind_of(failure: &Failure) -> String {
    match failure {
        Failure::Device(LookupError::Api(error)) | Failure::Place(error) => error.kind().to_owned(),
        other => other.to_string(),
    }
}

/// Whether the Packet API could not be asked, for whatever reason.
pub(super) fn packet_is_away(failure: &Failure) -> bool {
    matches!(failure, Failure::Device(LookupError::Api(_)) | Failure::Place(_))
}

/// Whether it is that the program is stopping.
pub(super) fn is_stopping(failure: &Failure) -> bool {
    matches!(failure, Failure::Stopping | Failure::Write(WriteError::Stopping))
}
