//! Devices over HTTP: as they are seeded, listed, filtered, changed and deleted.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use common::{Asker, devices, hostnames};
use packet_api_server::{Access, DeviceSpec, DeviceState, IpSpec, Project, Server};
use reqwest::Method;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::Duration;
use uuid::Uuid;

#[tokio::test]
async fn a_seeded_device_is_served_with_what_it_was_given() {
    let server = Server::start().await.unwrap();
    let spec =
        DeviceSpec::new("node-a").facility("ny5").plan("m3.large.x86").tags(["worker"]).state(DeviceState::Inactive);
    let device = server.store().create_device(spec.ip(IpSpec::private_v4([10, 9, 8, 7].into())));
    let json = Asker::of(&server).ok(&format!("devices/{}", device.id)).await;
    assert_eq!(json["id"], device.id.to_string());
    assert_eq!(
        (&json["hostname"], &json["state"], &json["tags"]),
        (&json!("node-a"), &json!("inactive"), &json!(["worker"]))
    );
    assert_eq!((&json["facility"]["code"], &json["metro"]["code"]), (&json!("ny5"), &json!("ny")));
    assert_eq!(
        (&json["plan"]["slug"], &json["plan"]["specs"]["memory"]["total"]),
        (&json!("m3.large.x86"), &json!("256GB"))
    );
    assert_eq!(json["ip_addresses"].as_array().unwrap().len(), 1);
    assert_eq!(
        (&json["ip_addresses"][0]["address"], &json["ip_addresses"][0]["public"]),
        (&json!("10.9.8.7"), &json!(false))
    );
}

#[tokio::test]
async fn a_device_is_of_realistic_size() {
    let server = Server::start().await.unwrap();
    let device = server.store().create_device(DeviceSpec::new("node-a"));
    let asker = Asker::of(&server);
    asker.ok(&format!("devices/{}", device.id)).await;
    let full = server.requests().bytes();
    assert!((5_000..=8_000).contains(&full), "{full} bytes");
    server.requests().clear();
    asker
        .ok(&format!("devices/{}?exclude=plan,network_ports,created_by,operating_system,ip_addresses", device.id))
        .await;
    assert!(server.requests().bytes() * 2 < full, "{} of {full} bytes", server.requests().bytes());
}

#[tokio::test]
async fn what_a_device_does_not_say_is_left_out() {
    let server = Server::start().await.unwrap();
    let device =
        server.store().create_device(DeviceSpec::new("bare").facility(None).metro(None).plan(None).ips(vec![]));
    let json = Asker::of(&server).ok(&format!("devices/{}", device.id)).await;
    for name in ["facility", "metro", "plan"] {
        assert!(json.get(name).is_none(), "{name}");
    }
    assert_eq!(json["ip_addresses"], json!([]));
}

#[tokio::test]
async fn nested_resources_come_in_full_or_as_references_as_asked() {
    let server = Server::start().await.unwrap();
    let device = server.store().create_device(DeviceSpec::new("node-a"));
    let asker = Asker::of(&server);
    let by_default = asker.ok(&format!("devices/{}", device.id)).await;
    assert!(by_default["plan"]["slug"].is_string() && by_default["ip_addresses"][0]["address"].is_string());
    assert_eq!(by_default["project"], json!({"href": format!("/metal/v1/projects/{}", server.project_id())}));

    let narrowed = asker
        .ok(&format!(
            "devices/{}?include=project.organization,facility.address&exclude=plan,facility.metro,ip_addresses",
            device.id
        ))
        .await;
    assert_eq!(narrowed["plan"].as_object().unwrap().keys().collect::<Vec<_>>(), ["href"]);
    assert_eq!(narrowed["facility"]["metro"].as_object().unwrap().keys().collect::<Vec<_>>(), ["href"]);
    assert!(narrowed["facility"]["address"]["zip_code"].is_string());
    assert!(narrowed["project"]["organization"]["name"].is_string());
    assert!(
        narrowed["ip_addresses"]
            .as_array()
            .unwrap()
            .iter()
            .all(|ip| ip.get("address").is_none() && ip["href"].is_string())
    );
}

