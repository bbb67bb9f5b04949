//! Faults, hooks and the request log, as a client sees them over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::time::{Duration, Instant};

use kube_api_server::{Fault, FaultKind, NodeSpec, Server};
use reqwest::{Client, Response};
use serde_json::{Value, json};

async fn server_with(name: &str) -> (Server, Client) {
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let server = Server::start().await.unwrap();
    server.store().create_node(NodeSpec::new(name)).unwrap();
    (server, Client::builder().user_agent("tests/1").no_proxy().build().unwrap())
}

async fn patch(server: &Server, client: &Client, name: &str, operations: Value) -> reqwest::Result<Response> {
    let request = client.patch(format!("{}/api/v1/nodes/{name}", server.url()));
    request.header("Content-Type", "application/json-patch+json").body(operations.to_string()).send().await
}

fn label(value: &str) -> Value {
    json!([{ "op": "add", "path": "/metadata/labels/l", "value": value }])
}

fn label_of(server: &Server, name: &str) -> Value {
    server.store().node(name).unwrap()["metadata"]["labels"]["l"].clone()
}

#[tokio::test]
async fn a_refusal_is_a_status_with_its_delay_and_changes_nothing() {
    let (server, client) = server_with("n").await;
    let kind = FaultKind::Status { code: 429, retry_after: Some(Duration::from_secs(7)) };
    server.faults().push(Fault::new(kind).method("PATCH").path_contains("/nodes/n").times(1));
    let refused = patch(&server, &client, "n", label("1")).await.unwrap();
    assert_eq!((refused.status().as_u16(), refused.headers()["Retry-After"].to_str().unwrap()), (429, "7"));
    let status: Value = refused.json().await.unwrap();
    assert_eq!((&status["kind"], &status["reason"]), (&json!("Status"), &json!("TooManyRequests")));
    assert_eq!(label_of(&server, "n"), Value::Null);
    assert_eq!(patch(&server, &client, "n", label("1")).await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_delay_of_less_than_a_second_is_told_as_one() {
    let (server, client) = server_with("n").await;
    let kind = FaultKind::Status { code: 429, retry_after: Some(Duration::from_millis(500)) };
    server.faults().push(Fault::new(kind).times(1));
    assert_eq!(patch(&server, &client, "n", label("1")).await.unwrap().headers()["Retry-After"], "1");
}

#[tokio::test]
async fn a_reset_cuts_the_connection_before_anything_is_done() {
    let (server, client) = server_with("n").await;
    server.faults().push(Fault::new(FaultKind::Reset).times(1));
    assert!(patch(&server, &client, "n", label("1")).await.is_err());
    assert_eq!(label_of(&server, "n"), Value::Null);
    assert_eq!(server.requests().all()[0].status, 0);
}

#[tokio::test]
async fn a_reset_after_the_write_leaves_the_client_in_the_dark() {
    let (server, client) = server_with("n").await;
    server.faults().push(Fault::new(FaultKind::ResetAfter).times(1));
    assert!(patch(&server, &client, "n", label("1")).await.is_err());
    assert_eq!(label_of(&server, "n"), "1");
}

#[tokio::test]
async fn a_delay_holds_the_request_up_and_lets_it_through() {
    let (server, client) = server_with("n").await;
    let delay = Duration::from_millis(50);
    server.faults().push(Fault::new(FaultKind::Delay(delay)).times(1));
    let start = Instant::now();
    assert_eq!(patch(&server, &client, "n", label("1")).await.unwrap().status(), 200);
    assert!(start.elapsed() >= delay);
}

#[tokio::test]
async fn another_writer_can_come_in_just_before_a_write() {
    let (server, client) = server_with("n").await;
    server.before_write(|method, path, store| {
        assert_eq!((method, path), ("PATCH", "/api/v1/nodes/n"));
        store
            .update_node("n", |node| {
                let taints = node["spec"]["taints"].as_array_mut().unwrap();
                taints.insert(0, json!({ "key": "somebody-elses", "effect": "NoExecute" }));
            })
            .unwrap();
    });
    let taint =
        json!({ "key": "node.cloudprovider.kubernetes.io/uninitialized", "value": "true", "effect": "NoSchedule" });
    let operations = json!([
        { "op": "test", "path": "/spec/taints/0", "value": taint },
        { "op": "remove", "path": "/spec/taints/0" },
    ]);
    let refused = patch(&server, &client, "n", operations).await.unwrap();
    assert_eq!(refused.status(), 422);
    assert_eq!(server.store().node("n").unwrap()["spec"]["taints"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn the_request_log_tells_who_asked_what() {
    let (server, client) = server_with("n").await;
    client.get(format!("{}/api/v1/nodes?limit=1", server.url())).send().await.unwrap();
    patch(&server, &client, "n", label("1")).await.unwrap();
    let all = server.requests().all();
    assert_eq!((all[0].path.as_str(), all[0].query.as_str(), all[0].status), ("/api/v1/nodes", "limit=1", 200));
    assert_eq!(all[0].user_agent, "tests/1");
    assert_eq!(server.requests().writes(), all[1..]);
    server.requests().clear();
    assert_eq!(server.requests().count(), 0);
}

#[tokio::test]
async fn concurrent_patches_of_one_node_are_all_kept() {
    let (server, client) = server_with("n").await;
    let patches = (0..50).map(|number| {
        let operation = json!([{ "op": "add", "path": format!("/metadata/labels/l{number}"), "value": "1" }]);
        patch(&server, &client, "n", operation)
    });
    for answer in futures::future::join_all(patches).await {
        assert_eq!(answer.unwrap().status(), 200);
    }
    let node = server.store().node("n").unwrap();
    let labels = node["metadata"]["labels"].as_object().unwrap();
    assert_eq!(labels.keys().filter(|key| key.starts_with('l')).count(), 50);
}

#[tokio::test]
async fn a_port_in_use_is_an_error_that_names_it() {
    let server = Server::start().await.unwrap();
    let address = server.url().trim_start_matches("http://").parse().unwrap();
    let error = Server::builder().bind(address).start().await.unwrap_err();
    assert!(error.to_string().contains(&address.to_string()), "{error}");
}

#[tokio::test]
async fn a_dropped_server_answers_no_more() {
    let (server, client) = server_with("n").await;
    let url = format!("{}/readyz", server.url());
    assert!(client.get(&url).send().await.is_ok());
    drop(server);
    while client.get(&url).send().await.is_ok() {
        tokio::task::yield_now().await;
    }
}
