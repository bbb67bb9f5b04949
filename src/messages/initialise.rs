//! A Node on its way: from the `NodeWatcher` to the device, from there to the zone, from there to the write. The outcome
//! comes back as an answer as far as the device, and from there as a message.

use std::sync::Arc;

use actix::{Message, Recipient};

use super::writes::WriteError;
use crate::kubernetes::{AddressError, Instance, LabelError, Node, ProviderIdError};
use crate::packet::{self, Device, LookupError};

/// Why a Node is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// It carries the uninitialized taint: everything is written, the taint goes last.
    Initialise,
    /// It is initialised: its addresses are compared and, where they differ, written.
    Refresh,
}

/// Tells one piece of work, or one pause, of a Node from those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ticket(pub u64);

/// `NodeWatcher` to `InstanceResolver`: bring this Node to where it should be.
#[derive(Clone, Message)]
#[rtype(result = "()")]
pub struct ResolveInstance {
    /// The Node as it was last seen.
    pub node: Arc<Node>,
    /// Why.
    pub purpose: Purpose,
    /// Which piece of work this is.
    pub ticket: Ticket,
    /// Who is told how it ended. That is told once, unless the program stops.
    pub report_to: Recipient<Resolved>,
}

/// `InstanceResolver` to `NodeWatcher`: what has become of a Node.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Resolved {
    /// The Node as it was when it was sent.
    pub node: Arc<Node>,
    /// Why it was sent.
    pub purpose: Purpose,
    /// Which piece of work this was.
    pub ticket: Ticket,
    /// How it ended.
    pub result: Result<Outcome, Failure>,
}

/// `InstanceResolver` to `ZoneResolver`: the Node's device is found.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Outcome, Failure>")]
pub struct ResolveZone {
    /// The Node as it was last seen.
    pub node: Arc<Node>,
    /// Its device.
    pub device: Arc<Device>,
    /// What the device makes of the Node.
    pub instance: Instance,
}

/// What has become of a Node.
#[derive(Debug, Clone)]
pub enum Outcome {
    /// It is as it should be; this is how the API server has it now.
    Done(Arc<Node>),
    /// It is gone, or another Node has its name now; the watch will tell.
    Gone,
}

/// Why a Node is not where it should be. It will be tried again.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Failure {
    /// Its device was not found.
    #[error(transparent)]
    Device(#[from] LookupError),
    /// Its provider ID names no device.
    #[error(transparent)]
    ProviderId(#[from] ProviderIdError),
    /// Its addresses make no sense.
    #[error(transparent)]
    Addresses(#[from] AddressError),
    /// Its facility or metro could not be asked for.
    #[error("cannot tell the region or zone: {0}")]
    Place(packet::Error),
    /// Its labels would be refused.
    #[error(transparent)]
    Labels(#[from] LabelError),
    /// It could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The program is stopping.
    #[error("the program is stopping")]
    Stopping,
}
