//! What the server is like at the moment, over HTTP: its latency, its rate limit, its outages, its lists that move.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use common::{Asker, devices, hostnames};
use packet_api_server::{Latency, Outage, OutageKind, RateLimit, RateLimitHeaders, RetryAfter, Server, Shifting};
use reqwest::{Method, Response};
use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime};

const MS: Duration = Duration::from_millis(1);

fn number(answer: &Response, name: &str) -> u64 {
    answer.headers()[name].to_str().unwrap().parse().unwrap()
}

/// Asks until the answer, or that there is none, is as wanted.
async fn until(asker: &Asker, wanted: impl Fn(Result<Response, reqwest::Error>) -> bool) {
    let changed = async {
        while !wanted(asker.client.get(format!("{}plans", asker.url)).header("X-Auth-Token", &asker.token).send().await)
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), changed).await.expect("it stays as it was");
}

#[tokio::test]
async fn the_latency_changes_while_the_server_runs() {
    let server = Server::builder().latency(Latency::uniform(150 * MS, 200 * MS)).start().await.unwrap();
    let asker = Asker::of(&server);
    asker.get("plans").await;
    server.set_latency(Duration::ZERO);
    asker.get("plans").await;
    let took: Vec<_> = server.requests().exchanges().iter().map(|exchange| exchange.took.unwrap()).collect();
    assert!(took[0] >= 150 * MS && took[1] < 150 * MS, "{took:?}");
}

#[tokio::test]
async fn a_page_takes_longer_the_more_devices_are_on_it() {
    let server = Server::builder().latency(Latency::NONE.per_device(2 * MS)).start().await.unwrap();
    let created = server.store().create_devices(50, "node-");
    let asker = Asker::of(&server);
    asker.ok(&format!("{}?per_page=50", devices(&server))).await;
    asker.ok(&format!("devices/{}", created[0].id)).await;
    let took: Vec<_> = server.requests().exchanges().iter().map(|exchange| exchange.took.unwrap()).collect();
    assert!(took[0] >= 100 * MS && took[1] >= 2 * MS && took[1] < 100 * MS, "{took:?}");
}

