//! The HTTP client: it sends each request exactly once.
//!
//! Rates, retries and caches are not here; they belong to the one actor that owns the client.

use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, header};
use reqwest::Method;
use secrecy::{ExposeSecret, SecretString};
use url::Url;

use super::budget::RateLimitWord;
use super::decode::{self, Fault};
use super::device::Address;
use super::error::Error;
use super::head::Head;
use super::page::DevicePage;
use super::request::{PageRequest, Plain, PlainReply, Reply, Request};
use super::transport::{CONNECT_TIMEOUT, Https, NoAnswer, Transport, root_cause};

/// The parts of a device that are left out on the wire, replaced by an `href` (OpenAPI parameter `Exclude`); none of them is
/// read. Only resources that lie within others can be left out, not what is the device's own, such as `userdata`; the API
/// passes over names that it cannot leave out. `plan`, `facility` and `metro` stay: an `href` in their place would have to be
/// looked up.
pub const EXCLUDED: &str = "actions,created_by,hardware_reservation,ip_addresses.metro,network_ports,operating_system,project,\
                            project_lite,provisioning_events,ssh_keys,storage,volumes,plan.available_in,\
                            plan.available_in_metros,plan.specs";
/// Who we are to the API.
const USER_AGENT: &str = concat!(env!("CARGO_PKG_NAME"), "/", env!("CARGO_PKG_VERSION"));
/// Larger than any true answer: 1,000 devices of 20 KB, three times over.
const LARGEST_ANSWER_BYTES: usize = 64 << 20;
/// How much of what an answer says is repeated in an error, in characters.
const LONGEST_QUOTE: usize = 200;

/// Where the API is and who asks.
#[derive(Debug, Clone)]
pub struct Connection {
    /// The base URL, ending in `/`: `https://api.equinix.com/metal/v1/`.
    pub base_url: Url,
    /// The id of the project whose devices are the cluster's.
    pub project: String,
    /// The token of the `X-Auth-Token` header; fit for a header.
    pub token: SecretString,
}

/// A client of the Packet API.
#[derive(Clone)]
pub struct Client {
    transport: Arc<dyn Transport>,
    headers: HeaderMap,
    connection: Connection,
}

/// What came of a request.
#[derive(Debug)]
pub struct Exchange {
    /// The reply, or why there is none that can be used.
    pub result: Result<Reply, Error>,
    /// What the head of the answer said about limits; nothing where there was no answer.
    pub word: RateLimitWord,
    /// How many bytes the body of the answer had, decompressed.
    pub bytes: usize,
}

/// The client could not be made: no TLS roots on this machine, or a token that is not fit for a header.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The token holds characters that no header may hold.
    #[error("the token holds characters that no HTTP header may hold; check apiKey for line breaks and quotes")]
    Token,
    /// The TLS set-up failed.
    #[error("cannot set up the HTTPS client: {0}; are the CA certificates installed?")]
    Tls(#[source] reqwest::Error),
}

