//! The Packet API fails in every way it can: Nodes wait, people are told, and everything goes on by itself.

use kube_api_server::NodeSpec;
use packet_api_server::{DeviceSpec, Fault, FaultKind};

use crate::support::{Cloud, until};

/// A fault of every request for devices that lasts until it is lifted: what the Node's Event says of it.
async fn told_of(kind: FaultKind, expected: &str) {
    let cloud = Cloud::packet()
        .start_with(|packet, _| packet.faults().push(Fault::new(kind).path_prefix("/projects").always()))
        .await;
    cloud.join(DeviceSpec::new("node-1"), NodeSpec::new("node-1"));
    let told = cloud.told("node-1", expected).await;
    assert!(told.starts_with("SyncFailed: cannot initialise: GET projects/"), "{told}");
    assert!(!told.contains(cloud.packet.token()), "{told}");
    assert!(cloud.node("node-1").is_uninitialized());
    cloud.packet.faults().clear();
    cloud.initialised("node-1").await;
}

#[actix::test]
async fn a_proxys_page_instead_of_json_is_told_of_as_that() {
    told_of(FaultKind::html(200), "answered text/html that is no JSON; check base-url").await;
}

#[actix::test]
async fn a_proxys_404_is_not_taken_for_the_apis() {
    told_of(FaultKind::html(404), "answered 404 without the Packet API's own error").await;
}

#[actix::test]
async fn a_refused_token_is_told_of_as_that() {
    told_of(FaultKind::status(401), "the Packet API refused the token (401: simulated fault 401)").await;
}

#[actix::test]
async fn missing_rights_are_told_of_as_that() {
    told_of(FaultKind::status(403), "the token may not read this (403: simulated fault 403)").await;
}

#[actix::test]
async fn an_answer_that_is_cut_off_is_told_of_after_it_was_asked_for_again() {
    told_of(FaultKind::Truncated, "the answer was cut off").await;
}

#[actix::test]
async fn broken_json_is_told_of_as_cut_off() {
    told_of(FaultKind::Malformed, "the answer was cut off").await;
}

#[actix::test]
async fn an_answer_of_another_shape_is_told_of_by_its_field() {
    let other = FaultKind::Status {
        code: 200,
        body: r#"{"devices": {"0": "a"}}"#.into(),
        content_type: "application/json".into(),
        headers: vec![],
    };
    told_of(other, "cannot use the answer, field `devices`").await;
}

#[actix::test]
async fn a_redirection_is_not_followed_with_the_token() {
    let elsewhere = FaultKind::Status {
        code: 302,
        body: String::new(),
        content_type: "text/plain".into(),
        headers: vec![("location".into(), "http://127.0.0.1:9/".into())],
    };
    told_of(elsewhere, "unexpected answer 302").await;
}

#[actix::test]
async fn faults_that_pass_are_not_told_of_at_all() {
    let cloud = Cloud::start().await;
    for kind in [FaultKind::status(503), FaultKind::Reset, FaultKind::Truncated] {
        cloud.packet.faults().push(Fault::new(kind).path_prefix("/projects").times(1));
    }
    cloud.join(DeviceSpec::new("node-1"), NodeSpec::new("node-1"));
    cloud.initialised("node-1").await;
    assert!(cloud.messages("node-1").iter().all(|message| !message.starts_with("SyncFailed")));
}

#[actix::test]
async fn a_429_holds_back_every_request_for_as_long_as_it_says() {
    let cloud = Cloud::start().await;
    // The project is read first, so that the next request is that for the device.
    until("the project to be read", || (cloud.packet.requests().count() == 1).then_some(())).await;
    cloud.packet.faults().push(Fault::new(FaultKind::too_many_requests("2")).times(1));
    cloud.join(DeviceSpec::new("node-1"), NodeSpec::new("node-1"));
    cloud.initialised("node-1").await;
    let requests = cloud.packet.requests().all();
    let refused = requests.iter().position(|request| request.status == 429).unwrap();
    let wait = requests[refused + 1].at - requests[refused].at;
    assert!(wait.as_secs_f64() >= 1.9, "{wait:?}");
}

#[actix::test]
async fn a_project_that_cannot_be_read_at_start_is_tried_again() {
    let cloud =
        Cloud::packet().start_with(|packet, _| packet.faults().push(Fault::new(FaultKind::status(401)).always())).await;
    until("two attempts", || (cloud.packet.requests().count() >= 2).then_some(())).await;
    cloud.packet.faults().clear();
    cloud.join(DeviceSpec::new("node-1"), NodeSpec::new("node-1"));
    cloud.initialised("node-1").await;
    let read =
        |request: &packet_api_server::RequestRecord| request.status == 200 && !request.path.ends_with("/devices");
    until("the project to be read", || cloud.packet.requests().all().iter().any(read).then_some(())).await;
}
