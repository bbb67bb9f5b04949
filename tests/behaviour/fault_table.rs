//! Every fault against every kind of Node: what happens while it lasts, and that all is as it should be after it.
//!
//! `make fault-table` prints the table.

use std::fmt::Write;
use std::time::Duration;

use futures::future::join_all;
use kube_api_server::{Fault as KubeFault, FaultKind as KubeFaultKind};
use packet_api_server::{DeviceState, Fault, FaultKind, Outage, OutageKind};
use tokio::time::Instant;

use crate::support::{Cloud, SHUTDOWN, until, until_within};

/// How long a fault lasts.
const LOOKED_AT: Duration = Duration::from_secs(6);
/// How soon after it everything is right, the longest pauses included.
const RIGHT_WITHIN: Duration = Duration::from_secs(90);
/// The kinds of Nodes: what they are called, and how each should be once all is well.
const KINDS: [&str; 4] = ["healthy", "not-ready", "shut-down", "gone"];
/// What nobody is to see of any Node but the one whose device is gone.
const DELETED: &str = "deleted";

type Break = fn(&Cloud);

/// A fault of the Packet API that meets all that is asked about devices.
fn of_devices(cloud: &Cloud, kind: FaultKind) {
    cloud.packet.faults().push(Fault::new(kind).path_contains("/devices").always());
}

fn of_everything(cloud: &Cloud, kind: FaultKind) {
    cloud.packet.faults().push(Fault::new(kind).always());
}

fn of_kubernetes(cloud: &Cloud, method: &str, kind: KubeFaultKind) {
    cloud.kubernetes.faults().push(KubeFault::new(kind).method(method).path_contains("/nodes/"));
}

fn canned(code: u16, content_type: &str, body: &str) -> FaultKind {
    FaultKind::Status { code, body: body.to_owned(), content_type: content_type.to_owned(), headers: vec![] }
}

