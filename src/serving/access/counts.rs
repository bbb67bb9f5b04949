//! How often clients were recognised, admitted and refused.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// One more.
    pub(in crate::serving) fn add(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What was found out about clients, and what followed.
#[derive(Debug, Default)]
pub struct Counts {
    /// Who they are.
    pub authentication: AuthenticationCounts,
    /// What they may do.
    pub authorization: AuthorizationCounts,
    /// What the API server was asked.
    pub reviews: ReviewCounts,
}

/// Requests by who made them.
#[derive(Debug, Default)]
pub struct AuthenticationCounts {
    /// Known by a client certificate.
    pub certificate: Count,
    /// Known by a token.
    pub token: Count,
    /// Saying nothing about themselves.
    pub anonymous: Count,
    /// With a certificate or a token that was refused: 401.
    pub refused: Count,
    /// With a token that could not be reviewed: 401.
    pub failed: Count,
}

/// Requests by what they may.
#[derive(Debug, Default)]
pub struct AuthorizationCounts {
    /// On paths that everybody may read; who asked was not looked at.
    pub open: Count,
    /// By members of `system:masters`.
    pub masters: Count,
    /// Allowed by the API server.
    pub allowed: Count,
    /// Refused by the API server: 403.
    pub denied: Count,
    /// Undecided, as the API server could not be asked: 500.
    pub failed: Count,
}

/// Questions to the API server; the rest was remembered.
#[derive(Debug, Default)]
pub struct ReviewCounts {
    /// `TokenReview`s.
    pub tokens: Count,
    /// `SubjectAccessReview`s.
    pub access: Count,
}
