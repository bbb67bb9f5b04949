//! The weather, the devices and the record, changed and read over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use common::{Asker, devices, hostnames};
use packet_api_server::{Latency, Outage, OutageKind, RateLimit, RateLimitHeaders, Server, Shifting};
use reqwest::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// Somebody who asks `/_admin/`, without a token.
fn admin(server: &Server) -> Asker {
    let mut asker = Asker::of(server);
    asker.url = asker.url.replace("/metal/v1/", "/_admin/");
    asker.token = String::new();
    asker
}

#[tokio::test]
async fn every_path_that_is_listed_is_there() {
    let server = Server::start().await.unwrap();
    let device = server.store().create_device(packet_api_server::DeviceSpec::new("node-a"));
    let admin = admin(&server);
    let listed = admin.ok("").await["there_is"].as_array().unwrap().clone();
    assert!(listed.len() > 15);
    for one in listed {
        let (methods, path) = one["request"].as_str().unwrap().split_once(" /_admin/").unwrap();
        let path = path.split('?').next().unwrap().replace("{id or hostname}", &device.id.to_string());
        for method in methods.split('|') {
            let body = (method != "GET").then(|| one["body"].clone());
            let (status, answer) = admin.ask(method.parse().unwrap(), &path.replace("{id}", "1"), body).await;
            let gone = method == "DELETE" && path == "faults/{id}" && status == 404;
            assert!(matches!(status, 200 | 201) || gone, "{method} {path}: {status} {answer}");
        }
    }
}

#[tokio::test]
async fn the_weather_is_set_and_answered_as_it_is_set() {
    let server = Server::start().await.unwrap();
    let admin = admin(&server);
    let limit = json!({"limit": "60/1m", "burst": 5, "headers": "retry-after", "retry_after": "date"});
    for (path, body) in [
        ("latency", json!({"latency": "20ms..30ms+1ms/device"})),
        ("rate-limit", json!({"rate_limit": limit})),
        ("outage", json!({"outage": "503"})),
        ("shifting", json!({"shifting": "both"})),
    ] {
        assert_eq!(admin.ask(Method::PUT, path, Some(body.clone())).await, (200, body.clone()));
        assert_eq!(admin.ok(path).await, body);
    }
    let ms = Duration::from_millis(1);
    assert_eq!(server.latency(), Latency::uniform(20 * ms, 30 * ms).per_device(ms));
    let limit = RateLimit::bucket(60, Duration::from_mins(1), 5).headers(RateLimitHeaders::RetryAfter);
    assert_eq!(server.rate_limit(), Some(limit.retry_after(packet_api_server::RetryAfter::Date)));
    assert_eq!(server.outage(), Some(Outage::new(OutageKind::Status(503))));
    assert_eq!(server.store().shifting(), Some(Shifting::Both));

    for path in ["latency", "rate-limit", "outage", "shifting"] {
        assert_eq!(admin.ask(Method::DELETE, path, None).await.0, 200);
    }
    assert_eq!(admin.ask(Method::PUT, "latency", Some(json!({"latency": "5ms"}))).await.0, 200);
    assert_eq!(admin.ask(Method::PUT, "latency", Some(json!({"latency": null}))).await.0, 200);
    let none = json!({"latency": "0ms", "rate_limit": null, "outage": null, "shifting": null});
    assert_eq!(admin.ok("weather").await, none);
}

#[tokio::test]
async fn the_weather_does_not_touch_those_who_set_it() {
    let server = Server::builder().rate_limit(RateLimit::window(1, Duration::from_hours(1))).start().await.unwrap();
    server.set_latency(Duration::from_hours(1));
    server.set_outage(Some(Outage::new(OutageKind::Hang)));
    server.faults().push("500".parse().unwrap());
    let admin = admin(&server);
    for _ in 0..3 {
        assert_eq!(admin.ok("outage").await, json!({"outage": "hang"}));
    }
    assert_eq!(server.requests().count(), 0);
    assert_eq!(server.faults().waiting().len(), 1);
}

#[tokio::test]
async fn an_outage_that_closes_the_port_must_end_by_itself() {
    let server = Server::start().await.unwrap();
    let (status, answer) = admin(&server).ask(Method::PUT, "outage", Some(json!({"outage": "refuse"}))).await;
    assert_eq!(status, 400);
    assert!(answer["error"].as_str().unwrap().contains("refuse for=30s"), "{answer}");
    assert_eq!(server.outage(), None);
}

