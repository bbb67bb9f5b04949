//! What every test of the server over HTTP needs: one that is asked and answers JSON.
#![allow(clippy::unwrap_used, clippy::expect_used, dead_code, reason = "tests may panic and need not use everything")]

pub(crate) mod within;

use packet_api_server::Server;
use reqwest::{Client, Method, Response};
use serde_json::Value;

/// Where a request has its token.
pub(crate) const TOKEN_HEADER: &str = "X-Auth-Token";

/// A client of a server, with its token.
pub(crate) struct Asker {
    pub(crate) client: Client,
    pub(crate) url: String,
    pub(crate) token: String,
}

impl Asker {
    pub(crate) fn of(server: &Server) -> Self {
        Self { token: server.token().to_owned(), ..Self::at(&server.url()) }
    }

    /// A client of the server at a base URL, without a token.
    pub(crate) fn at(url: &str) -> Self {
        // The client wants a provider even where it speaks plain HTTP. Another test may have installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Self { client: Client::builder().no_proxy().build().unwrap(), url: url.to_owned(), token: String::new() }
    }

    pub(crate) async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Response {
        let mut request = self.client.request(method, format!("{}{path}", self.url)).header(TOKEN_HEADER, &self.token);
        if let Some(body) = body {
            request = request.json(&body);
        }
        request.send().await.unwrap()
    }

    /// The status and the JSON of an answer; null where there is no body.
    pub(crate) async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
        let response = self.send(method, path, body).await;
        let status = response.status().as_u16();
        let text = response.text().await.unwrap();
        (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() })
    }

    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.ask(Method::GET, path, None).await
    }

    pub(crate) async fn ok(&self, path: &str) -> Value {
        let (status, json) = self.get(path).await;
        assert_eq!(status, 200, "{path}: {json}");
        json
    }
}

/// The path of the devices of a server's own project.
pub(crate) fn devices(server: &Server) -> String {
    format!("projects/{}/devices", server.project_id())
}

/// The hostnames on a page.
pub(crate) fn hostnames(page: &Value) -> Vec<&str> {
    page["devices"].as_array().unwrap().iter().map(|device| device["hostname"].as_str().unwrap()).collect()
}
