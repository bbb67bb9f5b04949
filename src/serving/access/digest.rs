//! The digest under which something secret, or long, is remembered.

use std::fmt;

use ring::error::Unspecified;
use ring::hmac::{self, HMAC_SHA256, Key};
use ring::rand::SystemRandom;

/// What is left of a token: enough to know it again, and nothing to be had from it.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Digest([u8; 32]);

impl fmt::Debug for Digest {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Digest(…)")
    }
}

/// Makes digests that nobody can make beforehand: with a key that is drawn at every start (HMAC with SHA-256).
pub(super) struct Digester(Key);

impl Digester {
    /// Draws a key; fails where the operating system has no randomness.
    pub(super) fn new() -> Result<Self, Unspecified> {
        Key::generate(HMAC_SHA256, &SystemRandom::new()).map(Self)
    }

    pub(super) fn digest(&self, text: &[u8]) -> Digest {
        let tag = hmac::sign(&self.0, text);
        let mut digest = [0; 32];
        for (to, from) in digest.iter_mut().zip(tag.as_ref()) {
            *to = *from;
        }
        Digest(digest)
    }
}