#[tokio::test]
async fn faults_are_added_listed_and_removed() {
    let server = Server::start().await.unwrap();
    let (admin, asker) = (admin(&server), Asker::of(&server));
    let (status, added) = admin.ask(Method::POST, "faults", Some(json!({"fault": "GET /plans 503 times=2"}))).await;
    assert_eq!((status, &added["fault"]), (201, &json!("GET /plans 503 times=2")));
    admin.ask(Method::POST, "faults", Some(json!({"fault": "/facilities hang"}))).await;
    assert_eq!(asker.get("plans").await.0, 503);
    let listed = admin.ok("faults").await;
    assert_eq!(listed["faults"][0]["fault"], "GET /plans 503 times=1", "one of two is left");
    assert_eq!(admin.ask(Method::DELETE, &format!("faults/{}", added["id"]), None).await.0, 200);
    assert_eq!(admin.ask(Method::DELETE, &format!("faults/{}", added["id"]), None).await.0, 404);
    assert_eq!(asker.get("plans").await.0, 200);
    assert_eq!(admin.ask(Method::DELETE, "faults", None).await, (200, json!({"removed": 1})));
    assert_eq!(asker.get("facilities").await.0, 200);
}

#[tokio::test]
async fn devices_come_change_and_go() {
    let server = Server::start().await.unwrap();
    let (admin, asker) = (admin(&server), Asker::of(&server));
    let wanted = json!({"hostname": "node-a", "facility": "ny5", "plan": "m3.large.x86", "tags": ["x"]});
    let (status, created) = admin.ask(Method::POST, "devices", Some(wanted)).await;
    assert_eq!((status, &created["state"]), (201, &json!("active")));
    let path = format!("devices/{}", created["id"].as_str().unwrap());
    let device = asker.ok(&path).await;
    assert_eq!((&device["metro"]["code"], &device["plan"]["slug"]), (&json!("ny"), &json!("m3.large.x86")));

    let many = json!({"count": 3, "hostname_prefix": "more-", "first": 7, "facilities": ["sv15"]});
    assert_eq!(admin.ask(Method::POST, "devices", Some(many)).await, (201, json!({"created": 3})));
    assert_eq!(hostnames(&asker.ok(&devices(&server)).await), ["node-a", "more-0007", "more-0008", "more-0009"]);

    let change = json!({"state": "inactive", "hostname": "node-b"});
    assert_eq!(admin.ask(Method::PATCH, "devices/node-a", Some(change)).await.0, 200);
    assert_eq!(
        (&asker.ok(&path).await["state"], &asker.ok(&path).await["hostname"]),
        (&json!("inactive"), &json!("node-b"))
    );
    assert_eq!(admin.ok("devices/node-b").await["id"], created["id"]);
    assert_eq!(admin.ask(Method::DELETE, "devices/node-b", None).await.0, 200);
    assert_eq!(asker.get(&path).await.0, 404);
}

#[tokio::test]
async fn the_record_is_read_from_a_time_on_summed_up_and_forgotten() {
    let server = Server::start().await.unwrap();
    let (admin, asker) = (admin(&server), Asker::of(&server));
    server.faults().push("404 contains=nobody times=1".parse().unwrap());
    asker.get("plans").await;
    asker.get("devices/nobody?include=plan").await;
    asker.get("devices/x").await;
    let all = admin.ok("requests").await["requests"].as_array().unwrap().clone();
    assert_eq!(all.len(), 3);
    assert_eq!(
        (&all[1]["method"], &all[1]["path"], &all[1]["query"], &all[1]["status"], &all[1]["fault"]),
        (&json!("GET"), &json!("/metal/v1/devices/nobody"), &json!("include=plan"), &json!(404), &json!("404"))
    );
    assert!(all[0]["took"].as_f64().unwrap() > 0.0 && all[0]["bytes"].as_u64().unwrap() > 1_000);
    let since = admin.ok(&format!("requests?since={}", all[1]["at"])).await;
    assert_eq!(since["requests"].as_array().unwrap()[..], all[1..]);

    let summary = admin.ok("requests/summary?window=1m").await;
    assert_eq!((&summary["requests"], &summary["most_in"]["requests"]), (&json!(3), &json!(3)));
    assert_eq!(summary["by_path"]["GET /devices/{id}"]["requests"], 2);
    assert_eq!((&summary["by_status"]["200"], &summary["by_status"]["404"]), (&json!(1), &json!(2)));
    let per_second = summary["per_second"]["requests"].as_array().unwrap();
    assert_eq!(per_second.iter().filter_map(Value::as_u64).sum::<u64>(), 3);

    assert_eq!(admin.ask(Method::DELETE, "requests", None).await, (200, json!({"forgotten": 3})));
    assert_eq!(server.requests().count(), 0);
}

