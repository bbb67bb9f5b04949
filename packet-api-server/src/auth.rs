//! Who may ask: the one token, in `X-Auth-Token`.

use crate::answer::Refusal;
use axum::http::HeaderMap;
use std::sync::{PoisonError, RwLock};

/// A token as a setting: it is not printed with what holds it.
#[derive(Clone)]
pub(crate) struct Secret(pub(crate) String);

impl std::fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

/// The token that works now.
pub(crate) struct Token(RwLock<String>);

impl Token {
    pub(crate) fn new(token: String) -> Self {
        Self(RwLock::new(token))
    }

    /// From now on this token works and the one before does not.
    pub(crate) fn rotate(&self, token: &str) {
        token.clone_into(&mut self.0.write().unwrap_or_else(PoisonError::into_inner));
    }

    /// Whether the request brings it.
    pub(crate) fn admits(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let token = self.0.read().unwrap_or_else(PoisonError::into_inner);
        match headers.get("x-auth-token") {
            Some(given) if given.as_bytes() == token.as_bytes() => Ok(()),
            _ => Err(Refusal::Unauthenticated),
        }
    }
}

/// Hides the token: a store is printed in test failures.
impl std::fmt::Debug for Token {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Token(…)")
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::Token;
    use axum::http::HeaderMap;

    fn headers(token: &str) -> HeaderMap {
        HeaderMap::from_iter([("x-auth-token".parse().unwrap(), token.parse().unwrap())])
    }

    #[test]
    fn a_rotated_token_stops_working() {
        let token = Token::new("old".into());
        assert!(token.admits(&headers("old")).is_ok());
        token.rotate("new");
        assert!(token.admits(&headers("old")).is_err());
        assert!(token.admits(&headers("new")).is_ok());
        assert!(token.admits(&HeaderMap::new()).is_err());
    }

    #[test]
    fn the_token_is_not_printed() {
        assert!(!format!("{:?}", Token::new("secret-word".into())).contains("secret-word"));
    }
}
