//! Clients that are slow, in a connection within the process and under a clock that leaps.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::time::Duration;

use axum::Router;
use axum::routing::{get, post};
use kube::{Client, Config};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};

use super::super::access::Access;
use super::super::bounds::IDLE_TIME;
use super::*;
use crate::config::ServingSettings;

/// Fewer bytes than an answer has.
const SMALL: usize = 1024;

/// A client that is connected.
struct Caller {
    stream: DuplexStream,
    started: Instant,
    /// Kept, as a server that is to stop would drop it.
    _close: watch::Sender<bool>,
}

/// Connects to a server whose every path is open.
async fn call(speaks_http_2: bool) -> Caller {
    let routes = Router::new()
        .route("/healthz", get(|| async { "ok" }))
        .route("/large", get(|| async { "a".repeat(1024 * 1024) }))
        .route("/never", get(std::future::pending::<()>))
        .route("/put", post(|body: String| async move { body.len().to_string() }));
    let mut settings = ServingSettings::default();
    settings.authorization.always_allow = vec!["*".to_owned()];
    let _ = rustls::crypto::ring::default_provider().install_default();
    let nobody = Client::try_from(Config::new("http://127.0.0.1:1".parse().unwrap())).unwrap();
    let entrance = Arc::new(Entrance::new(routes, Arc::new(Access::new(&settings, &nobody).await.unwrap())));
    let (stream, far) = duplex(SMALL);
    let (close, closing) = watch::channel(false);
    let started = Instant::now();
    tokio::spawn(async move {
        let activity = Arc::new(Activity::new(Instant::now()));
        let visitor = Arc::new(Visitor { chain: Vec::new(), activity, unwelcome: Notify::new() });
        let (visit, stream) = (Visit { entrance, visitor: visitor.clone() }, TokioIo::new(far));
        if speaks_http_2 {
            drive(http_2().serve_connection(stream, visit), &visitor, closing).await;
        } else {
            drive(http_1().serve_connection(stream, visit), &visitor, closing).await;
        }
    });
    Caller { stream, started, _close: close }
}

impl Caller {
    async fn say(&mut self, text: &str) {
        // What the server does not want to hear any more is not written.
        let _ = self.stream.write_all(text.as_bytes()).await;
    }

    /// Everything until the server ends the connection, and after how long it does.
    async fn hear(&mut self) -> (String, Duration) {
        let mut text = Vec::new();
        let _ = self.stream.read_to_end(&mut text).await;
        (String::from_utf8_lossy(&text).into_owned(), self.started.elapsed())
    }
}

fn between(least: Duration, took: Duration, most: Duration) {
    assert!((least..=most + Duration::from_millis(10)).contains(&took), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_head_that_never_ends_ends_the_connection() {
    let Caller { stream, started, _close } = call(false).await;
    let (mut reader, mut writer) = tokio::io::split(stream);
    writer.write_all(b"GET /healthz HTTP/1.1\r\nX-Slow: ").await.unwrap();
    let drips = tokio::spawn(async move {
        while writer.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    });
    let mut heard = String::new();
    assert_eq!(reader.read_to_string(&mut heard).await.unwrap(), 0, "{heard}");
    between(IDLE_TIME, started.elapsed(), IDLE_TIME + GOODBYE_TIME);
    drips.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_says_nothing_ends() {
    for speaks_http_2 in [false, true] {
        let mut caller = call(speaks_http_2).await;
        let (_, took) = caller.hear().await;
        between(IDLE_TIME, took, IDLE_TIME + GOODBYE_TIME);
    }
}

#[tokio::test(start_paused = true)]
async fn a_connection_is_kept_for_a_while_after_a_request() {
    let mut caller = call(false).await;
    for _ in 0..3 {
        caller.say("GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n").await;
        tokio::time::sleep(IDLE_TIME / 2).await;
    }
    let (heard, took) = caller.hear().await;
    assert_eq!(heard.matches("200 OK").count(), 3);
    between(2 * IDLE_TIME, took, 2 * IDLE_TIME + GOODBYE_TIME);
}

#[tokio::test(start_paused = true)]
async fn a_request_that_takes_too_long_is_told_so() {
    let mut caller = call(false).await;
    caller.say("GET /never HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
    let (heard, took) = caller.hear().await;
    assert!(heard.starts_with("HTTP/1.1 504 ") && heard.contains("longer than 30 s"), "{heard}");
    between(REQUEST_TIME, took, REQUEST_TIME);
}

#[tokio::test(start_paused = true)]
async fn a_body_that_never_arrives_is_not_waited_for() {
    let mut caller = call(false).await;
    caller.say("POST /put HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc").await;
    let (heard, took) = caller.hear().await;
    assert!(heard.starts_with("HTTP/1.1 504 "), "{heard}");
    between(REQUEST_TIME, took, REQUEST_TIME + IDLE_TIME + GOODBYE_TIME);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_read_is_not_kept() {
    let mut caller = call(false).await;
    caller.say("GET /large HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let given_up = REQUEST_TIME + SEND_TIME + GOODBYE_TIME;
    tokio::time::sleep(given_up + Duration::from_secs(1)).await;
    let (heard, _) = caller.hear().await;
    assert!(heard.starts_with("HTTP/1.1 200 OK") && heard.len() <= SMALL, "{} bytes", heard.len());
}

#[tokio::test(start_paused = true)]
async fn bodies_that_are_too_large_are_refused() {
    for body in [
        "Content-Length: 5000\r\n\r\n".to_owned(),
        format!("Transfer-Encoding: chunked\r\n\r\n1388\r\n{}", "a".repeat(5000)),
    ] {
        let mut caller = call(false).await;
        caller.say(&format!("POST /put HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{body}")).await;
        let (heard, _) = caller.hear().await;
        assert!(heard.starts_with("HTTP/1.1 413 "), "{heard}");
    }
    let mut caller = call(false).await;
    caller.say("POST /put HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc").await;
    let (heard, _) = caller.hear().await;
    assert!(heard.starts_with("HTTP/1.1 200 ") && heard.ends_with("\r\n\r\n3"), "{heard}");
}

#[tokio::test(start_paused = true)]
async fn heads_that_are_too_large_are_refused() {
    let large = format!("GET /healthz HTTP/1.1\r\nX-Large: {}\r\n\r\n", "a".repeat(2 * MAX_HEAD));
    let many = format!("GET /healthz HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(MAX_HEADERS + 1));
    let long = format!("GET /{} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "a".repeat(2000));
    for (head, status) in [(large, "431"), (many, "431"), (long, "414")] {
        let Caller { stream, _close, .. } = call(false).await;
        let (mut reader, mut writer) = tokio::io::split(stream);
        tokio::spawn(async move { writer.write_all(head.as_bytes()).await });
        let mut heard = String::new();
        let _ = reader.read_to_string(&mut heard).await;
        assert!(heard.starts_with(&format!("HTTP/1.1 {status} ")), "{heard}");
    }
}
