//! Others write the same Nodes at the same moment, and lose nothing.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use kube_api_server::{NodeSpec, Store};
use packet_api_server::DeviceSpec;
use serde_json::{Value, json};

use crate::support::{Cloud, NOT_READY, until};

/// Lets another writer in right before the cloud's patch of labels, provider ID and taint is applied, once.
async fn with_another_writer(write: impl Fn(&Store) + Send + Sync + 'static) -> Cloud {
    let cloud = Cloud::start().await;
    let done = AtomicBool::new(false);
    cloud.kubernetes.before_write(move |method, path, store| {
        if method == "PATCH" && path.ends_with("/nodes/node-1") && !done.swap(true, Ordering::SeqCst) {
            write(store);
        }
    });
    cloud.join(DeviceSpec::new("node-1"), NodeSpec::new("node-1").taint("before", "", "NoSchedule"));
    cloud
}

fn change(store: &Store, change: impl FnOnce(&mut Value)) {
    store.update_node("node-1", change).unwrap();
}

#[actix::test]
async fn a_taint_that_is_added_in_the_same_instant_survives() {
    for first in [true, false] {
        let cloud = with_another_writer(move |store| {
            change(store, |node| {
                let taints = node["spec"]["taints"].as_array_mut().unwrap();
                let index = if first { 0 } else { taints.len() };
                taints.insert(index, json!({"key": "theirs", "effect": "NoExecute"}));
            });
        })
        .await;
        let mut taints = cloud.initialised("node-1").await.taints();
        taints.sort();
        assert_eq!(taints, ["before", NOT_READY, "theirs"]);
    }
}

#[actix::test]
async fn a_taint_that_is_removed_in_the_same_instant_stays_removed() {
    let cloud = with_another_writer(|store| {
        change(store, |node| node["spec"]["taints"].as_array_mut().unwrap().retain(|taint| taint["key"] != "before"));
    })
    .await;
    assert_eq!(cloud.initialised("node-1").await.taints(), [NOT_READY]);
}

#[actix::test]
async fn a_label_and_an_annotation_that_are_added_in_the_same_instant_survive() {
    let cloud = with_another_writer(|store| {
        change(store, |node| {
            node["metadata"]["labels"]["theirs"] = json!("yes");
            node["metadata"]["annotations"] = json!({"theirs": "yes"});
        });
    })
    .await;
    let node = cloud.initialised("node-1").await;
    assert_eq!(node.label("theirs"), "yes");
    assert_eq!(node.0["metadata"]["annotations"]["theirs"], "yes");
    assert_eq!(node.label("topology.kubernetes.io/region"), "ewr1");
}

#[actix::test]
async fn labels_of_a_node_that_had_none_survive() {
    let cloud = Cloud::start().await;
    let done = AtomicBool::new(false);
    cloud.kubernetes.before_write(move |method, path, store| {
        if method == "PATCH" && path.ends_with("/nodes/node-1") && !done.swap(true, Ordering::SeqCst) {
            change(store, |node| node["metadata"]["labels"] = json!({"theirs": "yes"}));
        }
    });
    cloud.packet.store().create_device(DeviceSpec::new("node-1"));
    let mut node = NodeSpec::new("node-1").into_value();
    node["metadata"].as_object_mut().unwrap().remove("labels");
    cloud.kubernetes.store().create_node(node).unwrap();
    let node = cloud.initialised("node-1").await;
    assert_eq!((node.label("theirs"), node.label("topology.kubernetes.io/region")), ("yes", "ewr1"));
}

#[actix::test]
async fn a_provider_id_that_is_set_in_the_same_instant_decides() {
    let cloud = Cloud::start().await;
    let theirs = cloud.packet.store().create_device(DeviceSpec::new("theirs"));
    let provider_id = format!("packet://{}", theirs.id);
    let (done, set) = (AtomicBool::new(false), provider_id.clone());
    cloud.kubernetes.before_write(move |method, path, store| {
        if method == "PATCH" && path.ends_with("/nodes/node-1") && !done.swap(true, Ordering::SeqCst) {
            change(store, |node| node["spec"]["providerID"] = json!(set));
        }
    });
    cloud.join(DeviceSpec::new("node-1"), NodeSpec::new("node-1"));
    let node = cloud.initialised("node-1").await;
    assert_eq!(node.provider_id(), provider_id);
    assert_eq!(node.addresses()[0], "Hostname theirs");
}

