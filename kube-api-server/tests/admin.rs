//! The admin address: what whoever runs the simulation can change and see while clients are at work.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use kube_api_server::{NodeSpec, Server};
use reqwest::{Client, Method};
use serde_json::{Value, json};

struct Admin {
    server: Server,
    client: Client,
}

impl Admin {
    async fn start() -> Admin {
        let _installed = rustls::crypto::ring::default_provider().install_default();
        let server = Server::start().await.unwrap();
        Admin { server, client: Client::builder().no_proxy().build().unwrap() }
    }

    /// The status code and the answer.
    async fn ask(&self, method: Method, path: &str, body: &str) -> (u16, Value) {
        let request = self.client.request(method, format!("{}/_admin{path}", self.server.url())).body(body.to_owned());
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json().await.unwrap())
    }

    async fn status_of_a_get(&self) -> u16 {
        let request = self.client.get(format!("{}/api/v1/nodes", self.server.url()));
        request.send().await.unwrap().status().as_u16()
    }
}

#[tokio::test]
async fn the_menu_names_everything_that_is_answered() {
    let admin = Admin::start().await;
    let (status, menu) = admin.ask(Method::GET, "/", "").await;
    assert_eq!(status, 200);
    for entry in menu.as_array().unwrap() {
        let (method, path) = entry["request"].as_str().unwrap().split_once(' ').unwrap();
        let path = path.strip_prefix("/_admin").unwrap();
        let (status, answer) = admin.ask(method.parse().unwrap(), path, "").await;
        // Where a body is wanted, it is missing; but nothing that is listed is unknown.
        assert!(status == 200 || status == 400, "{entry}: {status} {answer}");
    }
}

