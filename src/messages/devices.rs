//! The resolvers ask the `PacketApi` actor for devices.

use std::sync::Arc;
use std::time::Duration;

use actix::Message;

use crate::packet::{Device, LookupError, Question, Urgency};

/// Which device is it?
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Arc<Device>, DeviceError>")]
pub struct FindDevice {
    /// By which name it is looked for.
    pub question: Question,
    /// How long before this question was put the API may have been asked; zero asks for an answer from after it.
    pub max_age: Duration,
    /// Whether somebody waits for it.
    pub urgency: Urgency,
}

/// Why there is no device in answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// It was not found.
    #[error(transparent)]
    Lookup(#[from] LookupError),
    /// The program is stopping.
    #[error("the program is stopping")]
    Stopping,
}