const FAULTS: [(&str, Break); 34] = [
    ("none", |_| {}),
    ("401, the token is revoked", |cloud| cloud.packet.store().set_token("another")),
    ("403 on devices", |cloud| of_devices(cloud, FaultKind::status(403))),
    ("404 of the API's own on everything, as for a token without rights", |cloud| {
        of_everything(cloud, FaultKind::status(404));
    }),
    ("404 of the API's own on the project alone", |cloud| {
        cloud.packet.faults().push(Fault::new(FaultKind::status(404)).path_prefix("/projects").always());
    }),
    ("404 of a proxy, HTML", |cloud| of_everything(cloud, FaultKind::html(404))),
    ("404 of a gateway, JSON without an error", |cloud| {
        of_everything(cloud, canned(404, "application/json", r#"{"message":"no Route matched with those values"}"#));
    }),
    ("404 of a gateway, JSON with an error", |cloud| {
        of_everything(cloud, canned(404, "application/json", r#"{"status":404,"error":"Not Found","path":"/metal"}"#));
    }),
    ("404 of a gateway, JSON with an error, on devices alone", |cloud| {
        cloud.packet.faults().push(
            Fault::new(canned(404, "application/json", r#"{"status":404,"error":"Not Found","path":"/metal"}"#))
                .path_prefix("/devices/")
                .always(),
        );
    }),
    ("404 without a body", |cloud| of_everything(cloud, canned(404, "text/plain", ""))),
    ("410 Gone", |cloud| of_devices(cloud, FaultKind::status(410))),
    ("429 with Retry-After", |cloud| of_everything(cloud, FaultKind::too_many_requests("1"))),
    ("429 without", |cloud| of_everything(cloud, FaultKind::too_many_requests(None))),
    ("500", |cloud| of_everything(cloud, FaultKind::status(500))),
    ("502 of a proxy, HTML", |cloud| of_everything(cloud, FaultKind::html(502))),
    ("503", |cloud| of_everything(cloud, FaultKind::status(503))),
    ("timeout", |cloud| of_everything(cloud, FaultKind::Hang)),
    ("connection reset", |cloud| of_everything(cloud, FaultKind::Reset)),
    ("connection refused", |cloud| cloud.packet.set_outage(Some(Outage::new(OutageKind::Refuse)))),
    ("answer cut off", |cloud| of_everything(cloud, FaultKind::Truncated)),
    ("malformed JSON", |cloud| of_everything(cloud, FaultKind::Malformed)),
    ("another shape", |cloud| of_everything(cloud, FaultKind::WrongShape)),
    ("HTML with 200", |cloud| of_everything(cloud, FaultKind::html(200))),
    ("empty object", |cloud| of_everything(cloud, canned(200, "application/json", "{}"))),
    ("empty list in place of a device", |cloud| {
        of_devices(cloud, canned(200, "application/json", r#"{"devices":[],"meta":{"total":0}}"#));
    }),
    ("another device in its place", |cloud| {
        of_devices(
            cloud,
            canned(
                200,
                "application/json",
                r#"{"id":"00000000-0000-4000-8000-000000000000","hostname":"x","state":"inactive"}"#,
            ),
        );
    }),
    ("redirection", |cloud| of_everything(cloud, canned(302, "text/plain", ""))),
    ("every second request fails", |cloud| {
        cloud.packet.faults().push(Fault::new(FaultKind::status(500)).share(0.5).always());
    }),
    ("devices slow, 2 s", |cloud| of_devices(cloud, FaultKind::Delay(Duration::from_secs(2)))),
    ("Kubernetes: watches cut all the time", |cloud| {
        cloud.kubernetes.set_drop_watches_every(Duration::from_millis(50));
    }),
    ("Kubernetes: history forgotten all the time (410)", |cloud| {
        cloud.kubernetes.set_drop_watches_every(Duration::from_millis(50));
        cloud.kubernetes.set_compact_every(Duration::from_millis(50));
    }),
    ("Kubernetes: writes of Nodes answered 500", |cloud| {
        for method in ["PATCH", "DELETE"] {
            of_kubernetes(cloud, method, KubeFaultKind::Status { code: 500, retry_after: None });
        }
    }),
    ("Kubernetes: writes of Nodes answered 409", |cloud| {
        for method in ["PATCH", "DELETE"] {
            of_kubernetes(cloud, method, KubeFaultKind::Status { code: 409, retry_after: None });
        }
    }),
    ("Kubernetes: writes of Nodes done, their answers lost", |cloud| {
        for method in ["PATCH", "DELETE"] {
            of_kubernetes(cloud, method, KubeFaultKind::ResetAfter);
        }
    }),
];

/// What has become of a Node.
fn state(cloud: &Cloud, name: &str) -> String {
    let Some(node) = cloud.kubernetes.store().node(name) else { return DELETED.to_owned() };
    let taints = node["spec"]["taints"].as_array().cloned().unwrap_or_default();
    if taints.iter().any(|taint| taint["key"] == SHUTDOWN) {
        return "marked".to_owned();
    }
    let is_held = cloud.messages(name).iter().any(|message| message.starts_with("DeletionHeldBack"));
    if is_held { "held back" } else { "left alone" }.to_owned()
}

fn states(cloud: &Cloud) -> Vec<String> {
    KINDS.iter().map(|name| state(cloud, name)).collect()
}

/// What happened to each kind of Node under a fault.
async fn under(fault: &'static str, break_it: Break) -> (&'static str, Vec<String>) {
    let cloud = Cloud::packet().flag("--node-monitor-period=100ms").start().await;
    // A fault comes over a program that has been well.
    let is_well = || cloud.packet.requests().all().iter().any(|request| request.status == 200);
    until("the project to be read", || is_well().then_some(())).await;
    break_it(&cloud);
    // So many that the one that is gone is a small part of the cluster.
    for number in 0..6 {
        cloud.joined(&format!("another-{number}"), true);
    }
    for name in KINDS {
        let device = cloud.joined(name, name == "healthy");
        match name {
            "shut-down" => _ = cloud.packet.store().set_device_state(&device.id, DeviceState::Inactive),
            "gone" => _ = cloud.packet.store().delete_device(&device.id),
            _ => {}
        }
    }
    // There are faults under which nothing happens, and that can be seen only by looking for a while.
    let begun = Instant::now();
    until("the fault to have lasted", || (begun.elapsed() > LOOKED_AT).then_some(())).await;
    let during = states(&cloud);
    cloud.packet.store().set_token(cloud.packet.token());
    cloud.packet.faults().clear();
    cloud.packet.set_outage(None);
    cloud.kubernetes.faults().clear();
    cloud.kubernetes.set_drop_watches_every(None);
    cloud.kubernetes.set_compact_every(None);
    let is_right = || state(&cloud, "gone") == DELETED && state(&cloud, "shut-down") == "marked";
    let what = || format!("all to be right after {fault}: {:?}", states(&cloud));
    until_within(RIGHT_WITHIN, what, || is_right().then_some(())).await;
    for name in ["healthy", "not-ready"] {
        assert!(!["marked", DELETED].contains(&&*state(&cloud, name)), "after {fault}: {name} {}", state(&cloud, name));
    }
    (fault, during)
}

#[actix::test]
async fn no_fault_deletes_a_node_whose_device_is_there_and_after_it_all_is_as_it_should_be() {
    let rows = join_all(FAULTS.map(|(fault, break_it)| under(fault, break_it))).await;
    let mut table = String::from(
        "| fault of the Packet API, or of Kubernetes | healthy | not Ready | shut down | gone |\n|---|---|---|---|---|\n",
    );
    for (fault, during) in &rows {
        writeln!(table, "| {fault} | {} |", during.join(" | ")).unwrap();
    }
    println!("What happens to a Node while a fault lasts. After it, each is as in the first row.\n\n{table}");
    for (fault, during) in rows {
        for (name, state) in KINDS.iter().zip(&during).take(3) {
            assert_ne!(state, DELETED, "{fault}: {name}");
        }
        let may_be_gone = ["none", "every second request fails", "devices slow, 2 s"].contains(&fault);
        assert!(during[3] != DELETED || may_be_gone || fault.starts_with("Kubernetes"), "{fault}: {}", during[3]);
        assert_ne!(during[0], "marked", "{fault}");
        assert_ne!(during[1], "marked", "{fault}");
    }
}