#[actix::test]
async fn a_provider_id_of_another_cloud_that_is_set_in_the_same_instant_is_left_alone() {
    let cloud = Cloud::start().await;
    let done = AtomicBool::new(false);
    cloud.kubernetes.before_write(move |method, path, store| {
        if method == "PATCH" && path.ends_with("/nodes/node-1/status") && !done.swap(true, Ordering::SeqCst) {
            change(store, |node| node["spec"]["providerID"] = json!("aws:///eu/i-1"));
        }
    });
    cloud.join(DeviceSpec::new("node-1"), NodeSpec::new("node-1").provided_node_ip("10.9.9.9"));
    cloud.told("node-1", "left alone: provider name from providerID").await;
    let node = cloud.node("node-1");
    assert!(node.is_uninitialized());
    assert!(!node.addresses().iter().any(|address| address.starts_with("ExternalIP")), "{:?}", node.addresses());
}

#[actix::test]
async fn a_node_ip_that_the_kubelet_names_in_the_same_instant_is_heeded() {
    let cloud = with_another_writer(|store| {
        change(store, |node| {
            node["metadata"]["annotations"] = json!({"alpha.kubernetes.io/provided-node-ip": "10.9.9.9"});
        });
    })
    .await;
    let node = cloud.initialised("node-1").await;
    until("the named address", || (cloud.node("node-1").addresses()[0] == "InternalIP 10.9.9.9").then_some(())).await;
    drop(node);
}

#[actix::test]
async fn a_node_that_is_created_anew_in_the_same_instant_is_initialised_as_itself() {
    let cloud = with_another_writer(|store| {
        store.delete_node("node-1").unwrap();
        store.create_node(NodeSpec::new("node-1").taint("anew", "", "NoSchedule")).unwrap();
    })
    .await;
    let node = cloud.initialised("node-1").await;
    assert_eq!(node.taints(), ["anew", NOT_READY]);
    assert_eq!(node.addresses().len(), 3);
}

#[actix::test]
async fn a_node_never_loses_the_taint_before_it_is_complete() {
    let cloud = Cloud::start().await;
    let incomplete = std::sync::Arc::new(AtomicUsize::new(0));
    let counted = std::sync::Arc::clone(&incomplete);
    cloud.kubernetes.before_write(move |_, _, store| {
        for node in store.nodes() {
            let tainted = node["spec"]["taints"].to_string().contains("uninitialized");
            let complete = node["spec"]["providerID"].is_string()
                && node["metadata"]["labels"]["topology.kubernetes.io/region"].is_string()
                && node["status"]["addresses"].as_array().is_some_and(|addresses| addresses.len() == 3);
            if !tainted && !complete {
                counted.fetch_add(1, Ordering::SeqCst);
            }
        }
    });
    for index in 0..20 {
        cloud.join(DeviceSpec::new(format!("node-{index}")), NodeSpec::new(&format!("node-{index}")));
    }
    for index in 0..20 {
        cloud.initialised(&format!("node-{index}")).await;
    }
    assert_eq!(incomplete.load(Ordering::SeqCst), 0);
}

#[actix::test]
async fn a_writer_that_is_asked_to_slow_down_does_and_loses_nothing() {
    use kube_api_server::{Fault, FaultKind};
    let cloud = Cloud::start().await;
    let busy = FaultKind::Status { code: 429, retry_after: Some(std::time::Duration::from_secs(1)) };
    cloud.kubernetes.faults().push(Fault::new(busy).method("PATCH").times(2));
    let broken = FaultKind::Status { code: 500, retry_after: None };
    cloud.kubernetes.faults().push(Fault::new(broken).method("PATCH").times(1));
    cloud.join(DeviceSpec::new("node-1"), NodeSpec::new("node-1"));
    cloud.initialised("node-1").await;
    until("the faults to be used up", || (cloud.kubernetes.faults().pending() == 0).then_some(())).await;
    let writes = cloud.kubernetes.requests().all();
    let writes: Vec<_> = writes.iter().filter(|request| request.method == "PATCH").collect();
    for pair in writes.windows(2).filter(|pair| pair[0].status == 429) {
        let wait = pair[1].at.duration_since(pair[0].at).unwrap();
        assert!(wait.as_secs_f64() >= 0.9, "{wait:?}");
    }
}
