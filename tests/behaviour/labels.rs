//! Labels of initialised Nodes are restored from their beta twins.

use kube_api_server::NodeSpec;
use packet_api_server::DeviceSpec;
use serde_json::json;

use crate::support::{Cloud, until};

const REGION: &str = "topology.kubernetes.io/region";
const BETA_REGION: &str = "failure-domain.beta.kubernetes.io/region";

#[actix::test]
async fn a_label_that_was_removed_or_changed_is_restored() {
    let cloud = Cloud::start().await;
    cloud.join(DeviceSpec::new("node-1"), NodeSpec::new("node-1"));
    cloud.join(DeviceSpec::new("node-2"), NodeSpec::new("node-2"));
    for (name, value) in [("node-1", json!("elsewhere")), ("node-2", json!(null))] {
        cloud.initialised(name).await;
        let asked = cloud.device_requests();
        cloud.kubernetes.store().update_node(name, |node| node["metadata"]["labels"][REGION] = value).unwrap();
        until("the label to be restored", || (cloud.node(name).label(REGION) == "ewr1").then_some(())).await;
        assert_eq!(cloud.device_requests(), asked);
    }
}

#[actix::test]
async fn a_node_that_was_never_ours_keeps_the_labels_it_has() {
    let cloud = Cloud::start().await;
    cloud.register(NodeSpec::new("node-1").without_uninitialized_taint().label(BETA_REGION, "mars"));
    cloud.join(DeviceSpec::new("node-2"), NodeSpec::new("node-2"));
    cloud.initialised("node-2").await;
    assert_eq!((cloud.writes("node-1"), cloud.node("node-1").label(REGION)), (0, ""));
}