#[tokio::test]
async fn bad_input_is_answered_with_what_would_be_right() {
    let server = Server::start().await.unwrap();
    server.store().create_devices(1, "twin-");
    let twin = server.store().create_devices(1, "twin-")[0].id;
    let admin = admin(&server);
    let long = "x".repeat(9);
    for (method, path, body, status, advice) in [
        (Method::GET, "no/such/path", json!(null), 404, "GET /_admin/ lists"),
        (Method::POST, "latency", json!({}), 405, "GET /_admin/ lists"),
        (Method::PUT, "latency", json!({}), 400, "missing field `latency`"),
        (Method::PUT, "latency", json!([]), 400, r#"like {"latency": "50ms"}"#),
        (Method::PUT, "latency", json!({"latency": "slow"}), 400, "100ms"),
        (Method::PUT, "rate-limit", json!({}), 400, "missing field `rate_limit`"),
        (Method::PUT, "rate-limit", json!({"rate_limit": {"limit": "60"}}), 400, "60/1m"),
        (Method::PUT, "rate-limit", json!({"rate_limit": {"limit": "6/1s", "headers": "some"}}), 400, "counters"),
        (Method::PUT, "rate-limit", json!({"rate_limit": {"limit": "6/1s", "burst": 0}}), 400, "at least 1"),
        (Method::PUT, "outage", json!({}), 400, "missing field `outage`"),
        (Method::PUT, "outage", json!({"outage": "bad"}), 400, "refuse, reset, hang"),
        (Method::PUT, "shifting", json!({"shifting": "left"}), 400, "`grows`"),
        (Method::POST, "faults", json!({"fault": "explode"}), 400, "html=502"),
        (Method::DELETE, "faults/x", json!(null), 404, "GET /_admin/faults"),
        (Method::POST, "devices", json!({"hostname": ""}), 400, "must not be empty"),
        (Method::POST, "devices", json!({"hostname": "a", "colour": "red"}), 400, "`colour`"),
        (Method::POST, "devices", json!({"hostname": "a", "state": "on"}), 400, "`active`"),
        (Method::POST, "devices", json!({"hostname": "a", "facility": "atlantis"}), 400, "GET /facilities"),
        (Method::POST, "devices", json!({"hostname": "a", "metro": "zz"}), 400, "GET /locations/metros"),
        (Method::POST, "devices", json!({"count": 2, "plans": [long]}), 400, "GET /plans"),
        (Method::POST, "devices", json!({"count": 2_000_000}), 400, "at most 1000000"),
        (Method::POST, "devices", json!({"hostname": "a", "id": twin}), 409, "leave the id out"),
        (Method::PATCH, "devices/nobody", json!({"state": "active"}), 404, "in full"),
        (Method::PATCH, "devices/twin-0000", json!({"state": "active"}), 409, "use one of their ids"),
        (Method::PATCH, "devices/twin-0000", json!({}), 400, "changes nothing"),
        (Method::GET, "requests?since=yesterday", json!(null), 400, "seconds"),
        (Method::GET, "requests?sinec=1", json!(null), 400, "unknown field `sinec`"),
        (Method::GET, "requests/summary?window=x", json!(null), 400, "100ms"),
    ] {
        let sent = (!body.is_null()).then(|| body.clone());
        let (answered, json) = admin.ask(method.clone(), path, sent).await;
        let error = json["error"].as_str().unwrap_or_default();
        assert!(answered == status && error.contains(advice), "{method} {path} {body}: {answered} {json}");
    }
    assert_eq!(server.store().devices().len(), 2);
}
