//! A device on the wire.

use std::net::IpAddr;

use serde::Deserialize;

use super::place::{WireFacility, WirePlace};
use super::{Fault, Text, non_empty};
use crate::packet::device::{Address, Device, DeviceState, IpField};
use crate::packet::identity::{DeviceId, Hostname};

#[derive(Deserialize)]
pub(super) struct WireDevice<'a> {
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    hostname: Text<'a>,
    #[serde(borrow, default)]
    state: Option<Text<'a>>,
    #[serde(borrow, default)]
    plan: Option<WirePlan<'a>>,
    #[serde(borrow, default)]
    facility: Option<WireFacility<'a>>,
    #[serde(borrow, default)]
    metro: Option<WirePlace<'a>>,
    #[serde(borrow, default)]
    ip_addresses: Option<Vec<WireIp<'a>>>,
}

#[derive(Deserialize)]
struct WirePlan<'a> {
    #[serde(borrow, default)]
    slug: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct WireIp<'a> {
    #[serde(borrow, default)]
    address: Option<Text<'a>>,
    #[serde(default)]
    address_family: Option<u8>,
    #[serde(default)]
    public: Option<bool>,
}

impl WireDevice<'_> {
    pub(super) fn into_device(self) -> Result<Device, Fault> {
        let id = DeviceId::parse(&self.id.0).map_err(|error| Fault {
            field: "id".to_owned(),
            reason: error.to_string(),
            cut_off: false,
        })?;
        let (facility, facility_metro) = self.facility.map_or((None, None), WireFacility::references);
        Ok(Device {
            id,
            hostname: Hostname::new(&self.hostname.0),
            state: self.state.map_or(DeviceState::Unknown, |state| DeviceState::from_api(&state.0)),
            plan: self.plan.and_then(|plan| non_empty(plan.slug)),
            facility,
            metro: self.metro.and_then(WirePlace::reference).or(facility_metro),
            addresses: self
                .ip_addresses
                .unwrap_or_default()
                .into_iter()
                .zip(0..)
                .map(|(wire, index)| wire.into_address(index))
                .collect(),
        })
    }
}

impl WireIp<'_> {
    /// The address, which is the entry of that place in its list, counted from 0.
    fn into_address(self, index: u32) -> Address {
        let text = self.address.as_ref().map(|text| &*text.0);
        let ipv6 = self.address_family == Some(6) || text.is_some_and(|text| text.contains(':'));
        let malformed = |field, found: &str| Address::Malformed { ipv6, index, field, found: found.into() };
        match (text.map(str::parse::<IpAddr>), self.public) {
            (Some(Ok(ip)), Some(public)) => Address::Usable { ip, public },
            (Some(Ok(_)), None) => malformed(IpField::Public, "nothing"),
            (Some(Err(_)), _) => malformed(IpField::Address, text.unwrap_or_default()),
            (None, _) => malformed(IpField::Address, "nothing"),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::packet::decode::device;
    use crate::packet::place::PlaceRef;

    const OLD_DEVICE: &str = include_str!("../../../tests/fixtures/device-2016.json");

    #[test]
    fn a_device_from_before_metros_is_read() {
        let device = device(OLD_DEVICE.as_bytes()).unwrap();
        assert_eq!(device.id.as_str(), "e781ae1b");
        assert_eq!(device.hostname.as_str(), "test-01");
        assert_eq!(device.state, DeviceState::Active);
        assert_eq!(device.plan.as_deref(), Some("baremetal_0"));
        assert_eq!(device.facility, Some(PlaceRef::Code("ewr1".into())));
        assert_eq!(device.metro, None);
        assert_eq!(
            *device.addresses,
            [
                Address::Usable { ip: "147.75.1.3".parse().unwrap(), public: true },
                Address::Malformed { ipv6: true, index: 1, field: IpField::Address, found: "2604:::::".into() },
                Address::Usable { ip: "10.100.1.1".parse().unwrap(), public: false },
            ]
        );
    }

    #[test]
    fn what_the_api_does_not_tell_is_no_fault() {
        for body in [
            r#"{"id":"e781ae1b","hostname":"a"}"#,
            r#"{"id":"e781ae1b","hostname":"a","state":null,"plan":null,"facility":null,"metro":null,"ip_addresses":null}"#,
            r#"{"id":"e781ae1b","hostname":"a","plan":{"slug":null},"facility":{},"metro":{"code":""},"ip_addresses":[]}"#,
        ] {
            let device = device(body.as_bytes()).unwrap();
            assert_eq!((device.plan, device.facility, device.metro), (None, None, None), "{body}");
            assert_eq!(device.state, DeviceState::Unknown);
        }
    }

    #[test]
    fn a_place_that_is_only_an_href_keeps_the_id_it_ends_in() {
        let body = r#"{"id":"a","hostname":"a","facility":{"href":"/metal/v1/facilities/f1"},"metro":{"href":"/locations/metros/m1"}}"#;
        let device = device(body.as_bytes()).unwrap();
        assert_eq!(device.facility, Some(PlaceRef::Id("f1".into())));
        assert_eq!(device.metro, Some(PlaceRef::Id("m1".into())));
    }

    #[test]
    fn a_device_without_a_metro_has_that_of_its_facility() {
        let body = r#"{"id":"a","hostname":"a","facility":{"code":"ny5","metro":{"code":"ny"}}}"#;
        assert_eq!(device(body.as_bytes()).unwrap().metro, Some(PlaceRef::Code("ny".into())));
    }
}
