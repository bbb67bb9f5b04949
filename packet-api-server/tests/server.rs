//! The server itself: its token, its log, its faults, its beginning and end, and what is not a device.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use common::{Asker, devices};
use packet_api_server::{DeviceSpec, Facility, Fault, FaultKind, Metro, Plan, ServeError, Server};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What comes back, byte by byte, until the connection ends.
async fn raw(server: &Server, path: &str) -> Vec<u8> {
    let mut connection = tokio::net::TcpStream::connect(server.address().unwrap()).await.unwrap();
    let request =
        format!("GET /metal/v1/{path} HTTP/1.1\r\nHost: localhost\r\nX-Auth-Token: {}\r\n\r\n", server.token());
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let end = connection.read_to_end(&mut answer);
    // A connection that is torn down rather than closed counts as ended, too.
    let _ = tokio::time::timeout(Duration::from_secs(10), end).await.expect("the connection stays open");
    answer
}

#[tokio::test]
async fn without_the_right_token_nothing_is_answered() {
    let server = Server::start().await.unwrap();
    let mut asker = Asker::of(&server);
    asker.token = "wrong".into();
    for path in [devices(&server), "plans".into(), "devices/x".into(), "no/such/path".into()] {
        let expected = (401, json!({"error": "Invalid authentication token"}));
        assert_eq!(asker.get(&path).await, expected, "{path}");
    }
    let without = asker.client.get(format!("{}plans", server.url())).send().await.unwrap();
    assert_eq!(without.status(), 401);
}

#[tokio::test]
async fn a_rotated_token_stops_working() {
    let server = Server::start().await.unwrap();
    let mut asker = Asker::of(&server);
    server.store().set_token("new");
    assert_eq!(asker.get("plans").await.0, 401);
    asker.token = "new".into();
    assert_eq!(asker.get("plans").await.0, 200);
}

#[tokio::test]
async fn a_project_is_there_forbidden_or_gone() {
    let server = Server::start().await.unwrap();
    let (asker, path) = (Asker::of(&server), format!("projects/{}", server.project_id()));
    let device = server.store().create_device(DeviceSpec::new("node-a"));
    assert_eq!(asker.ok(&path).await["devices"], json!([{"href": format!("/metal/v1/devices/{}", device.id)}]));
    assert!(server.store().forbid_project(&server.project_id()));
    assert_eq!(asker.get(&path).await.0, 403);
    assert_eq!(asker.get(&format!("devices/{}", device.id)).await.0, 403);
    assert!(server.store().allow_project(&server.project_id()));
    assert_eq!(asker.get(&path).await.0, 200);
    assert!(server.store().remove_project(&server.project_id()));
    assert_eq!(asker.get(&path).await.0, 404);
    assert_eq!(asker.get(&format!("devices/{}", device.id)).await.0, 404);
}

#[tokio::test]
async fn a_project_with_devices_is_not_deleted() {
    let server = Server::start().await.unwrap();
    let (asker, path) = (Asker::of(&server), format!("projects/{}", server.project_id()));
    let device = server.store().create_device(DeviceSpec::new("node-a"));
    assert_eq!(asker.ask(Method::DELETE, &path, None).await.0, 403);
    let (status, renamed) = asker.ask(Method::PUT, &path, Some(json!({"name": "mine", "tags": ["x"]}))).await;
    assert_eq!((status, &renamed["name"], &renamed["tags"]), (200, &json!("mine"), &json!(["x"])));
    server.store().delete_device(&device.id);
    assert_eq!(asker.ask(Method::DELETE, &path, None).await.0, 204);
    assert_eq!(asker.get(&path).await.0, 404);
}

#[tokio::test]
async fn the_catalogue_is_listed_and_can_be_added_to() {
    let server = Server::start().await.unwrap();
    server.store().add_metro(Metro::new("zz", "Zzyzx", "US"));
    server.store().add_facility(Facility::new("zz1", "Zzyzx", "zz"));
    server.store().add_plan(Plan::new("z1.tiny"));
    let asker = Asker::of(&server);
    let facilities = asker.ok("facilities").await;
    let code = |code: &str| {
        let all = facilities["facilities"].as_array().unwrap();
        all.iter().find(|there| there["code"] == code).cloned().unwrap()
    };
    assert_eq!(code("zz1")["metro"]["name"], "Zzyzx");
    assert!(code("sjc1").get("metro").is_none());
    assert_eq!(code("ewr1")["address"].as_object().unwrap().keys().collect::<Vec<_>>(), ["href"]);
    let included = asker.ok("facilities?include=address").await;
    assert!(included["facilities"][0]["address"]["zip_code"].is_string());
    assert_eq!(asker.ok(&format!("projects/{}/facilities", server.project_id())).await, facilities);
    let metros = asker.ok("locations/metros").await;
    assert!(metros["metros"].as_array().unwrap().iter().any(|metro| metro["code"] == "zz"));
    let plans = asker.ok("plans?slug=z1.tiny").await;
    assert_eq!(plans["plans"].as_array().unwrap().len(), 1);
    let legacy = asker.ok("plans?categories[]=legacy_gen&type=standard").await;
    assert!(legacy["plans"].as_array().unwrap().iter().all(|plan| plan["legacy"] == true));
    assert_eq!(asker.get("plans?type=cheap").await.0, 422);
}

