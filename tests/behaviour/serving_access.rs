//! Who may read what is served: as the API server says, which is asked no more than needed, and whose absence admits nobody.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::served::{Reviewer, Served, client, connect};

fn message(body: &str) -> String {
    serde_json::from_str::<Value>(body).unwrap()["message"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn who_may_read_metrics_does() {
    let reviewer = Reviewer::start().await;
    let served = reviewer.serve(|_| {}).await;
    assert_eq!(served.get("/metrics", Some("of-prometheus")).await, (200, "metrics".to_owned()));
    let spec = reviewer.last_access_review();
    assert_eq!(spec["groups"], serde_json::json!(["monitoring", "system:authenticated"]));
    assert_eq!(spec["nonResourceAttributes"], serde_json::json!({"path": "/metrics", "verb": "get"}));
}

#[tokio::test]
async fn who_may_not_is_told_so() {
    let reviewer = Reviewer::start().await;
    let served = reviewer.serve(|_| {}).await;
    for (token, user) in [(Some("of-nobody"), "nobody"), (None, "system:anonymous")] {
        let (status, body) = served.get("/metrics?page=1", token).await;
        assert_eq!((status, message(&body)), (403, format!("forbidden: User \"{user}\" cannot get path \"/metrics\"")));
    }
    assert_eq!(reviewer.last_access_review()["groups"], serde_json::json!(["system:unauthenticated"]));
    let put = client(|builder| builder).put(served.url("/metrics")).bearer_auth("of-prometheus").send().await.unwrap();
    assert_eq!(put.status(), 403, "the verb counts");
    assert_eq!(reviewer.last_access_review()["nonResourceAttributes"]["verb"], "put");
}

#[tokio::test]
async fn an_unknown_token_is_refused() {
    let reviewer = Reviewer::start().await;
    let served = reviewer.serve(|_| {}).await;
    let (status, body) = served.get("/metrics", Some("s3cret")).await;
    assert_eq!((status, message(&body)), (401, "Unauthorized".to_owned()));
    assert_eq!(reviewer.access_reviews(), 0);
    assert_eq!(served.access.counts().authentication.refused.get(), 1);
}

#[tokio::test]
async fn open_paths_ask_nobody() {
    let reviewer = Reviewer::start().await;
    reviewer.learn(|knowledge| knowledge.forbids_reviews = true);
    let served = reviewer.serve(|_| {}).await;
    for token in [None, Some("s3cret")] {
        assert_eq!(served.get("/healthz?verbose", token).await, (200, "ok".to_owned()));
    }
    assert_eq!((reviewer.token_reviews(), reviewer.access_reviews()), (0, 0));
    let response = client(|builder| builder).get(served.url("/healthz")).send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "no-cache, private");
    assert_eq!(response.headers()["x-content-type-options"], "nosniff");
}

#[tokio::test]
async fn routes_know_the_user_and_not_the_token() {
    let reviewer = Reviewer::start().await;
    reviewer.allow("nobody", "get", "/whoami");
    let served = reviewer.serve(|_| {}).await;
    let expected = "nobody of system:authenticated".to_owned();
    assert_eq!(served.get("/whoami", Some("of-nobody")).await, (200, expected));
}

#[tokio::test]
async fn masters_may_do_anything_without_a_question() {
    let reviewer = Reviewer::start().await;
    let served = reviewer.serve(|_| {}).await;
    assert_eq!(served.get("/metrics", Some("of-admin")).await.0, 200);
    assert_eq!(reviewer.access_reviews(), 0);
}

#[tokio::test]
async fn what_was_answered_is_remembered_for_a_while() {
    let reviewer = Reviewer::start().await;
    let ttl = Duration::from_millis(500);
    let served = reviewer.serve(|settings| {
        settings.authentication.token_ttl = ttl;
        settings.authorization.authorized_ttl = ttl;
        settings.authorization.unauthorized_ttl = Duration::from_mins(10);
    });
    let served = served.await;
    for _ in 0..5 {
        served.get("/metrics", Some("of-prometheus")).await;
        served.get("/metrics", Some("of-nobody")).await;
        served.get("/metrics", Some("s3cret")).await;
    }
    let soon = (reviewer.token_reviews(), reviewer.access_reviews());
    assert!(soon.0 < 15 && soon.1 < 10, "{soon:?}: nothing is remembered");
    // The user may no longer, which counts once it is forgotten that it may.
    reviewer.learn(|knowledge| knowledge.allowed.clear());
    while served.get("/metrics", Some("of-prometheus")).await.0 == 200 {}
    // Its token is no longer good.
    reviewer.learn(|knowledge| knowledge.tokens.clear());
    while served.get("/metrics", Some("of-prometheus")).await.0 == 403 {}
    assert_eq!(served.get("/metrics", Some("of-prometheus")).await.0, 401);
    // A refusal is remembered for as long as the settings say.
    assert_eq!(served.get("/whoami", None).await.0, 403);
    reviewer.allow("system:anonymous", "get", "/whoami");
    assert_eq!(served.get("/whoami", None).await.0, 403);
}

#[tokio::test]
async fn nothing_is_remembered_where_the_settings_say_so() {
    let reviewer = Reviewer::start().await;
    let served = reviewer.serve(|settings| {
        settings.authentication.token_ttl = Duration::ZERO;
        settings.authorization.authorized_ttl = Duration::ZERO;
    });
    let served = served.await;
    for _ in 0..3 {
        assert_eq!(served.get("/metrics", Some("of-prometheus")).await.0, 200);
    }
    assert_eq!((reviewer.token_reviews(), reviewer.access_reviews()), (3, 3));
}

#[tokio::test]
async fn requests_with_the_same_token_wait_for_one_review() {
    let reviewer = Reviewer::start().await;
    reviewer.learn(|knowledge| knowledge.delay = Duration::from_millis(300));
    let served = reviewer.serve(|_| {}).await;
    let requests = (0..20).map(|_| served.get("/metrics", Some("of-prometheus")));
    let answers = futures::future::join_all(requests).await;
    assert!(answers.iter().all(|(status, _)| *status == 200), "{answers:?}");
    assert_eq!((reviewer.token_reviews(), reviewer.access_reviews()), (1, 1));
}

#[tokio::test]
async fn forbidden_reviews_refuse_with_the_reason_and_nothing_else_suffers() {
    let reviewer = Reviewer::start().await;
    reviewer.learn(|knowledge| knowledge.forbids_reviews = true);
    let served = reviewer.serve(|_| {}).await;
    let (status, body) = served.get("/metrics", Some("of-prometheus")).await;
    assert_eq!(status, 401);
    let expected = "the token cannot be reviewed: tokenreviews is forbidden: User \"ccm\" cannot create resource";
    assert!(message(&body).contains(expected) && !body.contains("of-prometheus"), "{body}");
    let (status, body) = served.get("/metrics", None).await;
    assert_eq!(status, 500);
    assert!(body.starts_with("Internal Server Error: \"/metrics\": subjectaccessreviews is forbidden"), "{body}");
    assert_eq!(served.get("/healthz", None).await.0, 200);
    // Granted at last, it counts at once.
    reviewer.learn(|knowledge| knowledge.forbids_reviews = false);
    assert_eq!(served.get("/metrics", Some("of-prometheus")).await.0, 200);
}

#[tokio::test]
async fn an_api_server_that_is_away_admits_nobody() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let away = kube::Client::try_from(kube::Config::new("http://127.0.0.1:1".parse().unwrap())).unwrap();
    let served = Served::start(&away, |_| {}).await;
    let (status, body) = served.get("/metrics", Some("of-prometheus")).await;
    assert!(status == 401 && body.contains("the API server cannot be reached: "), "{status} {body}");
    let (status, body) = served.get("/metrics", None).await;
    assert!(status == 500 && body.contains("the API server cannot be reached: "), "{status} {body}");
    assert_eq!(served.get("/healthz", None).await.0, 200);
    let counts = served.access.counts();
    assert_eq!((counts.authentication.failed.get(), counts.authorization.failed.get()), (1, 1));
}

