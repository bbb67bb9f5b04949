//! What is measured: whether Prometheus can read it, and whether it tells what an operator asks.

use std::io::Write;
use std::process::{Command, Stdio};

use kube_api_server::NodeSpec;
use packet_api_server::DeviceSpec;
use packet_cloud_controller_manager::actors::node_watcher::NodeWatcher;
use packet_cloud_controller_manager::actors::packet_api::PacketApi;
use packet_cloud_controller_manager::messages::report::{AskNodeWatcher, AskPacketApi};

use crate::support::{Cloud, until};

/// What Prometheus' own parser and linter have against the metrics.
fn problems(text: &str) -> String {
    let mut lint = Command::new("go")
        .args(["run", "."])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/promlint"))
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("go is needed to run Prometheus' linter");
    lint.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = lint.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.success(), said.is_empty(), "{said}");
    said
}

/// What is measured, after everybody was asked, as when it is read over HTTPS.
async fn measured(cloud: &Cloud) -> String {
    cloud.running.address::<NodeWatcher>().unwrap().send(AskNodeWatcher).await.unwrap();
    cloud.running.address::<PacketApi>().unwrap().send(AskPacketApi).await.unwrap();
    cloud.metrics.text().unwrap()
}

#[actix::test]
async fn prometheus_reads_every_metric_and_has_nothing_against_it() {
    let cloud = Cloud::start().await;
    for n in 0..20 {
        let name = format!("node-{n}");
        cloud.join(DeviceSpec::new(&name), NodeSpec::new(&name));
        cloud.initialised(&name).await;
    }
    cloud.register(NodeSpec::new("no-device"));
    cloud.told("no-device", "no device").await;
    let text = measured(&cloud).await;
    assert_eq!(problems(&text), "", "{text}");
}

#[actix::test]
async fn metrics_answer_what_an_operator_asks() {
    let cloud = Cloud::start().await;
    cloud.join(DeviceSpec::new("node-1"), NodeSpec::new("node-1"));
    cloud.initialised("node-1").await;
    cloud.register(NodeSpec::new("no-device"));
    cloud.told("no-device", "no device").await;
    until("both Events to be counted", || {
        (cloud.metric("packet_ccm_kubernetes_events_total{result=\"created\"}") == 2).then_some(())
    })
    .await;
    measured(&cloud).await;
    for (metric, value) in [
        ("packet_ccm_nodes{state=\"initialised\"}", 1),
        ("packet_ccm_nodes{state=\"uninitialized\"}", 1),
        ("packet_ccm_nodes_waiting{reason=\"no_such_hostname\"}", 1),
        ("packet_ccm_node_errands_total{errand=\"initialise\",result=\"ok\"}", 1),
        ("node_controller_initial_node_sync_delay_seconds_count", 1),
        ("node_controller_cloud_provider_taint_removal_delay_seconds_count", 1),
        ("packet_ccm_packet_api_requests_total{request=\"project\",result=\"ok\"}", 1),
        ("packet_ccm_packet_api_token_accepted", 1),
        ("packet_ccm_packet_api_project_readable", 1),
        ("packet_ccm_watch_synced", 1),
        ("packet_ccm_kubernetes_writes_total{write=\"node\",result=\"ok\"}", 1),
        ("packet_ccm_kubernetes_writes_total{write=\"status\",result=\"ok\"}", 1),
        ("packet_ccm_kubernetes_writes_under_way", 0),
    ] {
        assert_eq!(cloud.metric(metric), value, "{metric} in\n{}", cloud.metrics.text().unwrap());
    }
}
