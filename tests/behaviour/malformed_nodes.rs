//! Nodes that cannot be read, which no API server that checks types would send.

use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use kube::runtime::watcher;
use kube::{Api, ResourceExt};
use packet_cloud_controller_manager::kubernetes::NodeObject;
use serde_json::json;
use wiremock::matchers::{path, query_param, query_param_is_missing};
use wiremock::{Mock, MockServer, ResponseTemplate};

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test]
async fn a_node_that_cannot_be_read_does_not_end_the_watch_for_the_others() {
    let node = |name: &str, version: &str, labels: &serde_json::Value| {
        let metadata = json!({"name": name, "resourceVersion": version, "labels": labels});
        json!({"type": "MODIFIED", "object": {"metadata": metadata}})
    };
    let odd = json!({"topology.kubernetes.io/region": 7});
    let lines = format!("{}\n{}\n", node("odd", "2", &odd), node("sound", "3", &json!(null)));
    let server = MockServer::start().await;
    let nodes = || Mock::given(path("/api/v1/nodes"));
    let list = json!({"metadata": {"resourceVersion": "1"}, "items": []});
    let (list, watch) = (ResponseTemplate::new(200).set_body_json(list), ResponseTemplate::new(200));
    nodes().and(query_param_is_missing("watch")).respond_with(list).mount(&server).await;
    nodes().and(query_param("watch", "true")).respond_with(watch.set_body_string(lines)).mount(&server).await;
    let client = kube::Client::try_from(kube::Config::new(server.uri().parse().unwrap())).unwrap();

    let mut events = watcher(Api::<NodeObject>::all(client), watcher::Config::default()).boxed();
    let mut next = async || tokio::time::timeout(PATIENCE, events.try_next()).await.unwrap();
    assert!(matches!(next().await, Ok(Some(watcher::Event::Init))));
    assert!(matches!(next().await, Ok(Some(watcher::Event::InitDone))));
    assert!(matches!(next().await, Err(watcher::Error::WatchFailed(_))));
    assert!(matches!(next().await, Ok(Some(watcher::Event::Apply(node))) if node.name_any() == "sound"));
}
