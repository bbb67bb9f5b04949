//! Nodes of a real kube-apiserver that are not Ready, while somebody else keeps writing to all of them.

use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::{Patch, PatchParams};
use kube_api_server::NodeSpec;
use packet_api_server::{Device, DeviceState, Fault, FaultKind, Outage, OutageKind, Server};
use serde_json::json;
use tokio::task::JoinHandle;

use crate::stage::{PATIENCE, Stage, taints};

const SHUTDOWN: &str = "node.cloudprovider.kubernetes.io/shutdown";

/// Lets a Node become Ready, or not, as a kubelet or the node lifecycle controller writes it.
pub(crate) async fn set_ready(nodes: &Api<Node>, name: &str, is_ready: bool) {
    let now = k8s_openapi::jiff::Timestamp::now().to_string();
    let status = if is_ready { "True" } else { "Unknown" };
    let ready = json!({"type": "Ready", "status": status, "reason": "Test", "lastHeartbeatTime": now, "lastTransitionTime": now});
    let patch = Patch::Strategic(json!({"status": {"conditions": [ready]}}));
    nodes.patch_status(name, &PatchParams::default(), &patch).await.unwrap();
}

/// Somebody who writes a label to every Node, one after the other, without a pause.
fn keep_writing(nodes: Api<Node>, names: Vec<String>) -> JoinHandle<()> {
    tokio::spawn(async move {
        for round in 0_u64.. {
            for name in &names {
                let patch = Patch::Merge(json!({"metadata": {"labels": {"theirs": round.to_string()}}}));
                match nodes.patch(name, &PatchParams::default(), &patch).await {
                    Ok(_) => {}
                    Err(kube::Error::Api(status)) if status.code == 404 => {}
                    Err(error) => panic!("{error}"),
                }
            }
        }
    })
}

/// Waits until `look` sees something, and answers how long that took.
pub(crate) async fn until(what: &str, stage: &Stage, mut look: impl AsyncFnMut() -> bool) -> Duration {
    let begun = Instant::now();
    let mut glances = tokio::time::interval(Duration::from_millis(100));
    loop {
        glances.tick().await;
        if look().await {
            return begun.elapsed();
        }
        let log = || std::fs::read_to_string(stage.log()).unwrap();
        assert!(begun.elapsed() < PATIENCE, "waited {PATIENCE:?} for {what}\n{}", log());
    }
}

pub(crate) async fn is_gone(stage: &Stage, name: &str) -> bool {
    stage.nodes.get_opt(name).await.unwrap().is_none()
}

pub(crate) async fn is_marked(stage: &Stage, name: &str) -> bool {
    taints(&stage.nodes.get(name).await.unwrap()).contains(&SHUTDOWN.to_owned())
}

/// A cluster of so many initialised Nodes, all Ready.
async fn cluster(stage: &Stage, count: usize) -> Vec<Device> {
    let devices = stage.packet.store().create_devices(count, "node-");
    stage.register(devices.iter().map(|device| NodeSpec::new(&device.hostname))).await;
    for device in &devices {
        set_ready(&stage.nodes, &device.hostname, true).await;
    }
    devices
}

