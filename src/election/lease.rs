//! What a Lease says, and what is written into it. The format is client-go's, so that a program of either kind waits for the
//! other.
//!
//! Only what decides is read, and leniently: a Lease whose times or numbers are nonsense still names who holds it, and nobody's
//! clock is compared with another's.

use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::Timestamp;
use kube::api::DynamicObject;
use kube::core::ObjectMeta;
use serde_json::{Value, json};

use super::identity::Identity;

/// How long a Lease is waited for at most, whatever it says: longer than any that controllers take, so that only a Lease
/// that somebody spoilt is taken over early.
const LONGEST: Duration = Duration::from_hours(1);

/// For how many seconds a Lease is taken by nobody (client-go `release`): the API server wants one at least.
const RELEASED_SECONDS: i32 = 1;

/// A Lease as the API server has it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Lease(Box<DynamicObject>);

impl Lease {
    pub(super) fn new(object: DynamicObject) -> Self {
        Self(Box::new(object))
    }

    /// Who holds it, if anybody does.
    pub(super) fn holder(&self) -> Option<&str> {
        self.field("holderIdentity")?.as_str().filter(|holder| !holder.is_empty())
    }

    pub(super) fn is_held_by(&self, identity: &Identity) -> bool {
        self.holder() == Some(identity.as_str())
    }

    /// For how long it holds from when it was written; `own` where it does not say so sensibly.
    pub(super) fn lasts(&self, own: Duration) -> Duration {
        let seconds = self.field("leaseDurationSeconds").and_then(Value::as_u64).filter(|seconds| *seconds > 0);
        seconds.map_or(own, |seconds| Duration::from_secs(seconds).min(LONGEST.max(own)))
    }

    /// Whether its holder has not written it since. Somebody who labels a Lease renews nothing.
    pub(super) fn says_what(&self, earlier: &Self) -> bool {
        self.0.data.get("spec") == earlier.0.data.get("spec")
    }

    /// The same object with that claim in it, to be written if nobody has written it meanwhile.
    pub(super) fn with(&self, claim: &Claim, now: Timestamp) -> DynamicObject {
        DynamicObject { data: claim.data(now), ..(*self.0).clone() }
    }

    pub(super) fn metadata(&self) -> &ObjectMeta {
        &self.0.metadata
    }

    fn transitions(&self) -> i32 {
        let transitions = self.field("leaseTransitions").and_then(Value::as_i64).unwrap_or_default();
        i32::try_from(transitions.max(0)).unwrap_or(i32::MAX)
    }

    fn field(&self, name: &str) -> Option<&Value> {
        self.0.data.get("spec")?.get(name)
    }
}

/// What a candidate writes into the Lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Claim {
    holder: String,
    seconds: i32,
    /// Since when it is held, where it was held before; now otherwise.
    acquired: Option<String>,
    transitions: i32,
}

impl Claim {
    /// The claim to a Lease that is not there yet.
    pub(super) fn first(identity: &Identity, lease_duration: Duration) -> Self {
        Self {
            holder: identity.as_str().to_owned(),
            seconds: whole_seconds(lease_duration),
            acquired: None,
            transitions: 0,
        }
    }

    /// The claim to a Lease that was read: a renewal where one holds it already, a transition otherwise.
    pub(super) fn to(lease: &Lease, identity: &Identity, lease_duration: Duration) -> Self {
        let first = Self::first(identity, lease_duration);
        if lease.is_held_by(identity) {
            let acquired = lease.field("acquireTime").and_then(Value::as_str).map(ToOwned::to_owned);
            Self { acquired, transitions: lease.transitions(), ..first }
        } else {
            // An overflow would be refused by the API server, again and again.
            Self { transitions: lease.transitions().saturating_add(1), ..first }
        }
    }

    /// That nobody holds it any more.
    pub(super) fn released(lease: &Lease) -> Self {
        let transitions = lease.transitions();
        Self { holder: String::new(), seconds: RELEASED_SECONDS, acquired: None, transitions }
    }

    /// As it is written, `now` by the clock of this machine. That time is for people.
    pub(super) fn data(&self, now: Timestamp) -> Value {
        let now = json!(MicroTime(now));
        json!({"spec": {
            "holderIdentity": self.holder,
            "leaseDurationSeconds": self.seconds,
            "acquireTime": self.acquired.as_ref().map_or_else(|| now.clone(), |acquired| json!(acquired)),
            "renewTime": now,
            "leaseTransitions": self.transitions,
        }})
    }
}