#[tokio::test]
async fn the_pages_of_a_list_hold_every_device_once_in_creation_order() {
    let server = Server::start().await.unwrap();
    let created = server.store().create_devices(23, "node-");
    let asker = Asker::of(&server);
    let mut seen = Vec::new();
    let mut next = Some(format!("/{}?per_page=10&exclude=plan", devices(&server)));
    while let Some(href) = next {
        assert!(href.contains("exclude=plan"), "{href}");
        let page = asker.ok(href.strip_prefix('/').unwrap()).await;
        seen.extend(hostnames(&page).into_iter().map(str::to_owned));
        next = page["meta"]["next"]["href"].as_str().map(Into::into);
    }
    assert_eq!(seen, created.iter().map(|device| device.hostname.clone()).collect::<Vec<_>>());
    assert_eq!((seen.first().unwrap().as_str(), seen.last().unwrap().as_str()), ("node-0000", "node-0022"));
}

#[tokio::test]
async fn a_page_past_the_end_is_empty() {
    let server = Server::start().await.unwrap();
    server.store().create_devices(3, "node-");
    let page = Asker::of(&server).ok(&format!("{}?page=7", devices(&server))).await;
    assert_eq!(page["devices"], json!([]));
    assert_eq!(page["meta"]["total"], 3);
}

#[tokio::test]
async fn a_server_may_allow_less_on_a_page_than_is_asked_for() {
    let server = Server::builder().max_per_page(5).legacy_meta(true).start().await.unwrap();
    server.store().create_devices(12, "node-");
    let page = Asker::of(&server).ok(&format!("{}?per_page=1000", devices(&server))).await;
    assert_eq!(hostnames(&page).len(), 5);
    assert!(page["meta"].get("last_page").is_none() && page["meta"].get("current_page").is_none());
    assert!(page["meta"]["next"]["href"].as_str().unwrap().contains("page=2&per_page=1000"));
}

#[tokio::test]
async fn filters_keep_what_they_name() {
    let server = Server::start().await.unwrap();
    let store = server.store();
    let reservation = Uuid::from_u128(7);
    store.create_device(DeviceSpec::new("node-1").tags(["blue"]));
    store.create_device(DeviceSpec::new("node-11").facility("sv15").plan("t1.small.x86"));
    store.create_device(DeviceSpec::new("other").facility("am6").hardware_reservation(reservation));
    store.create_device(
        DeviceSpec::new("spot").spot_instance(true).attribute("termination_time", json!("2030-01-01T00:00:00Z")),
    );
    let mac = store.devices()[2].mac_addresses()[1].clone();
    let public = store.devices()[3].ip_addresses[0].address.to_string();
    let asker = Asker::of(&server);
    for (filter, kept) in [
        ("hostname=node-1".to_owned(), vec!["node-1", "node-11"]),
        ("hostname=NODE-11".into(), vec!["node-11"]),
        ("hostname=absent".into(), vec![]),
        ("facility=sv15".into(), vec!["node-11"]),
        ("metro=ny".into(), vec!["node-1", "spot"]),
        ("tag=blue".into(), vec!["node-1"]),
        ("type=reserved".into(), vec!["other"]),
        ("type=spot".into(), vec!["spot"]),
        ("type=ondemand".into(), vec!["node-1", "node-11"]),
        ("reserved=true".into(), vec!["other"]),
        ("has_termination_time=true".into(), vec!["spot"]),
        ("categories=legacy_gen".into(), vec!["node-11"]),
        ("search=Amsterdam".into(), vec!["other"]),
        (format!("search={public}"), vec!["spot"]),
        (format!("mac_address={mac}"), vec!["other"]),
        ("hostname=node&facility=ewr1".into(), vec!["node-1"]),
    ] {
        let page = asker.ok(&format!("{}?{filter}", devices(&server))).await;
        assert_eq!(hostnames(&page), kept, "{filter}");
        assert_eq!(page["meta"]["total"], kept.len(), "{filter}");
    }
}

