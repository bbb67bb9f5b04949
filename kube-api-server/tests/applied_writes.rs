//! What a test hears of the writes that clients made.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::Method;
use common::{Ending, Within};
use kube_api_server::{AppliedWrite, Fault, FaultKind, NodeSpec, Server};
use serde_json::{Value, json};

const NODES: &str = "/api/v1/nodes";
const NODE: &str = "/api/v1/nodes/n";

/// What was heard: method, path, the label "l" before and after, each with whether there was an object at all.
type Heard = Arc<Mutex<Vec<(String, String, Option<Value>, Option<Value>)>>>;

async fn server() -> (Server, Within, Heard) {
    let server = Server::builder().start_in_process().await.unwrap();
    server.store().create_node(NodeSpec::new("n")).unwrap();
    let (client, heard) = (Within::of(&server), Heard::default());
    let told = heard.clone();
    server.after_write(move |write: &AppliedWrite<'_>| {
        assert_eq!(write.user_agent, "tests/1");
        let label = |object: &Option<Value>| object.as_ref().map(|object| object["metadata"]["labels"]["l"].clone());
        let (method, path) = (write.method.to_owned(), write.path.to_owned());
        told.lock().unwrap().push((method, path, label(&write.before), label(&write.after)));
    });
    (server, client, heard)
}

fn label(value: &str) -> Value {
    json!([{ "op": "add", "path": "/metadata/labels/l", "value": value }])
}

fn was(
    method: &str,
    path: &str,
    before: Option<Value>,
    after: Option<Value>,
) -> (String, String, Option<Value>, Option<Value>) {
    (method.to_owned(), path.to_owned(), before, after)
}

async fn ask(client: &Within, method: Method, path: &str, body: Option<Value>) -> u16 {
    client.ask_for(Duration::MAX, method, path, body.as_ref()).await.answer().0
}

#[tokio::test(start_paused = true)]
async fn each_step_of_an_object_is_heard_of_with_what_was_and_what_is() {
    let (_server, client, heard) = server().await;
    let created = NodeSpec::new("m").label("l", "1").into_value();
    assert_eq!(ask(&client, Method::POST, NODES, Some(created.clone())).await, 201);
    let m = format!("{NODES}/m");
    assert_eq!(ask(&client, Method::PATCH, &m, Some(label("2"))).await, 200);
    assert_eq!(ask(&client, Method::PUT, &m, Some(created)).await, 200);
    assert_eq!(ask(&client, Method::DELETE, &m, None).await, 200);
    let (one, two) = (Some(json!("1")), Some(json!("2")));
    let expected = [
        was("POST", NODES, None, one.clone()),
        was("PATCH", &m, one.clone(), two.clone()),
        was("PUT", &m, two, one.clone()),
        was("DELETE", &m, one, None),
    ];
    assert_eq!(*heard.lock().unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn an_object_that_its_finalizers_hold_goes_in_two_steps() {
    let (_server, client, heard) = server().await;
    let add = json!([{ "op": "add", "path": "/metadata/finalizers", "value": ["example.com/f"] }]);
    let remove = json!([{ "op": "remove", "path": "/metadata/finalizers" }]);
    assert_eq!(ask(&client, Method::PATCH, NODE, Some(add)).await, 200);
    assert_eq!(ask(&client, Method::DELETE, NODE, None).await, 200);
    assert_eq!(ask(&client, Method::PATCH, NODE, Some(remove)).await, 200);
    let there = Some(Value::Null);
    let expected = [
        was("PATCH", NODE, there.clone(), there.clone()),
        was("DELETE", NODE, there.clone(), there.clone()),
        was("PATCH", NODE, there, None),
    ];
    assert_eq!(*heard.lock().unwrap(), expected);
}

#[tokio::test(start_paused = true)]
async fn what_is_refused_or_changes_nothing_is_not_heard_of_and_neither_is_the_store() {
    let (server, client, heard) = server().await;
    assert_eq!(ask(&client, Method::PATCH, &format!("{NODE}?dryRun=All"), Some(label("1"))).await, 200);
    assert_eq!(ask(&client, Method::DELETE, &format!("{NODE}?dryRun=All"), None).await, 200);
    let test = json!([{ "op": "test", "path": "/metadata/name", "value": "n" }]);
    assert_eq!(ask(&client, Method::PATCH, NODE, Some(test)).await, 200);
    assert_eq!(ask(&client, Method::PATCH, &format!("{NODES}/absent"), Some(label("1"))).await, 404);
    assert_eq!(ask(&client, Method::POST, NODES, Some(NodeSpec::new("n").into_value())).await, 409);
    server.faults().push(Fault::new(FaultKind::Reset).times(1));
    assert_eq!(client.patch(NODE, &label("1")).await, Ending::Closed);
    server.store().update_node("n", |node| node["metadata"]["labels"]["l"] = "1".into()).unwrap();
    assert_eq!(*heard.lock().unwrap(), []);
}

#[tokio::test(start_paused = true)]
async fn a_write_whose_answer_is_cut_off_is_heard_of_and_so_is_each_object_of_many() {
    let (server, client, heard) = server().await;
    server.faults().push(Fault::new(FaultKind::ResetAfter).times(1));
    assert_eq!(client.patch(NODE, &label("1")).await, Ending::Closed);
    server.store().create_node(NodeSpec::new("o")).unwrap();
    assert_eq!(ask(&client, Method::DELETE, NODES, None).await, 200);
    let expected = [
        was("PATCH", NODE, Some(Value::Null), Some(json!("1"))),
        was("DELETE", NODES, Some(json!("1")), None),
        was("DELETE", NODES, Some(Value::Null), None),
    ];
    assert_eq!(*heard.lock().unwrap(), expected);
}