/// Seconds as a Lease has them. Rounded up: others have to wait for as long as is needed, and not less.
fn whole_seconds(duration: Duration) -> i32 {
    let seconds = duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0));
    i32::try_from(seconds.max(1)).unwrap_or(i32::MAX)
}

#[cfg(test)]
pub(super) mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    /// A Lease of that version with this `spec`.
    pub(crate) fn lease(version: u64, spec: &Value) -> Lease {
        let metadata = json!({"name": "l", "namespace": "n", "resourceVersion": version.to_string()});
        Lease(serde_json::from_value(json!({"metadata": metadata, "spec": spec})).unwrap())
    }

    const OWN: Duration = Duration::from_secs(15);

    #[test]
    fn a_claim_is_written_as_client_go_writes_it() {
        let now: Timestamp = "2024-05-06T07:08:09.5Z".parse().unwrap();
        let me = Identity::named("me");
        let first = Claim::first(&me, Duration::from_secs(15));
        let expected = json!({"spec": {
            "holderIdentity": "me", "leaseDurationSeconds": 15, "leaseTransitions": 0,
            "acquireTime": "2024-05-06T07:08:09.500000Z", "renewTime": "2024-05-06T07:08:09.500000Z",
        }});
        assert_eq!(first.data(now), expected);
        let theirs = lease(7, &json!({"holderIdentity": "you", "leaseTransitions": 3, "acquireTime": "then"}));
        let taken = Claim::to(&theirs, &me, OWN).data(now);
        assert_eq!(
            (&taken["spec"]["leaseTransitions"], &taken["spec"]["acquireTime"]),
            (&json!(4), &json!("2024-05-06T07:08:09.500000Z"))
        );
        let mine = lease(8, &json!({"holderIdentity": "me", "leaseTransitions": 4, "acquireTime": "then"}));
        let kept = Claim::to(&mine, &me, OWN).data(now);
        assert_eq!((&kept["spec"]["leaseTransitions"], &kept["spec"]["acquireTime"]), (&json!(4), &json!("then")));
        let released = Claim::released(&mine).data(now);
        assert_eq!(released["spec"]["holderIdentity"], "");
        assert_eq!(
            (&released["spec"]["leaseTransitions"], &released["spec"]["leaseDurationSeconds"]),
            (&json!(4), &json!(1))
        );
    }

    #[test]
    fn what_others_keep_in_the_lease_stays_and_its_version_guards_it() {
        let object =
            json!({"metadata": {"name": "l", "resourceVersion": "7", "labels": {"a": "b"}}, "spec": {"strategy": "x"}});
        let read = Lease(serde_json::from_value(object).unwrap());
        let claim = Claim::to(&read, &Identity::named("me"), OWN);
        let written = serde_json::to_value(read.with(&claim, Timestamp::UNIX_EPOCH)).unwrap();
        assert_eq!(
            (&written["metadata"]["labels"]["a"], &written["metadata"]["resourceVersion"]),
            (&json!("b"), &json!("7"))
        );
        assert_eq!(written["spec"].get("strategy"), None, "of another kind of election, which this one ends");
    }

    #[test]
    fn absurd_durations_and_counts_are_bounded() {
        for (said, expected) in [
            (json!(20), Duration::from_secs(20)),
            (json!(0), OWN),
            (json!(-5), OWN),
            (json!(i64::MIN), OWN),
            (json!(null), OWN),
            (json!("x"), OWN),
            (json!(i32::MAX), LONGEST),
            (json!(u64::MAX), LONGEST),
        ] {
            assert_eq!(lease(1, &json!({"leaseDurationSeconds": said})).lasts(OWN), expected, "{said}");
        }
        assert_eq!(lease(1, &json!({"leaseDurationSeconds": i32::MAX})).lasts(2 * LONGEST), 2 * LONGEST);
        for spec in [json!({"leaseTransitions": i32::MAX}), json!({"leaseTransitions": i64::MAX})] {
            assert_eq!(Claim::to(&lease(1, &spec), &Identity::named("me"), OWN).transitions, i32::MAX);
        }
        assert_eq!(Claim::to(&lease(1, &json!({"leaseTransitions": -3})), &Identity::named("me"), OWN).transitions, 1);
        for spec in [json!(null), json!({}), json!([]), json!("x")] {
            assert_eq!(lease(1, &spec).holder(), None);
        }
    }

    #[test]
    fn others_wait_for_as_long_as_is_needed_and_not_less() {
        assert_eq!(whole_seconds(Duration::from_millis(1500)), 2);
        assert_eq!(whole_seconds(Duration::from_millis(10)), 1);
        assert_eq!(whole_seconds(Duration::MAX), i32::MAX);
    }
}
