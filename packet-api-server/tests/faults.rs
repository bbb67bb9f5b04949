//! Faults over HTTP: what a client meets, and what the log says of it. `server.rs` has those that make up a single answer.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use common::{Asker, devices, hostnames};
use packet_api_server::{Fault, FaultKind, Server};
use reqwest::Method;
use serde_json::Value;
use std::time::{Duration, Instant};

#[tokio::test]
async fn a_share_of_the_requests_goes_wrong_the_same_ones_with_the_same_seed() {
    let statuses = async |seed| {
        let server = Server::builder().seed(seed).start().await.unwrap();
        server.faults().push(Fault::new(FaultKind::status(503)).share(0.3).always());
        let asker = Asker::of(&server);
        for _ in 0..60 {
            asker.get("locations/metros").await;
        }
        server.requests().all().iter().map(|record| record.status).collect::<Vec<_>>()
    };
    let one = statuses(1).await;
    let hit = one.iter().filter(|status| **status == 503).count();
    assert!((6..=32).contains(&hit), "{hit}");
    assert_eq!(one, statuses(1).await);
    assert_ne!(one, statuses(2).await);
}

#[tokio::test]
async fn a_fault_may_be_for_one_page_of_a_list() {
    let server = Server::start().await.unwrap();
    server.store().create_devices(5, "node-");
    server.faults().push("GET contains=&page=2 502".parse().unwrap());
    let asker = Asker::of(&server);
    let page = |n| format!("{}?per_page=2&page={n}", devices(&server));
    assert_eq!(asker.get(&page(1)).await.0, 200);
    assert_eq!(asker.get(&page(2)).await.0, 502);
    assert_eq!(hostnames(&asker.ok(&page(3)).await), ["node-0004"]);
    let exchanges = server.requests().exchanges();
    assert_eq!(exchanges.iter().map(|one| one.fault.as_deref()).collect::<Vec<_>>(), [None, Some("502"), None]);
}

#[tokio::test]
async fn a_slow_body_comes_at_the_speed_that_was_set_after_its_head() {
    let server = Server::start().await.unwrap();
    server.faults().push(Fault::new(FaultKind::slow_body(50_000)));
    let asker = Asker::of(&server);
    let before = Instant::now();
    let answer = asker.send(Method::GET, "facilities", None).await;
    let head = before.elapsed();
    let body = answer.bytes().await.unwrap();
    let pieces = body.len().div_ceil(5_000);
    assert!(pieces > 1, "too small to be slow: {}", body.len());
    let least = Duration::from_millis(100) * u32::try_from(pieces).unwrap();
    assert!(before.elapsed() >= least, "{:?} for {} bytes", before.elapsed(), body.len());
    assert!(head + Duration::from_millis(100) <= before.elapsed(), "{head:?}");
    assert!(serde_json::from_slice::<Value>(&body).unwrap()["facilities"].is_array());
    let closed = async {
        while server.requests().exchanges()[0].took.is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), closed).await.unwrap();
    let exchange = &server.requests().exchanges()[0];
    assert_eq!(
        (exchange.status, exchange.bytes, exchange.fault.as_deref()),
        (200, body.len() as u64, Some("slow-body=50000"))
    );
    assert!(exchange.took.unwrap() >= least);
}

#[tokio::test]
async fn a_slow_body_that_nobody_waits_for_is_recorded_as_far_as_it_came() {
    let server = Server::start().await.unwrap();
    server.faults().push(Fault::new(FaultKind::slow_body(10)));
    let answer = Asker::of(&server).send(Method::GET, "facilities", None).await;
    drop(answer);
    let closed = async {
        while server.requests().exchanges()[0].took.is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), closed).await.unwrap();
    assert!(server.requests().bytes() < 1_000, "{}", server.requests().bytes());
}

#[tokio::test]
async fn a_slow_body_does_not_keep_the_server_from_stopping() {
    let server = Server::start().await.unwrap();
    server.faults().push(Fault::new(FaultKind::slow_body(10)));
    let answer = Asker::of(&server).send(Method::GET, "facilities", None).await;
    let stopping = Instant::now();
    let (body, ()) = tokio::join!(answer.bytes(), server.stop());
    assert!(body.is_err());
    assert!(stopping.elapsed() < Duration::from_secs(4), "{:?}", stopping.elapsed());
}

#[tokio::test]
async fn an_answer_of_the_wrong_shape_is_json_that_holds_the_real_one() {
    let server = Server::start().await.unwrap();
    server.store().create_devices(1, "node-");
    server.faults().push(Fault::new(FaultKind::WrongShape));
    let asker = Asker::of(&server);
    let wrong = asker.ok(&devices(&server)).await;
    let right = asker.ok(&devices(&server)).await;
    assert_eq!(wrong, serde_json::json!({"data": right}));
}

#[tokio::test]
async fn a_request_that_hangs_is_in_the_log_until_the_client_gives_up() {
    let server = Server::start().await.unwrap();
    server.faults().push(Fault::new(FaultKind::Hang).method("GET"));
    let asker = Asker::of(&server);
    let request = asker.client.get(format!("{}plans", server.url())).timeout(Duration::from_millis(50)).send();
    assert!(request.await.unwrap_err().is_timeout());
    let closed = async {
        while server.requests().exchanges()[0].took.is_none() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), closed).await.unwrap();
    let exchange = &server.requests().exchanges()[0];
    assert_eq!((exchange.status, exchange.fault.as_deref()), (0, Some("hang")));
}