fn names(devices: &[Device]) -> Vec<String> {
    devices.iter().map(|device| device.hostname.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_are_deleted_marked_or_left_alone_by_what_their_device_is_with_the_defaults() {
    let stage = Stage::set(100).await;
    let devices = cluster(&stage, 20).await;
    let running = stage.start_program().await;
    stage.initialised(&[]).await;
    let writer = keep_writing(stage.nodes.clone(), names(&devices));
    let [gone, off, well] = [&devices[0], &devices[1], &devices[2]];

    stage.packet.store().delete_device(&gone.id);
    stage.packet.store().set_device_state(&off.id, DeviceState::Inactive);
    for device in [gone, off, well] {
        set_ready(&stage.nodes, &device.hostname, false).await;
    }
    let marked = until("the taint", &stage, async || is_marked(&stage, &off.hostname).await).await;
    let deleted = until("the deletion", &stage, async || is_gone(&stage, &gone.hostname).await).await;
    println!(
        "with the defaults: {:.1} s from off and not Ready to the taint, {:.1} s from gone and not Ready to the deletion",
        marked.as_secs_f64(),
        (marked + deleted).as_secs_f64()
    );
    let events = stage.events_of("DeletingNode", 1).await;
    assert_eq!(events[0].involved_object.name.as_deref(), Some(gone.hostname.as_str()));

    stage.packet.store().set_device_state(&off.id, DeviceState::Active);
    set_ready(&stage.nodes, &off.hostname, true).await;
    until("the taint to go", &stage, async || !is_marked(&stage, &off.hostname).await).await;
    let nodes = stage.nodes.list(&kube::api::ListParams::default()).await.unwrap().items;
    assert_eq!(nodes.len(), 19, "no other Node was deleted");
    assert!(!is_marked(&stage, &well.hostname).await);
    writer.abort();
    assert_eq!(running.terminate().await, Some(0));
    let log = std::fs::read_to_string(stage.log()).unwrap();
    assert!(!log.contains("orbidden"), "{log}");
}

type Break = fn(&Server);

/// Each fault of the Packet API under which nothing is known of a device.
const FAULTS: [(&str, Break); 9] = [
    ("401", |packet| packet.store().set_token("another")),
    ("403", |packet| always(packet, FaultKind::status(403))),
    ("404 without rights", |packet| always(packet, FaultKind::status(404))),
    ("429", |packet| always(packet, FaultKind::too_many_requests("1"))),
    ("503", |packet| always(packet, FaultKind::status(503))),
    ("timeout", |packet| always(packet, FaultKind::Hang)),
    ("refused", |packet| packet.set_outage(Some(Outage::new(OutageKind::Refuse)))),
    ("not JSON", |packet| always(packet, FaultKind::html(200))),
    ("wrong shape", |packet| always(packet, FaultKind::WrongShape)),
];

fn always(packet: &Server, kind: FaultKind) {
    packet.faults().push(Fault::new(kind).always());
}

fn mend(packet: &Server) {
    packet.faults().clear();
    packet.store().set_token(packet.token());
    packet.set_outage(None);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_fault_of_the_packet_api_deletes_or_marks_a_node_and_each_is_over_once_it_is_mended() {
    let stage = Stage::set(100).await;
    let devices = cluster(&stage, 4 * FAULTS.len()).await;
    // One Node goes for each fault, which is more than the share allows.
    let share = [("METAL_SAFETY_DELETION_SHARE", "100%")];
    let running = stage.start_program_with(&["--node-monitor-period=500ms"], &share).await;
    stage.initialised(&[]).await;
    let writer = keep_writing(stage.nodes.clone(), names(&devices));
    for (own, (fault, break_it)) in devices.chunks(4).zip(FAULTS) {
        let [well, off, gone, ready] = own else { panic!() };
        break_it(&stage.packet);
        stage.packet.store().delete_device(&gone.id);
        stage.packet.store().set_device_state(&off.id, DeviceState::Inactive);
        for device in [well, off, gone] {
            set_ready(&stage.nodes, &device.hostname, false).await;
        }
        let log = stage.log();
        let told = || std::fs::read_to_string(&log).unwrap().matches("cannot be asked for").count();
        let held = || std::fs::read_to_string(&log).unwrap().matches("deletion is held back").count();
        let before = told() + held();
        // One that is refused at once is never asked; one that hangs takes its time.
        let begun = Instant::now();
        until("the fault to show", &stage, async || {
            told() + held() > before || begun.elapsed() > Duration::from_secs(5)
        })
        .await;
        for device in own {
            assert!(!is_gone(&stage, &device.hostname).await, "{fault}: {} is gone", device.hostname);
            assert!(!is_marked(&stage, &device.hostname).await, "{fault}: {} is marked", device.hostname);
        }
        mend(&stage.packet);
        let gone = until(fault, &stage, async || is_gone(&stage, &gone.hostname).await).await;
        let marked = until(fault, &stage, async || is_marked(&stage, &off.hostname).await).await;
        println!(
            "{fault}: deleted {:.1} s and marked {:.1} s after it was mended",
            gone.as_secs_f64(),
            (gone + marked).as_secs_f64()
        );
        for device in [well, ready] {
            assert!(!is_gone(&stage, &device.hostname).await, "{fault}: {} is gone", device.hostname);
            assert!(!is_marked(&stage, &device.hostname).await, "{fault}: {} is marked", device.hostname);
        }
        // So that the next fault meets a cluster that is well.
        for device in [well, off] {
            set_ready(&stage.nodes, &device.hostname, true).await;
        }
    }
    writer.abort();
    assert_eq!(running.terminate().await, Some(0));
}
