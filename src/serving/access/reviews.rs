//! Asking the API server to review something: within bounds, and with the reason in words where it does not.

use std::error::Error;
use std::fmt::Debug;
use std::io;
use std::num::NonZeroU32;
use std::sync::Arc;

use governor::{DefaultDirectRateLimiter, Quota, RateLimiter};
use k8s_openapi::ClusterResourceScope;
use kube::api::{Api, PostParams};
use kube::{Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::serving::bounds::{MAX_REASON, REVIEW_TIME, REVIEWS_IN_A_BURST, REVIEWS_PER_SECOND};
use crate::serving::standing::Standing;

/// Why there is no review. Holds nothing of what was to be reviewed.
pub(super) type NoReview = Arc<str>;

/// One kind of review, by one cluster.
pub(super) struct Reviews {
    client: Client,
    rate: DefaultDirectRateLimiter,
    standing: Standing,
}

impl Reviews {
    pub(super) fn new(client: Client, standing: Standing) -> Self {
        const PER_SECOND: NonZeroU32 = NonZeroU32::new(REVIEWS_PER_SECOND).expect("not zero");
        const BURST: NonZeroU32 = NonZeroU32::new(REVIEWS_IN_A_BURST).expect("not zero");
        let rate = RateLimiter::direct(Quota::per_second(PER_SECOND).allow_burst(BURST));
        Self { client, rate, standing }
    }

    /// Has the API server answer a question.
    pub(super) async fn ask<K>(&self, question: &K) -> Result<K, NoReview>
    where
        K: Resource<DynamicType = (), Scope = ClusterResourceScope> + Serialize + DeserializeOwned + Clone + Debug,
    {
        let reviews = Api::<K>::all(self.client.clone());
        let parameters = PostParams::default();
        let asked = async {
            self.rate.until_ready().await;
            reviews.create(&parameters, question).await
        };
        let reason = match tokio::time::timeout(REVIEW_TIME, asked).await {
            Ok(Ok(answer)) => {
                self.standing.works();
                return Ok(answer);
            }
            Ok(Err(error)) => reason(&error),
            Err(_) => late(),
        };
        self.standing.failed(&reason);
        Err(reason.into())
    }
}

/// What there is to say of an API server that does not answer.
pub(super) fn late() -> String {
    format!("the API server has not answered within {} s", REVIEW_TIME.as_secs())
}

/// Why the API server did not do what it was asked to, in words that repeat neither the question nor any credentials.
pub(super) fn reason(error: &kube::Error) -> String {
    match error {
        // Names this program's account and what it may not do, which is what whoever grants it has to know.
        kube::Error::Api(status) if status.code == 403 => shortened(&status.message),
        kube::Error::Api(status) => format!("the API server answered {} {}", status.code, shortened(&status.reason)),
        // The answer repeats the token.
        kube::Error::SerdeError(_) => "the answer of the API server cannot be read".to_owned(),
        // What a plugin that brings credentials has printed.
        kube::Error::Auth(_) => "this program's own credentials cannot be used".to_owned(),
        error => match innermost_io(error) {
            Some(cause) => format!("the API server cannot be reached: {cause}"),
            None => "the API server cannot be reached".to_owned(),
        },
    }
}

fn innermost_io(error: &kube::Error) -> Option<&io::Error> {
    let mut found = None;
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(cause) = next {
        found = cause.downcast_ref().or(found);
        next = cause.source();
    }
    found
}

/// The beginning of a text, in one line.
pub(super) fn shortened(text: &str) -> String {
    text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(MAX_REASON).collect()
}

#[cfg(test)]
mod tests {
    use kube::core::Status;

    use super::*;

    #[test]
    fn reasons_say_what_to_do_and_repeat_no_token() {
        let forbidden = "tokenreviews.authentication.k8s.io is forbidden: User \"ccm\" cannot create resource";
        assert_eq!(
            reason(&kube::Error::Api(Box::new(Status::failure(forbidden, "Forbidden").with_code(403)))),
            forbidden
        );
        let invalid = Status::failure("spec.token: Invalid value: \"s3cret\"", "Invalid").with_code(422);
        assert_eq!(reason(&kube::Error::Api(Box::new(invalid))), "the API server answered 422 Invalid");
        let unread = serde_json::from_str::<u8>("\"s3cret\"").map_err(kube::Error::SerdeError);
        assert!(unread.is_err_and(|error| !reason(&error).contains("s3cret")));
        let refused = io::Error::from(io::ErrorKind::ConnectionRefused);
        let away = kube::Error::Service(Box::new(io::Error::other(refused)));
        assert_eq!(reason(&away), "the API server cannot be reached: connection refused");
    }

    #[test]
    fn a_long_reason_is_cut() {
        let text = format!("a\nb{}", "ä".repeat(10_000));
        assert_eq!(shortened(&text).chars().count(), MAX_REASON);
        assert!(shortened(&text).starts_with("a b"));
    }
}
