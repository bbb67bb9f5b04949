//! From the API's JSON to the types this program keeps.
//!
//! Only the fields in use are decoded, borrowed from the body where JSON allows it. A list is first cut into its
//! entries and each entry decoded for itself, so that one malformed device spoils that device and not its page.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::device::{Address, Device, DeviceState, IpField, SpoiledDevice};
use super::identity::{DeviceId, Hostname};
use super::page::{DevicePage, Meta};
use super::place::{Facility, Metro, PlaceRef};

/// What is wrong with a body: where in it, and what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// The path of the field, `.` for the whole body.
    pub(super) field: String,
    /// What was found and what was expected.
    pub(super) reason: String,
    /// Whether the body ends in the middle of a value, as an answer cut off on its way does.
    pub(super) cut_off: bool,
}

/// Text of the API, borrowed from the body unless an escape in it forces a copy.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

#[derive(Deserialize)]
struct WireDevice<'a> {
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
struct WirePlace<'a> {
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    code: Option<Text<'a>>,
    #[serde(borrow, default)]
    href: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct WireFacility<'a> {
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    code: Option<Text<'a>>,
    #[serde(borrow, default)]
    href: Option<Text<'a>>,
    #[serde(borrow, default)]
    metro: Option<WirePlace<'a>>,
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

#[derive(Deserialize)]
struct WireDeviceList<'a> {
    #[serde(borrow)]
    devices: Vec<&'a RawValue>,
    #[serde(default)]
    meta: Option<Meta>,
}

#[derive(Deserialize)]
struct WireFacilityList<'a> {
    #[serde(borrow)]
    facilities: Vec<WireFacility<'a>>,
}

#[derive(Deserialize)]
struct WireMetroList<'a> {
    #[serde(borrow)]
    metros: Vec<WirePlace<'a>>,
}

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
pub(super) fn device(body: &[u8]) -> Result<Device, Fault> {
    let wire: WireDevice<'_> = parse(body)?;
    wire.into_device()
}

/// Reads one page of a device list.
pub(super) fn device_page(body: &[u8]) -> Result<DevicePage, Fault> {
    let wire: WireDeviceList<'_> = parse(body)?;
    let mut page = DevicePage { meta: wire.meta.unwrap_or_default(), ..DevicePage::default() };
    for entry in wire.devices {
        match device(entry.get().as_bytes()) {
            Ok(device) => page.devices.push(Arc::new(device)),
            Err(fault) => page.spoiled.push(spoiled(entry, fault)),
        }
    }
    Ok(page)
}

/// Reads the list of facilities. One without id or code cannot be pointed at, and is left out.
pub(super) fn facilities(body: &[u8]) -> Result<Vec<Facility>, Fault> {
    let wire: WireFacilityList<'_> = parse(body)?;
    let facility = |wire: WireFacility<'_>| {
        let metro = wire.metro.and_then(WirePlace::reference);
        Some(Facility { id: non_empty(wire.id)?, code: non_empty(wire.code)?, metro })
    };
    Ok(wire.facilities.into_iter().filter_map(facility).collect())
}

/// Reads the list of metros. One without id or code cannot be pointed at, and is left out.
pub(super) fn metros(body: &[u8]) -> Result<Vec<Metro>, Fault> {
    let wire: WireMetroList<'_> = parse(body)?;
    let metro = |wire: WirePlace<'_>| Some(Metro { id: non_empty(wire.id)?, code: non_empty(wire.code)? });
    Ok(wire.metros.into_iter().filter_map(metro).collect())
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

impl WireDevice<'_> {
    fn into_device(self) -> Result<Device, Fault> {
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
                .enumerate()
                .map(WireIp::into_address)
                .collect(),
        })
    }
}

impl WireFacility<'_> {
    /// The facility itself, and the metro that its entry names.
    fn references(self) -> (Option<PlaceRef>, Option<PlaceRef>) {
        let metro = self.metro.and_then(WirePlace::reference);
        (WirePlace { id: self.id, code: self.code, href: self.href }.reference(), metro)
    }
}

impl WirePlace<'_> {
    fn reference(self) -> Option<PlaceRef> {
        let by_code = non_empty(self.code).map(PlaceRef::Code);
        by_code.or_else(|| non_empty(self.id).map(PlaceRef::Id)).or_else(|| {
            let href = self.href?;
            let id = href.0.trim_end_matches('/').rsplit('/').next().filter(|id| !id.is_empty())?;
            Some(PlaceRef::Id(id.into()))
        })
    }
}

impl WireIp<'_> {
    fn into_address((index, wire): (usize, Self)) -> Address {
        let text = wire.address.as_ref().map(|text| &*text.0);
        let ipv6 = wire.address_family == Some(6) || text.is_some_and(|text| text.contains(':'));
        let malformed = |field, found: &str| Address::Malformed { ipv6, index, field, found: found.into() };
        match (text.map(str::parse::<IpAddr>), wire.public) {
            (Some(Ok(ip)), Some(public)) => Address::Usable { ip, public },
            (Some(Ok(_)), None) => malformed(IpField::Public, "nothing"),
            (Some(Err(_)), _) => malformed(IpField::Address, text.unwrap_or_default()),
            (None, _) => malformed(IpField::Address, "nothing"),
        }
    }
}

fn non_empty(text: Option<Text<'_>>) -> Option<Box<str>> {
    text.map(|text| Box::<str>::from(&*text.0)).filter(|text| !text.is_empty())
}

/// What can still be told of an entry that could not be read.
fn spoiled(entry: &RawValue, fault: Fault) -> SpoiledDevice {
    let value: serde_json::Value = serde_json::from_str(entry.get()).unwrap_or_default();
    let text = |key: &str| value.get(key).and_then(serde_json::Value::as_str);
    SpoiledDevice {
        id: text("id").and_then(|id| DeviceId::parse(id).ok()),
        hostname: text("hostname").map(Hostname::new),
        field: fault.field.into(),
        reason: fault.reason.into(),
    }
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

    const OLD_DEVICE: &str = include_str!("../../tests/fixtures/device-2016.json");

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
            device.addresses,
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

    #[test]
    fn a_malformed_device_spoils_itself_and_not_its_page() {
        let body = r#"{"devices":[
            {"id":"good","hostname":"good"},
            {"id":"bad","hostname":"bad","ip_addresses":[{"address":"10.0.0.1","public":false},{"address":7}]},
            {"hostname":"nameless"},
            "a string",
            {"id":"also-good","hostname":"also-good"}],"meta":{"total":5}}"#;
        let page = device_page(body.as_bytes()).unwrap();
        let ids: Vec<_> = page.devices.iter().map(|device| device.id.as_str()).collect();
        assert_eq!(ids, ["good", "also-good"]);
        let faults: Vec<_> =
            page.spoiled.iter().map(|spoiled| (spoiled.id.as_ref().map(DeviceId::as_str), &*spoiled.field)).collect();
        assert_eq!(faults, [(Some("bad"), "ip_addresses[1].address"), (None, "."), (None, ".")]);
        assert!(page.spoiled[1].reason.contains("missing field `id`"), "{:?}", page.spoiled[1]);
    }

    #[test]
    fn a_body_cut_off_in_the_middle_is_told_from_one_of_another_shape() {
        let cut = device_page(br#"{"devices":[{"id":"a","hostn"#).unwrap_err();
        assert!(cut.cut_off, "{cut:?}");
        let other = device_page(br#"{"facilities":[]}"#).unwrap_err();
        assert!(!other.cut_off);
        assert!(other.reason.contains("devices"), "{other:?}");
    }

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
}
