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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use std::time::Duration;

    use crate::kubernetes::addresses::ProvidedNodeIpFault;
    use crate::kubernetes::{AddressError, LabelError};
    use crate::packet::{DeviceId, Error, Hostname};

    const GUIDE: &str = include_str!("../../../docs/guides/why-a-node-is-still-tainted.md");
    /// Where the rows begin that tell why a Node could not be initialised, and where they end.
    const ROWS: (&str, &str) = ("After `cannot initialise: `", "Where the provider ID is not one of ours");

    /// One of each failure that an Event tells of.
    fn failures() -> Vec<Failure> {
        let text = || Box::<str>::from("x");
        let id = || DeviceId::parse("7f0c2f5e-58a1-4a3e-9d3c-3b8e5a3c1d20").unwrap();
        let lookups = [
            LookupError::NoSuchHostname(Hostname::new("a")),
            LookupError::NoSuchId(id()),
            LookupError::Ambiguous { hostname: Hostname::new("a"), ids: vec![id(), id()] },
            LookupError::Malformed { device: text(), field: text(), reason: text() },
        ];
        let errors = [
            Error::Unauthorized { request: text(), said: text() },
            Error::Forbidden { request: text(), said: text() },
            Error::NotFound { request: text(), said: text() },
            Error::ForeignNotFound { request: text() },
            Error::RateLimited { request: text(), retry_after: None },
            Error::Server { request: text(), status: 500, said: text(), retry_after: None },
            Error::Unexpected { request: text(), status: 418, said: text() },
            Error::NotJson { request: text(), content_type: text() },
            Error::CutOff { request: text(), reason: text() },
            Error::Shape { request: text(), field: text(), reason: text() },
            Error::TooLarge { request: text(), limit_bytes: 1 },
            Error::Timeout { request: text(), after: Duration::from_secs(30) },
            Error::Unreachable { request: text(), reason: text() },
            Error::Shifting { request: text(), attempts: 3 },
            Error::TokenChanged { request: text() },
            Error::Endless { request: text(), pages: 1 },
        ];
        let addresses = [
            AddressError::NoPrivate,
            AddressError::NoPublic,
            AddressError::Malformed { index: 0, field: "address", found: text(), expected: "an IP address" },
            AddressError::ProvidedNodeIp { found: "x".to_owned(), reason: ProvidedNodeIpFault::NoIp },
        ];
        let label = LabelError { label: "l", value: "v".to_owned() };
        let refused = WriteError::Refused {
            what: "write the addresses",
            node: "a".to_owned(),
            code: 403,
            reason: "Forbidden".to_owned(),
            message: "x".to_owned(),
        };
        let lookups = lookups.into_iter().chain(errors.map(LookupError::Api)).map(Failure::Device);
        lookups.chain(addresses.map(Failure::Addresses)).chain([label.into(), refused.into()]).collect()
    }

    /// Whether a message is as the guide has it, where `…` stands for anything.
    fn is_as(form: &str, message: &str) -> bool {
        let mut rest = Some(message);
        for (place, part) in form.split('…').enumerate() {
            rest = rest.and_then(|rest| {
                if place == 0 { rest.strip_prefix(part) } else { rest.split_once(part).map(|(_, after)| after) }
            });
        }
        rest.is_some()
    }

    #[test]
    fn the_guide_says_of_every_failure_what_to_do_and_of_no_other() {
        let (_, rows) = GUIDE.split_once(ROWS.0).unwrap();
        let rows = rows.split_once(ROWS.1).unwrap().0.lines().skip(4).filter_map(|row| row.strip_prefix("| "));
        let forms: Vec<_> = rows.flat_map(|row| row.split(" | ").next().unwrap().split("<br>")).collect();
        let messages: Vec<_> = failures().iter().map(ToString::to_string).collect();
        for message in &messages {
            assert_eq!(forms.iter().filter(|form| is_as(form, message)).count(), 1, "{message}: {forms:#?}");
        }
        for form in forms {
            assert!(messages.iter().any(|message| is_as(form, message)), "nothing is said as the guide has it: {form}");
        }
    }
}
