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
    // The project is read first, so that the next request is that for the first device.
    until("the project to be read", || (cloud.packet.requests().count() == 1).then_some(())).await;
    cloud.packet.faults().push(Fault::new(FaultKind::too_many_requests("2")).times(1));
    cloud.join(DeviceSpec::new("node-1"), NodeSpec::new("node-1"));
    let refused = || cloud.packet.requests().all().into_iter().find(|request| request.status == 429);
    let refused = until("the refusal", refused).await;
    // Another Node comes while nothing may be asked.
    cloud.join(DeviceSpec::new("node-2"), NodeSpec::new("node-2"));
    cloud.initialised("node-1").await;
    cloud.initialised("node-2").await;
    for request in cloud.packet.requests().all().iter().filter(|request| request.at > refused.at) {
        let wait = request.at.saturating_sub(refused.at);
        assert!(wait.as_secs_f64() >= 1.9, "{request:?} after {wait:?}");
    }
}

#[actix::test]
async fn an_entry_that_breaks_every_page_it_is_on_holds_up_no_other_node() {
    let cloud = Cloud::packet()
        .packet_api(|api| api.max_per_page(5))
        .start_with(|packet, kubernetes| {
            for device in packet.store().create_devices(10, "node-") {
                kubernetes.store().create_node(NodeSpec::new(&device.hostname)).unwrap();
            }
            // The eighth of the list: on the second page of five, and on the eighth of one.
            for page in ["page=2&per_page=250", "page=8&per_page=1&"] {
                packet.faults().push(Fault::new(FaultKind::status(500)).path_contains(page).always());
            }
        })
        .await;
    for index in 0..10 {
        cloud.initialised(&format!("node-{index:04}")).await;
    }
}

#[actix::test]
async fn devices_that_come_and_go_while_the_list_is_read_cost_another_reading_and_no_mistake() {
    let cloud = Cloud::packet()
        .packet_api(|api| api.max_per_page(5))
        .start_with(|packet, kubernetes| {
            let devices = packet.store().create_devices(10, "node-");
            for device in &devices {
                kubernetes.store().create_node(NodeSpec::new(&device.hostname)).unwrap();
            }
            // The second page is late: meanwhile a device of the first goes, and the second's first moves up.
            let slow = Fault::new(FaultKind::Delay(std::time::Duration::from_millis(300))).path_prefix("/projects");
            packet.faults().push(slow.times(3));
            let (store, gone) = (packet.store().clone(), devices[0].id);
            let requests = packet.requests().clone();
            actix::spawn(async move {
                let sweeps = |request: &packet_api_server::RequestRecord| request.path.ends_with("/devices");
                until("the first page", || (requests.all().iter().filter(|r| sweeps(r)).count() >= 2).then_some(()))
                    .await;
                store.delete_device(&gone);
            });
        })
        .await;
    for index in 1..10 {
        cloud.initialised(&format!("node-{index:04}")).await;
        let told = cloud.messages(&format!("node-{index:04}"));
        assert!(told.iter().all(|message| !message.starts_with("SyncFailed")), "{told:?}");
    }
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
