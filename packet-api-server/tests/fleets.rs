//! Devices of realistic size over HTTP, and what a client saves that does not ask for all of it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use common::{Asker, devices};
use packet_api_server::{Fleet, Server};
use serde_json::Value;

fn fleet(count: usize) -> Fleet {
    Fleet { count, realistic_size: true, ..Fleet::default() }
}

fn size(json: &Value) -> usize {
    json.to_string().len()
}

#[tokio::test]
async fn devices_of_realistic_size_differ_in_size_within_what_the_real_ones_have() {
    let server = Server::start().await.unwrap();
    assert_eq!(server.store().create_fleet(&fleet(300)).len(), 300);
    let page = Asker::of(&server).ok(&format!("{}?per_page=300", devices(&server))).await;
    let mut sizes: Vec<_> = page["devices"].as_array().unwrap().iter().map(size).collect();
    sizes.sort_unstable();
    assert!(sizes[0] >= 3_000 && sizes[299] <= 20_000, "{} to {}", sizes[0], sizes[299]);
    assert!(sizes[270] > sizes[30] + 3_000, "too much alike: {} and {}", sizes[30], sizes[270]);
}

#[tokio::test]
async fn a_device_is_the_same_whenever_it_is_asked_for_and_wherever() {
    let server = Server::start().await.unwrap();
    let ids = server.store().create_fleet(&fleet(3));
    let asker = Asker::of(&server);
    let page = asker.ok(&devices(&server)).await;
    for (n, id) in ids.iter().enumerate() {
        assert_eq!(asker.ok(&format!("devices/{id}")).await, page["devices"][n]);
    }
}

#[tokio::test]
async fn what_is_excluded_is_a_reference_and_saves_its_bytes() {
    let server = Server::start().await.unwrap();
    let id = server.store().create_fleet(&fleet(1))[0];
    let asker = Asker::of(&server);
    let full = asker.ok(&format!("devices/{id}")).await;
    for name in ["plan", "facility", "metro", "operating_system", "created_by"] {
        let without = asker.ok(&format!("devices/{id}?exclude={name}")).await;
        assert_eq!(without[name].as_object().unwrap().keys().collect::<Vec<_>>(), ["href"], "{name}");
        assert!(size(&without) + size(&full[name]) - size(&without[name]) == size(&full), "{name}");
    }
    for name in ["ip_addresses", "network_ports"] {
        let without = asker.ok(&format!("devices/{id}?exclude={name}")).await;
        let references = without[name].as_array().unwrap();
        assert_eq!(references.len(), full[name].as_array().unwrap().len(), "{name}");
        assert!(references.iter().all(|one| one.as_object().unwrap().len() == 1 && one["href"].is_string()), "{name}");
    }
    let with = asker.ok(&format!("devices/{id}?include=provisioning_events,ssh_keys,project")).await;
    assert!(with["provisioning_events"][0]["body"].is_string() && with["ssh_keys"][0]["key"].is_string());
    assert!(with["project"]["name"].is_string());
}

#[tokio::test]
async fn the_api_can_still_change_what_was_made_up() {
    let server = Server::start().await.unwrap();
    let id = server.store().create_fleet(&fleet(1))[0];
    let asker = Asker::of(&server);
    let update = serde_json::json!({"customdata": {"mine": 1}, "userdata": "#!/bin/true"});
    let (status, changed) = asker.ask(reqwest::Method::PUT, &format!("devices/{id}"), Some(update.clone())).await;
    assert_eq!(status, 200);
    assert_eq!((&changed["customdata"], &changed["userdata"]), (&update["customdata"], &update["userdata"]));
}

#[tokio::test]
async fn a_hostname_is_found_among_many_wherever_it_is() {
    let server = Server::start().await.unwrap();
    let ids = server.store().create_fleet(&Fleet { count: 20_000, ..Fleet::default() });
    let asker = Asker::of(&server);
    for n in [0, 9_999, 19_999] {
        let page = asker.ok(&format!("{}?hostname=NODE-{n:04}", devices(&server))).await;
        let found = page["devices"].as_array().unwrap();
        assert!(found.iter().any(|device| device["id"] == ids[n].to_string()), "{n}");
    }
    let page = asker.ok(&format!("{}?hostname=node-1999&per_page=3&page=4", devices(&server))).await;
    assert_eq!(page["meta"]["total"], 11, "node-1999 and node-19990 to node-19999");
    assert_eq!(common::hostnames(&page), ["node-19998", "node-19999"]);
}
