//! A server without a port, under a paused clock: what a client meets there is what it meets over TCP, to the millisecond.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use axum::http::{Method, StatusCode};
use common::devices;
use common::within::{Ending, Within};
use packet_api_server::{Fault, FaultKind, Outage, OutageKind, RateLimit, Server};
use serde_json::json;
use std::io::ErrorKind;
use std::time::{Duration, SystemTime};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::Instant;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);

async fn server() -> (Server, Within) {
    let server = Server::builder().start_in_process().await.unwrap();
    server.store().create_devices(3, "node-");
    let client = Within::of(&server);
    (server, client)
}

#[tokio::test(start_paused = true)]
async fn a_request_is_answered_without_a_port() {
    let (server, client) = server().await;
    assert_eq!(server.url(), "http://packet-api.simulated/metal/v1/");
    assert_eq!(server.address(), None);
    let (status, page) = client.get(&devices(&server)).await.answer();
    assert_eq!((status, common::hostnames(&page)), (200, vec!["node-0000", "node-0001", "node-0002"]));
    assert_eq!(server.requests().count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_larger_than_what_is_on_its_way_at_once_arrives_whole() {
    let (server, client) = server().await;
    server.store().create_devices(500, "more-");
    let (_, page) = client.get(&format!("{}?per_page=1000", devices(&server))).await.answer();
    assert_eq!(page["devices"].as_array().unwrap().len(), 503);
}

#[tokio::test(start_paused = true)]
async fn latency_is_as_long_as_it_says_and_no_time_passes_otherwise() {
    let (server, client) = server().await;
    assert_eq!(client.timed("plans").await.0, Duration::ZERO);
    server.set_latency(250 * MS);
    assert_eq!(client.timed("plans").await.0, 250 * MS);
    let exchanges = server.requests().exchanges();
    let times: Vec<_> = exchanges.iter().map(|exchange| (exchange.at, exchange.took, exchange.status)).collect();
    assert_eq!(times, [(Duration::ZERO, Some(Duration::ZERO), 200), (Duration::ZERO, Some(250 * MS), 200)]);
}

#[tokio::test(start_paused = true)]
async fn a_reset_closes_the_connection_without_an_answer() {
    let (server, client) = server().await;
    server.faults().push(Fault::new(FaultKind::Reset));
    assert_eq!(client.get("plans").await, Ending::Closed);
    assert_eq!(server.requests().all()[0].status, 0);
    assert_eq!(client.get("plans").await.answer().0, 200, "the next connection is as good as any");
}

#[tokio::test(start_paused = true)]
async fn a_truncated_answer_breaks_off_in_its_body() {
    let (server, client) = server().await;
    server.faults().push(Fault::new(FaultKind::Truncated));
    assert_eq!(client.get("plans").await, Ending::CutShort(StatusCode::OK));
}

#[tokio::test(start_paused = true)]
async fn a_truncated_answer_announces_more_than_it_sends() {
    let (server, _) = server().await;
    server.faults().push(Fault::new(FaultKind::Truncated));
    let mut connection = server.connect().unwrap();
    let request = format!("GET /metal/v1/plans HTTP/1.1\r\nHost: x\r\nX-Auth-Token: {}\r\n\r\n", server.token());
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut text = String::new();
    connection.read_to_string(&mut text).await.unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let announced = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    assert_eq!(body.len(), announced.parse::<usize>().unwrap() / 2);
}

#[tokio::test(start_paused = true)]
async fn a_hang_lasts_until_the_client_gives_up() {
    let (server, client) = server().await;
    server.faults().push(Fault::new(FaultKind::Hang));
    let asked = Instant::now();
    assert_eq!(client.ask_for(30 * SECOND, Method::GET, "plans", None).await, Ending::TimedOut);
    assert_eq!(asked.elapsed(), 30 * SECOND);
    // That the client has gone is news that the server comes to in its turn.
    tokio::time::sleep(MS).await;
    let exchange = server.requests().exchanges().remove(0);
    assert_eq!((exchange.status, exchange.took, exchange.fault.as_deref()), (0, Some(30 * SECOND), Some("hang")));
}

#[tokio::test(start_paused = true)]
async fn a_slow_body_takes_its_time_to_the_millisecond() {
    let (server, client) = server().await;
    server.faults().push(Fault::new(FaultKind::slow_body(10_000)));
    let (took, ending) = client.timed("plans").await;
    let Ending::Answered(_, _, body) = ending else { panic!("{ending:?}") };
    assert_eq!(took, 100 * MS * u32::try_from(body.len().div_ceil(1_000)).unwrap());
}

#[tokio::test(start_paused = true)]
async fn while_the_port_is_closed_connections_are_refused() {
    let (server, client) = server().await;
    let patient = Within::of(&server);
    assert_eq!(patient.get("plans").await.answer().0, 200);
    let mut unused = server.connect().unwrap();
    server.set_outage(Some(Outage::new(OutageKind::Refuse).lasting(30 * SECOND)));
    assert_eq!(server.connect().unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert_eq!(client.get("plans").await, Ending::Refused);
    assert_eq!(patient.get("plans").await, Ending::Closed, "a connection that was open closes when it is used");
    assert_eq!(unused.read(&mut [0]).await.unwrap(), 0, "one that was not accepted yet is closed");
    tokio::time::sleep(29_999 * MS).await;
    assert_eq!(client.get("plans").await, Ending::Refused);
    tokio::time::sleep(MS).await;
    assert_eq!(client.get("plans").await.answer().0, 200);
}

#[tokio::test(start_paused = true)]
async fn an_outage_hangs_resets_or_answers_with_its_status() {
    let (server, client) = server().await;
    server.set_outage(Some(Outage::new(OutageKind::Reset)));
    assert_eq!(client.get("plans").await, Ending::Closed);
    server.set_outage(Some(Outage::new(OutageKind::Status(503))));
    assert_eq!(client.get("plans").await.answer().0, 503);
    server.set_outage(Some(Outage::new(OutageKind::Hang)));
    assert_eq!(client.ask_for(SECOND, Method::GET, "plans", None).await, Ending::TimedOut);
    server.set_outage(None);
    assert_eq!(client.get("plans").await.answer().0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_cuts_what_hangs_and_refuses_from_then_on() {
    let (server, client) = server().await;
    server.faults().push(Fault::new(FaultKind::Hang));
    let (connector, waiting) = (server.connector().unwrap(), client.clone());
    let hanging = tokio::spawn(async move { waiting.get("plans").await });
    while server.requests().count() == 0 {
        tokio::task::yield_now().await;
    }
    server.stop().await;
    assert_eq!(hanging.await.unwrap(), Ending::Closed);
    assert_eq!(connector.connect().unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert_eq!(client.get("plans").await, Ending::Refused);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_server_ends_its_connections() {
    let (server, client) = server().await;
    assert_eq!(client.get("plans").await.answer().0, 200);
    let mut idle = server.connect().unwrap();
    drop(server);
    assert_eq!(idle.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(client.get("plans").await, Ending::Refused);
}

#[tokio::test(start_paused = true)]
async fn a_write_arrives() {
    let (server, client) = server().await;
    let id = server.store().devices()[0].id;
    let update = json!({"hostname": "renamed"});
    let ending = client.ask_for(SECOND, Method::PUT, &format!("devices/{id}"), Some(&update)).await;
    assert_eq!(ending.answer().0, 200);
    assert_eq!(server.store().device(&id).unwrap().hostname, "renamed");
}

#[tokio::test]
async fn a_server_with_a_port_says_to_connect_there() {
    let server = Server::start().await.unwrap();
    let error = server.connect().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains(&server.address().unwrap().to_string()), "{error}");
}

#[tokio::test(start_paused = true)]
async fn answers_tell_the_time_of_the_clock_that_was_given() {
    let began = Instant::now();
    let server = Server::builder()
        .clock(move || SystemTime::UNIX_EPOCH + 1_800_000_000 * SECOND + began.elapsed())
        .rate_limit(RateLimit::window(1, 60 * SECOND))
        .start_in_process()
        .await
        .unwrap();
    let (client, id) = (Within::of(&server), server.store().create_devices(1, "node-")[0].id);
    tokio::time::sleep(90 * SECOND).await;
    let update = json!({"hostname": "renamed"});
    let answer = client.ask_for(SECOND, Method::PUT, &format!("devices/{id}"), Some(&update)).await;
    assert_eq!(answer.headers()["date"], "Fri, 15 Jan 2027 08:01:30 GMT");
    assert_eq!(answer.headers()["x-ratelimit-reset"], "1800000150");
    assert_eq!(answer.answer().1["updated_at"], "2027-01-15T08:01:30Z");
    tokio::time::sleep(50 * SECOND).await;
    let refused = client.get("plans").await;
    assert_eq!(
        (&refused.headers()["retry-after"], &refused.headers()["x-ratelimit-reset"]),
        (&"10".parse().unwrap(), &"1800000150".parse().unwrap())
    );
    tokio::time::sleep(10 * SECOND).await;
    assert_eq!(client.get("plans").await.answer().0, 200);
}

#[tokio::test(start_paused = true)]
async fn a_device_is_provisioned_by_the_paused_clock() {
    let (server, client) = server().await;
    server.store().set_provision_time(60 * SECOND);
    let device = json!({"hostname": "new", "metro": "sv", "plan": "c3.small.x86", "operating_system": "debian_11"});
    let (status, created) = client.ask_for(SECOND, Method::POST, &devices(&server), Some(&device)).await.answer();
    assert_eq!((status, &created["state"]), (201, &json!("queued")));
    let state =
        async || client.get(&format!("devices/{}", created["id"].as_str().unwrap())).await.answer().1["state"].clone();
    tokio::time::sleep(59_999 * MS).await;
    assert_eq!(state().await, "queued");
    tokio::time::sleep(MS).await;
    assert_eq!(state().await, "active");
}
