//! Whose a bearer token is: the API server says, and its word is good for a while.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::HeaderMap;
use http::header::AUTHORIZATION;
use k8s_openapi::api::authentication::v1::{TokenReview, TokenReviewSpec};
use moka::Expiry;
use moka::future::Cache;

use super::counts::Counts;
use super::digest::{Digest, Digester};
use super::reviews::{NoReview, Reviews};
use super::user::User;
use crate::serving::bounds::MAX_REMEMBERED_TOKENS;

/// Whose a token is; none where it is refused.
type Owner = Option<Arc<User>>;

/// Reviews tokens, and remembers the answers by the digest of the token.
pub(super) struct Tokens {
    reviews: Reviews,
    digester: Digester,
    remembered: Cache<Digest, Owner>,
    counts: Arc<Counts>,
}

impl Tokens {
    pub(super) fn new(reviews: Reviews, digester: Digester, ttl: Duration, counts: Arc<Counts>) -> Self {
        let remembered = Cache::builder().max_capacity(MAX_REMEMBERED_TOKENS).expire_after(Same(ttl)).build();
        Self { reviews, digester, remembered, counts }
    }

    /// Whose a token is. The same token asked about several times at once is one review; one that fails is not remembered.
    pub(super) async fn owner(&self, token: &str) -> Result<Owner, NoReview> {
        let digest = self.digester.digest(token.as_bytes());
        let review = self.review(token);
        self.remembered.try_get_with(digest, review).await.map_err(|reason| NoReview::clone(&reason))
    }

    async fn review(&self, token: &str) -> Result<Owner, NoReview> {
        self.counts.reviews.tokens.add();
        let spec = TokenReviewSpec { token: Some(token.to_owned()), audiences: None };
        let answer = self.reviews.ask(&TokenReview { spec, ..TokenReview::default() }).await?;
        let status = answer.status.unwrap_or_default();
        let is_authenticated = status.authenticated.unwrap_or_default();
        Ok(status.user.filter(|_| is_authenticated).and_then(User::reviewed).map(Arc::new))
    }
}

/// Every answer is good for the same time.
struct Same(Duration);

impl<K, V> Expiry<K, V> for Same {
    fn expire_after_create(&self, _: &K, _: &V, _: Instant) -> Option<Duration> {
        Some(self.0)
    }
}

/// What a client says with `Authorization`.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Presented<'a> {
    /// Nothing, or something that is no bearer token, which upstream takes for nothing.
    Nothing,
    /// A token.
    Token(&'a str),
    /// Something that cannot be one.
    Garbage,
}

/// Reads it as upstream does (apiserver `bearertoken.Authenticator`): what follows a second space does not count.
pub(super) fn presented(headers: &HeaderMap) -> Presented<'_> {
    let Some(value) = headers.get(AUTHORIZATION) else { return Presented::Nothing };
    let Ok(text) = value.to_str() else { return Presented::Garbage };
    let mut parts = text.trim().splitn(3, ' ');
    let (scheme, token) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() {
        Presented::Token(token)
    } else {
        Presented::Nothing
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]

    use super::*;

    #[test]
    fn tokens_are_read_as_upstream_reads_them() {
        let read = |text: &'static [u8]| {
            let headers = HeaderMap::from_iter([(AUTHORIZATION, text.try_into().unwrap())]);
            format!("{:?}", presented(&headers))
        };
        assert_eq!(presented(&HeaderMap::new()), Presented::Nothing);
        for (text, expected) in [
            (b"Bearer abc".as_slice(), "Token(\"abc\")"),
            (b"bearer abc", "Token(\"abc\")"),
            (b"  BEARER abc  ", "Token(\"abc\")"),
            (b"Bearer abc def", "Token(\"abc\")"),
            (b"Bearer  abc", "Nothing"),
            (b"Bearer ", "Nothing"),
            (b"Bearer", "Nothing"),
            (b"Basic abc", "Nothing"),
            (b"Bearerabc", "Nothing"),
            (b"", "Nothing"),
            (b"Bearer \xff\xfe", "Garbage"),
        ] {
            assert_eq!(read(text), expected, "{}", String::from_utf8_lossy(text));
        }
    }

    #[test]
    fn a_token_is_known_again_by_its_digest_alone() {
        let digester = Digester::new().unwrap();
        assert_eq!(digester.digest(b"abc"), digester.digest(b"abc"));
        assert_ne!(digester.digest(b"abc"), digester.digest(b"abd"));
        assert_ne!(digester.digest(b"abc"), Digester::new().unwrap().digest(b"abc"), "of another start");
        assert_eq!(format!("{:?}", digester.digest(b"abc")), "Digest(…)");
    }
}
