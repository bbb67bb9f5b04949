//! What each route answers, without a port.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::pin::Pin;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Method, Request};
use clap::Parser;
use tokio::sync::watch;
use tower_service::Service;

use super::{Inquiry, SettingsInUse, Sources, router};
use crate::config::{Config, Flags, LogFormat};
use crate::telemetry::health::{Health, Scope};
use crate::telemetry::logging;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::status::Status;

struct Nothing;

impl Inquiry for Nothing {
    fn status(&self) -> Pin<Box<dyn Future<Output = Status> + Send + '_>> {
        Box::pin(std::future::ready(Status::default()))
    }
}

fn sources() -> Sources {
    let flags = Flags::try_parse_from(["ccm", "--cloud-provider=packet"]).unwrap();
    let variable = |name: &str| match name {
        "PACKET_AUTH_TOKEN" => Some("s3cret".to_owned()),
        "PACKET_PROJECT_ID" => Some("p".to_owned()),
        _ => None,
    };
    let config = Arc::new(Config::load(&flags, variable).unwrap());
    // What is in use does not change in these tests.
    let settings = watch::channel(SettingsInUse { config, file: None }).1;
    let verbosity = logging::start(2, LogFormat::Text);
    Sources { health: Health::default(), metrics: Metrics::new(), settings, inquiry: Arc::new(Nothing), verbosity }
}

async fn ask(router: &Router, method: Method, path: &str, body: &'static str) -> (u16, String) {
    let request = Request::builder().method(method).uri(path).body(Body::from(body)).unwrap();
    let answer = router.clone().call(request).await.unwrap();
    let status = answer.status().as_u16();
    (status, String::from_utf8(to_bytes(answer.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap())
}

async fn get(router: &Router, path: &str) -> (u16, String) {
    ask(router, Method::GET, path, "").await
}

#[tokio::test]
async fn what_is_wrong_fails_the_probes_that_it_is_about_unless_it_is_left_out() {
    let sources = sources();
    let router = router(sources.clone(), true);
    sources.health.set("packet-api", Scope::Ready, Err("refused".to_owned()));
    assert_eq!(get(&router, "/livez").await, (200, "ok".to_owned()));
    let (status, said) = get(&router, "/readyz").await;
    assert_eq!((status, said.as_str()), (500, "[+]ping ok\n[-]packet-api failed: refused\nreadyz check failed\n"));
    assert_eq!(get(&router, "/readyz?exclude=packet-api").await, (200, "ok".to_owned()));
    let said = get(&router, "/readyz?verbose&exclude=packet-api").await.1;
    assert_eq!(said, "[+]ping ok\n[+]packet-api excluded: ok\nreadyz check passed\n");
    sources.health.set("actors", Scope::Live, Err("silent".to_owned()));
    for path in ["/livez", "/healthz", "/readyz"] {
        assert_eq!(get(&router, path).await.0, 500, "{path}");
    }
}

#[tokio::test]
async fn without_profiling_nothing_is_served_below_debug() {
    let (with, without) = (router(sources(), true), router(sources(), false));
    assert_eq!(get(&with, "/debug/flags/v").await, (200, "2\n".to_owned()));
    assert_eq!(get(&without, "/debug/flags/v").await, (404, "404 page not found\n".to_owned()));
    assert_eq!(ask(&without, Method::PUT, "/debug/flags/v", "4").await.0, 404);
}

#[tokio::test]
async fn a_verbosity_that_is_none_is_refused_with_what_it_should_be() {
    let router = router(sources(), true);
    for body in ["", "high", "-1", "4.5", "256"] {
        let (status, said) = ask(&router, Method::PUT, "/debug/flags/v", body).await;
        assert!(status == 400 && said.contains("0 to 10"), "{body}: {status} {said}");
    }
}

#[tokio::test]
async fn the_settings_show_no_secret_and_the_answers_are_counted() {
    let sources = sources();
    let router = router(sources.clone(), true);
    let (status, said) = get(&router, "/configz").await;
    assert!(status == 200 && said.contains("PACKET_AUTH_TOKEN") && !said.contains("s3cret"), "{said}");
    assert_eq!(get(&router, "/nowhere").await.0, 404);
    let metrics = get(&router, "/metrics").await.1;
    for line in [
        "packet_ccm_serving_requests_total{path=\"configz\",code=\"200\"} 1",
        "packet_ccm_serving_requests_total{path=\"other\",code=\"404\"} 1",
    ] {
        assert!(metrics.lines().any(|seen| seen == line), "{line} is not in\n{metrics}");
    }
}
