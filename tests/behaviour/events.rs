//! Events: what people are told, and how often.

use kube_api_server::NodeSpec;
use packet_api_server::DeviceSpec;

use crate::support::{Cloud, until};

const NODES: usize = 300;

#[actix::test]
async fn a_broken_token_is_told_of_some_nodes_and_counted_for_the_others() {
    let cloud = Cloud::start().await;
    cloud.packet.store().set_token("another");
    for n in 0..NODES {
        cloud.register(NodeSpec::new(&format!("node-{n}")));
    }
    let over_limit = || cloud.metric("packet_ccm_kubernetes_events_total{result=\"over_limit\"}");
    until("all Nodes to have failed", || (over_limit() >= 200).then_some(())).await;
    let told =
        until("the others to be told of", || Some(cloud.kubernetes.store().events().len()).filter(|n| *n >= 50)).await;
    assert!(told < 60, "{told} Events");
    // What is wrong with a Node alone is not drowned out by that.
    cloud.packet.store().set_token(cloud.packet.token());
    for _ in 0..2 {
        cloud.packet.store().create_device(DeviceSpec::new("node-0"));
    }
    cloud.told("node-0", "share the hostname").await;
}
