//! Nodes of a real kube-apiserver that are initialised.

use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::{Event, Node};
use kube::api::{Patch, PatchParams, PostParams};
use kube_api_server::NodeSpec;
use packet_api_server::DeviceSpec;
use serde_json::{Value, json};

use crate::stage::{SIDE_BY_SIDE, Stage, UNINITIALIZED, addresses, label, named, taints};

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_tainted_nodes_whose_devices_lie_on_many_pages_are_initialised() {
    let stage = Stage::set(50).await;
    let devices = stage.packet.store().create_devices(500, "node-");
    let node = |device: &packet_api_server::Device| NodeSpec::new(&device.hostname).taint("theirs", "yes", "NoExecute");
    stage.register(devices.iter().map(node)).await;
    let running = stage.start_program().await;
    let nodes = stage.initialised(&[]).await;
    assert_eq!(nodes.len(), devices.len());
    for (name, node) in nodes.iter().map(named) {
        let device = devices.iter().find(|device| device.hostname == name).unwrap();
        let provider_id = node.spec.as_ref().unwrap().provider_id.clone().unwrap();
        assert_eq!(provider_id, format!("equinixmetal://{}", device.id));
        assert_eq!(
            (label(node, "node.kubernetes.io/instance-type"), label(node, "topology.kubernetes.io/region")),
            ("c3.small.x86", "ny")
        );
        assert!(taints(node).contains(&"theirs".to_owned()), "{name}: {:?}", taints(node));
        let shown = addresses(node);
        assert_eq!(shown[0], format!("Hostname {name}"));
        for ip in device.ip_addresses.iter().filter(|ip| ip.address.is_ipv4()) {
            let kind = if ip.public { "ExternalIP" } else { "InternalIP" };
            assert!(shown.contains(&format!("{kind} {}", ip.address)), "{name}: {shown:?}");
        }
        assert_eq!(shown.len(), 3, "{name}: {shown:?}");
    }
    let asked = stage.packet.requests().count();
    assert!(asked <= 500 / 50 + 3, "{asked} requests: {:?}", stage.packet.requests().all());
    stage.events_of("Synced", devices.len()).await;
    assert_eq!(running.terminate().await, Some(0));
    let log = std::fs::read_to_string(stage.log()).unwrap();
    assert!(!log.contains("orbidden"), "{log}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_node_that_fails_or_is_not_ours_holds_up_no_other_and_is_told_of() {
    let stage = Stage::set(100).await;
    for hostname in ["good-1", "good-2", "twin", "twin", "bad-ip"] {
        stage.packet.store().create_device(DeviceSpec::new(hostname));
    }
    let mut without_labels: Value = NodeSpec::new("good-2").into_value();
    without_labels["metadata"].as_object_mut().unwrap().remove("labels");
    let without_labels: Node = serde_json::from_value(without_labels).unwrap();
    stage.nodes.create(&PostParams::default(), &without_labels).await.unwrap();
    let others = [
        NodeSpec::new("good-1"),
        NodeSpec::new("twin"),
        NodeSpec::new("missing"),
        NodeSpec::new("other-cloud").provider_id("aws:///eu/i-1"),
        NodeSpec::new("bad-ip").annotation("alpha.kubernetes.io/provided-node-ip", "eth0"),
    ];
    stage.register(others).await;
    let running = stage.start_program().await;
    let failing = ["twin", "missing", "other-cloud", "bad-ip"];
    let nodes = stage.initialised(&failing).await;
    assert_eq!(
        label(nodes.iter().find(|node| named(node).0 == "good-2").unwrap(), "topology.kubernetes.io/region"),
        "ny"
    );
    let events = stage.events_of("SyncFailed", failing.len()).await;
    for (name, part) in failing.into_iter().zip([
        "share the hostname",
        "no device of the project",
        "left alone: provider name",
        "not an IP address",
    ]) {
        let told = |event: &Event| {
            event.involved_object.name.as_deref() == Some(name)
                && event.message.as_deref().is_some_and(|message| message.contains(part))
        };
        assert!(events.iter().any(told), "{name}: {events:?}");
        let node = stage.nodes.get(name).await.unwrap();
        assert!(taints(&node).contains(&UNINITIALIZED.to_owned()));
    }
    assert_eq!(running.terminate().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn taints_that_others_add_and_remove_all_the_while_are_neither_lost_nor_brought_back() {
    let stage = Stage::set(100).await;
    let devices = stage.packet.store().create_devices(60, "node-");
    stage
        .register(devices.iter().map(|device| NodeSpec::new(&device.hostname).taint("removed", "", "NoSchedule")))
        .await;
    let running = stage.start_program().await;
    // As a controller that updates whole objects: reads, changes, and writes back only if nothing else was written.
    let write = |device: &packet_api_server::Device| {
        let (nodes, name) = (stage.nodes.clone(), device.hostname.clone());
        async move {
            loop {
                let node = nodes.get(&name).await.unwrap();
                let mut taints = node.spec.unwrap().taints.unwrap_or_default();
                taints.retain(|taint| taint.key != "removed");
                taints.insert(0, serde_json::from_value(json!({"key": "added", "effect": "NoSchedule"})).unwrap());
                let patch = json!({"metadata": {"resourceVersion": node.metadata.resource_version}, "spec": {"taints": taints}});
                match nodes.patch(&name, &PatchParams::default(), &Patch::Merge(patch)).await {
                    Ok(_) => return,
                    Err(kube::Error::Api(status)) if status.is_conflict() => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
    };
    stream::iter(&devices).map(write).buffer_unordered(SIDE_BY_SIDE).collect::<()>().await;
    for node in stage.initialised(&[]).await {
        let taints = taints(&node);
        assert!(taints.contains(&"added".to_owned()) && !taints.contains(&"removed".to_owned()), "{taints:?}");
        assert_eq!(addresses(&node).len(), 3);
    }
    assert_eq!(running.terminate().await, Some(0));
}
