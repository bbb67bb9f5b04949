//! Any answer of the Packet API, read as each kind of answer that it could be.
//!
//! An input is the body of an answer, and its first line the `Content-Type` as well. Read as a list, each line is a page.

#![no_main]

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::{Arc, LazyLock};

use fuzz::TOKEN;
use http::{HeaderMap, HeaderValue, StatusCode, header};
use libfuzzer_sys::fuzz_target;
use packet_cloud_controller_manager::kubernetes::addresses::node_addresses;
use packet_cloud_controller_manager::kubernetes::{AddressPolicy, AddressType, Provider};
use packet_cloud_controller_manager::packet::page::Following;
use packet_cloud_controller_manager::packet::{
    Address, Client, Device, DeviceId, DevicePage, Error, Finding, Hostname, Inventory, PageRequest, PlaceRef, Plain,
    PlainReply, Question, Reply, Request, decode,
};
use serde::Deserialize;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

/// Longer than what is shown of it, in bytes.
const LONGEST_CONTENT_TYPE: usize = 300;
/// Longer than any message needs to be, in characters.
const LONGEST_MESSAGE: usize = 1_000;

static CLIENT: LazyLock<Client> = LazyLock::new(fuzz::client);

fuzz_target!(init: { LazyLock::force(&CLIENT); }, |body: &[u8]| {
    let headers = head(body);
    let requests = requests();
    for request in &requests {
        match CLIENT.understand(request, StatusCode::OK, &headers, body).result {
            Ok(Reply::Page(page)) => page_is_sound(&page),
            Ok(Reply::Device(device)) => device_is_sound(&device),
            Ok(Reply::Plain(reply)) => can_be_pointed_at(&reply),
            Err(error) => fit_to_be_shown(&error.to_string()),
        }
    }
    let json = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    for (status, headers) in [201, 401, 403, 404, 429, 503].into_iter().flat_map(|status| [(status, &headers), (status, &json)]) {
        let status = StatusCode::from_u16(status).expect("a status");
        let error = CLIENT.understand(&requests[0], status, headers, body).result.expect_err("a reply takes a 200");
        fit_to_be_shown(&error.to_string());
        if let Error::NotFound { .. } = error {
            let own: Map<String, Value> = serde_json::from_slice(body).expect("an object");
            assert!(own.keys().all(|key| key == "error" || key == "errors"), "{own:?} may be a gateway's");
        }
    }
    each_entry_is_read_for_itself(body);
    finds_what_it_shows(body.split(|byte| *byte == b'\n').filter_map(|page| decode::device_page(page).ok()).collect());
});

/// One request for each kind of answer.
fn requests() -> [Request; 5] {
    [
        Request::Page(PageRequest { hostname: None, number: 1, size: 100 }),
        Request::Device(DeviceId::parse("e781ae1b").expect("an id")),
        Request::Plain(Plain::Project),
        Request::Plain(Plain::Facilities),
        Request::Plain(Plain::Metros),
    ]
}

fn head(body: &[u8]) -> HeaderMap {
    let first_line = body.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let content_type = HeaderValue::from_bytes(&first_line[..first_line.len().min(LONGEST_CONTENT_TYPE)]);
    content_type.into_iter().map(|content_type| (header::CONTENT_TYPE, content_type)).collect()
}

/// A message is short, on one line, and without the token, even where the answer repeats it.
fn fit_to_be_shown(message: &str) {
    assert!(!message.contains(TOKEN), "{message}");
    assert!(!message.contains(char::is_control), "{message:?}");
    assert!(message.chars().count() <= LONGEST_MESSAGE, "{message}");
}

fn page_is_sound(page: &DevicePage) {
    for device in &page.devices {
        device_is_sound(device);
    }
    for spoiled in &page.spoiled {
        fit_to_be_shown(&spoiled.field);
        fit_to_be_shown(&spoiled.reason);
    }
    let entries = page.entries();
    for number in [1, 2, 7, u32::MAX - 1, u32::MAX] {
        let read = entries.saturating_mul(number as usize);
        match page.meta.following(number, entries, read) {
            Following::UpTo(last) => assert!(last > number && entries > 0, "{last} after {number}"),
            Following::More => assert!(entries > 0, "an empty page that promises more is asked for over and over"),
            Following::Nothing => {}
        }
    }
}

fn device_is_sound(device: &Device) {
    let id = DeviceId::parse(device.id.as_str()).expect("the id of a device is one");
    assert_eq!(id, device.id);
    assert!(device.plan.as_deref() != Some(""));
    for place in [&device.facility, &device.metro].into_iter().flatten() {
        assert!(!matches!(place, PlaceRef::Code(code) if code.is_empty()));
        assert!(!matches!(place, PlaceRef::Id(id) if id.is_empty()));
    }
    for provider in Provider::ALL {
        for (ipv6, require_public_ip) in [(false, false), (false, true), (true, false), (true, true)] {
            shows_each_address_once(AddressPolicy { provider, ipv6, require_public_ip }, device);
        }
    }
}