/// The status line of what is answered to a request target as it is.
async fn raw(served: &Served, target: &str) -> String {
    let mut stream = connect(served.address, &[&rustls::version::TLS13], b"http/1.1").await.unwrap();
    let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn no_spelling_of_a_path_gets_past_an_open_one() {
    let reviewer = Reviewer::start().await;
    let served = reviewer.serve(|settings| {
        settings.authorization.always_allow = vec!["/healthz*".to_owned()];
        settings.authorization.unauthorized_ttl = Duration::ZERO;
    });
    let served = served.await;
    for (target, status) in [
        ("/healthz/../metrics", 400),
        ("//metrics", 400),
        ("/healthz%2f..%2fmetrics", 400),
        ("/healthz/..%2fmetrics", 400),
        ("/%6detrics", 400),
        ("/./metrics", 400),
        ("/metrics/", 403),
        ("/metrics;/healthz", 403),
        ("/healthz/", 404),
        ("/healthz;/metrics", 404),
        ("https://localhost/metrics", 403),
        ("https://localhost/healthz/../metrics", 400),
        ("https://localhost/healthz", 200),
        ("*", 400),
        ("/Metrics", 403),
        ("/metrics?/healthz", 403),
        ("/metrics#/healthz", 403),
    ] {
        let answer = raw(&served, target).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{target}: {answer}");
    }
}

/// What is logged, for a test to read.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        Write::write(&mut *self.0.lock().unwrap(), line)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn trouble_is_logged_once_and_tokens_never() {
    let (log, reviewer) = (Log::default(), Reviewer::start().await);
    let writer = log.clone();
    let lines = tracing_subscriber::fmt().with_writer(move || writer.clone()).with_ansi(false);
    let _guard = tracing::subscriber::set_default(lines.with_max_level(tracing::Level::TRACE).finish());
    let served = reviewer.serve(|_| {}).await;
    let http_1 = client(reqwest::ClientBuilder::http1_only);
    let ask = async || {
        for token in ["of-prometheus", "s3cret-token"] {
            served.get("/metrics", Some(token)).await;
            served.get_by(&http_1, "/metrics", Some(token)).await;
        }
    };
    ask().await;
    reviewer.learn(|knowledge| {
        knowledge.forbids_reviews = true;
        knowledge.tokens.clear();
    });
    served.get("/metrics", Some("s3cret-too")).await;
    served.get("/metrics", Some("s3cret-also")).await;
    reviewer.learn(|knowledge| knowledge.forbids_reviews = false);
    served.get("/metrics", Some("s3cret-again")).await;
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert_eq!(log.matches("are recognised, does not work; they are refused").count(), 1, "{log}");
    assert_eq!(log.matches("are recognised, works again").count(), 1);
    // The client of the test is logged as well, by its own crates.
    let of_tokens: Vec<_> =
        log.lines().filter(|line| line.contains("s3cret") || line.contains("of-prometheus")).collect();
    assert!(of_tokens.is_empty(), "{of_tokens:#?}");
}