impl Client {
    /// Makes a client; sends nothing.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub fn new(connection: Connection) -> Result<Self, ClientError> {
        Self::over(Arc::new(Https::new().map_err(ClientError::Tls)?), connection)
    }

    /// Makes a client that reaches the API in a way of its own.
    ///
    /// # Errors
    /// When the token is not fit for a header.
    pub fn over(transport: Arc<dyn Transport>, connection: Connection) -> Result<Self, ClientError> {
        let mut token = HeaderValue::from_str(connection.token.expose_secret()).map_err(|_| ClientError::Token)?;
        token.set_sensitive(true);
        let headers = HeaderMap::from_iter([
            (header::HeaderName::from_static("x-auth-token"), token),
            (header::ACCEPT, HeaderValue::from_static("application/json")),
            (header::USER_AGENT, HeaderValue::from_static(USER_AGENT)),
            // What a proxy has kept is no answer to a question that is put now.
            (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        ]);
        Ok(Self { transport, headers, connection })
    }

    /// The same client with another token.
    ///
    /// # Errors
    /// When the token is not fit for a header.
    pub fn with_token(&self, token: SecretString) -> Result<Self, ClientError> {
        Self::over(Arc::clone(&self.transport), Connection { token, ..self.connection.clone() })
    }

    /// Whether that is the token it shows.
    #[must_use]
    pub fn has_token(&self, token: &str) -> bool {
        self.connection.token.expose_secret() == token
    }

    /// The id of the project whose devices are asked for, as it was set.
    #[must_use]
    pub fn project(&self) -> &str {
        &self.connection.project
    }

    /// Sends a request and reads its answer, which may take `timeout` in all.
    pub async fn send(&self, request: &Request, timeout: Duration) -> Exchange {
        let asked = self.asked(request);
        let mut url = self.connection.base_url.clone();
        // `join` would let a path escape the base; appending cannot.
        url.set_path(&format!("{}{}", url.path(), asked.path));
        if !asked.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&asked.query);
        }
        let mut sent = reqwest::Request::new(Method::GET, url);
        *sent.headers_mut() = self.headers.clone();
        let shown = asked.shown();
        // Kept outside of the exchange, for what the head says holds even where the body never ends.
        let mut told = None;
        let exchange = async {
            let answer = self.transport.carry(sent).await.map_err(|no_answer| unreached(&shown, no_answer))?;
            told = Some(Head::of(answer.status(), answer.headers()));
            read(&shown, answer).await
        };
        let body = tokio::time::timeout(timeout, exchange)
            .await
            .unwrap_or_else(|_| Err(Error::Timeout { request: shown.clone(), after: timeout }));
        match (told, body) {
            (Some(head), Ok(body)) => {
                tracing::debug!(request = %shown, status = head.status.as_u16(), bytes = body.len(), "asked the Packet API");
                self.exchange(request, shown, &head, &body)
            }
            (told, body) => {
                let word = told.as_ref().map_or_else(RateLimitWord::default, Head::word);
                let no_head = |_| Error::CutOff { request: shown, reason: "there is a body without a head".into() };
                Exchange { result: Err(body.map_or_else(|error| error, no_head)), word, bytes: 0 }
            }
        }
    }

    /// What [`Client::send`] makes of an answer to `request` that has come whole. Nothing is sent, and nobody waits.
    #[must_use]
    pub fn understand(&self, request: &Request, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Exchange {
        self.exchange(request, self.asked(request).shown(), &Head::of(status, headers), body)
    }

    fn exchange(&self, request: &Request, shown: Box<str>, head: &Head, body: &[u8]) -> Exchange {
        let result = if head.status == StatusCode::OK {
            self.decode(request, body).map_err(|fault| self.broken(shown, head, body, &fault))
        } else {
            Err(self.refusal(shown, head, body))
        };
        Exchange { result, word: head.word(), bytes: body.len() }
    }

    /// What a request asks for, below the base URL.
    fn asked(&self, request: &Request) -> Asked {
        let project = &self.connection.project;
        match request {
            Request::Device(id) => Asked::new(format!("devices/{id}"), [("exclude", EXCLUDED.to_owned())]),
            Request::Page(PageRequest { hostname, number, size }) => {
                let page = [("page", number.to_string()), ("per_page", size.to_string())];
                let page = page.into_iter().chain([("exclude", EXCLUDED.to_owned())]);
                let hostname = hostname.as_ref().map(|hostname| ("hostname", hostname.to_string()));
                Asked::new(format!("projects/{project}/devices"), page.chain(hostname))
            }
            Request::Plain(Plain::Project) => {
                let excluded = "members,memberships,ssh_keys,devices,volumes";
                Asked::new(format!("projects/{project}"), [("exclude", excluded.to_owned())])
            }
            Request::Plain(Plain::Facilities) => {
                let query = [("include", "metro".to_owned()), ("exclude", "address".to_owned())];
                Asked::new(format!("projects/{project}/facilities"), query)
            }
            Request::Plain(Plain::Metros) => Asked::new("locations/metros".to_owned(), []),
        }
    }

    /// Reads the reply to a request out of the body of an answer.
    fn decode(&self, request: &Request, body: &[u8]) -> Result<Reply, Fault> {
        Ok(match request {
            Request::Device(_) => {
                let mut device = decode::device(body)?;
                self.fit_to_be_shown(&mut device.addresses);
                Reply::Device(Arc::new(device))
            }
            Request::Page(_) => Reply::Page(self.page_fit_to_be_shown(decode::device_page(body)?)),
            Request::Plain(what) => Reply::Plain(match what {
                Plain::Project => PlainReply::Project(decode::project(body)?.into()),
                Plain::Facilities => PlainReply::Facilities(shared(decode::facilities(body)?)),
                Plain::Metros => PlainReply::Metros(shared(decode::metros(body)?)),
            }),
        })
    }

    /// What an answer other than 200 means.
    fn refusal(&self, request: Box<str>, head: &Head, body: &[u8]) -> Error {
        let own = decode::error_messages(body).map(|messages| self.quote(&messages.join("; ")));
        let other = || self.quote(&format!("no error of the API's own, {}", head.content_type));
        let said = || own.clone().unwrap_or_else(other);
        let status = head.status.as_u16();
        match head.status {
            StatusCode::UNAUTHORIZED => Error::Unauthorized { request, said: said() },
            StatusCode::FORBIDDEN => Error::Forbidden { request, said: said() },
            StatusCode::NOT_FOUND => match own {
                Some(said) if decode::is_own_error(body) && head.is_json() => Error::NotFound { request, said },
                _ => Error::ForeignNotFound { request },
            },
            StatusCode::TOO_MANY_REQUESTS => {
                Error::RateLimited { request, retry_after: head.retry_after.or(head.reset) }
            }
            status if status.is_server_error() => {
                Error::Server { request, status: status.as_u16(), said: said(), retry_after: head.retry_after }
            }
            _ => Error::Unexpected { request, status, said: said() },
        }
    }

    /// What a 200 whose body cannot be decoded means.
    fn broken(&self, request: Box<str>, head: &Head, body: &[u8], fault: &Fault) -> Error {
        let reason = self.quote(&fault.reason);
        match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
            Some(b'{' | b'[') if fault.cut_off => Error::CutOff { request, reason },
            Some(b'{' | b'[') => Error::Shape { request, field: self.quote(&fault.field), reason },
            None => Error::CutOff { request, reason: "the body is empty".into() },
            Some(_) => Error::NotJson { request, content_type: self.quote(&head.content_type) },
        }
    }

    /// The page, with what is wrong with its entries fit to be shown.
    fn page_fit_to_be_shown(&self, mut page: DevicePage) -> DevicePage {
        for spoiled in &mut page.spoiled {
            spoiled.field = self.quote(&spoiled.field);
            spoiled.reason = self.quote(&spoiled.reason);
        }
        let is_malformed = |address: &Address| matches!(address, Address::Malformed { .. });
        for device in page.devices.iter_mut().filter(|device| device.addresses.iter().any(is_malformed)) {
            self.fit_to_be_shown(&mut Arc::make_mut(device).addresses);
        }
        page
    }

    /// Makes what malformed addresses hold fit to be shown.
    fn fit_to_be_shown(&self, addresses: &mut [Address]) {
        for address in addresses {
            if let Address::Malformed { found, .. } = address {
                *found = self.quote(found);
            }
        }
    }

    /// What an answer says, fit to be shown: short, on one line, and without the token, should it be echoed.
    fn quote(&self, text: &str) -> Box<str> {
        let text = text.replace(self.connection.token.expose_secret(), "[token]");
        let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_QUOTE).collect();
        line.into()
    }
}

