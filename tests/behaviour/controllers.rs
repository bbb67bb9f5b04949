//! Which controllers run, `--controllers`.

use kube_api_server::NodeSpec;
use packet_api_server::DeviceSpec;

use crate::support::{Cloud, until};

#[actix::test]
async fn without_the_node_controller_no_node_is_initialised_and_those_not_ready_are_looked_after() {
    let flags =
        Cloud::packet().flag("--controllers=cloud-node-lifecycle-controller").flag("--node-monitor-period=100ms");
    let cloud = flags.start().await;
    cloud.join(DeviceSpec::new("new"), NodeSpec::new("new"));
    let gone = cloud.joined("gone", false);
    cloud.packet.store().delete_device(&gone.id);
    cloud.gone("gone").await;
    assert!(cloud.node("new").is_uninitialized());
    assert_eq!(cloud.writes("new"), 0);
}

#[actix::test]
async fn without_the_lifecycle_controller_no_node_is_deleted_and_new_ones_are_initialised() {
    let flags = Cloud::packet().flag("--controllers=*,-cloud-node-lifecycle").flag("--node-monitor-period=100ms");
    let cloud = flags.start().await;
    let gone = cloud.joined("gone", false);
    cloud.packet.store().delete_device(&gone.id);
    for n in 0..5 {
        let name = format!("node-{n}");
        cloud.join(DeviceSpec::new(&name), NodeSpec::new(&name));
        cloud.initialised(&name).await;
    }
    until("their Events", || {
        (cloud.metric("packet_ccm_kubernetes_events_total{result=\"created\"}") >= 5).then_some(())
    })
    .await;
    assert_eq!(cloud.writes("gone"), 0);
    assert!(cloud.messages("gone").is_empty());
}
