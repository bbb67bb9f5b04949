//! The client library of Rust's controllers, asking a server without a port.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use std::pin::pin;
use std::time::Duration;

use futures::TryStreamExt;
use k8s_openapi::api::core::v1::Node;
use kube::api::{Api, ListParams, Patch, PatchParams};
use kube::client::{Body, ClientBuilder, ConfigExt};
use kube::runtime::watcher;
use kube::{Client, Config, ResourceExt};
use kube_api_server::in_process;
use kube_api_server::{NodeSpec, Server};
use serde_json::json;
use tokio::time::Instant;

/// A client as `Client::try_from` makes it for a plain address, but for TLS, time-outs and retries.
fn client_of(server: &Server) -> Client {
    let config = Config::new(server.url().parse().unwrap());
    let http = in_process::client::<Body>(server.connector().unwrap());
    ClientBuilder::new(http, config.default_namespace.clone()).with_layer(&config.base_uri_layer()).build()
}

#[tokio::test(start_paused = true)]
async fn it_lists_and_patches() {
    let server = Server::builder().start_in_process().await.unwrap();
    server.store().create_node(NodeSpec::new("n")).unwrap();
    let nodes: Api<Node> = Api::all(client_of(&server));
    let listed = nodes.list(&ListParams::default()).await.unwrap();
    assert_eq!(listed.items.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), ["n"]);
    let label = json!({ "metadata": { "labels": { "l": "1" } } });
    nodes.patch("n", &PatchParams::default(), &Patch::Merge(label)).await.unwrap();
    assert_eq!(server.store().node("n").unwrap()["metadata"]["labels"]["l"], "1");
}

#[tokio::test(start_paused = true)]
async fn a_watcher_goes_on_after_its_watch_was_cut() {
    let server = Server::builder().start_in_process().await.unwrap();
    let mut events = pin!(watcher(Api::<Node>::all(client_of(&server)), watcher::Config::default()));
    let mut applied = async || loop {
        if let Ok(Some(watcher::Event::Apply(node))) = events.try_next().await {
            return node.name_any();
        }
    };
    let began = Instant::now();
    let change = async {
        for (second, name) in (1..).zip(["a", "b", "c"]) {
            tokio::time::sleep_until(began + Duration::from_secs(second)).await;
            server.store().create_node(NodeSpec::new(name)).unwrap();
            server.store().drop_watches();
        }
    };
    let seen = async { [applied().await, applied().await, applied().await] };
    let (seen, ()) = tokio::join!(seen, change);
    assert_eq!(seen, ["a", "b", "c"]);
    assert_eq!(began.elapsed(), Duration::from_secs(3));
}
