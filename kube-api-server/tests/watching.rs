//! Watches over HTTP: what ends them, and what they show meanwhile.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::time::Duration;

use kube_api_server::{NodeSpec, Server};
use reqwest::{Client, Response};
use serde_json::Value;

/// Events of a watch, one by one.
struct Events {
    response: Response,
    buffer: Vec<u8>,
}

impl Events {
    async fn open(server: &Server, query: &str) -> Events {
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().no_proxy().build().unwrap();
        let response = client.get(format!("{}/api/v1/nodes?watch=true&{query}", server.url())).send().await.unwrap();
        assert_eq!(response.status(), 200);
        Events { response, buffer: Vec::new() }
    }

    /// The next event; `Ok(None)` at the end, an error where the connection was cut.
    async fn next(&mut self) -> reqwest::Result<Option<Value>> {
        loop {
            if let Some(end) = self.buffer.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.buffer.drain(..=end).collect();
                return Ok(Some(serde_json::from_slice(&line).unwrap()));
            }
            match self.response.chunk().await? {
                Some(chunk) => self.buffer.extend_from_slice(&chunk),
                None => return Ok(None),
            }
        }
    }

    async fn next_type_and_name(&mut self) -> (String, String) {
        let event = self.next().await.unwrap().unwrap();
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
        (text("/type"), text("/object/metadata/name"))
    }
}

fn event(kind: &str, name: &str) -> (String, String) {
    (kind.to_owned(), name.to_owned())
}

#[tokio::test]
async fn a_watch_shows_changes_as_they_come() {
    let server = Server::start().await.unwrap();
    let mut events = Events::open(&server, &format!("resourceVersion={}", server.store().resource_version())).await;
    server.store().create_node(NodeSpec::new("a")).unwrap();
    assert_eq!(events.next_type_and_name().await, event("ADDED", "a"));
    server.store().update_node("a", |node| node["metadata"]["labels"]["l"] = "1".into()).unwrap();
    assert_eq!(events.next_type_and_name().await, event("MODIFIED", "a"));
    // A change that changes nothing is no event, so the next one is the deletion.
    server.store().update_node("a", |node| node["metadata"]["labels"]["l"] = "1".into()).unwrap();
    server.store().delete_node("a").unwrap();
    assert_eq!(events.next_type_and_name().await, event("DELETED", "a"));
}

#[tokio::test]
async fn a_watch_from_before_a_compaction_is_told_gone() {
    let server = Server::start().await.unwrap();
    let old = server.store().resource_version();
    server.store().create_node(NodeSpec::new("a")).unwrap();
    server.store().compact();
    let mut events = Events::open(&server, &format!("resourceVersion={old}")).await;
    let gone = events.next().await.unwrap().unwrap();
    assert_eq!(gone["type"], "ERROR");
    assert_eq!((&gone["object"]["code"], &gone["object"]["reason"]), (&410.into(), &"Expired".into()));
    assert_eq!(
        gone["object"]["message"],
        format!("too old resource version: {old} ({})", server.store().resource_version())
    );
    assert_eq!(events.next().await.unwrap(), None);
}

#[tokio::test]
async fn history_is_as_long_as_was_asked_for() {
    let server = Server::builder().history(2).start().await.unwrap();
    let old = server.store().resource_version();
    for name in ["a", "b", "c"] {
        server.store().create_node(NodeSpec::new(name)).unwrap();
    }
    let mut events = Events::open(&server, &format!("resourceVersion={old}")).await;
    assert_eq!(events.next().await.unwrap().unwrap()["object"]["code"], 410);
    let mut events = Events::open(&server, &format!("resourceVersion={}", old + 1)).await;
    assert_eq!(events.next_type_and_name().await, event("ADDED", "b"));
}

