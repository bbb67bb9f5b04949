//! Bad weather as a client sees it: latency, limits, shares of faults, watches that break every so often.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::time::{Duration, Instant};

use kube_api_server::{Latency, NodeSpec, RequestLimit, Server, ServerBuilder};
use reqwest::{Client, Response};

async fn start(builder: ServerBuilder) -> (Server, Client) {
    let _installed = rustls::crypto::ring::default_provider().install_default();
    let server = builder.start().await.unwrap();
    server.store().create_node(NodeSpec::new("n")).unwrap();
    (server, Client::builder().no_proxy().build().unwrap())
}

async fn get(server: &Server, client: &Client, path: &str) -> Response {
    client.get(format!("{}{path}", server.url())).send().await.unwrap()
}

#[tokio::test]
async fn a_latency_holds_up_the_method_it_is_for() {
    let delay = Duration::from_millis(60);
    let (server, client) = start(Server::builder().method_latency("patch", Latency::Fixed(delay))).await;
    let label = r#"[{"op":"add","path":"/metadata/labels/l","value":"1"}]"#;
    let patch = || {
        let request = client.patch(format!("{}/api/v1/nodes/n", server.url()));
        request.header("Content-Type", "application/json-patch+json").body(label).send()
    };
    let begun = Instant::now();
    assert_eq!(patch().await.unwrap().status(), 200);
    assert!(begun.elapsed() >= delay);
    server.set_method_latency("PATCH", None);
    server.set_latency(Latency::Fixed(delay));
    let begun = Instant::now();
    assert_eq!(get(&server, &client, "/api/v1/nodes/n").await.status(), 200);
    assert!(begun.elapsed() >= delay);
}

#[tokio::test]
async fn beyond_the_limit_requests_are_turned_away_but_probes_are_not() {
    let (server, client) = start(Server::builder().request_limit(RequestLimit { per_second: 1, burst: 2 })).await;
    for status in [200, 200, 429] {
        assert_eq!(get(&server, &client, "/api/v1/nodes/n").await.status(), status);
    }
    assert_eq!(get(&server, &client, "/readyz").await.status(), 200);
    let refused = get(&server, &client, "/api/v1/nodes/n").await;
    assert_eq!(refused.headers()["Retry-After"], "1");
    assert_eq!(refused.headers()["Content-Type"], "text/plain; charset=utf-8");
    assert_eq!(refused.text().await.unwrap(), "Too many requests, please try again later.\n");
    server.set_request_limit(None);
    assert_eq!(get(&server, &client, "/api/v1/nodes/n").await.status(), 200);
    let refusals = server.requests().all().iter().filter(|record| record.status == 429).count();
    assert_eq!(refusals, 2);
}

#[tokio::test]
async fn a_share_of_requests_fails_and_which_follows_from_the_seed() {
    let mut runs = Vec::new();
    for seed in [1, 1, 2] {
        let fault = "503,method=GET,path=/nodes,share=0.5".parse().unwrap();
        let (server, client) = start(Server::builder().seed(seed).fault(fault)).await;
        let mut statuses = Vec::new();
        for _ in 0..40 {
            statuses.push(get(&server, &client, "/api/v1/nodes/n").await.status().as_u16());
        }
        assert!(statuses.contains(&200) && statuses.contains(&503), "{statuses:?}");
        runs.push(statuses);
    }
    assert_eq!(runs[0], runs[1]);
    assert_ne!(runs[0], runs[2]);
}

#[tokio::test]
async fn watches_break_every_so_often() {
    let (server, client) = start(Server::builder().drop_watches_every(Duration::from_millis(20))).await;
    for _ in 0..2 {
        let mut watch = get(&server, &client, "/api/v1/nodes?watch=true").await;
        let broken = loop {
            match watch.chunk().await {
                Ok(Some(_)) => {}
                other => break other,
            }
        };
        assert!(broken.is_err(), "the watch ended as if it were over");
    }
    server.set_drop_watches_every(None);
}

#[tokio::test]
async fn history_is_forgotten_every_so_often() {
    let (server, client) = start(Server::builder().compact_every(Duration::from_millis(5))).await;
    let old = server.store().resource_version();
    server.store().create_node(NodeSpec::new("m")).unwrap();
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let path = format!("/api/v1/nodes?resourceVersion={old}&resourceVersionMatch=Exact");
        match get(&server, &client, &path).await.status().as_u16() {
            410 => break,
            status => assert!(status == 200 && Instant::now() < deadline, "{status}"),
        }
    }
}
