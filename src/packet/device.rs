//! A device as this program keeps it: the few hundred bytes of its 3 to 20 KB that initialise a Node.

use std::net::IpAddr;

use smol_str::SmolStr;

use super::identity::{DeviceId, Hostname};
use super::place::PlaceRef;

/// A device of the Packet API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// The device's id.
    pub id: DeviceId,
    /// The device's hostname. Nothing keeps two devices from sharing one.
    pub hostname: Hostname,
    /// Where the device stands in its life.
    pub state: DeviceState,
    /// The slug of its plan, e.g. `c3.small.x86`; the instance type of its Node.
    pub plan: Option<SmolStr>,
    /// The facility it stands in.
    pub facility: Option<PlaceRef>,
    /// The metro it stands in: its own, or else the one that its facility's entry names.
    pub metro: Option<PlaceRef>,
    /// Its addresses, in the API's order.
    pub addresses: Box<[Address]>,
}

#[cfg(test)]
impl Device {
    /// A device of which a test needs no more than its names. The id must be one.
    pub(crate) fn named(id: &str, hostname: &str) -> Self {
        Self {
            id: DeviceId::parse(id).unwrap_or_else(|error| panic!("{error}")),
            hostname: Hostname::new(hostname),
            state: DeviceState::Active,
            plan: None,
            facility: None,
            metro: None,
            addresses: Box::default(),
        }
    }
}

/// One entry of a device's `ip_addresses`.
///
/// An entry that makes no sense is kept with its fault: a device whose IPv6 address is cut off still initialises a Node
/// that shows only IPv4.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// An address that can be shown.
    Usable {
        /// The address.
        ip: IpAddr,
        /// Whether it is reachable from the internet (`public` in the API).
        public: bool,
    },
    /// An entry that lacks something or holds something that is no address.
    Malformed {
        /// Whether the entry says, or looks as if, it is IPv6.
        ipv6: bool,
        /// Its place in `ip_addresses`, from 0.
        index: u32,
        /// The field at fault.
        field: IpField,
        /// What the field holds, as the API sent it.
        found: Box<str>,
    },
}

/// The field of an `ip_addresses` entry that could not be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IpField {
    /// `address` is absent or no IP address.
    Address,
    /// `public` is absent, so the address could be either kind.
    Public,
}

impl IpField {
    /// The field's name in the API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::Public => "public",
        }
    }
}

/// The states of a device, as the API's description lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeviceState {
    /// Waiting to be provisioned.
    Queued,
    /// Being provisioned.
    Provisioning,
    /// Being deprovisioned.
    Deprovisioning,
    /// Its operating system is being installed anew.
    Reinstalling,
    /// Running.
    Active,
    /// Switched off.
    Inactive,
    /// Provisioning or deprovisioning failed.
    Failed,
    /// Being switched on.
    PoweringOn,
    /// Being switched off.
    PoweringOff,
    /// Gone, but still told of.
    Deleted,
    /// Absent from the answer, or a state that this program does not know. Never taken for any of the others.
    Unknown,
}

impl DeviceState {
    /// The state that the API's word means.
    #[must_use]
    pub fn from_api(word: &str) -> Self {
        match word {
            "queued" => Self::Queued,
            "provisioning" => Self::Provisioning,
            "deprovisioning" => Self::Deprovisioning,
            "reinstalling" => Self::Reinstalling,
            "active" => Self::Active,
            "inactive" => Self::Inactive,
            "failed" => Self::Failed,
            "powering_on" => Self::PoweringOn,
            "powering_off" => Self::PoweringOff,
            "deleted" => Self::Deleted,
            _ => Self::Unknown,
        }
    }
}

/// An entry of a device list that could not be read. It spoils itself and not the page it came on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpoiledDevice {
    /// Its id, where that much could be read.
    pub id: Option<DeviceId>,
    /// Its hostname, where that much could be read.
    pub hostname: Option<Hostname>,
    /// The path of the field at fault, e.g. `ip_addresses[1].address`.
    pub field: Box<str>,
    /// What is wrong with it.
    pub reason: Box<str>,
}