#[tokio::test]
async fn the_weather_changes_while_it_runs() {
    let admin = Admin::start().await;
    let change =
        r#"{"methodLatency":{"PATCH":"p50=5ms,p99=80ms"},"requestLimit":"1,burst=1","dropWatchesEvery":"30s"}"#;
    let (status, weather) = admin.ask(Method::PATCH, "/weather", change).await;
    let expected = json!({
        "latency": null, "methodLatency": { "PATCH": "p50=5ms,p99=80ms" }, "requestLimit": "1,burst=1",
        "dropWatchesEvery": "30s", "compactEvery": null,
    });
    assert_eq!((status, &weather), (200, &expected));
    assert_eq!((admin.status_of_a_get().await, admin.status_of_a_get().await), (200, 429));
    let (_, weather) = admin.ask(Method::PATCH, "/weather", r#"{"requestLimit":null}"#).await;
    assert_eq!((&weather["requestLimit"], &weather["dropWatchesEvery"]), (&Value::Null, &json!("30s")));
    assert_eq!(admin.status_of_a_get().await, 200);
}

#[tokio::test]
async fn faults_come_and_go_and_do_not_meet_the_admin() {
    let admin = Admin::start().await;
    let faults = r#"{"faults":["503,method=GET","409,method=PATCH,share=0.01"]}"#;
    let (status, shown) = admin.ask(Method::POST, "/faults", faults).await;
    assert_eq!((status, &shown["faults"][1]), (200, &json!("409,method=PATCH,share=0.01")));
    assert_eq!(admin.status_of_a_get().await, 503);
    assert_eq!(admin.ask(Method::GET, "/faults", "").await.0, 200);
    assert_eq!(admin.ask(Method::DELETE, "/faults", "").await.1, json!({ "faults": [] }));
    assert_eq!(admin.status_of_a_get().await, 200);
}

#[tokio::test]
async fn nodes_are_registered_changed_and_deleted() {
    let admin = Admin::start().await;
    admin.server.store().create_node(NodeSpec::new("other")).unwrap();
    let (status, answer) =
        admin.ask(Method::POST, "/nodes", r#"{"count":12,"prefix":"n-","first":5,"realisticSize":true}"#).await;
    assert_eq!((status, answer), (200, json!({ "registered": 12 })));
    let change = r#"{"prefix":"n-","count":2,"ready":false,"taint":{"key":"k","effect":"NoExecute"}}"#;
    assert_eq!(admin.ask(Method::PATCH, "/nodes", change).await, (200, json!({ "changed": 2 })));
    let ready = |name: &str| {
        let node = admin.server.store().node(name).unwrap();
        let tainted = node["spec"]["taints"].as_array().unwrap().iter().any(|taint| taint["key"] == "k");
        let conditions = node["status"]["conditions"].as_array().unwrap().clone();
        (conditions.iter().find(|one| one["type"] == "Ready").unwrap()["status"].clone(), tainted)
    };
    assert_eq!((ready("n-0006"), ready("n-0007")), ((json!("Unknown"), true), (json!("True"), false)));
    assert_eq!(admin.ask(Method::DELETE, "/nodes", r#"{"prefix":"n-"}"#).await, (200, json!({ "deleted": 12 })));
    assert_eq!(admin.server.store().nodes().len(), 1);
}

#[tokio::test]
async fn what_clients_asked_is_told_and_what_the_admin_asks_is_not() {
    let admin = Admin::start().await;
    admin.status_of_a_get().await;
    admin.ask(Method::GET, "/requests", "").await;
    let (_, requests) = admin.ask(Method::GET, "/requests?limit=5", "").await;
    assert_eq!((&requests["count"], &requests["newest"][0]["path"]), (&json!(1), &json!("/api/v1/nodes")));
    let (_, summary) = admin.ask(Method::GET, "/requests/summary", "").await;
    let kind = &summary["byKind"][0];
    assert_eq!((&kind["verb"], &kind["resource"], &kind["status"]), (&json!("list"), &json!("nodes"), &json!(200)));
    assert!(kind["bytes"].as_u64().unwrap() > 50);
    assert_eq!(summary["perSecond"][0]["requests"], 1);
    admin.ask(Method::DELETE, "/requests", "").await;
    assert_eq!(admin.server.requests().count(), 0);
}

#[tokio::test]
async fn a_mistake_is_told_with_what_would_be_right() {
    let admin = Admin::start().await;
    for (method, path, body, status, words) in [
        (Method::GET, "/whether", "", 404, "GET /_admin/ lists"),
        (Method::PUT, "/weather", "{}", 405, "GET, PATCH"),
        (Method::PATCH, "/weather", r#"{"latencie":"5ms"}"#, 400, "unknown field `latencie`"),
        (Method::PATCH, "/weather", r#"{"latency":"slow","requestLimit":"5"}"#, 400, "p50=5ms,p99=80ms"),
        (Method::PATCH, "/weather", r#"{"compactEvery":"0s"}"#, 400, "above zero"),
        (Method::POST, "/faults", r#"{"faults":["429","oops"]}"#, 400, "share=0.01"),
        (Method::POST, "/nodes", r#"{"count":1,"prefix":"UPPER"}"#, 422, "UPPER"),
        (Method::DELETE, "/nodes", "{}", 400, "say which Nodes"),
        (Method::PATCH, "/nodes", r#"{"names":["n"]}"#, 400, "say what is to change"),
        (Method::PATCH, "/nodes", r#"{"names":["n"],"ready":false}"#, 404, "Node n"),
        (Method::GET, "/requests?limit=many", "", 400, "limit=many"),
    ] {
        let (answered, answer) = admin.ask(method.clone(), path, body).await;
        let error = answer["error"].as_str().unwrap();
        assert!(answered == status && error.contains(words), "{method} {path}: {answered} {error}");
    }
    // A change that is wrong in one place changes nothing.
    assert!(admin.server.faults().pending() == 0);
    assert_eq!(admin.ask(Method::GET, "/weather", "").await.1["requestLimit"], Value::Null);
}
