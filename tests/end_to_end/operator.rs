//! Whoever asks a running program how it is.

use std::time::{Duration, Instant};

use reqwest::Method;

use crate::stage::PATIENCE;

/// A client that takes the certificate that the program makes for itself.
pub(crate) struct Operator {
    client: reqwest::Client,
    url: String,
}

impl Operator {
    pub(crate) fn new(url: &str) -> Self {
        // Whoever else set one up did it in the same way.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().tls_danger_accept_invalid_certs(true).no_proxy();
        Self { client: client.timeout(Duration::from_secs(10)).build().unwrap(), url: url.to_owned() }
    }

    /// The status and body that a path is answered with.
    pub(crate) async fn read(&self, path: &str, token: Option<&str>) -> (u16, String) {
        self.send(Method::GET, path, token, "").await.unwrap()
    }

    /// The same of any request; nothing where nobody answers.
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: &'static str,
    ) -> Option<(u16, String)> {
        let mut request = self.client.request(method, format!("{}{path}", self.url)).body(body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        let response = request.send().await.ok()?;
        Some((response.status().as_u16(), response.text().await.ok()?))
    }

    /// Waits until a path is answered with that status, and answers the body.
    pub(crate) async fn until_answered(&self, path: &str, status: u16) -> String {
        let begun = Instant::now();
        let mut glances = tokio::time::interval(Duration::from_millis(100));
        loop {
            glances.tick().await;
            let answer = self.send(Method::GET, path, None, "").await;
            match answer {
                Some((seen, body)) if seen == status => return body,
                answer => assert!(begun.elapsed() < PATIENCE, "{path} is answered {answer:?}"),
            }
        }
    }
}

/// A port that nobody has.
pub(crate) fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