#[tokio::test]
async fn a_parameter_of_the_wrong_type_is_refused() {
    let server = Server::start().await.unwrap();
    let asker = Asker::of(&server);
    for query in ["page=0", "page=x", "per_page=1001", "reserved=maybe", "categories=cheap"] {
        let (status, json) = asker.get(&format!("{}?{query}", devices(&server))).await;
        assert_eq!(status, 422, "{query}");
        let name = query.split('=').next().unwrap();
        assert!(json["errors"][0].as_str().unwrap().starts_with(name), "{query}: {json}");
    }
}

#[tokio::test]
async fn a_device_is_created_changed_and_deleted_over_http() {
    let server = Server::start().await.unwrap();
    let asker = Asker::of(&server);
    let wanted = json!({"hostname": "new", "plan": "c3.small.x86", "operating_system": "debian_11", "metro": "sv",
                        "tags": ["a"], "userdata": "#!/bin/sh", "customdata": {"k": 1}});
    let (status, created) = asker.ask(Method::POST, &devices(&server), Some(wanted)).await;
    assert_eq!(
        (status, &created["hostname"], &created["metro"]["code"]),
        (201, &json!("new"), &json!("sv")),
        "{created}"
    );
    assert_eq!((&created["userdata"], &created["customdata"]["k"]), (&json!("#!/bin/sh"), &json!(1)));
    assert_eq!(created["ip_addresses"].as_array().unwrap().len(), 3);

    let path = format!("devices/{}", created["id"].as_str().unwrap());
    let update = json!({"hostname": "renamed", "description": "mine", "locked": true});
    let (status, updated) = asker.ask(Method::PUT, &path, Some(update)).await;
    assert_eq!((status, &updated["hostname"], &updated["description"]), (200, &json!("renamed"), &json!("mine")));
    assert_eq!(hostnames(&asker.ok(&format!("{}?hostname=renamed", devices(&server))).await), ["renamed"]);

    assert_eq!(asker.ask(Method::DELETE, &path, None).await.0, 422, "a locked device stays");
    asker.ask(Method::PUT, &path, Some(json!({"locked": false}))).await;
    assert_eq!(asker.ask(Method::DELETE, &path, None).await, (204, Value::Null));
    assert_eq!(asker.get(&path).await, (404, json!({"errors": ["Not found"]})));
    assert_eq!(hostnames(&asker.ok(&devices(&server)).await), [""; 0]);
}

#[tokio::test]
async fn what_cannot_be_created_is_refused_with_the_field_at_fault() {
    let server = Server::start().await.unwrap();
    let asker = Asker::of(&server);
    let right = json!({"plan": "c3.small.x86", "operating_system": "debian_11", "metro": "sv"});
    for (field, value) in [
        ("plan", json!("no.such.plan")),
        ("plan", Value::Null),
        ("operating_system", json!("dos")),
        ("metro", json!("atlantis")),
        ("facility", json!(["ewr1"])),
        ("tags", json!("a")),
        ("billing_cycle", json!("never")),
        ("termination_time", json!("tomorrow")),
        ("ip_addresses", json!([{"address_family": 5}])),
    ] {
        let mut wanted = right.clone();
        wanted[field] = value;
        let (status, json) = asker.ask(Method::POST, &devices(&server), Some(wanted)).await;
        assert_eq!(status, 422, "{field}");
        assert!(json["errors"][0].as_str().unwrap().contains(field), "{field}: {json}");
    }
    assert_eq!(server.store().devices(), []);
}

