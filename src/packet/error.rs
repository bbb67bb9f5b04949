//! What can go wrong with a request to the Packet API, each kind with what an operator can do about it.

use std::time::Duration;

/// A request to the Packet API that brought no answer that can be used.
///
/// `request` is the method, path and query, e.g. `GET devices/7f0c…`; it never holds the token.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// 401: the token is wrong, revoked or expired.
    #[error(
        "{request}: the Packet API refused the token (401: {said}); check apiKey, METAL_API_KEY or PACKET_AUTH_TOKEN"
    )]
    Unauthorized {
        /// What was asked.
        request: Box<str>,
        /// What the answer said.
        said: Box<str>,
    },
    /// 403: the token may not read this. It proves nothing about whether the thing exists.
    #[error(
        "{request}: the token may not read this (403: {said}); give it the rights, or check that the project is the right one"
    )]
    Forbidden {
        /// What was asked.
        request: Box<str>,
        /// What the answer said.
        said: Box<str>,
    },
    /// 404 with the API's own error as its body.
    #[error("{request}: the Packet API does not know it (404: {said})")]
    NotFound {
        /// What was asked.
        request: Box<str>,
        /// What the API said.
        said: Box<str>,
    },
    /// 404 from something that is not the API: a proxy, a gateway, a wrong base URL.
    #[error(
        "{request}: answered 404 without the Packet API's own error, so it says nothing; check base-url and any proxy on the way"
    )]
    ForeignNotFound {
        /// What was asked.
        request: Box<str>,
    },
    /// 429: too many requests with this token, by whomever.
    #[error("{request}: the Packet API asks for fewer requests (429{}); they wait, and lower rateLimit.requestsPerSecond if this goes on", wait(*retry_after))]
    RateLimited {
        /// What was asked.
        request: Box<str>,
        /// How long the API asks to wait, where it says.
        retry_after: Option<Duration>,
    },
    /// 5xx.
    #[error("{request}: the Packet API, or a proxy before it, failed ({status}: {said}); it is tried again")]
    Server {
        /// What was asked.
        request: Box<str>,
        /// The HTTP status code.
        status: u16,
        /// What the answer said.
        said: Box<str>,
        /// How long the API asks to wait, where it says.
        retry_after: Option<Duration>,
    },
    /// Any other status that is not success, redirections included: following one would send the token elsewhere.
    #[error("{request}: unexpected answer {status}: {said}; check base-url")]
    Unexpected {
        /// What was asked.
        request: Box<str>,
        /// The HTTP status code.
        status: u16,
        /// What the answer said.
        said: Box<str>,
    },
    /// The answer is not JSON.
    #[error("{request}: answered {content_type} that is no JSON; check base-url and any proxy on the way")]
    NotJson {
        /// What was asked.
        request: Box<str>,
        /// The `Content-Type` of the answer.
        content_type: Box<str>,
    },
    /// The answer ends in the middle.
    #[error("{request}: the answer was cut off ({reason}); it is tried again")]
    CutOff {
        /// What was asked.
        request: Box<str>,
        /// How that showed.
        reason: Box<str>,
    },
    /// The answer is JSON, but not of the shape that the API's description gives it.
    #[error("{request}: cannot use the answer, field `{field}`: {reason}")]
    Shape {
        /// What was asked.
        request: Box<str>,
        /// The path of the field in the answer, `.` for the whole.
        field: Box<str>,
        /// What is wrong with it.
        reason: Box<str>,
    },
    /// The answer is larger than any true one.
    #[error(
        "{request}: the answer is larger than {limit_bytes} bytes, which no true answer is; check base-url and any proxy on the way"
    )]
    TooLarge {
        /// What was asked.
        request: Box<str>,
        /// The limit it passed, in bytes.
        limit_bytes: usize,
    },
    /// No answer in time.
    #[error("{request}: no answer within {} s; it is tried again", after.as_secs())]
    Timeout {
        /// What was asked.
        request: Box<str>,
        /// How long was waited.
        after: Duration,
    },
    /// The request could not be sent: name resolution, connection, TLS.
    #[error("{request}: cannot reach the Packet API ({reason}); check base-url, DNS, proxy and firewall")]
    Unreachable {
        /// What was asked.
        request: Box<str>,
        /// Which step failed, as the system words it.
        reason: Box<str>,
    },
    /// The list changed under every attempt to read it, so that a device may have been missed.
    #[error("{request}: the list changed while it was read, {attempts} times in a row; it is tried again")]
    Shifting {
        /// What was asked.
        request: Box<str>,
        /// How often it was read.
        attempts: u32,
    },
    /// The token was changed after the request was sent, and what became of the one before says nothing.
    #[error("{request}: the token was changed meanwhile; it is asked again")]
    TokenChanged {
        /// What was asked.
        request: Box<str>,
    },
    /// The list does not end.
    #[error("{request}: the list goes on after {pages} pages, more than any true one has")]
    Endless {
        /// What was asked.
        request: Box<str>,
        /// How many pages were read.
        pages: u32,
    },
}

impl Error {
    /// What kind of error it is, in one word.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Unauthorized { .. } => "unauthorized",
            Self::Forbidden { .. } => "forbidden",
            Self::NotFound { .. } => "not_found",
            Self::ForeignNotFound { .. } => "foreign_not_found",
            Self::RateLimited { .. } => "rate_limited",
            Self::Server { .. } => "server_error",
            Self::Unexpected { .. } => "unexpected_status",
            Self::NotJson { .. } => "not_json",
            Self::CutOff { .. } => "cut_off",
            Self::Shape { .. } => "wrong_shape",
            Self::TooLarge { .. } => "too_large",
            Self::Timeout { .. } => "timeout",
            Self::Unreachable { .. } => "unreachable",
            Self::Shifting { .. } => "shifting_list",
            Self::Endless { .. } => "endless_list",
            Self::TokenChanged { .. } => "token_changed",
        }
    }

    /// Whether the same request may well succeed when it is sent again.
    #[must_use]
    pub fn is_passing(&self) -> bool {
        match self {
            Self::RateLimited { .. }
            | Self::Server { .. }
            | Self::CutOff { .. }
            | Self::Timeout { .. }
            | Self::Shifting { .. }
            | Self::TokenChanged { .. }
            | Self::Unreachable { .. } => true,
            Self::Unauthorized { .. }
            | Self::Forbidden { .. }
            | Self::NotFound { .. }
            | Self::ForeignNotFound { .. }
            | Self::Unexpected { .. }
            | Self::NotJson { .. }
            | Self::Shape { .. }
            | Self::TooLarge { .. }
            | Self::Endless { .. } => false,
        }
    }
}

fn wait(retry_after: Option<Duration>) -> String {
    retry_after.map_or_else(String::new, |wait| format!(", wait {} s", wait.as_secs()))
}
