//! Stopping: what is being written is finished, and nothing more is begun.

use std::time::Duration;

use kube_api_server::{Fault, FaultKind, NodeSpec};
use packet_api_server::{DeviceSpec, Latency};

use crate::support::{Cloud, until};

#[actix::test]
async fn a_node_that_is_being_written_is_finished_and_no_other_begun() {
    let cloud = Cloud::packet().flag("--concurrent-node-syncs=1").start().await;
    let slow = FaultKind::Delay(Duration::from_millis(500));
    cloud.kubernetes.faults().push(Fault::new(slow).method("PATCH"));
    for name in ["node-1", "node-2", "node-3"] {
        cloud.join(DeviceSpec::new(name), NodeSpec::new(name));
    }
    let written = |name: &&str| cloud.writes(name) > 0;
    let all = ["node-1", "node-2", "node-3"];
    let first = until("the first write", || all.into_iter().find(written)).await;
    cloud.running.stop().await.unwrap();
    assert!(!cloud.node(first).is_uninitialized(), "the write under way was given up");
    assert!(cloud.messages(first).iter().any(|message| message.starts_with("Synced")), "its Event was given up");
    assert_eq!(all.iter().filter(|name| written(name)).count(), 1, "another was begun");
}

#[actix::test]
async fn the_packet_api_is_asked_nothing_more() {
    // Each answer makes room for the next question.
    let cloud = Cloud::packet()
        .variable("METAL_RATE_LIMIT_MAX_IN_FLIGHT", "1")
        .packet_api(|api| api.max_per_page(1).latency(Latency::fixed(Duration::from_millis(200))))
        .start_with(|packet, _| {
            for n in 0..50 {
                packet.store().create_device(DeviceSpec::new(format!("node-{n}")));
            }
        })
        .await;
    for n in 0..50 {
        cloud.register(NodeSpec::new(&format!("node-{n}")));
    }
    until("the first request for devices", || (cloud.device_requests() > 0).then_some(())).await;
    cloud.running.stop().await.unwrap();
    let asked = cloud.packet.requests().count();
    // Three times as long as an answer takes.
    tokio::time::sleep(Duration::from_millis(600)).await;
    assert_eq!(cloud.packet.requests().count(), asked);
}