#[tokio::test]
async fn an_address_is_reserved_assigned_changed_and_given_back() {
    let server = Server::start().await.unwrap();
    let asker = Asker::of(&server);
    let device = server.store().create_device(DeviceSpec::new("node-a"));
    let (list, of_device) = (format!("projects/{}/ips", server.project_id()), format!("devices/{}/ips", device.id));
    let (status, block) =
        asker.ask(Method::POST, &list, Some(json!({"type": "public_ipv4", "quantity": 4, "metro": "ny"}))).await;
    assert_eq!((status, &block["cidr"], &block["metro"]["code"]), (201, &json!(30), &json!("ny")), "{block}");
    assert_eq!(asker.ok(&format!("{list}?types=public_ipv4")).await["meta"]["total"], 1);
    assert_eq!(asker.ok(&format!("{list}?types=global_ipv4,vrf")).await["meta"]["total"], 0);

    let address = json!({"address": format!("{}/32", block["network"].as_str().unwrap())});
    let (status, assigned) = asker.ask(Method::POST, &of_device, Some(address.clone())).await;
    assert_eq!((status, &assigned["address"]), (201, &block["network"]));
    assert_eq!(asker.ask(Method::POST, &of_device, Some(address)).await.0, 422, "assigned already");
    assert_eq!(asker.ok(&of_device).await["ip_addresses"].as_array().unwrap().len(), 4);

    let assignment = format!("ips/{}", assigned["id"].as_str().unwrap());
    let (status, tagged) = asker.ask(Method::PATCH, &assignment, Some(json!({"tags": ["vip"]}))).await;
    assert_eq!((status, &tagged["tags"]), (200, &json!(["vip"])));
    let reservation = format!("ips/{}", block["id"].as_str().unwrap());
    assert_eq!(asker.ask(Method::DELETE, &reservation, None).await.0, 403, "still assigned from");
    assert_eq!(asker.ask(Method::DELETE, &assignment, None).await.0, 204);
    assert_eq!(asker.ask(Method::DELETE, &reservation, None).await.0, 204);
    assert_eq!(asker.get(&reservation).await.0, 404);
    let own = format!("ips/{}", device.ip_addresses[0].id);
    assert_eq!(asker.ok(&own).await["address"], device.ip_addresses[0].address.to_string());
    assert_eq!(asker.ask(Method::DELETE, &own, None).await.0, 403, "the device came with it");
}

#[tokio::test]
async fn too_many_addresses_are_pending_or_refused() {
    let server = Server::start().await.unwrap();
    let asker = Asker::of(&server);
    let list = format!("projects/{}/ips", server.project_id());
    let mut wanted = json!({"type": "public_ipv4", "quantity": 512, "metro": "ny"});
    let (status, pending) = asker.ask(Method::POST, &list, Some(wanted.clone())).await;
    assert_eq!((status, &pending["state"]), (201, &json!("pending")));
    wanted["fail_on_approval_required"] = json!(true);
    assert_eq!(asker.ask(Method::POST, &list, Some(wanted)).await.0, 422);
    let (status, _) = asker.ask(Method::POST, &list, Some(json!({"type": "public_ipv4", "quantity": 1}))).await;
    assert_eq!(status, 422, "nowhere to put it");
}

#[tokio::test]
async fn the_log_shows_what_was_asked_but_never_the_token() {
    let server = Server::start().await.unwrap();
    let asker = Asker::of(&server);
    asker.get("devices/nobody?include=plan").await;
    asker.get("plans").await;
    asker.client.get(server.url().replace("/metal/v1/", "/healthz")).send().await.unwrap();
    let all = server.requests().all();
    assert_eq!(server.requests().count(), 2, "a health probe does not count");
    assert_eq!(server.requests().count_of("/devices/"), 1);
    assert_eq!((all[0].method.as_str(), all[0].path.as_str()), ("GET", "/metal/v1/devices/nobody"));
    assert_eq!((all[0].query.as_deref(), all[0].status), (Some("include=plan"), 404));
    assert!(all[0].at <= all[1].at && all[1].bytes > 1_000);
    assert!(!format!("{server:?}{:?}{all:?}", Server::builder().token(server.token())).contains(server.token()));
}

