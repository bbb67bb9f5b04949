//! What a test writes to get a device.

use super::DeviceState;
use crate::addresses::pair_length;
use serde_json::{Map, Value};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use uuid::Uuid;

/// An address that a test wants a device to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IpSpec {
    pub(crate) address: IpAddr,
    pub(crate) public: bool,
    pub(crate) cidr: u8,
    pub(crate) management: bool,
}

impl IpSpec {
    /// A public IPv4 address in a /31.
    #[must_use]
    pub fn public_v4(address: Ipv4Addr) -> Self {
        Self::new(address.into(), true)
    }

    /// A private IPv4 address in a /31.
    #[must_use]
    pub fn private_v4(address: Ipv4Addr) -> Self {
        Self::new(address.into(), false)
    }

    /// A public IPv6 address in a /127.
    #[must_use]
    pub fn public_v6(address: Ipv6Addr) -> Self {
        Self::new(address.into(), true)
    }

    /// A private IPv6 address in a /127.
    #[must_use]
    pub fn private_v6(address: Ipv6Addr) -> Self {
        Self::new(address.into(), false)
    }

    /// The same address in a block of so many bits.
    #[must_use]
    pub const fn cidr(mut self, bits: u8) -> Self {
        self.cidr = bits;
        self
    }

    /// The same address, as one that the device came with (the default) or that was assigned later.
    #[must_use]
    pub const fn management(mut self, management: bool) -> Self {
        self.management = management;
        self
    }

    pub(crate) const fn new(address: IpAddr, public: bool) -> Self {
        Self { address, public, cidr: pair_length(address), management: true }
    }
}

/// A device that a test wants: everything but the hostname has a default.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceSpec {
    pub(crate) id: Option<Uuid>,
    pub(crate) hostname: String,
    pub(crate) state: DeviceState,
    pub(crate) plan: Option<String>,
    pub(crate) facility: Option<String>,
    pub(crate) metro: MetroSpec,
    pub(crate) operating_system: String,
    pub(crate) ips: Option<Vec<IpSpec>>,
    pub(crate) tags: Vec<String>,
    pub(crate) locked: bool,
    pub(crate) hardware_reservation: Option<Uuid>,
    pub(crate) spot_instance: bool,
    pub(crate) attributes: Map<String, Value>,
    pub(crate) realistic_size: bool,
}

/// Where a specified device's metro comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum MetroSpec {
    /// The metro that its facility is in, if that has one.
    OfFacility,
    Given(Option<String>),
}

impl DeviceSpec {
    /// An active `c3.small.x86` in `ewr1` (metro `ny`) with one public IPv4, one public IPv6 and one private IPv4 address.
    #[must_use]
    pub fn new(hostname: impl Into<String>) -> Self {
        Self {
            id: None,
            hostname: hostname.into(),
            state: DeviceState::Active,
            plan: Some("c3.small.x86".into()),
            facility: Some("ewr1".into()),
            metro: MetroSpec::OfFacility,
            operating_system: "ubuntu_22_04".into(),
            ips: None,
            tags: Vec::new(),
            locked: false,
            hardware_reservation: None,
            spot_instance: false,
            attributes: Map::new(),
            realistic_size: false,
        }
    }

    /// The id to have, instead of the next one of the seed.
    #[must_use]
    pub const fn id(mut self, id: Uuid) -> Self {
        self.id = Some(id);
        self
    }

    /// The code of the facility, or `None` for a device that does not say. The metro follows, unless it is given.
    #[must_use]
    pub fn facility<'a>(mut self, code: impl Into<Option<&'a str>>) -> Self {
        self.facility = code.into().map(Into::into);
        self
    }

    /// The code of the metro, or `None` for a device that does not say.
    #[must_use]
    pub fn metro<'a>(mut self, code: impl Into<Option<&'a str>>) -> Self {
        self.metro = MetroSpec::Given(code.into().map(Into::into));
        self
    }

    /// The slug of the plan, or `None` for a device that does not say.
    #[must_use]
    pub fn plan<'a>(mut self, slug: impl Into<Option<&'a str>>) -> Self {
        self.plan = slug.into().map(Into::into);
        self
    }

    /// The slug of the operating system.
    #[must_use]
    pub fn operating_system(mut self, slug: impl Into<String>) -> Self {
        self.operating_system = slug.into();
        self
    }

    /// The state.
    #[must_use]
    pub const fn state(mut self, state: DeviceState) -> Self {
        self.state = state;
        self
    }

    /// The tags, instead of none.
    #[must_use]
    pub fn tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.tags = tags.into_iter().map(Into::into).collect();
        self
    }

    /// One more address. The first one given replaces the default three.
    #[must_use]
    pub fn ip(mut self, ip: IpSpec) -> Self {
        self.ips.get_or_insert_default().push(ip);
        self
    }

    /// The addresses, in the API's order, instead of the default three. An empty list is a device without addresses.
    #[must_use]
    pub fn ips(mut self, ips: Vec<IpSpec>) -> Self {
        self.ips = Some(ips);
        self
    }

    /// Whether the device refuses to be deleted.
    #[must_use]
    pub const fn locked(mut self, locked: bool) -> Self {
        self.locked = locked;
        self
    }

    /// The hardware reservation that it runs on.
    #[must_use]
    pub const fn hardware_reservation(mut self, id: Uuid) -> Self {
        self.hardware_reservation = Some(id);
        self
    }

    /// Whether it was bought on the spot market.
    #[must_use]
    pub const fn spot_instance(mut self, spot: bool) -> Self {
        self.spot_instance = spot;
        self
    }

    /// Whether it is served at a size as devices of the real API have it, up to some 20 KB; each is of another size.
    #[must_use]
    pub const fn realistic_size(mut self, realistic: bool) -> Self {
        self.realistic_size = realistic;
        self
    }

    /// One more field of the API's device, served as it is, say `termination_time` or `userdata`.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, value: Value) -> Self {
        self.attributes.insert(name.into(), value);
        self
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::{DeviceSpec, IpSpec, MetroSpec};

    #[test]
    fn the_first_address_given_replaces_the_default_three() {
        let spec = DeviceSpec::new("a").ip(IpSpec::private_v4([10, 1, 2, 3].into()));
        assert_eq!(spec.ips.map(|ips| ips.len()), Some(1));
    }

    #[test]
    fn a_code_may_be_given_or_left_out() {
        let spec = DeviceSpec::new("a").facility(None).metro("ny").plan(None);
        assert_eq!((spec.facility, spec.plan), (None, None));
        assert_eq!(spec.metro, MetroSpec::Given(Some("ny".into())));
    }
}
