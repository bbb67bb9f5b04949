//! What becomes of Nodes that packet-ccm or cloud-provider-equinix-metal left: nothing, where they are right; what those look like that
//! join afterwards; and what another setting than the right one does.

use control_plane::ControlPlane;
use k8s_openapi::api::core::v1::{Node, PersistentVolume};
use kube::Api;
use kube::api::{Patch, PatchParams};
use packet_api_server::DeviceState;
use serde_json::json;

use crate::inherited_nodes::{
    BY_FACILITY, BY_METRO, BY_METRO_AND_FACILITY, Forms, PACKET_CCM, assert_forms, but_for_addresses, shown, stage,
    whole,
};
use crate::stage::{addresses, label, taints};

const SHUTDOWN: &str = "node.cloudprovider.kubernetes.io/shutdown";

#[tokio::test(flavor = "multi_thread")]
async fn nodes_that_packet_ccm_left_are_not_written_and_those_that_join_are_like_them() {
    let stage = stage().await;
    let old = stage.inherited("old-", 10, PACKET_CCM).await;
    let witness = stage.inherited("witness-", 1, PACKET_CCM).await.remove(0);
    let before = whole(&stage, &old).await;
    let running = stage.start(&["--cloud-provider=packet"], "").await;
    let (device, node) = stage.joined("new-1").await;
    assert_forms(&device, &node, PACKET_CCM);
    stage.refreshed(&witness, PACKET_CCM).await;
    assert!(whole(&stage, &old).await == before, "a Node has changed");
    assert_eq!((stage.writes(&old), stage.writes(&[witness]), stage.writes(&[device])), (0, 2, 2));
    assert_eq!(running.terminate().await, Some(0));
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_of_each_form_of_its_successor_stay_whichever_topology_is_set_and_those_that_join_follow_it() {
    let stage = stage().await;
    let mut old = Vec::new();
    for (prefix, forms) in [
        ("facility-", BY_FACILITY),
        ("metro-", BY_METRO),
        ("both-", BY_METRO_AND_FACILITY),
        // From before it had its name, and from before provider IDs had a scheme.
        ("packet-", Forms { provider_id: "packet://", ..BY_FACILITY }),
        ("bare-", Forms { provider_id: "", ..BY_METRO }),
    ] {
        old.extend(stage.inherited(prefix, 3, forms).await);
    }
    let named = stage.inherited("node-ip-", 1, BY_METRO).await.remove(0);
    stage.named_by_its_kubelet(&named).await;
    old.push(named);
    let witness = stage.inherited("witness-", 1, BY_METRO).await.remove(0);
    let before = whole(&stage, &old).await;
    let mut joined = Vec::new();
    for (topology, forms) in [
        ("", BY_METRO),
        ("facility-region", BY_FACILITY),
        ("metro-facility", BY_METRO_AND_FACILITY),
        ("metro-region", BY_METRO),
    ] {
        let running = stage.start(&["--cloud-provider=equinixmetal"], topology).await;
        let (device, node) = stage.joined(&format!("new-{}", joined.len())).await;
        assert_forms(&device, &node, forms);
        stage.refreshed(&witness, forms).await;
        assert_eq!(running.terminate().await, Some(0));
        joined.push((device, forms));
    }
    assert!(whole(&stage, &old).await == before, "a Node has changed");
    assert_eq!(stage.writes(&old), 0);
    // Nor are those written again that joined under another topology.
    for (device, forms) in joined {
        assert_forms(&device, &stage.node(&device.hostname).await, forms);
        assert_eq!(stage.writes(&[device]), 2);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_machine_is_off_is_left_with_the_taint_of_kubernetes_and_nothing_else() {
    let stage = stage().await;
    let device = stage.inherited("off-", 1, BY_METRO).await.remove(0);
    let (name, devices) = (device.hostname.clone(), [device]);
    let before = but_for_addresses(&stage, &devices).await;
    let running = stage.start(&["--cloud-provider=equinixmetal"], "").await;
    stage.packet.store().set_device_state(&devices[0].id, DeviceState::Inactive);
    let set_ready = async |status: &str| {
        let ready = json!({"type": "Ready", "status": status, "reason": "Test", "lastHeartbeatTime": null, "lastTransitionTime": null});
        let patch = Patch::Strategic(json!({"status": {"conditions": [ready]}}));
        stage.nodes.patch_status(&name, &PatchParams::default(), &patch).await.unwrap();
    };
    set_ready("Unknown").await;
    let is_off = |node: &Node| taints(node).iter().any(|key| key == SHUTDOWN);
    stage.until(&name, "the taint", is_off).await;
    assert_eq!(running.terminate().await, Some(0));
    set_ready("True").await;
    let mut after = but_for_addresses(&stage, &devices).await;
    let taints = after[0]["spec"]["taints"].as_array_mut().unwrap();
    let added = taints.pop().unwrap();
    assert_eq!((&added["key"], &added["effect"]), (&SHUTDOWN.into(), &"NoSchedule".into()));
    assert!(after == before, "more than a taint is left");
}

#[tokio::test(flavor = "multi_thread")]
async fn labels_of_today_that_old_releases_did_not_write_are_added_once() {
    let stage = stage().await;
    let old = stage.inherited("oldest-", 3, PACKET_CCM).await;
    for device in &old {
        let of_today = json!({"node.kubernetes.io/instance-type": null, "topology.kubernetes.io/region": null});
        let patch = Patch::Merge(json!({"metadata": {"labels": of_today}}));
        stage.nodes.patch(&device.hostname, &PatchParams::default(), &patch).await.unwrap();
    }
    let witness = stage.inherited("witness-", 1, PACKET_CCM).await.remove(0);
    let running = stage.start(&["--cloud-provider=packet"], "").await;
    for device in &old {
        let is_labelled = |node: &Node| label(node, "topology.kubernetes.io/region") == "ewr1";
        let node = stage.until(&device.hostname, "the labels of today", is_labelled).await;
        assert_eq!(label(&node, "node.kubernetes.io/instance-type"), "c3.small.x86");
    }
    stage.refreshed(&witness, PACKET_CCM).await;
    assert_eq!(stage.writes(&old), old.len());
    assert_eq!(running.terminate().await, Some(0));
}

/// What `--cloud-provider` of the other program does to a cluster, and whether it can be undone.
async fn with_the_wrong_provider(theirs: (Forms, &str), wrong: (Forms, &str)) {
    let stage = stage().await;
    let old = stage.inherited("old-", 3, theirs.0).await;
    let witness = stage.inherited("witness-", 1, theirs.0).await.remove(0);
    let before = but_for_addresses(&stage, &old).await;
    for (number, (forms, flag)) in [wrong, theirs].into_iter().enumerate() {
        let running = stage.start(&[flag], "").await;
        let (device, node) = stage.joined(&format!("new-{number}")).await;
        assert_forms(&device, &node, forms);
        stage.refreshed(&witness, forms).await;
        assert!(but_for_addresses(&stage, &old).await == before, "more than addresses has changed");
        for device in &old {
            assert_ne!(shown(device, wrong.0), shown(device, theirs.0));
            assert_eq!(addresses(&stage.node(&device.hostname).await), shown(device, forms));
        }
        assert_eq!(stage.writes(&old), (number + 1) * old.len());
        assert_eq!(running.terminate().await, Some(0));
    }
    // What is never undone: the Node that joined meanwhile.
    let node = stage.node("new-0").await;
    assert!(node.spec.unwrap().provider_id.unwrap().starts_with(wrong.0.provider_id));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_wrong_provider_orders_addresses_anew_until_it_is_set_right_and_gives_nodes_that_join_other_forms() {
    let (packet, equinix_metal) =
        ((PACKET_CCM, "--cloud-provider=packet"), (BY_METRO, "--cloud-provider=equinixmetal"));
    with_the_wrong_provider(packet, equinix_metal).await;
    with_the_wrong_provider(equinix_metal, packet).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_volume_cannot_be_bound_to_another_region_afterwards() {
    let cluster = ControlPlane::start().await.unwrap();
    let volume = |region: &str| {
        let term = json!({"matchExpressions": [{"key": "topology.kubernetes.io/region", "operator": "In", "values": [region]}]});
        json!({
            "apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "data"},
            "spec": {
                "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteOnce"],
                "csi": {"driver": "csi.example", "volumeHandle": "v-1"},
                "nodeAffinity": {"required": {"nodeSelectorTerms": [term]}},
            },
        })
    };
    cluster.apply(&volume("ewr1").to_string()).await.unwrap();
    let volumes: Api<PersistentVolume> = Api::all(cluster.client());
    let patch = Patch::Merge(volume("ny"));
    let refused = volumes.patch("data", &PatchParams::default(), &patch).await.unwrap_err().to_string();
    assert!(refused.contains("nodeAffinity") && refused.contains("immutable"), "{refused}");
}
