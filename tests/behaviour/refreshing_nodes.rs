//! Initialised Nodes are compared with their devices from time to time.

use kube_api_server::NodeSpec;
use packet_api_server::{DeviceSpec, IpSpec};

use crate::support::{Cloud, until};

/// Refreshes come quickly here, and see what the API has.
async fn cloud() -> Cloud {
    let quick = Cloud::equinixmetal().flag("--node-status-update-frequency=200ms");
    quick.variable("METAL_CACHE_NOT_FOUND_TTL", "10ms").start().await
}

fn device(last: u8) -> DeviceSpec {
    DeviceSpec::new("node-1")
        .ip(IpSpec::public_v4([147, 75, 1, last].into()))
        .ip(IpSpec::private_v4([10, 0, 0, last].into()))
}

async fn three_more_device_requests(cloud: &Cloud) {
    let asked = cloud.device_requests();
    until("three more refreshes", || (cloud.device_requests() >= asked + 3).then_some(())).await;
}

#[actix::test]
async fn nothing_is_written_where_nothing_differs() {
    let cloud = cloud().await;
    cloud.join(device(1), NodeSpec::new("node-1"));
    cloud.initialised("node-1").await;
    let written = cloud.writes("node-1");
    three_more_device_requests(&cloud).await;
    assert_eq!(cloud.writes("node-1"), written);
}

#[actix::test]
async fn addresses_that_differ_are_written_and_labels_are_not() {
    let cloud = cloud().await;
    let device = cloud.join(device(1), NodeSpec::new("node-1"));
    cloud.initialised("node-1").await;
    cloud.packet.store().update_device(&device.id, |device| {
        device.plan = Some("m3.large.x86".into());
        device.ip_addresses.retain(|ip| !ip.public);
        device.ip_addresses.extend(device.ip_addresses.clone());
    });
    three_more_device_requests(&cloud).await;
    assert_eq!(
        cloud.node("node-1").addresses().len(),
        3,
        "a device without a public address is an error, and changes nothing"
    );
    cloud.packet.store().update_device(&device.id, |device| {
        device.ip_addresses[0].address = "10.0.0.77".parse().unwrap();
        device.ip_addresses[1].public = true;
        device.ip_addresses[1].address = "147.75.1.77".parse().unwrap();
    });
    let new = ["Hostname node-1", "InternalIP 10.0.0.77", "ExternalIP 147.75.1.77"];
    until("the new addresses", || (cloud.node("node-1").addresses() == new).then_some(())).await;
    assert_eq!(cloud.node("node-1").label("node.kubernetes.io/instance-type"), "c3.small.x86");
}

#[actix::test]
async fn a_device_that_is_gone_changes_nothing_on_its_node() {
    let cloud = cloud().await;
    let device = cloud.join(device(1), NodeSpec::new("node-1"));
    let before = cloud.initialised("node-1").await;
    let written = cloud.writes("node-1");
    cloud.packet.store().delete_device(&device.id);
    let refused = || cloud.packet.requests().all().iter().filter(|request| request.status == 404).count();
    until("two refreshes that find no device", || (refused() >= 2).then_some(())).await;
    assert_eq!(cloud.writes("node-1"), written);
    assert_eq!(cloud.node("node-1").addresses(), before.addresses());
}

#[actix::test]
async fn another_clouds_initialised_node_is_left_as_it_is() {
    let cloud = cloud().await;
    cloud.packet.store().create_device(DeviceSpec::new("theirs"));
    cloud.register(NodeSpec::new("theirs").without_uninitialized_taint().provider_id("aws:///eu/i-1"));
    cloud.join(device(1), NodeSpec::new("node-1"));
    cloud.initialised("node-1").await;
    three_more_device_requests(&cloud).await;
    assert_eq!(cloud.writes("theirs"), 0);
}

#[actix::test]
async fn a_kubelet_that_names_its_ip_later_is_heeded_at_once() {
    let cloud = Cloud::equinixmetal().start().await;
    cloud.join(device(1), NodeSpec::new("node-1"));
    cloud.initialised("node-1").await;
    let name_it = |node: &mut serde_json::Value| {
        node["metadata"]["annotations"] = serde_json::json!({"alpha.kubernetes.io/provided-node-ip": "10.0.0.99"});
    };
    cloud.kubernetes.store().update_node("node-1", name_it).unwrap();
    until("the named address", || (cloud.node("node-1").addresses()[0] == "InternalIP 10.0.0.99").then_some(())).await;
}