/// The path and the query of a request.
struct Asked {
    path: String,
    query: Vec<(&'static str, String)>,
}

impl Asked {
    fn new(path: String, query: impl IntoIterator<Item = (&'static str, String)>) -> Self {
        Self { path, query: query.into_iter().collect() }
    }

    /// The request as errors show it: without what only says which fields are wanted.
    fn shown(&self) -> Box<str> {
        let shown = self.query.iter().filter(|(key, _)| !matches!(*key, "exclude" | "include"));
        let shown: Vec<String> = shown.map(|(key, value)| format!("{key}={value}")).collect();
        let separator = if shown.is_empty() { "" } else { "?" };
        format!("GET {}{separator}{}", self.path, shown.join("&")).into()
    }
}

/// Reads a body to its end, but not past what a true one holds.
async fn read(request: &str, mut answer: reqwest::Response) -> Result<Vec<u8>, Error> {
    // As large as the answer says that it is, where it does and that can be true: growing into it would take twice the memory.
    let said = answer.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or_default();
    let mut body = Vec::with_capacity(said.min(LARGEST_ANSWER_BYTES));
    loop {
        match answer.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > LARGEST_ANSWER_BYTES => {
                return Err(Error::TooLarge { request: request.into(), limit_bytes: LARGEST_ANSWER_BYTES });
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body),
            Err(error) => {
                return Err(Error::CutOff { request: request.into(), reason: root_cause(&error).into() });
            }
        }
    }
}

fn shared<T>(all: Vec<T>) -> Arc<[Arc<T>]> {
    all.into_iter().map(Arc::new).collect()
}

fn unreached(request: &str, no_answer: NoAnswer) -> Error {
    match no_answer {
        NoAnswer::TimedOut => Error::Timeout { request: request.into(), after: CONNECT_TIMEOUT },
        NoAnswer::Failed(reason) => Error::Unreachable { request: request.into(), reason: reason.into() },
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::packet::DeviceId;

    const TOKEN: &str = "s3cret-token";

    fn understand(status: u16, content_type: &str, body: &str) -> Result<Reply, Error> {
        let base_url = "https://api.example/".parse().unwrap();
        let client =
            Client::new(Connection { base_url, project: "p".into(), token: SecretString::from(TOKEN) }).unwrap();
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, content_type.parse().unwrap())]);
        let request = Request::Device(DeviceId::parse("a").unwrap());
        client.understand(&request, StatusCode::from_u16(status).unwrap(), &headers, body.as_bytes()).result
    }

    #[test]
    fn a_token_that_is_echoed_in_the_content_type_is_in_no_message() {
        for (status, body) in [(502, "<html>"), (401, ""), (200, "<html>")] {
            for padding in [0, LONGEST_QUOTE - TOKEN.len() + 1] {
                let content_type = format!("{}{TOKEN}", "x".repeat(padding));
                let error = understand(status, &content_type, body).unwrap_err().to_string();
                assert!(error.contains("[t") || padding > 0, "{error}");
                assert!(!error.contains("s3cret"), "{error}");
            }
        }
    }

    #[test]
    fn what_a_malformed_address_holds_is_short_on_one_line_and_without_the_token() {
        let long = format!("{TOKEN}\\n{}", "x".repeat(2 * LONGEST_QUOTE));
        let body = format!(r#"{{"id":"a","hostname":"a","ip_addresses":[{{"address":"{long}","public":true}}]}}"#);
        let Reply::Device(device) = understand(200, "application/json", &body).unwrap() else { panic!("no device") };
        let Address::Malformed { found, .. } = &device.addresses[0] else { panic!("{device:?}") };
        assert!(found.starts_with("[token] x") && found.len() == LONGEST_QUOTE, "{found}");
    }
}
