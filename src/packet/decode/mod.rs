//! From the API's JSON to the types this program keeps.
//!
//! Only the fields in use are decoded, borrowed from the body where JSON allows it; whatever else a device has is passed
//! over. One malformed device on a page spoils that device and not its page.

mod device;
mod page;
mod place;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::Value;
use smol_str::SmolStr;

use self::device::WireDevice;
pub use self::page::device_page;
pub(super) use self::place::{facilities, metros};
use super::device::Device;

/// What is wrong with a body: where in it, and what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("field `{field}`: {reason}")]
pub struct Fault {
    /// The path of the field, `.` for the whole body.
    pub field: String,
    /// What was found and what was expected.
    pub reason: String,
    /// Whether the body ends in the middle of a value, as an answer cut off on its way does.
    pub cut_off: bool,
}

/// Text of the API, borrowed from the body unless an escape in it forces a copy.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// The API's own error body: `{"error": "…"}` or `{"errors": ["…"]}`.
#[derive(Deserialize)]
struct WireError {
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    errors: Vec<String>,
}

#[derive(Deserialize)]
struct WireProject<'a> {
    #[serde(borrow)]
    id: Text<'a>,
}

/// Reads a single device.
///
/// # Errors
/// When the body is not JSON, ends in its middle, or lacks an id or a hostname.
pub fn device(body: &[u8]) -> Result<Device, Fault> {
    parse::<WireDevice<'_>>(body)?.into_device()
}

/// Reads a project, of which only the id is of interest.
pub(super) fn project(body: &[u8]) -> Result<String, Fault> {
    parse::<WireProject<'_>>(body).map(|wire| wire.id.0.into_owned())
}

/// The messages of an error body, where the body is the API's own.
pub(super) fn error_messages(body: &[u8]) -> Option<Vec<String>> {
    let wire: WireError = serde_json::from_slice(body).ok()?;
    let messages: Vec<String> = wire.error.into_iter().chain(wire.errors).collect();
    (!messages.is_empty()).then_some(messages)
}

/// Whether a body is the API's own error and nothing else: what a gateway says of itself may have an `error`, too, but has more
/// besides, or is a list.
pub(super) fn is_own_error(body: &[u8]) -> bool {
    let own = serde_json::from_slice::<serde_json::Map<String, Value>>(body);
    own.is_ok_and(|own| own.keys().all(|key| matches!(key.as_str(), "error" | "errors")))
        && error_messages(body).is_some()
}

/// The text, if there is any in it.
fn non_empty(text: Option<Text<'_>>) -> Option<SmolStr> {
    text.filter(|text| !text.0.is_empty()).map(|text| SmolStr::new(&text.0))
}

/// Decodes a body; only where that fails is it read a second time, to find out the path of the field at fault.
fn parse<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Fault> {
    serde_json::from_slice(body).map_err(|_| {
        let mut deserializer = serde_json::Deserializer::from_slice(body);
        match serde_path_to_error::deserialize::<_, T>(&mut deserializer) {
            Ok(_) => {
                Fault { field: ".".to_owned(), reason: "text after the end of the JSON".to_owned(), cut_off: false }
            }
            Err(error) => Fault {
                field: error.path().to_string(),
                reason: error.inner().to_string(),
                cut_off: error.inner().is_eof(),
            },
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn the_apis_own_errors_are_told_from_anything_else() {
        assert_eq!(
            error_messages(br#"{"error":"Invalid authentication token"}"#).unwrap(),
            ["Invalid authentication token"]
        );
        assert_eq!(error_messages(br#"{"errors":["Not found"]}"#).unwrap(), ["Not found"]);
        for other in ["<html>404</html>", "{}", "[]", r#"{"error":null}"#, r#"{"message":"no route"}"#] {
            assert_eq!(error_messages(other.as_bytes()), None, "{other}");
        }
    }

    #[test]
    fn what_a_gateway_says_of_itself_is_not_the_apis_own() {
        for own in [r#"{"error":"Not found"}"#, r#"{"errors":["Not found"]}"#, r#"{"errors":["a"],"error":"b"}"#] {
            assert!(is_own_error(own.as_bytes()), "{own}");
        }
        let gateways = [r#"{"status":404,"error":"Not Found","path":"/metal"}"#, r#"["Not Found"]"#];
        for other in gateways.into_iter().chain(["{}", r#"{"errors":[]}"#, "<html>", ""]) {
            assert!(!is_own_error(other.as_bytes()), "{other}");
        }
    }
}
