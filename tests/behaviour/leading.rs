//! Only the process that leads writes.

use kube_api_server::NodeSpec;
use packet_api_server::{DeviceSpec, DeviceState};

use crate::support::{Cloud, ids, until};

#[actix::test]
async fn nothing_is_written_once_the_gate_is_closed() {
    let cloud = Cloud::packet().flag("--node-monitor-period=100ms").start().await;
    cloud.join(DeviceSpec::new("node-1"), NodeSpec::new("node-1"));
    cloud.initialised("node-1").await;
    cloud.told("node-1", "Synced").await;
    cloud.gatekeeper.close();
    let before = cloud.kubernetes.requests().writes().len();
    cloud.join(DeviceSpec::new("node-2"), NodeSpec::new("node-2"));
    let gone = cloud.joined("node-3", false);
    cloud.packet.store().delete_device(&gone.id);
    let off = cloud.joined("node-4", false);
    cloud.packet.store().set_device_state(&off.id, DeviceState::Inactive);
    cloud.register(NodeSpec::new("node-5").without_uninitialized_taint().ready(false));
    // Its deletion was refused, for it is confirmed again: everything else has been tried by then as well.
    let confirmed = || ids(&cloud, &format!("/devices/{}", gone.id)).len();
    until("the deletion to be tried twice", || (confirmed() >= 3).then_some(())).await;
    let is_known = || cloud.metric(r#"packet_ccm_nodes_not_ready{device="shut_down"}"#) == 1;
    until("the Node that is off to be known", || is_known().then_some(())).await;
    let written = cloud.kubernetes.requests().writes();
    assert_eq!(written.len(), before, "{:?}", &written[before..]);
}
