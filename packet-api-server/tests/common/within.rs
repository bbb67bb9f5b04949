//! One that asks a server from within the process, under a paused clock.

use super::TOKEN_HEADER;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Method, Request, StatusCode};
use packet_api_server::Server;
use packet_api_server::in_process::{Client, client};
use serde_json::Value;
use std::time::Duration;
use tokio::time::Instant;

/// A client of a server that was started in process, with its token.
#[derive(Clone)]
pub(crate) struct Within {
    client: Client<Body>,
    url: String,
    token: String,
}

/// How a request ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ending {
    Answered(StatusCode, HeaderMap, Bytes),
    /// After the head.
    CutShort(StatusCode),
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
        let client = client(server.connector().unwrap());
        Self { client, url: server.url(), token: server.token().to_owned() }
    }

    /// Asks, and waits for no longer than this.
    pub(crate) async fn ask_for(&self, patience: Duration, method: Method, path: &str, body: Option<&Value>) -> Ending {
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        let request = request.header(TOKEN_HEADER, &self.token).body(body).unwrap();
        let exchange = async {
            let answer = match self.client.request(request).await {
                Ok(answer) => answer,
                Err(error) if error.is_connect() => return Ending::Refused,
                Err(_) => return Ending::Closed,
            };
            let (head, body) = answer.into_parts();
            match axum::body::to_bytes(Body::new(body), usize::MAX).await {
                Ok(body) => Ending::Answered(head.status, head.headers, body),
                Err(_) => Ending::CutShort(head.status),
            }
        };
        tokio::time::timeout(patience, exchange).await.unwrap_or(Ending::TimedOut)
    }

    pub(crate) async fn get(&self, path: &str) -> Ending {
        self.ask_for(Duration::MAX, Method::GET, path, None).await
    }

    /// How long it took until the request ended, and how it did.
    pub(crate) async fn timed(&self, path: &str) -> (Duration, Ending) {
        let asked = Instant::now();
        let ending = self.get(path).await;
        (asked.elapsed(), ending)
    }
}
