//! What a client may do: the API server decides, and its word is good for a while.

use std::sync::Arc;
use std::time::{Duration, Instant};

use k8s_openapi::api::authorization::v1::{NonResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use moka::Expiry;
use moka::future::Cache;

use super::counts::Counts;
use super::digest::{Digest, Digester};
use super::reviews::{NoReview, Reviews, shortened};
use super::user::User;
use crate::serving::bounds::MAX_REMEMBERED_ANSWERS;

/// What the API server decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Decision {
    /// The client may.
    Allowed,
    /// It may not; why is often left open.
    Denied(Arc<str>),
}

/// Has the API server decide, and remembers what it decided.
pub(super) struct Decisions {
    reviews: Reviews,
    digester: Digester,
    remembered: Cache<Digest, Decision>,
    counts: Arc<Counts>,
}

impl Decisions {
    pub(super) fn new(reviews: Reviews, digester: Digester, ttls: Ttls, counts: Arc<Counts>) -> Self {
        let remembered = Cache::builder().max_capacity(MAX_REMEMBERED_ANSWERS).expire_after(ttls).build();
        Self { reviews, digester, remembered, counts }
    }

    /// Whether a user may do `verb` at `path`. The same question several times at once is one review; one that fails is not
    /// remembered.
    pub(super) async fn decide(&self, user: &User, verb: &str, path: &str) -> Result<Decision, NoReview> {
        let attributes = NonResourceAttributes { path: Some(path.to_owned()), verb: Some(verb.to_owned()) };
        let spec = SubjectAccessReviewSpec {
            user: Some(user.name.clone()),
            uid: user.uid.clone(),
            groups: Some(user.groups.clone()),
            extra: Some(user.extra.clone()).filter(|extra| !extra.is_empty()),
            non_resource_attributes: Some(attributes),
            ..SubjectAccessReviewSpec::default()
        };
        let question = serde_json::to_vec(&spec).map_err(|_| NoReview::from("the question cannot be written"))?;
        let digest = self.digester.digest(&question);
        self.remembered.try_get_with(digest, self.review(spec)).await.map_err(|reason| NoReview::clone(&reason))
    }

    async fn review(&self, spec: SubjectAccessReviewSpec) -> Result<Decision, NoReview> {
        self.counts.reviews.access.add();
        let answer = self.reviews.ask(&SubjectAccessReview { spec, ..SubjectAccessReview::default() }).await?;
        let status = answer.status.unwrap_or_default();
        if status.allowed && !status.denied.unwrap_or_default() {
            return Ok(Decision::Allowed);
        }
        Ok(Decision::Denied(shortened(status.reason.as_deref().unwrap_or_default()).into()))
    }
}

/// For how long decisions are good.
pub(super) struct Ttls {
    pub(super) allowed: Duration,
    pub(super) denied: Duration,
}

impl<K> Expiry<K, Decision> for Ttls {
    fn expire_after_create(&self, _: &K, decision: &Decision, _: Instant) -> Option<Duration> {
        Some(match decision {
            Decision::Allowed => self.allowed,
            Decision::Denied(_) => self.denied,
        })
    }
}
