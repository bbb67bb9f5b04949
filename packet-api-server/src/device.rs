//! A device, its states and its addresses.

use crate::addresses::Block;
use crate::ids::{self, Kind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::net::IpAddr;
use uuid::Uuid;

mod spec;

pub(crate) use spec::MetroSpec;
pub use spec::{DeviceSpec, IpSpec};

/// What a device is doing, as the API spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the API's own words, which it does not explain either")]
pub enum DeviceState {
    Queued,
    Provisioning,
    Deprovisioning,
    Reinstalling,
    Active,
    Inactive,
    Failed,
    PoweringOn,
    PoweringOff,
    Deleted,
}

impl DeviceState {
    /// Every state, in the API's order.
    pub const ALL: [Self; 10] = [
        Self::Queued,
        Self::Provisioning,
        Self::Deprovisioning,
        Self::Reinstalling,
        Self::Active,
        Self::Inactive,
        Self::Failed,
        Self::PoweringOn,
        Self::PoweringOff,
        Self::Deleted,
    ];

    /// The state as the API spells it, say `powering_on`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Provisioning => "provisioning",
            Self::Deprovisioning => "deprovisioning",
            Self::Reinstalling => "reinstalling",
            Self::Active => "active",
            Self::Inactive => "inactive",
            Self::Failed => "failed",
            Self::PoweringOn => "powering_on",
            Self::PoweringOff => "powering_off",
            Self::Deleted => "deleted",
        }
    }

    /// The state that is spelt so, if one is.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// An address of a device.
#[derive(Debug, Clone, PartialEq)]
pub struct IpAddress {
    /// The assignment's id, as `/ips/{id}` knows it.
    pub id: Uuid,
    /// The address itself.
    pub address: IpAddr,
    /// Whether the internet can reach it.
    pub public: bool,
    /// 4 or 6.
    pub family: u8,
    /// The length of its block in bits.
    pub cidr: u8,
    /// Whether the device came with it, as opposed to an assignment from a reservation.
    pub management: bool,
    /// The reservation that it was assigned from, if it was.
    pub reservation: Option<Uuid>,
    /// What `PATCH /ips/{id}` has put on it: `details`, `customdata`, `tags`.
    pub attributes: Map<String, Value>,
}

impl IpAddress {
    pub(crate) fn from_spec(device: Uuid, n: u64, spec: IpSpec) -> Self {
        Self {
            id: ids::of(device, Kind::Address, n),
            address: spec.address,
            public: spec.public,
            family: if spec.address.is_ipv4() { 4 } else { 6 },
            cidr: spec.cidr,
            management: spec.management,
            reservation: None,
            attributes: Map::new(),
        }
    }

    pub(crate) fn block(&self) -> Block {
        Block::around(self.address, self.cidr)
    }
}

/// A device in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Device {
    /// The device's id.
    pub id: Uuid,
    /// The project that it belongs to.
    pub project: Uuid,
    /// Its hostname. Nothing keeps two devices from having the same one, as in the real API.
    pub hostname: String,
    /// What it is doing.
    pub state: DeviceState,
    /// The slug of its plan, say `c3.small.x86`.
    pub plan: Option<String>,
    /// The code of its facility, say `ewr1`.
    pub facility: Option<String>,
    /// The code of its metro, say `ny`.
    pub metro: Option<String>,
    /// The slug of its operating system, say `ubuntu_22_04`.
    pub operating_system: String,
    /// Its addresses, in the order in which the API lists them.
    pub ip_addresses: Vec<IpAddress>,
    /// Its tags.
    pub tags: Vec<String>,
    /// A locked device refuses to be deleted or reinstalled.
    pub locked: bool,
    /// The hardware reservation that it runs on, if it is a reserved instance.
    pub hardware_reservation: Option<Uuid>,
    /// Whether it was bought on the spot market.
    pub spot_instance: bool,
    /// When it was created, RFC 3339.
    pub created_at: String,
    /// When it last changed, RFC 3339.
    pub updated_at: String,
    /// Further fields of the API's device, served as they are: what a create or an update has set, or what a fixtures file
    /// gives. They win over what the simulator would have made up.
    pub attributes: Map<String, Value>,
    /// Whether it is served with as much of user data, custom data, keys and events as devices of the real API have, each
    /// with another amount of it, made up from its id. Where `attributes` have one of these, that is served.
    pub realistic_size: bool,
}

impl Device {
    /// The `short_id`: what comes before the first dash of the id.
    #[must_use]
    pub fn short_id(&self) -> String {
        ids::short(self.id)
    }

    /// The hardware addresses of its bond and its two ports.
    #[must_use]
    pub fn mac_addresses(&self) -> [String; 3] {
        let id = self.id.as_bytes();
        // The second port's address is the one after the first's; a bond answers with the first one's.
        let mac = |last: u8| format!("50:6b:{:02x}:{:02x}:{:02x}:{last:02x}", id[11], id[12], id[13]);
        [mac(id[15] & 0xfe), mac(id[15] & 0xfe), mac(id[15] | 1)]
    }

    /// How it is paid for, in the words of the `type` filter.
    pub(crate) const fn instance_type(&self) -> &'static str {
        if self.spot_instance {
            "spot"
        } else if self.hardware_reservation.is_some() {
            "reserved"
        } else {
            "ondemand"
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::DeviceState;

    #[test]
    fn every_state_reads_back_as_it_is_spelt() {
        for state in DeviceState::ALL {
            assert_eq!(DeviceState::parse(state.as_str()), Some(state));
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
        assert_eq!(DeviceState::parse("Active"), None);
    }
}
