//! The resolvers ask the `PacketApi` actor for devices.

use std::sync::Arc;
use std::time::Duration;

use actix::Message;

use crate::packet::{self, Device, DeviceId, Question};

/// Which device is it?
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Arc<Device>, DeviceError>")]
pub struct FindDevice {
    /// By which name it is looked for.
    pub question: Question,
    /// How long before this question was put the API may have been asked; zero asks for an answer from after it.
    pub max_age: Duration,
}

/// Why there is no device in answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// No device of the project has the hostname.
    #[error(
        "no device of the project has the hostname `{0}`, exactly; rename the device, or set the Node's spec.providerID"
    )]
    NoSuchHostname(packet::Hostname),
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
        hostname: packet::Hostname,
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
    Api(#[from] packet::Error),
    /// The program is stopping.
    #[error("the program is stopping")]
    Stopping,
}

fn list(ids: &[DeviceId]) -> String {
    ids.iter().map(DeviceId::as_str).collect::<Vec<_>>().join(" and ")
}