#[tokio::test]
async fn a_canned_answer_comes_with_its_headers() {
    let server = Server::start().await.unwrap();
    server.faults().push(Fault::new(FaultKind::too_many_requests("7")).times(2));
    let asker = Asker::of(&server);
    for _ in 0..2 {
        let answer = asker.send(Method::GET, "plans", None).await;
        assert_eq!((answer.status().as_u16(), answer.headers()["retry-after"].to_str().unwrap()), (429, "7"));
    }
    assert_eq!(asker.get("plans").await.0, 200);
    assert_eq!(server.requests().all().iter().map(|record| record.status).collect::<Vec<_>>(), [429, 429, 200]);
}

#[tokio::test]
async fn a_proxys_page_is_html() {
    let server = Server::start().await.unwrap();
    server.faults().push(Fault::new(FaultKind::html(404)).path_prefix("/devices/"));
    let answer = Asker::of(&server).send(Method::GET, "devices/x", None).await;
    assert_eq!(answer.status(), 404);
    assert!(answer.headers()["content-type"].to_str().unwrap().starts_with("text/html"));
    assert!(answer.text().await.unwrap().contains("404 Not Found"));
}

#[tokio::test]
async fn a_truncated_answer_announces_more_than_it_sends() {
    let server = Server::start().await.unwrap();
    server.faults().push(Fault::new(FaultKind::Truncated));
    let text = String::from_utf8(raw(&server, "plans").await).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let announced: usize =
        head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap().parse().unwrap();
    assert_eq!(body.len(), announced / 2);
    assert_eq!(server.requests().all()[0].bytes, body.len() as u64);
}

#[tokio::test]
async fn a_malformed_answer_is_whole_but_no_json() {
    let server = Server::start().await.unwrap();
    server.faults().push(Fault::new(FaultKind::Malformed));
    let answer = Asker::of(&server).send(Method::GET, "plans", None).await;
    assert_eq!(answer.status(), 200);
    assert!(serde_json::from_str::<Value>(&answer.text().await.unwrap()).is_err());
}

#[tokio::test]
async fn a_reset_sends_nothing_at_all() {
    let server = Server::start().await.unwrap();
    server.faults().push(Fault::new(FaultKind::Reset));
    assert_eq!(raw(&server, "plans").await, b"");
    assert_eq!(server.requests().all()[0].status, 0);
}

#[tokio::test]
async fn a_hang_ends_when_the_server_stops() {
    let server = Server::start().await.unwrap();
    server.faults().push(Fault::new(FaultKind::Hang).always());
    let asker = Asker::of(&server);
    let request = asker.client.get(format!("{}plans", server.url())).send();
    let requests = server.requests().clone();
    let stop = async {
        while requests.count() == 0 {
            tokio::task::yield_now().await;
        }
        server.stop().await;
    };
    let (answer, ()) = tokio::join!(request, stop);
    assert!(answer.is_err());
}

#[tokio::test]
async fn a_delay_and_the_latency_add_up() {
    let server = Server::builder().latency(Duration::from_millis(20)).start().await.unwrap();
    server.faults().push(Fault::new(FaultKind::Delay(Duration::from_millis(30))));
    let asked = Instant::now();
    assert_eq!(Asker::of(&server).get("plans").await.0, 200);
    assert!(asked.elapsed() >= Duration::from_millis(50));
}

#[tokio::test]
async fn a_stopped_server_frees_its_port() {
    let server = Server::start().await.unwrap();
    let address = server.address().unwrap();
    server.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    Server::builder().bind(address).start().await.unwrap();
}

#[tokio::test]
async fn a_dropped_server_stops() {
    let server = Server::start().await.unwrap();
    let address = server.address().unwrap();
    drop(server);
    let gone = async { while tokio::net::TcpStream::connect(address).await.is_ok() {} };
    tokio::time::timeout(Duration::from_secs(10), gone).await.unwrap();
}

#[tokio::test]
async fn a_port_in_use_is_an_error_that_says_what_to_do() {
    let server = Server::start().await.unwrap();
    let error = Server::builder().bind(server.address().unwrap()).start().await.unwrap_err();
    assert!(matches!(error, ServeError::Listen { .. }));
    let text = error.to_string();
    assert!(text.contains(&server.address().unwrap().to_string()) && text.contains("choose another address"), "{text}");
}

#[tokio::test]
async fn a_method_that_a_path_does_not_have_is_named_in_allow() {
    let server = Server::start().await.unwrap();
    let answer = Asker::of(&server).send(Method::PATCH, "devices/x", None).await;
    assert_eq!(answer.status(), 405);
    let allow = answer.headers()["allow"].to_str().unwrap().to_owned();
    assert!(["GET", "PUT", "DELETE"].iter().all(|method| allow.contains(method)), "{allow}");
}
