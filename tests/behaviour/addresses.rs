//! Which addresses a Node shows.

use kube_api_server::NodeSpec;
use packet_api_server::{DeviceSpec, IpSpec};

use crate::support::{Builder, Cloud};

/// Two public and two private IPv4 addresses, with an IPv6 one between.
fn device() -> DeviceSpec {
    DeviceSpec::new("node-1")
        .ip(IpSpec::public_v4([147, 75, 1, 1].into()))
        .ip(IpSpec::public_v6("2604:1380::1".parse().unwrap()))
        .ip(IpSpec::private_v4([10, 0, 0, 1].into()))
        .ip(IpSpec::public_v4([147, 75, 1, 2].into()))
        .ip(IpSpec::private_v4([10, 0, 0, 2].into()))
}

async fn shown(builder: Builder, device: DeviceSpec, node: NodeSpec) -> Vec<String> {
    let cloud = builder.start().await;
    cloud.join(device, node);
    cloud.initialised("node-1").await.addresses()
}

#[actix::test]
async fn packet_shows_one_of_each_kind() {
    let addresses = shown(Cloud::packet(), device(), NodeSpec::new("node-1")).await;
    assert_eq!(addresses, ["Hostname node-1", "InternalIP 10.0.0.2", "ExternalIP 147.75.1.2"]);
}

#[actix::test]
async fn equinixmetal_shows_all_ipv4_in_the_apis_order() {
    let addresses = shown(Cloud::equinixmetal(), device(), NodeSpec::new("node-1")).await;
    assert_eq!(
        addresses,
        [
            "Hostname node-1",
            "ExternalIP 147.75.1.1",
            "InternalIP 10.0.0.1",
            "ExternalIP 147.75.1.2",
            "InternalIP 10.0.0.2"
        ]
    );
}

#[actix::test]
async fn ipv6_is_shown_where_it_is_wanted() {
    let builder = Cloud::packet().variable("METAL_IPV6", "true");
    let addresses = shown(builder, device(), NodeSpec::new("node-1")).await;
    assert_eq!(
        addresses,
        ["Hostname node-1", "InternalIP 10.0.0.2", "ExternalIP 147.75.1.2", "ExternalIP 2604:1380::1"]
    );
}

#[actix::test]
async fn a_node_ip_of_the_kubelet_comes_first_and_alone_of_its_kind() {
    let node = || NodeSpec::new("node-1").provided_node_ip("10.0.0.1");
    assert_eq!(
        shown(Cloud::packet(), device(), node()).await,
        ["InternalIP 10.0.0.1", "Hostname node-1", "ExternalIP 147.75.1.2"]
    );
    assert_eq!(
        shown(Cloud::equinixmetal(), device(), node()).await,
        ["InternalIP 10.0.0.1", "Hostname node-1", "ExternalIP 147.75.1.1", "ExternalIP 147.75.1.2"]
    );
}

#[actix::test]
async fn a_device_without_a_public_address_is_an_error_only_by_default() {
    let private = || DeviceSpec::new("node-1").ip(IpSpec::private_v4([10, 0, 0, 1].into()));
    let cloud = Cloud::start().await;
    cloud.join(private(), NodeSpec::new("node-1"));
    cloud.told("node-1", "could not get at least one public ip").await;
    assert!(cloud.node("node-1").is_uninitialized());
    let builder = Cloud::packet().variable("METAL_REQUIRE_PUBLIC_IP", "false");
    let addresses = shown(builder, private(), NodeSpec::new("node-1")).await;
    assert_eq!(addresses, ["Hostname node-1", "InternalIP 10.0.0.1"]);
}

#[actix::test]
async fn a_device_without_a_private_address_is_an_error() {
    let cloud = Cloud::start().await;
    let public = DeviceSpec::new("node-1").ip(IpSpec::public_v4([147, 75, 1, 1].into()));
    cloud.join(public, NodeSpec::new("node-1"));
    let told = cloud.told("node-1", "could not get at least one private ip").await;
    assert_eq!(told, "SyncFailed: cannot initialise: could not get at least one private ip");
    assert!(cloud.node("node-1").is_uninitialized());
}
