//! What is measured of those who ask for what is served.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::registry::Registry;

use super::{Outcome, Word};

/// The metrics about who asks and what they may.
#[derive(Debug, Clone)]
pub struct AccessMetrics {
    /// Who they are.
    pub authentication: AuthenticationCounts,
    /// What they may do.
    pub authorization: AuthorizationCounts,
    /// What the API server was asked.
    pub reviews: ReviewCounts,
    authentications: Family<Outcome, Counter>,
    authorizations: Family<Outcome, Counter>,
    reviewed: Family<Review, Counter>,
}

/// Requests by who made them.
#[derive(Debug, Clone)]
pub struct AuthenticationCounts {
    /// Known by a client certificate.
    pub certificate: Counter,
    /// Known by a token.
    pub token: Counter,
    /// Saying nothing about themselves.
    pub anonymous: Counter,
    /// With a certificate or a token that was refused: 401.
    pub refused: Counter,
    /// With a token that could not be reviewed: 401.
    pub failed: Counter,
}

/// Requests by what they may.
#[derive(Debug, Clone)]
pub struct AuthorizationCounts {
    /// On paths that everybody may read; who asked was not looked at.
    pub open: Counter,
    /// By members of `system:masters`.
    pub masters: Counter,
    /// Allowed by the API server.
    pub allowed: Counter,
    /// Refused by the API server: 403.
    pub denied: Counter,
    /// Undecided, as the API server could not be asked: 500.
    pub failed: Counter,
}

/// Questions to the API server; the rest was remembered.
#[derive(Debug, Clone)]
pub struct ReviewCounts {
    /// `TokenReview`s.
    pub tokens: Counter,
    /// `SubjectAccessReview`s.
    pub access: Counter,
}

/// What the API server was asked to review.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Review {
    kind: Word,
}

impl Default for AccessMetrics {
    fn default() -> Self {
        let (authentications, authorizations) = (Family::default(), Family::default());
        let reviewed = Family::default();
        let counted =
            |family: &Family<Outcome, Counter>, result| family.get_or_create_owned(&Outcome { result: Word(result) });
        let known = |result| counted(&authentications, result);
        let decided = |result| counted(&authorizations, result);
        let asked = |kind| Family::<Review, Counter>::get_or_create_owned(&reviewed, &Review { kind: Word(kind) });
        Self {
            authentication: AuthenticationCounts {
                certificate: known("certificate"),
                token: known("token"),
                anonymous: known("anonymous"),
                refused: known("refused"),
                failed: known("failed"),
            },
            authorization: AuthorizationCounts {
                open: decided("open"),
                masters: decided("masters"),
                allowed: decided("allowed"),
                denied: decided("denied"),
                failed: decided("failed"),
            },
            reviews: ReviewCounts { tokens: asked("token"), access: asked("access") },
            authentications,
            authorizations,
            reviewed,
        }
    }
}

impl AccessMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let registry = registry.sub_registry_with_prefix("serving");
        let known = "Requests to protected paths, by how the client was known, or not";
        registry.register("authentications", known, self.authentications.clone());
        let decided = "Requests, by whether they were allowed and who said so";
        registry.register("authorizations", decided, self.authorizations.clone());
        let asked = "Reviews that the API server was asked for, by what was reviewed";
        registry.register("reviews", asked, self.reviewed.clone());
    }
}
