//! How a request comes to the API and its answer back.

use std::time::Duration;

use futures::future::BoxFuture;
use reqwest::redirect;

/// How long a connection may take.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Carries requests to the API and answers back. There is one, [`Https`]; a simulation has another, which needs no network.
pub trait Transport: Send + Sync {
    /// Sends a request and reads the head of its answer; the body is read from the answer.
    fn carry(&self, request: reqwest::Request) -> BoxFuture<'static, Result<reqwest::Response, NoAnswer>>;
}

/// There is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoAnswer {
    /// No connection came about in time.
    TimedOut,
    /// The request could not be sent, or the connection ended: which step failed, as the system words it.
    Failed(String),
}

/// HTTP over TLS, or plain where the base URL says so.
pub struct Https(reqwest::Client);

impl Https {
    /// Makes one; sends nothing.
    ///
    /// # Errors
    /// When there are no CA certificates on this machine.
    pub fn new() -> Result<Self, reqwest::Error> {
        // Whoever embeds us may have chosen a provider already, which then serves just as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            // A redirection would carry the token to another place.
            .redirect(redirect::Policy::none())
            // Every attempt is to be paid for from the budget.
            .retry(reqwest::retry::never());
        Ok(Self(client.build()?))
    }
}

impl Transport for Https {
    fn carry(&self, request: reqwest::Request) -> BoxFuture<'static, Result<reqwest::Response, NoAnswer>> {
        let sent = self.0.execute(request);
        Box::pin(async move {
            sent.await.map_err(|error| {
                if error.is_timeout() { NoAnswer::TimedOut } else { NoAnswer::Failed(root_cause(&error)) }
            })
        })
    }
}

/// The innermost cause, which names the step that failed; the outer ones repeat the URL.
pub(super) fn root_cause(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}