#[tokio::test]
async fn deprovisioning_is_visible_for_as_long_as_the_test_wants() {
    let server = Server::start().await.unwrap();
    server.store().set_deprovision_time(Duration::MAX);
    let device = server.store().create_device(DeviceSpec::new("going"));
    let asker = Asker::of(&server);
    let path = format!("devices/{}", device.id);
    assert_eq!(asker.ask(Method::DELETE, &path, None).await.0, 204);
    assert_eq!(asker.ok(&path).await["state"], "deprovisioning");
    assert!(server.store().delete_device(&device.id));
    assert_eq!(asker.get(&path).await.0, 404);
}

#[tokio::test]
async fn a_device_becomes_active_once_it_is_provisioned() {
    let server = Server::start().await.unwrap();
    server.store().set_provision_time(Duration::from_millis(30));
    let asker = Asker::of(&server);
    let wanted = json!({"plan": "c3.small.x86", "operating_system": "debian_11", "metro": "sv"});
    let (_, created) = asker.ask(Method::POST, &devices(&server), Some(wanted)).await;
    assert_eq!(created["state"], "queued");
    let path = format!("devices/{}", created["id"].as_str().unwrap());
    let active = async { while asker.ok(&path).await["state"] != "active" {} };
    tokio::time::timeout(Duration::from_secs(10), active).await.unwrap();
}

#[tokio::test]
async fn a_raw_device_is_served_word_for_word_in_its_place() {
    let server = Server::start().await.unwrap();
    let store = server.store();
    store.create_device(DeviceSpec::new("first"));
    let raw = json!({"id": "e781ae1b", "hostname": "old", "ip_addresses": "none", "facility": null});
    store.put_raw_device(raw.clone());
    store.put_raw_device(json!({"hostname": "no id at all"}));
    store.create_device(DeviceSpec::new("last"));
    let asker = Asker::of(&server);
    assert_eq!(hostnames(&asker.ok(&devices(&server)).await), ["first", "old", "no id at all", "last"]);
    assert_eq!(asker.ok("devices/e781ae1b").await, raw);
    assert_eq!(store.devices().len(), 2);
    assert!(store.delete_raw_device("e781ae1b"));
    assert_eq!(asker.get("devices/e781ae1b").await.0, 404);
}

#[tokio::test]
async fn another_projects_device_is_forbidden_and_not_listed() {
    let server = Server::start().await.unwrap();
    let other = Uuid::from_u128(5);
    server.store().add_project(Project::new(other, "theirs"), Access::Forbidden);
    let theirs = server.store().create_device_in(other, DeviceSpec::new("theirs"));
    let asker = Asker::of(&server);
    assert_eq!(asker.get(&format!("devices/{}", theirs.id)).await.0, 403);
    assert_eq!(asker.get(&format!("projects/{other}/devices")).await.0, 403);
    assert_eq!(asker.ok(&devices(&server)).await["meta"]["total"], 0);
}

#[tokio::test]
async fn the_same_seed_gives_the_same_devices() {
    let (one, two) =
        (Server::builder().seed(4).start().await.unwrap(), Server::builder().seed(4).start().await.unwrap());
    let other = Server::builder().seed(5).start().await.unwrap();
    let devices = one.store().create_devices(3, "node-");
    assert_eq!(devices, two.store().create_devices(3, "node-"));
    assert_ne!(devices[0].id, other.store().create_devices(1, "node-")[0].id);
}

#[tokio::test]
async fn no_two_of_twenty_thousand_devices_share_an_id_or_an_address() {
    let server = Server::start().await.unwrap();
    let devices = server.store().create_devices(20_000, "node-");
    let ids: HashSet<_> = devices.iter().map(|device| device.id).collect();
    let addresses = devices.iter().flat_map(|device| &device.ip_addresses);
    assert_eq!(ids.len(), 20_000);
    assert_eq!(addresses.clone().map(|ip| ip.address).collect::<HashSet<_>>().len(), 60_000);
    assert_eq!(addresses.map(|ip| ip.id).collect::<HashSet<_>>().len(), 60_000);
}