fn shows_each_address_once(policy: AddressPolicy, device: &Device) {
    let shown = match node_addresses(policy, device, None) {
        Ok(shown) => shown,
        Err(error) => return fit_to_be_shown(&error.to_string()),
    };
    let mut ips = HashSet::new();
    for address in shown.iter().filter(|address| address.kind != AddressType::Hostname) {
        let ip = address.address.parse().expect("an IP address");
        assert!(ips.insert(ip), "{ip} is there twice");
        assert!(policy.ipv6 || !matches!(ip, std::net::IpAddr::V6(_)), "{ip} is not to be shown");
        assert!(
            device.addresses.iter().any(|known| matches!(known, Address::Usable { ip: known, .. } if *known == ip))
        );
    }
    assert_eq!(shown.len(), ips.len() + 1, "the hostname is there once");
    assert!(!policy.require_public_ip || shown.iter().any(|address| address.kind == AddressType::ExternalIp));
}

fn can_be_pointed_at(reply: &PlainReply) {
    match reply {
        PlainReply::Project(_) => {}
        PlainReply::Facilities(all) => assert!(all.iter().all(|one| !one.id.is_empty() && !one.code.is_empty())),
        PlainReply::Metros(all) => assert!(all.iter().all(|one| !one.id.is_empty() && !one.code.is_empty())),
    }
}

/// A page in which an entry is malformed is read in another way than one in which all are sound: to the same result.
fn each_entry_is_read_for_itself(body: &[u8]) {
    #[derive(Deserialize)]
    struct Raw<'a> {
        #[serde(borrow)]
        devices: Vec<&'a RawValue>,
    }
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        hostname: Cow<'a, str>,
    }
    let text = String::from_utf8_lossy(body);
    let Ok(Raw { devices }) = serde_json::from_str(&text) else { return };
    let Ok(page) = decode::device_page(body) else { return };
    let (mut sound, mut spoiled) = (page.devices.iter(), page.spoiled.iter());
    for entry in devices {
        if let Ok(device) = decode::device(entry.get().as_bytes()) {
            assert_eq!(sound.next().map(|device| &**device), Some(&device));
            continue;
        }
        let spoiled = spoiled.next().expect("what cannot be read is told of");
        if let Ok(named) = serde_json::from_str::<Named<'_>>(entry.get()) {
            assert_eq!(spoiled.hostname, Some(Hostname::new(&named.hostname)));
        }
    }
    assert!(sound.next().is_none() && spoiled.next().is_none());
}

/// What is found is what was asked for.
fn finds_what_it_shows(pages: Vec<DevicePage>) {
    let shown: Vec<Arc<Device>> = pages.iter().flat_map(|page| &page.devices).cloned().collect();
    let spoiled: Vec<_> = pages.iter().flat_map(|page| &page.spoiled).cloned().collect();
    let inventory: Inventory = pages.into_iter().collect();
    assert!(inventory.shows_the_same(&inventory));
    let _ = inventory.is_whole();
    let ids = shown.iter().map(|device| &device.id).chain(spoiled.iter().filter_map(|spoiled| spoiled.id.as_ref()));
    for id in ids {
        match inventory.find(&Question::ById(id.clone())) {
            Finding::Found(device) => assert_eq!(device.id, *id),
            Finding::Spoiled(spoiled) => assert_eq!(spoiled.id.as_ref(), Some(id)),
            Finding::Ambiguous(_) | Finding::NotShown => panic!("{id} is on one of the pages"),
        }
    }
    let hostnames = shown.iter().map(|device| &device.hostname);
    for hostname in hostnames.chain(spoiled.iter().filter_map(|spoiled| spoiled.hostname.as_ref())) {
        let has_it = |id: &DeviceId| inventory.device(id).is_some_and(|device| device.hostname == *hostname);
        match inventory.find(&Question::ByHostname(hostname.clone())) {
            Finding::Found(device) => assert_eq!(device.hostname, *hostname),
            Finding::Spoiled(spoiled) => assert_eq!(spoiled.hostname.as_ref(), Some(hostname)),
            Finding::Ambiguous(ids) => {
                assert!(
                    ids.len() > 1 && ids.is_sorted_by(|a, b| a < b) && ids.iter().all(has_it),
                    "{ids:?} for {hostname}"
                );
            }
            Finding::NotShown => assert!(!shown.iter().any(|device| has_it(&device.id)), "{hostname} is shown"),
        }
        let longer = Hostname::new(&format!("{hostname}-1"));
        let finding = inventory.find(&Question::ByHostname(longer.clone()));
        assert!(!matches!(finding, Finding::Found(device) if device.hostname != longer));
    }
}
