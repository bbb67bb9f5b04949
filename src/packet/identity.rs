//! What names a device: its id and its hostname, parsed once at the edge.

use std::fmt;
use std::sync::Arc;

/// The id of a device: a uuid today, eight hexadecimal digits in answers of the API's first years.
///
/// Only letters, digits, `-` and `_` are let in, so an id can never change the path of a request that it is put into.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DeviceId(Arc<str>);

/// The text is no device id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no device id: expected a uuid, or 1 to 64 letters, digits, `-` and `_`")]
pub struct InvalidDeviceId(pub String);

impl DeviceId {
    /// The longest id taken; a uuid has 36 characters.
    const MAX_LEN: usize = 64;

    /// Reads an id. Uuids are folded to lower case, the form in which the API writes them.
    ///
    /// # Errors
    /// When the text is empty, too long, or holds anything but letters, digits, `-` and `_`.
    pub fn parse(text: &str) -> Result<Self, InvalidDeviceId> {
        let fits = !text.is_empty()
            && text.len() <= Self::MAX_LEN
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
        if !fits {
            return Err(InvalidDeviceId(text.to_owned()));
        }
        // As a rule the API writes lower case already, and thousands of ids come at once.
        let has_upper_case = text.bytes().any(|byte| byte.is_ascii_uppercase());
        Ok(Self(if has_upper_case { text.to_ascii_lowercase().into() } else { text.into() }))
    }

    /// Whether the id has the shape of a uuid: 8-4-4-4-12 hexadecimal digits (RFC 9562 §4).
    #[must_use]
    pub fn is_uuid(&self) -> bool {
        let groups: Vec<&str> = self.0.split('-').collect();
        groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12])
            && groups.iter().all(|group| group.bytes().all(|byte| byte.is_ascii_hexdigit()))
    }

    /// The id as the API writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The hostname of a device, which a kubelet takes as the name of its Node. Compared exactly, never by substring.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Hostname(Arc<str>);

impl Hostname {
    /// Takes a text as a hostname. Any text is one: the API lets people call a device what they like.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.into())
    }

    /// The hostname as the API writes it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Hostname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Hostname {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", &*self.0)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_uuid_and_an_old_short_id_are_ids() {
        assert!(DeviceId::parse("E781AE1B-0F31-4A7B-9C47-0C6A4D5C2B11").unwrap().is_uuid());
        assert!(!DeviceId::parse("e781ae1b").unwrap().is_uuid());
    }

    #[test]
    fn an_id_cannot_leave_its_place_in_a_path() {
        for hostile in ["", "../projects/1", "a/b", "a?b", "a#b", "a b", "ä", &"x".repeat(65)] {
            assert_eq!(DeviceId::parse(hostile), Err(InvalidDeviceId(hostile.to_owned())));
        }
    }
}