#[tokio::test]
async fn an_open_watch_survives_a_compaction() {
    let server = Server::start().await.unwrap();
    let mut events = Events::open(&server, &format!("resourceVersion={}", server.store().resource_version())).await;
    server.store().create_node(NodeSpec::new("a")).unwrap();
    assert_eq!(events.next_type_and_name().await, event("ADDED", "a"));
    server.store().compact();
    server.store().create_node(NodeSpec::new("b")).unwrap();
    assert_eq!(events.next_type_and_name().await, event("ADDED", "b"));
}

#[tokio::test]
async fn a_cut_watch_ends_in_the_middle() {
    let server = Server::start().await.unwrap();
    let mut events = Events::open(&server, "").await;
    server.store().create_node(NodeSpec::new("a")).unwrap();
    assert_eq!(events.next_type_and_name().await, event("ADDED", "a"));
    server.store().drop_watches();
    assert!(events.next().await.is_err());
    let mut again = Events::open(&server, "").await;
    assert_eq!(again.next_type_and_name().await, event("ADDED", "a"));
}

#[tokio::test]
async fn bookmarks_come_in_their_time_and_move_on() {
    let server = Server::builder().bookmark_interval(Duration::from_millis(10)).start().await.unwrap();
    let start = server.store().resource_version();
    let mut events = Events::open(&server, &format!("allowWatchBookmarks=true&resourceVersion={start}")).await;
    let bookmark = events.next().await.unwrap().unwrap();
    assert_eq!(bookmark["type"], "BOOKMARK");
    assert_eq!(bookmark["object"]["metadata"]["resourceVersion"], start.to_string());
    server.store().create_node(NodeSpec::new("a")).unwrap();
    let newest = server.store().resource_version().to_string();
    loop {
        let event = events.next().await.unwrap().unwrap();
        if event["type"] == "BOOKMARK" && event["object"]["metadata"]["resourceVersion"] == newest.as_str() {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bookmark_never_jumps_over_a_change() {
    const NODES: usize = 500;
    let server = Server::builder().bookmark_interval(Duration::from_millis(1)).start().await.unwrap();
    let query = format!("allowWatchBookmarks=true&resourceVersion={}", server.store().resource_version());
    let mut events = Events::open(&server, &query).await;
    let store = server.store().clone();
    let writer = tokio::task::spawn_blocking(move || {
        for number in 0..NODES {
            store.create_node(NodeSpec::new(&format!("node-{number:04}"))).unwrap();
        }
    });
    for number in 0..NODES {
        loop {
            let (kind, name) = events.next_type_and_name().await;
            if kind != "BOOKMARK" {
                assert_eq!((kind, name), event("ADDED", &format!("node-{number:04}")));
                break;
            }
        }
    }
    writer.await.unwrap();
}

#[tokio::test]
async fn a_watch_ends_with_the_server() {
    let server = Server::start().await.unwrap();
    let mut events = Events::open(&server, &format!("resourceVersion={}", server.store().resource_version())).await;
    server.stop().await;
    assert_eq!(events.next().await.unwrap(), None);
}

#[tokio::test]
async fn every_watcher_sees_every_change_of_a_burst_in_order() {
    const NODES: usize = 300;
    let server = Server::start().await.unwrap();
    let query = format!("resourceVersion={}", server.store().resource_version());
    let mut watchers = Vec::new();
    for _ in 0..4 {
        watchers.push(Events::open(&server, &query).await);
    }
    for number in 0..NODES {
        server.store().create_node(NodeSpec::new(&format!("node-{number:04}"))).unwrap();
    }
    for mut watcher in watchers {
        for number in 0..NODES {
            assert_eq!(watcher.next_type_and_name().await, event("ADDED", &format!("node-{number:04}")));
        }
    }
}

#[tokio::test]
async fn a_watch_may_be_asked_to_last_longer_than_clocks_can_tell() {
    let server = Server::start().await.unwrap();
    let mut events = Events::open(&server, &format!("timeoutSeconds={}", i64::MAX)).await;
    server.store().create_node(NodeSpec::new("n")).unwrap();
    assert_eq!(events.next_type_and_name().await, ("ADDED".to_owned(), "n".to_owned()));
}
