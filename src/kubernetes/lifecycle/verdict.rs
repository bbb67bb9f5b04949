//! What a device makes of its Node that is not Ready.

use crate::packet::{Answer, Device, DeviceState, LookupError};

/// What is known of the device of a Node that is not Ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The API does not know it. That alone deletes nothing.
    Gone,
    /// It is switched off.
    ShutDown,
    /// It is there, in any other state.
    There,
    /// It could not be asked for, and so nothing is known.
    Unknown(LookupError),
}

impl Verdict {
    /// What an answer makes of the Node.
    #[must_use]
    pub fn of(answer: &Answer) -> Self {
        match answer {
            Ok(device) => Self::of_device(device),
            Err(LookupError::NoSuchId(_)) => Self::Gone,
            Err(error) => Self::Unknown(error.clone()),
        }
    }

    /// What a device that is there makes of the Node.
    #[must_use]
    pub fn of_device(device: &Device) -> Self {
        match device.state {
            DeviceState::Inactive => Self::ShutDown,
            DeviceState::Queued
            | DeviceState::Provisioning
            | DeviceState::Deprovisioning
            | DeviceState::Reinstalling
            | DeviceState::Active
            | DeviceState::Failed
            | DeviceState::PoweringOn
            | DeviceState::PoweringOff
            | DeviceState::Deleted
            | DeviceState::Unknown => Self::There,
        }
    }

    /// Whether it says that the device is there.
    #[must_use]
    pub fn is_there(&self) -> bool {
        matches!(self, Self::ShutDown | Self::There)
    }
}
