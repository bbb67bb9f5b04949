//! A server without a port, under a paused clock: what a client meets there is what it meets over TCP, to the millisecond.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::io::ErrorKind;
use std::time::{Duration, SystemTime};

use axum::http::{Method, StatusCode};
use common::{Ending, Within, events};
use kube_api_server::{Fault, FaultKind, Latency, NodeSpec, RequestLimit, Server};
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio::time::Instant;

const MS: Duration = Duration::from_millis(1);
const SECOND: Duration = Duration::from_secs(1);
const NODES: &str = "/api/v1/nodes";
const NODE: &str = "/api/v1/nodes/n";

async fn server() -> (Server, Within) {
    let server = Server::builder().start_in_process().await.unwrap();
    server.store().create_node(NodeSpec::new("n")).unwrap();
    let client = Within::of(&server);
    (server, client)
}

fn label(value: &str) -> Value {
    json!([{ "op": "add", "path": "/metadata/labels/l", "value": value }])
}

fn label_of(server: &Server) -> Value {
    server.store().node("n").unwrap()["metadata"]["labels"]["l"].clone()
}

#[tokio::test(start_paused = true)]
async fn a_request_is_answered_without_a_port() {
    let (server, client) = server().await;
    assert_eq!(server.url(), "http://kube-api.simulated");
    assert_eq!(client.get(NODE).await.answer().1["metadata"]["name"], "n");
    assert_eq!(client.patch(NODE, &label("1")).await.answer().0, 200);
    assert_eq!(label_of(&server), "1");
    assert_eq!(server.requests().count(), 2);
}

#[tokio::test(start_paused = true)]
async fn latency_is_as_long_as_it_says_and_no_time_passes_otherwise() {
    let (server, client) = server().await;
    assert_eq!(client.timed(NODE).await.0, Duration::ZERO);
    server.set_latency(Latency::Fixed(250 * MS));
    assert_eq!(client.timed(NODE).await.0, 250 * MS);
}

#[tokio::test(start_paused = true)]
async fn a_limit_lets_in_again_by_the_paused_clock() {
    let (server, client) = server().await;
    server.set_request_limit(RequestLimit { per_second: 1, burst: 1 });
    let status = async || client.get(NODE).await.answer().0;
    assert_eq!([status().await, status().await], [200, 429]);
    tokio::time::sleep(999 * MS).await;
    assert_eq!(status().await, 429);
    tokio::time::sleep(MS).await;
    assert_eq!(status().await, 200);
}

#[tokio::test(start_paused = true)]
async fn a_reset_closes_the_connection_before_anything_is_done() {
    let (server, client) = server().await;
    server.faults().push(Fault::new(FaultKind::Reset).times(1));
    assert_eq!(client.patch(NODE, &label("1")).await, Ending::Closed);
    assert_eq!(label_of(&server), Value::Null);
    assert_eq!(client.patch(NODE, &label("1")).await.answer().0, 200, "the next connection is as good as any");
}