#[tokio::test]
async fn over_the_limit_is_429_with_the_apis_own_error_and_in_the_log() {
    let server = Server::builder().rate_limit(RateLimit::window(2, Duration::from_hours(1))).start().await.unwrap();
    let asker = Asker::of(&server);
    for left in [1, 0] {
        let answer = asker.send(Method::GET, "plans", None).await;
        assert_eq!((answer.status().as_u16(), number(&answer, "x-ratelimit-remaining")), (200, left));
        assert_eq!(number(&answer, "x-ratelimit-limit"), 2);
        assert!(!answer.headers().contains_key("retry-after"));
    }
    let refused = asker.send(Method::GET, "plans", None).await;
    assert_eq!((refused.status().as_u16(), number(&refused, "x-ratelimit-remaining")), (429, 0));
    assert!((3_590..=3_600).contains(&number(&refused, "retry-after")), "{:?}", refused.headers());
    let now = SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs();
    assert!((now + 3_590..=now + 3_601).contains(&number(&refused, "x-ratelimit-reset")), "{:?}", refused.headers());
    assert_eq!(refused.text().await.unwrap(), r#"{"errors":["API rate limit exceeded"]}"#);
    let exchanges = server.requests().exchanges();
    assert_eq!(exchanges.iter().map(|exchange| exchange.status).collect::<Vec<_>>(), [200, 200, 429]);
    assert_eq!(exchanges[2].fault.as_deref(), Some("rate limit"));

    server.set_rate_limit(None);
    assert_eq!(asker.get("plans").await.0, 200);
}

#[tokio::test]
async fn a_limit_for_longer_than_clocks_can_tell_is_one_all_the_same() {
    for burst in [None, Some(u32::MAX)] {
        let limit = RateLimit::window(1, Duration::MAX);
        let limit = burst.map_or(limit, |burst| RateLimit::bucket(1, Duration::MAX, burst));
        let server = Server::builder().rate_limit(limit).start().await.unwrap();
        let asker = Asker::of(&server);
        let statuses = [asker.get("plans").await.0, asker.get("plans").await.0];
        assert_eq!(statuses, if burst.is_none() { [200, 429] } else { [200, 200] });
    }
}

#[tokio::test]
async fn a_limit_may_keep_silent_or_say_a_date() {
    let server = Server::start().await.unwrap();
    let asker = Asker::of(&server);
    let limit = RateLimit::bucket(1, Duration::from_hours(1), 1);
    server.set_rate_limit(Some(limit.headers(RateLimitHeaders::None)));
    assert_eq!(asker.get("plans").await.0, 200);
    let refused = asker.send(Method::GET, "plans", None).await;
    assert_eq!(refused.status(), 429);
    assert!(!refused.headers().keys().any(|name| name.as_str().contains("rate") || name == "retry-after"));

    server.set_rate_limit(Some(limit.retry_after(RetryAfter::Date)));
    assert_eq!(asker.get("plans").await.0, 200, "everybody begins anew");
    let refused = asker.send(Method::GET, "plans", None).await;
    let date = refused.headers()["retry-after"].to_str().unwrap();
    let at = jiff::fmt::rfc2822::parse(date).unwrap().timestamp().as_second();
    assert_eq!(u64::try_from(at).unwrap(), number(&refused, "x-ratelimit-reset"));
}

#[tokio::test]
async fn a_client_that_does_as_the_headers_say_is_never_refused() {
    for limit in [RateLimit::window(4, 300 * MS), RateLimit::bucket(10, Duration::from_secs(1), 3)] {
        let server = Server::builder().rate_limit(limit).start().await.unwrap();
        let asker = Asker::of(&server);
        for _ in 0..9 {
            let answer = asker.send(Method::GET, "locations/metros", None).await;
            assert_eq!(answer.status(), 200, "{limit:?}");
            if number(&answer, "x-ratelimit-remaining") == 0 {
                let reset = SystemTime::UNIX_EPOCH + Duration::from_secs(number(&answer, "x-ratelimit-reset"));
                tokio::time::sleep(reset.duration_since(SystemTime::now()).unwrap_or_default()).await;
            }
        }
    }
}

#[tokio::test]
async fn during_an_outage_nothing_is_answered_as_it_should_be() {
    let server = Server::start().await.unwrap();
    let asker = Asker::of(&server);
    assert_eq!(asker.get("plans").await.0, 200);
    server.set_outage(Some(Outage::new(OutageKind::Status(503))));
    assert_eq!(asker.get("plans").await.0, 503);
    server.set_outage(Some(Outage::new(OutageKind::Reset)));
    until(&asker, |answer| answer.is_err()).await;
    server.set_outage(None);
    assert_eq!(asker.get("plans").await.0, 200);
    let exchanges = server.requests().exchanges();
    assert_eq!((exchanges[1].status, exchanges[1].fault.as_deref()), (503, Some("outage 503")));
    assert_eq!((exchanges[2].status, exchanges[2].fault.as_deref()), (0, Some("outage reset")));
}

#[tokio::test]
async fn an_outage_that_hangs_ends_for_those_who_ask_after_it() {
    let server = Server::start().await.unwrap();
    let asker = Asker::of(&server);
    server.set_outage(Some(Outage::new(OutageKind::Hang)));
    let hanging = asker.client.get(&asker.url).send();
    let lifted = async {
        while server.requests().count() == 0 {
            tokio::task::yield_now().await;
        }
        server.set_outage(None);
        assert_eq!(asker.get("plans").await.0, 200);
    };
    tokio::select! {
        _ = hanging => panic!("a request that hung was answered"),
        () = lifted => {}
    }
}

#[tokio::test]
async fn a_port_that_is_refused_is_closed_and_opens_again() {
    let server = Server::start().await.unwrap();
    let asker = Asker::of(&server);
    assert_eq!(asker.get("plans").await.0, 200);
    for _ in 0..3 {
        server.set_outage(Some(Outage::new(OutageKind::Refuse)));
        until(&asker, |answer| answer.is_err_and(|error| error.is_connect())).await;
        server.set_outage(None);
        until(&asker, |answer| answer.is_ok_and(|answer| answer.status() == 200)).await;
    }
    server.set_outage(Some(Outage::new(OutageKind::Refuse).lasting(50 * MS)));
    until(&asker, |answer| answer.is_err_and(|error| error.is_connect())).await;
    until(&asker, |answer| answer.is_ok()).await;
    assert_eq!(server.outage(), None);
    server.stop().await;
}

#[tokio::test]
async fn a_server_stops_while_its_port_is_closed() {
    let server = Server::builder().outage(Outage::new(OutageKind::Refuse)).start().await.unwrap();
    until(&Asker::of(&server), |answer| answer.is_err_and(|error| error.is_connect())).await;
    let stopping = Instant::now();
    server.stop().await;
    assert!(stopping.elapsed() < Duration::from_secs(4), "{:?}", stopping.elapsed());
}

/// What a client has seen that reads all pages one after the other by their numbers.
async fn read_naively(server: &Server) -> Vec<String> {
    let asker = Asker::of(server);
    let mut seen = Vec::new();
    for page in 1.. {
        let json = asker.ok(&format!("{}?per_page=10&page={page}", devices(server))).await;
        seen.extend(
            hostnames(&json).into_iter().map(str::to_owned).filter(|hostname| !hostname.starts_with("nobody-")),
        );
        if json["meta"].get("next").is_none() {
            break;
        }
    }
    seen
}

#[tokio::test]
async fn while_lists_shift_a_naive_reader_misses_devices_or_sees_them_twice() {
    let server = Server::start().await.unwrap();
    server.store().create_devices(50, "node-");
    for (shifting, misses, doubles) in [
        (None, false, false),
        (Some(Shifting::Grows), false, true),
        (Some(Shifting::Shrinks), true, false),
        (Some(Shifting::Both), true, true),
    ] {
        server.set_shifting(shifting);
        let seen = read_naively(&server).await;
        let distinct: BTreeSet<_> = seen.iter().collect();
        assert_eq!(distinct.len() < 50, misses, "{shifting:?}: {seen:?}");
        assert_eq!(distinct.len() < seen.len(), doubles, "{shifting:?}: {seen:?}");
    }
    server.set_shifting(None);
    assert_eq!(server.store().devices().len(), 50);
}
