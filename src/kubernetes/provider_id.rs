//! Provider IDs: `packet://<device id>`, `equinixmetal://<device id>`, or a bare uuid.

use super::provider::Provider;
use crate::packet::DeviceId;

/// A provider ID that names no device of ours. Nodes that carry one are left alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ProviderIdError {
    /// There is none.
    #[error("providerID cannot be empty string")]
    Empty,
    /// It has no form that any of the two programs wrote.
    #[error("unexpected providerID format: {0}, format should be: packet://12345 or equinixmetal://12345")]
    Format(String),
    /// It is another cloud's.
    #[error("provider name from providerID should be packet: {0}")]
    OtherCloud(String),
}

/// Reads a provider ID in any of its forms, whichever provider we stand in for.
///
/// # Errors
/// See [`ProviderIdError`]; the wording is that of `packet-ccm`.
pub fn parse(text: &str) -> Result<DeviceId, ProviderIdError> {
    let format = || ProviderIdError::Format(text.to_owned());
    if text.is_empty() {
        return Err(ProviderIdError::Empty);
    }
    let parts: Vec<&str> = text.split("://").collect();
    match parts[..] {
        [bare] => DeviceId::parse(bare).ok().filter(DeviceId::is_uuid).ok_or_else(format),
        [_, ""] => Err(format()),
        [scheme, id] if Provider::ALL.iter().any(|provider| provider.name() == scheme) => {
            DeviceId::parse(id).map_err(|_| format())
        }
        [_, _] => Err(ProviderIdError::OtherCloud(text.to_owned())),
        _ => Err(format()),
    }
}

/// The provider ID that `provider` writes for a device.
#[must_use]
pub fn format(provider: Provider, id: &DeviceId) -> String {
    format!("{provider}://{id}")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    const UUID: &str = "7f0c2f5e-58a1-4a3e-9d3c-3b8e5a3c1d20";

    #[test]
    fn every_form_of_both_programs_names_the_device() {
        for text in [format!("packet://{UUID}"), format!("equinixmetal://{UUID}"), UUID.to_owned()] {
            assert_eq!(parse(&text).unwrap().as_str(), UUID);
        }
        assert_eq!(parse("packet://e781ae1b").unwrap().as_str(), "e781ae1b");
    }

    #[test]
    fn what_names_no_device_says_why() {
        let said = |text: &str| parse(text).unwrap_err().to_string();
        assert_eq!(said(""), "providerID cannot be empty string");
        for text in ["packet://", "packet://a://b", "aws://", "://", "node-1", "packet://../projects/1", "packet:/x"] {
            assert!(said(text).starts_with(&format!("unexpected providerID format: {text}")), "{text}");
        }
        assert_eq!(said("aws:///eu/i-1"), "provider name from providerID should be packet: aws:///eu/i-1");
        assert_eq!(said("://x"), "provider name from providerID should be packet: ://x");
    }

    #[test]
    fn what_is_written_is_read_back() {
        let id = DeviceId::parse(UUID).unwrap();
        for provider in Provider::ALL {
            assert_eq!(parse(&format(provider, &id)).unwrap(), id);
        }
    }
}
