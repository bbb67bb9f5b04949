//! One that asks a server from within the process, under a paused clock.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code, reason = "tests may panic and need not use everything")]

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::header::{ACCEPT, CONTENT_TYPE, USER_AGENT};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use futures::StreamExt;
use kube_api_server::Server;
use kube_api_server::in_process::{Client, client};
use serde_json::Value;
use tokio::time::Instant;

/// A client of a server that was started in process.
#[derive(Clone)]
pub(crate) struct Within {
    client: Client<Body>,
    url: String,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ending {
    Answered(StatusCode, HeaderMap, Bytes),
    /// After the head, and after these bytes.
    CutShort(StatusCode, Bytes),
    /// Before the head.
    Closed,
    /// Nobody accepted the connection.
    Refused,
    TimedOut,
}

impl Ending {
    /// The status and the JSON of an answer.
    pub(crate) fn answer(self) -> (u16, Value) {
        match self {
            Self::Answered(status, _, body) => (status.as_u16(), serde_json::from_slice(&body).unwrap_or_default()),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        match self {
            Self::Answered(_, headers, _) => headers,
            other => panic!("{other:?}"),
        }
    }
}

impl Within {
    pub(crate) fn of(server: &Server) -> Self {
        Self { client: client(server.connector().unwrap()), url: server.url() }
    }

    /// Asks, reads to the end of the answer, and waits for no longer than this.
    pub(crate) async fn ask_for(&self, patience: Duration, method: Method, path: &str, body: Option<&Value>) -> Ending {
        let content_type = if method == Method::PATCH { "application/json-patch+json" } else { "application/json" };
        let request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        let request = request.header(USER_AGENT, "tests/1").header(CONTENT_TYPE, content_type);
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let exchange = self.read(request.body(body).unwrap(), |_| {});
        tokio::time::timeout(patience, exchange).await.unwrap_or(Ending::TimedOut)
    }

    /// Asks, and tells every piece of the answer's body as it comes.
    pub(crate) async fn listen(&self, path: &str, accept: &str, told: impl Fn(&[u8])) -> Ending {
        let request = Request::get(format!("{}{path}", self.url)).header(ACCEPT, accept);
        self.read(request.body(Body::empty()).unwrap(), told).await
    }

    async fn read(&self, request: Request<Body>, told: impl Fn(&[u8])) -> Ending {
        let answer = match self.client.request(request).await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => return Ending::Refused,
            Err(_) => return Ending::Closed,
        };
        let (head, body) = answer.into_parts();
        let (mut chunks, mut bytes) = (Body::new(body).into_data_stream(), Vec::new());
        while let Some(chunk) = chunks.next().await {
            match chunk {
                Ok(chunk) => {
                    told(&chunk);
                    bytes.extend_from_slice(&chunk);
                }
                Err(_) => return Ending::CutShort(head.status, bytes.into()),
            }
        }
        Ending::Answered(head.status, head.headers, bytes.into())
    }

    pub(crate) async fn get(&self, path: &str) -> Ending {
        self.ask_for(Duration::MAX, Method::GET, path, None).await
    }

    pub(crate) async fn patch(&self, path: &str, operations: &Value) -> Ending {
        self.ask_for(Duration::MAX, Method::PATCH, path, Some(operations)).await
    }

    /// How long it took until the request ended, and how it did.
    pub(crate) async fn timed(&self, path: &str) -> (Duration, Ending) {
        let asked = Instant::now();
        let ending = self.get(path).await;
        (asked.elapsed(), ending)
    }
}

/// The events of a watch, one by one.
pub(crate) fn events(lines: &[u8]) -> Vec<Value> {
    lines.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect()
}
