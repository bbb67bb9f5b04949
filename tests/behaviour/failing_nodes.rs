//! A Node that cannot be initialised: what people are told, that it is tried again, and that it holds up no other.

use kube_api_server::NodeSpec;
use packet_api_server::DeviceSpec;
use serde_json::json;

use crate::support::{Cloud, until};

#[actix::test]
async fn a_node_without_a_device_is_told_of_once_and_initialised_when_the_device_appears() {
    let cloud = Cloud::packet().variable("METAL_CACHE_NOT_FOUND_TTL", "100ms").start().await;
    cloud.register(NodeSpec::new("node-1"));
    cloud.told("node-1", "no device of the project has the hostname `node-1`").await;
    let asked = cloud.device_requests();
    until("the device to be asked for again", || (cloud.device_requests() > asked).then_some(())).await;
    assert_eq!(cloud.messages("node-1").len(), 1, "{:?}", cloud.messages("node-1"));
    assert!(cloud.node("node-1").is_uninitialized());
    cloud.packet.store().create_device(DeviceSpec::new("node-1"));
    cloud.initialised("node-1").await;
}

#[actix::test]
async fn two_devices_of_one_hostname_are_named_and_never_guessed_between() {
    let cloud = Cloud::start().await;
    let first = cloud.packet.store().create_device(DeviceSpec::new("node-1"));
    let second = cloud.join(DeviceSpec::new("node-1"), NodeSpec::new("node-1"));
    let told = cloud.told("node-1", "share the hostname `node-1`").await;
    assert!(told.contains(&first.id.to_string()) && told.contains(&second.id.to_string()), "{told}");
    assert!(cloud.node("node-1").is_uninitialized());
    // A person says which: the provider ID decides, at once.
    cloud
        .kubernetes
        .store()
        .update_node("node-1", |node| node["spec"]["providerID"] = json!(format!("packet://{}", second.id)))
        .unwrap();
    let node = cloud.initialised("node-1").await;
    assert_eq!(node.provider_id(), format!("packet://{}", second.id));
}

#[actix::test]
async fn another_clouds_node_is_left_alone() {
    let cloud = Cloud::start().await;
    cloud.packet.store().create_device(DeviceSpec::new("node-1"));
    cloud.register(NodeSpec::new("node-1").provider_id("aws:///eu-west-1a/i-0abc"));
    cloud.told("node-1", "provider name from providerID should be packet: aws:///eu-west-1a/i-0abc").await;
    cloud.join(DeviceSpec::new("node-2"), NodeSpec::new("node-2"));
    cloud.initialised("node-2").await;
    assert_eq!(cloud.writes("node-1"), 0);
    assert_eq!(cloud.packet.requests().all().iter().filter(|r| r.path.contains("i-0abc")).count(), 0);
}

#[actix::test]
async fn a_provider_id_of_no_known_form_is_told_of_and_asks_nothing() {
    let cloud = Cloud::start().await;
    for (name, provider_id) in
        [("node-1", "packet://"), ("node-2", "packet://a://b"), ("node-3", "packet://../projects")]
    {
        cloud.register(NodeSpec::new(name).provider_id(provider_id));
        cloud.told(name, &format!("unexpected providerID format: {provider_id}")).await;
        assert_eq!(cloud.writes(name), 0);
    }
    assert_eq!(cloud.device_requests(), 0);
}

#[actix::test]
async fn an_annotation_that_is_no_ip_is_told_of_and_its_correction_counts_at_once() {
    let cloud = Cloud::equinixmetal().start().await;
    cloud.join(
        DeviceSpec::new("node-1"),
        NodeSpec::new("node-1").annotation("alpha.kubernetes.io/provided-node-ip", "eth0"),
    );
    cloud.told("node-1", "annotation alpha.kubernetes.io/provided-node-ip is `eth0`: not an IP address").await;
    assert!(cloud.node("node-1").is_uninitialized());
    let correct = |node: &mut serde_json::Value| {
        node["metadata"]["annotations"]["alpha.kubernetes.io/provided-node-ip"] = json!("10.9.9.9");
    };
    cloud.kubernetes.store().update_node("node-1", correct).unwrap();
    assert_eq!(cloud.initialised("node-1").await.addresses()[0], "InternalIP 10.9.9.9");
}

#[actix::test]
async fn a_malformed_device_is_told_of_by_its_field_and_its_page_initialises_the_others() {
    let cloud = Cloud::packet()
        .start_with(|packet, kubernetes| {
            packet.store().create_devices(3, "good-");
            packet.store().put_raw_device(json!({"id": "e781ae1b", "hostname": "bad", "ip_addresses": "none"}));
            for name in ["good-0000", "good-0001", "good-0002", "bad"] {
                kubernetes.store().create_node(NodeSpec::new(name)).unwrap();
            }
        })
        .await;
    for name in ["good-0000", "good-0001", "good-0002"] {
        cloud.initialised(name).await;
    }
    let told = cloud.told("bad", "field `ip_addresses`").await;
    assert!(told.contains("expected a sequence"), "{told}");
}

#[actix::test]
async fn a_label_that_kubernetes_would_refuse_is_told_of_by_its_value() {
    let cloud = Cloud::start().await;
    cloud.join(DeviceSpec::new("node-1").plan("c3 small"), NodeSpec::new("node-1"));
    cloud
        .told(
            "node-1",
            "`c3 small`, as the Packet API has it, cannot be the value of label node.kubernetes.io/instance-type",
        )
        .await;
    assert!(cloud.node("node-1").is_uninitialized());
}

#[actix::test]
async fn a_provider_id_of_a_device_that_is_gone_is_told_of() {
    let cloud = Cloud::start().await;
    let id = "7f0c2f5e-58a1-4a3e-9d3c-3b8e5a3c1d20";
    cloud.register(NodeSpec::new("node-1").provider_id(&format!("packet://{id}")));
    cloud.told("node-1", &format!("knows no device with the id {id}")).await;
}
