//! Nodes that are not Ready: deleted where their device is gone, marked where it is switched off, left alone otherwise.

use std::sync::atomic::{AtomicBool, Ordering};

use kube_api_server::{Fault, FaultKind, NodeSpec};
use packet_api_server::{DeviceSpec, DeviceState};
use serde_json::json;

use crate::support::{Cloud, SHUTDOWN, ids, until};

/// A cloud whose Nodes are looked after ten times a second.
async fn cloud() -> Cloud {
    Cloud::packet().flag("--node-monitor-period=100ms").start().await
}

fn taint_of(cloud: &Cloud, name: &str) -> Option<serde_json::Value> {
    let node = cloud.node(name).0;
    node["spec"]["taints"].as_array()?.iter().find(|taint| taint["key"] == SHUTDOWN).cloned()
}

#[actix::test]
async fn a_node_whose_device_is_gone_is_told_of_and_deleted() {
    let cloud = cloud().await;
    let device = cloud.joined("node-1", false);
    cloud.joined("node-2", false);
    cloud.packet.store().delete_device(&device.id);
    cloud.gone("node-1").await;
    assert_eq!(
        cloud.messages("node-1"),
        ["DeletingNode: Deleting node node-1 because it does not exist in the cloud provider"]
    );
    let event = cloud.kubernetes.store().events().into_iter().find(|event| event["reason"] == "DeletingNode").unwrap();
    assert_eq!(event["source"]["component"], "cloud-node-lifecycle-controller");
    cloud.node("node-2");
    let asked = ids(&cloud, &format!("/devices/{}", device.id));
    assert!(asked.iter().filter(|status| **status == 404).count() >= 2, "it was confirmed: {asked:?}");
    until("it to be counted", || (cloud.metric("packet_ccm_nodes_deleted_total") == 1).then_some(())).await;
}

#[actix::test]
async fn a_node_that_is_ready_is_not_deleted_though_its_device_is_gone() {
    let cloud = cloud().await;
    let device = cloud.joined("node-1", true);
    cloud.joined("node-2", false);
    cloud.packet.store().delete_device(&device.id);
    until("a question about the other", || (cloud.device_requests() > 0).then_some(())).await;
    cloud.joined("node-3", true);
    cloud.two_rounds("node-3").await;
    cloud.node("node-1");
    cloud.ready("node-1", false);
    cloud.gone("node-1").await;
}

