//! What holds deletion back, whatever the Packet API says: the share, a mass disappearance, what cannot be confirmed; and that
//! a restart forgets none of it.

use std::time::Duration;

use kube_api_server::{Fault, FaultKind};
use packet_api_server::{Fault as PacketFault, FaultKind as PacketFaultKind};

use crate::support::{Builder, Cloud, until};

fn held(reason: &str) -> String {
    format!(r#"packet_ccm_node_deletions_held_back{{reason="{reason}"}}"#)
}

fn builder() -> Builder {
    Cloud::packet().flag("--node-monitor-period=100ms")
}

/// So many Nodes, of which the first `gone` are not Ready and have no device any more.
fn seed(cloud: &Cloud, nodes: usize, gone: usize) {
    for number in 0..nodes {
        let device = cloud.joined(&format!("node-{number}"), number >= gone);
        if number < gone {
            cloud.packet.store().delete_device(&device.id);
        }
    }
}

fn nodes(cloud: &Cloud) -> usize {
    cloud.kubernetes.store().nodes().len()
}

#[actix::test]
async fn a_tenth_of_the_cluster_goes_within_the_window_and_the_rest_waits_its_turn() {
    let cloud = builder().deletion_window(Duration::from_secs(3)).start().await;
    seed(&cloud, 20, 5);
    until("two to go", || (nodes(&cloud) == 18).then_some(())).await;
    until("three to be held back", || (cloud.metric(&held("share")) == 3).then_some(())).await;
    assert_eq!(nodes(&cloud), 18);
    let told = cloud.kubernetes.store().events();
    let told: Vec<_> = told.iter().filter(|event| event["reason"] == "DeletionHeldBack").collect();
    assert_eq!(told.len(), 3);
    let said = told[0]["message"].as_str().unwrap();
    assert!(
        said.starts_with(
            "the device is gone; the Node waits its turn, as no more than 2 of 20 Nodes are deleted within 3s"
        ),
        "{said}"
    );
    until("the others to go", || (nodes(&cloud) == 15).then_some(())).await;
    assert_eq!(cloud.metric(&held("share")), 0);
}

#[actix::test]
async fn nothing_is_deleted_while_more_than_half_of_the_cluster_looks_gone() {
    let cloud = builder().start().await;
    seed(&cloud, 10, 6);
    until("all to be held back", || (cloud.metric(&held("mass_disappearance")) == 6).then_some(())).await;
    let said = cloud.told("node-0", "6 of 10 Nodes look gone at once").await;
    assert!(said.contains("set safety.massDisappearanceShare to 60% or more"), "{said}");
    cloud.two_rounds("node-9").await;
    assert_eq!(nodes(&cloud), 10);
    // One of the six is back.
    cloud.ready("node-0", true);
    until("one to go", || (nodes(&cloud) == 9).then_some(())).await;
}

#[actix::test]
async fn a_share_of_nothing_deletes_nothing() {
    let cloud = builder().variable("METAL_SAFETY_DELETION_SHARE", "0%").start().await;
    seed(&cloud, 10, 1);
    let said = cloud.told("node-0", "DeletionHeldBack").await;
    assert!(said.contains("safety.deletionShare is 0%, so no Node is ever deleted"), "{said}");
    assert_eq!(nodes(&cloud), 10);
}

#[actix::test]
async fn an_id_that_is_no_uuid_is_never_proven_to_be_gone() {
    let cloud = builder().start().await;
    seed(&cloud, 10, 0);
    let old = kube_api_server::NodeSpec::new("old").provider_id("packet://e781ae1b").ready(false);
    cloud.register(old.without_uninitialized_taint());
    let said = cloud.told("old", "DeletionHeldBack").await;
    assert!(said.contains("e781ae1b is no uuid"), "{said}");
    assert_eq!(nodes(&cloud), 11);
}

#[actix::test]
async fn two_nodes_are_no_mass_but_one_goes_after_the_other() {
    let cloud = builder().start().await;
    seed(&cloud, 2, 2);
    until("one to go", || (nodes(&cloud) == 1).then_some(())).await;
    until("the other to wait", || (cloud.metric(&held("share")) == 1).then_some(())).await;
    assert_eq!(nodes(&cloud), 1);
}

#[actix::test]
async fn a_higher_limit_lets_a_mass_disappearance_go_on() {
    let cloud = builder()
        .variable("METAL_SAFETY_MASS_DISAPPEARANCE_SHARE", "100%")
        .variable("METAL_SAFETY_DELETION_SHARE", "100%")
        .start()
        .await;
    seed(&cloud, 5, 5);
    until("all to go", || (nodes(&cloud) == 0).then_some(())).await;
}

#[actix::test]
async fn a_404_proves_nothing_while_the_project_cannot_be_read() {
    let cloud = builder().start().await;
    cloud.packet.faults().push(PacketFault::new(PacketFaultKind::status(404)).path_prefix("/projects").always());
    seed(&cloud, 5, 1);
    let said = cloud.told("node-0", "DeletionHeldBack").await;
    assert!(said.contains("the device looks gone, but that is not confirmed: the project could not be read"), "{said}");
    assert_eq!(cloud.metric(&held("unconfirmed")), 1);
    assert_eq!(nodes(&cloud), 5);
    cloud.packet.faults().clear();
    until("it to go", || (nodes(&cloud) == 4).then_some(())).await;
}

#[actix::test]
async fn a_restart_remembers_what_was_deleted() {
    let mut cloud = builder().start().await;
    seed(&cloud, 10, 1);
    until("one to go", || (nodes(&cloud) == 9).then_some(())).await;
    cloud.restart().await;
    let device = cloud.joined("node-10", false);
    cloud.packet.store().delete_device(&device.id);
    until("it to be held back", || (cloud.metric(&held("share")) == 1).then_some(())).await;
    assert_eq!(nodes(&cloud), 10);
}

#[actix::test]
async fn a_restart_that_cannot_read_what_was_deleted_waits_for_one_window() {
    let cloud = builder().deletion_window(Duration::from_secs(3));
    let cloud = cloud
        .start_with(|_, kubernetes| {
            let refused = FaultKind::Status { code: 403, retry_after: None };
            kubernetes.faults().push(Fault::new(refused).method("GET").path_contains("/events"));
        })
        .await;
    seed(&cloud, 10, 1);
    let said = cloud.told("node-0", "DeletionHeldBack").await;
    assert!(
        said.contains("the Node waits until 3s after the start, as the deletions before it cannot be read back"),
        "{said}"
    );
    assert_eq!((nodes(&cloud), cloud.metric(&held("not_recalled"))), (10, 1));
    until("it to go", || (nodes(&cloud) == 9).then_some(())).await;
}

#[actix::test]
async fn a_restart_does_not_end_a_stop_though_nodes_have_joined() {
    let mut cloud = builder().start().await;
    seed(&cloud, 10, 6);
    until("all to be held back", || (cloud.metric(&held("mass_disappearance")) == 6).then_some(())).await;
    cloud.told("node-0", "DeletionStopped").await;
    for number in 10..40 {
        cloud.joined(&format!("node-{number}"), true);
    }
    cloud.restart().await;
    until("all to be held back again", || (cloud.metric(&held("mass_disappearance")) == 6).then_some(())).await;
    cloud.two_rounds("node-39").await;
    assert_eq!(nodes(&cloud), 40);
}

/// A cloud whose Packet API is looked for at another place, and whose one Node that is not Ready has no device any more.
async fn at(base_url: impl FnOnce(&packet_api_server::Server, &kube_api_server::Server) -> String) -> Cloud {
    let kubernetes = kube_api_server::Server::start().await.unwrap();
    let packet = packet_api_server::Server::start().await.unwrap();
    let cloud = builder().variable("METAL_BASE_URL", &base_url(&packet, &kubernetes)).start().await;
    seed(&cloud, 5, 1);
    let unknown = r#"packet_ccm_nodes_not_ready{device="unknown"}"#;
    let is_known = || cloud.metric(unknown) == 1 || cloud.metric(&held("unconfirmed")) == 1;
    until("the question to fail", || is_known().then_some(())).await;
    let answers = |device: &str| cloud.metric(&format!("packet_ccm_node_device_answers_total{{device=\"{device}\"}}"));
    until("it to be asked again", || (answers("unknown") + answers("gone") >= 2).then_some(())).await;
    assert_eq!((nodes(&cloud), cloud.writes("node-0")), (5, 0));
    cloud
}

#[actix::test]
async fn an_address_where_nobody_speaks_tls_deletes_nothing() {
    at(|packet, _| packet.url().replace("http://", "https://")).await;
}

#[actix::test]
async fn the_address_of_another_api_deletes_nothing() {
    at(|_, kubernetes| format!("{}/metal/v1/", kubernetes.url())).await;
}

#[actix::test]
async fn the_api_without_the_path_of_its_base_url_deletes_nothing() {
    at(|packet, _| packet.url().replace("/metal/v1/", "/")).await;
}
