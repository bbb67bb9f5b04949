//! A page of the device list.
//!
//! Nearly every page is sound and is read in one pass, each device as it comes by. Only where that fails, the page is cut
//! into its entries and each is read for itself, so that a malformed one spoils nothing but itself.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::device::WireDevice;
use super::{Fault, device, parse};
use crate::packet::device::{Device, SpoiledDevice};
use crate::packet::identity::{DeviceId, Hostname};
use crate::packet::page::{DevicePage, Meta};

/// A page in either form: with devices that are sound, or with entries that are yet to be read.
#[derive(Deserialize)]
struct WirePage<D> {
    devices: D,
    #[serde(default)]
    meta: Option<Meta>,
}

/// Reads one page of a device list.
///
/// # Errors
/// When the body is not JSON, ends in its middle, or has no list of devices. A malformed device is none.
pub fn device_page(body: &[u8]) -> Result<DevicePage, Fault> {
    if let Ok(page) = serde_json::from_slice::<WirePage<Sound>>(body) {
        let WirePage { devices: Sound(devices), meta } = page;
        return Ok(DevicePage { devices, spoiled: Vec::new(), meta: meta.unwrap_or_default() });
    }
    // What is no UTF-8 spoils the entry that it is in, too, and no other.
    let body = String::from_utf8_lossy(body);
    let wire: WirePage<Vec<&RawValue>> = parse(body.as_bytes())?;
    let mut page = DevicePage { meta: wire.meta.unwrap_or_default(), ..DevicePage::default() };
    for entry in wire.devices {
        match device(entry.get().as_bytes()) {
            Ok(device) => page.devices.push(Arc::new(device)),
            Err(fault) => page.spoiled.push(spoiled(entry, fault)),
        }
    }
    Ok(page)
}

/// Devices each of which could be read.
struct Sound(Vec<Arc<Device>>);

impl<'de> Deserialize<'de> for Sound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Devices;

        impl<'de> Visitor<'de> for Devices {
            type Value = Sound;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of devices")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Sound, A::Error> {
                let mut devices = Vec::new();
                while let Some(wire) = entries.next_element::<WireDevice<'de>>()? {
                    devices.push(Arc::new(wire.into_device().map_err(serde::de::Error::custom)?));
                }
                Ok(Sound(devices))
            }
        }

        deserializer.deserialize_seq(Devices)
    }
}

/// What can still be told of an entry that could not be read.
fn spoiled(entry: &RawValue, fault: Fault) -> SpoiledDevice {
    // Each field by itself, for a tree of values holds only so many levels.
    let fields: HashMap<String, &RawValue> = serde_json::from_str(entry.get()).unwrap_or_default();
    let text = |key: &str| fields.get(key).and_then(|field| serde_json::from_str::<String>(field.get()).ok());
    SpoiledDevice {
        id: text("id").and_then(|id| DeviceId::parse(&id).ok()),
        hostname: text("hostname").map(|hostname| Hostname::new(&hostname)),
        field: fault.field.into(),
        reason: fault.reason.into(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

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
    fn an_entry_that_is_no_utf_8_spoils_no_other() {
        let body = b"{\"devices\":[{\"id\":\"a\",\"hostname\":\"a\",\"description\":\"caf\xe9\"},\
                     {\"id\":\"caf\xe9\",\"hostname\":\"b\"},{\"id\":\"c\",\"hostname\":\"c\"}]}";
        let page = device_page(body).unwrap();
        let ids: Vec<_> = page.devices.iter().map(|device| device.id.as_str()).collect();
        assert_eq!(ids, ["a", "c"]);
        assert_eq!(page.spoiled[0].hostname, Some(Hostname::new("b")));
    }

    #[test]
    fn a_malformed_entry_is_known_by_its_names_however_deep_it_goes() {
        let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
        let body = format!(r#"{{"devices":[{{"id":"a","hostname":"b","state":7,"volumes":{deep}}}]}}"#);
        let page = device_page(body.as_bytes()).unwrap();
        assert_eq!(page.spoiled[0].id, Some(DeviceId::parse("a").unwrap()));
        assert_eq!(page.spoiled[0].hostname, Some(Hostname::new("b")));
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
    fn a_sound_page_is_read_as_its_devices_are_one_by_one() {
        let one = r#"{"id":"a","hostname":"a\u0062","plan":{"slug":"p"},"metro":{"code":"ny"},"ip_addresses":[{"address":"10.0.0.1","public":false}]}"#;
        let page = device_page(format!(r#"{{"meta":{{"total":2}},"devices":[{one},{one}]}}"#).as_bytes()).unwrap();
        let alone = Arc::new(device(one.as_bytes()).unwrap());
        assert_eq!(page.devices, [Arc::clone(&alone), alone]);
        assert_eq!((page.meta.total(), page.entries()), (Some(2), 2));
    }
}