#[tokio::test(start_paused = true)]
async fn a_reset_after_the_write_leaves_the_client_in_the_dark() {
    let (server, client) = server().await;
    server.faults().push(Fault::new(FaultKind::ResetAfter).times(1));
    assert_eq!(client.patch(NODE, &label("1")).await, Ending::Closed);
    assert_eq!(label_of(&server), "1");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_takes_too_long_ends_when_the_client_gives_up() {
    let (server, client) = server().await;
    server.faults().push(Fault::new(FaultKind::Delay(60 * SECOND)).times(1));
    let asked = Instant::now();
    assert_eq!(client.ask_for(30 * SECOND, Method::PATCH, NODE, Some(&label("1"))).await, Ending::TimedOut);
    assert_eq!(asked.elapsed(), 30 * SECOND);
    tokio::time::sleep(60 * SECOND).await;
    assert_eq!(label_of(&server), Value::Null, "the server does not go on for somebody who has left");
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_is_cut_breaks_off_after_what_it_has_told() {
    let (server, client) = server().await;
    let watch = tokio::spawn({
        let client = client.clone();
        async move { client.timed(&format!("{NODES}?watch=true")).await }
    });
    tokio::time::sleep(10 * SECOND).await;
    server.store().create_node(NodeSpec::new("m")).unwrap();
    tokio::time::sleep(10 * SECOND).await;
    server.store().drop_watches();
    let (lasted, ending) = watch.await.unwrap();
    let Ending::CutShort(StatusCode::OK, lines) = ending else { panic!("{ending:?}") };
    let names: Vec<_> = events(&lines).iter().map(|event| event["object"]["metadata"]["name"].clone()).collect();
    assert_eq!((lasted, names), (20 * SECOND, vec![json!("n"), json!("m")]));
}

#[tokio::test(start_paused = true)]
async fn a_watch_ends_whole_at_its_time_and_has_its_bookmarks() {
    let (_server, client) = server().await;
    let path = format!("{NODES}?watch=true&allowWatchBookmarks=true&timeoutSeconds=150");
    let (lasted, ending) = client.timed(&path).await;
    let Ending::Answered(_, _, lines) = ending else { panic!("{ending:?}") };
    let types: Vec<_> = events(&lines).iter().map(|event| event["type"].clone()).collect();
    assert_eq!(
        (lasted, types),
        (150 * SECOND, vec![json!("ADDED"), json!("BOOKMARK"), json!("BOOKMARK"), json!("BOOKMARK")])
    );
}

#[tokio::test(start_paused = true)]
async fn watches_break_every_so_often_by_the_paused_clock() {
    let (server, client) = server().await;
    server.set_drop_watches_every(30 * SECOND);
    for _ in 0..3 {
        let (lasted, ending) = client.timed(&format!("{NODES}?watch=true")).await;
        assert!(matches!(ending, Ending::CutShort(..)), "{ending:?}");
        assert_eq!(lasted, 30 * SECOND);
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stops_ends_its_watches_and_refuses_from_then_on() {
    let (server, client) = server().await;
    let (connector, watcher) = (server.connector().unwrap(), client.clone());
    let watch = tokio::spawn(async move { watcher.get(&format!("{NODES}?watch=true")).await });
    tokio::time::sleep(SECOND).await;
    server.stop().await;
    assert!(matches!(watch.await.unwrap(), Ending::Answered(StatusCode::OK, ..)));
    assert_eq!(connector.connect().unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert_eq!(client.get(NODE).await, Ending::Refused);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_server_ends_its_connections() {
    let (server, client) = server().await;
    let mut idle = server.connect().unwrap();
    drop(server);
    assert_eq!(idle.read(&mut [0]).await.unwrap(), 0);
    assert_eq!(client.get(NODE).await, Ending::Refused);
}

#[tokio::test(start_paused = true)]
async fn objects_and_answers_tell_the_time_of_the_clock_that_was_given() {
    let began = Instant::now();
    let clock = move || SystemTime::UNIX_EPOCH + 1_800_000_000 * SECOND + began.elapsed();
    let server = Server::builder().clock(clock).start_in_process().await.unwrap();
    let client = Within::of(&server);
    tokio::time::sleep(90 * SECOND).await;
    server.store().create_node(NodeSpec::new("n")).unwrap();
    server.store().create_nodes([NodeSpec::new("m").realistic_size()]).unwrap();
    tokio::time::sleep(60 * SECOND).await;
    let answer = client.patch(NODE, &label("1")).await;
    assert_eq!(answer.headers()["date"], "Fri, 15 Jan 2027 08:02:30 GMT");
    let (created, patched) = ("2027-01-15T08:01:30Z", "2027-01-15T08:02:30Z");
    for node in [answer.answer().1, server.store().node("m").unwrap()] {
        assert_eq!(node["metadata"]["creationTimestamp"], created);
        assert_eq!(node["metadata"]["managedFields"][0]["time"], created);
        assert_eq!(node["status"]["conditions"][3]["lastHeartbeatTime"], created);
    }
    let owners = server.store().node("n").unwrap()["metadata"]["managedFields"].clone();
    assert_eq!(owners.as_array().unwrap().last().unwrap()["time"], patched);
    let ending = client.listen(NODES, "application/json;as=Table;v=v1;g=meta.k8s.io", |_| {}).await;
    assert_eq!(ending.answer().1["rows"][0]["cells"][3], "60s");
    let at = server.requests().all()[0].at.duration_since(SystemTime::UNIX_EPOCH).unwrap();
    assert_eq!(at, 1_800_000_150 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn uids_and_generated_names_follow_from_the_seed() {
    let made = async |seed| {
        let server = Server::builder().seed(seed).start_in_process().await.unwrap();
        server.store().create_nodes(["a", "b", "c"].map(NodeSpec::new)).unwrap();
        let event = json!({
            "metadata": { "generateName": "e-", "namespace": "default" },
            "involvedObject": { "kind": "Node", "name": "a" },
        });
        let path = "/api/v1/namespaces/default/events";
        let (_, event) = Within::of(&server).ask_for(SECOND, Method::POST, path, Some(&event)).await.answer();
        let all = server.store().nodes().into_iter().chain([event]);
        all.map(|object| [object["metadata"]["name"].clone(), object["metadata"]["uid"].clone()]).collect::<Vec<_>>()
    };
    let one = made(1).await;
    assert_eq!(one, made(1).await);
    let other = made(2).await;
    assert!(one.iter().zip(&other).all(|(one, other)| one[1] != other[1]), "{one:?} {other:?}");
    assert_ne!(one[3][0], other[3][0]);
}

#[tokio::test]
async fn a_server_with_a_port_says_to_connect_there() {
    let server = Server::start().await.unwrap();
    let error = server.connect().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(server.url().ends_with(error.to_string().split([' ', ';']).nth(4).unwrap()), "{error}");
}
