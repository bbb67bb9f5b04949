//! What can be asked about devices, and what can come of it.

use std::sync::Arc;

use super::device::Device;
use super::error::Error;
use super::identity::{DeviceId, Hostname};

/// What is asked about devices.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Question {
    /// The device of an id.
    ById(DeviceId),
    /// The one device of exactly this hostname.
    ByHostname(Hostname),
}

impl Question {
    /// The id or the hostname that is asked for.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::ById(id) => id.as_str(),
            Self::ByHostname(hostname) => hostname.as_str(),
        }
    }
}

/// How long a question can wait while others are asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Urgency {
    /// Somebody waits for it: a Node that nothing can be scheduled on, a deletion to confirm.
    Urgent,
    /// It is asked time and again, and nobody waits for this one.
    Periodic,
}

/// The answer to a question.
pub type Answer = Result<Arc<Device>, LookupError>;

/// Why there is no device in answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LookupError {
    /// No device of the project has the hostname.
    #[error(
        "no device of the project has the hostname `{0}`, exactly; rename the device, or set the Node's spec.providerID"
    )]
    NoSuchHostname(Hostname),
    /// The API does not know the id.
    #[error(
        "the Packet API knows no device with the id {0}; the Node's spec.providerID may be of a device that is gone"
    )]
    NoSuchId(DeviceId),
    /// More than one device has the hostname, and a guess could give a Node another machine's addresses.
    #[error(
        "devices {} share the hostname `{hostname}`; rename all but one, or set the Node's spec.providerID",
        list(ids)
    )]
    Ambiguous {
        /// The hostname.
        hostname: Hostname,
        /// All devices that have it, sorted.
        ids: Vec<DeviceId>,
    },
    /// The API's entry for the device cannot be read.
    #[error("cannot use the Packet API's entry for device {device}, field `{field}`: {reason}")]
    Malformed {
        /// Its id, or its hostname where the id is what cannot be read.
        device: Box<str>,
        /// The path of the field at fault.
        field: Box<str>,
        /// What is wrong with it.
        reason: Box<str>,
    },
    /// The API could not be asked.
    #[error(transparent)]
    Api(#[from] Error),
}

fn list(ids: &[DeviceId]) -> String {
    ids.iter().map(DeviceId::as_str).collect::<Vec<_>>().join(" and ")
}