#[actix::test]
async fn a_node_whose_device_is_switched_off_is_marked_until_it_is_ready_again() {
    let cloud = cloud().await;
    let device = cloud.joined("node-1", false);
    cloud.packet.store().set_device_state(&device.id, DeviceState::Inactive);
    let taint = until("the taint", || taint_of(&cloud, "node-1")).await;
    assert_eq!(taint, json!({"key": SHUTDOWN, "effect": "NoSchedule"}));
    cloud.packet.store().set_device_state(&device.id, DeviceState::Active);
    cloud.ready("node-1", true);
    until("the taint to go", || taint_of(&cloud, "node-1").is_none().then_some(())).await;
    assert_eq!(
        (cloud.metric(r#"packet_ccm_shutdown_taints_total{change="put_on"}"#), cloud.messages("node-1").len()),
        (1, 0)
    );
}

#[actix::test]
async fn a_node_whose_device_is_in_any_other_state_is_left_alone() {
    let cloud = cloud().await;
    for (number, state) in [
        DeviceState::Queued,
        DeviceState::Provisioning,
        DeviceState::Deprovisioning,
        DeviceState::Reinstalling,
        DeviceState::Active,
        DeviceState::Failed,
        DeviceState::PoweringOn,
        DeviceState::PoweringOff,
        DeviceState::Deleted,
    ]
    .into_iter()
    .enumerate()
    {
        let device = cloud.joined(&format!("node-{number}"), false);
        cloud.packet.store().set_device_state(&device.id, state);
    }
    let there = r#"packet_ccm_nodes_not_ready{device="there"}"#;
    until("all to be known", || (cloud.metric(there) == 9).then_some(())).await;
    for number in 0..9 {
        let name = format!("node-{number}");
        assert_eq!((taint_of(&cloud, &name), cloud.writes(&name)), (None, 0), "{name}");
    }
}

#[actix::test]
async fn a_node_of_another_cloud_and_one_that_names_no_device_are_told_of_once_and_never_touched() {
    let cloud = cloud().await;
    let shutdown = |node: NodeSpec| node.without_uninitialized_taint().taint(SHUTDOWN, "", "NoSchedule");
    for (name, provider_id, ready) in [
        ("other-cloud", "aws:///eu/i-1", false),
        ("other-cloud-ready", "aws:///eu/i-2", true),
        ("no-form", "packet://a://b", false),
        ("no-id", "packet://", false),
        ("no-id-ready", "packet://", true),
    ] {
        cloud.register(shutdown(NodeSpec::new(name).provider_id(provider_id).ready(ready)));
    }
    cloud.register(shutdown(NodeSpec::new("none").ready(false)));
    for (name, said) in [
        ("other-cloud", "provider name from providerID should be packet: aws:///eu/i-1"),
        ("no-form", "unexpected providerID format: packet://a://b"),
        ("no-id", "unexpected providerID format: packet://"),
        ("none", "providerID cannot be empty string"),
    ] {
        cloud.told(name, &format!("LeftAlone: {said}")).await;
    }
    let asked = cloud.device_requests();
    cloud.joined("node-1", true);
    cloud.two_rounds("node-1").await;
    for name in ["other-cloud", "other-cloud-ready", "no-form", "no-id", "no-id-ready", "none"] {
        assert!(taint_of(&cloud, name).is_some(), "{name}");
        assert_eq!(cloud.writes(name), 0, "{name}");
        assert!(cloud.messages(name).len() <= 1, "{:?}", cloud.messages(name));
    }
    assert_eq!(asked, 0, "they were asked about");
}

#[actix::test]
async fn a_node_that_becomes_ready_in_the_instant_before_its_deletion_stays() {
    let cloud = cloud().await;
    let done = AtomicBool::new(false);
    cloud.kubernetes.before_write(move |method, path, store| {
        if method == "DELETE" && path.ends_with("/nodes/node-1") && !done.swap(true, Ordering::SeqCst) {
            store.update_node("node-1", |node| crate::support::set_ready(node, true)).unwrap();
        }
    });
    let device = cloud.joined("node-1", false);
    cloud.packet.store().delete_device(&device.id);
    let refused = || cloud.kubernetes.requests().all().into_iter().find(|request| request.method == "DELETE");
    assert_eq!(until("the deletion", refused).await.status, 409);
    cloud.joined("node-2", true);
    cloud.two_rounds("node-2").await;
    assert!(!cloud.node("node-1").0.is_null());
}

#[actix::test]
async fn a_node_that_was_registered_anew_in_the_instant_before_its_deletion_stays() {
    let cloud = cloud().await;
    let done = AtomicBool::new(false);
    cloud.kubernetes.before_write(move |method, path, store| {
        if method == "DELETE" && path.ends_with("/nodes/node-1") && !done.swap(true, Ordering::SeqCst) {
            store.delete_node("node-1").unwrap();
            store.create_node(NodeSpec::new("node-1").ready(false)).unwrap();
        }
    });
    let device = cloud.joined("node-1", false);
    cloud.packet.store().delete_device(&device.id);
    cloud.told("node-1", "no device of the project has the hostname").await;
    cloud.node("node-1");
}

#[actix::test]
async fn a_node_that_others_keep_writing_is_deleted_all_the_same() {
    let cloud = cloud().await;
    cloud.kubernetes.before_write({
        let writes = std::sync::atomic::AtomicUsize::new(0);
        move |method, path, store| {
            // Three times in a row somebody is quicker.
            if method == "DELETE" && path.ends_with("/nodes/node-1") && writes.fetch_add(1, Ordering::SeqCst) < 3 {
                store.update_node("node-1", |node| node["metadata"]["labels"]["theirs"] = json!("yes")).unwrap();
            }
        }
    });
    let device = cloud.joined("node-1", false);
    cloud.packet.store().delete_device(&device.id);
    cloud.gone("node-1").await;
    assert_eq!(cloud.messages("node-1").len(), 1, "it is told of once: {:?}", cloud.messages("node-1"));
}

#[actix::test]
async fn a_node_that_somebody_else_deletes_meanwhile_is_nobodys_fault() {
    let cloud = cloud().await;
    let done = AtomicBool::new(false);
    cloud.kubernetes.before_write(move |method, path, store| {
        if method == "DELETE" && path.ends_with("/nodes/node-1") && !done.swap(true, Ordering::SeqCst) {
            store.delete_node("node-1").unwrap();
        }
    });
    let device = cloud.joined("node-1", false);
    cloud.packet.store().delete_device(&device.id);
    cloud.gone("node-1").await;
    until("the end", || (cloud.metric("packet_ccm_nodes_deleted_total") == 1).then_some(())).await;
    assert_eq!(cloud.metric("packet_ccm_node_deletion_failures_total"), 0);
}

#[actix::test]
async fn a_node_is_not_deleted_unless_that_could_be_told_of() {
    let cloud = cloud().await;
    let refused = FaultKind::Status { code: 403, retry_after: None };
    cloud.kubernetes.faults().push(Fault::new(refused).method("POST").path_contains("/events"));
    let device = cloud.joined("node-1", false);
    cloud.packet.store().delete_device(&device.id);
    let held = r#"packet_ccm_node_deletions_held_back{reason="refused"}"#;
    until("the deletion to be held back", || (cloud.metric(held) == 1).then_some(())).await;
    cloud.node("node-1");
    cloud.kubernetes.faults().clear();
    cloud.gone("node-1").await;
    assert!(cloud.messages("node-1").iter().any(|message| message.starts_with("DeletingNode")));
}

#[actix::test]
async fn a_node_that_was_never_initialised_is_deleted_when_its_device_is_gone() {
    let cloud = cloud().await;
    let device = cloud.packet.store().create_device(DeviceSpec::new("node-1"));
    cloud.packet.store().delete_device(&device.id);
    cloud.register(NodeSpec::new("node-1").provider_id(&format!("packet://{}", device.id)).ready(false));
    cloud.gone("node-1").await;
}
