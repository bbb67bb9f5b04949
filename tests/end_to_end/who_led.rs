//! Who led when, and who wrote without leading, judged from the API server's audit log alone.

use std::fmt;
use std::time::Duration;

use control_plane::AuditedRequest;
use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

/// The Lease that is fought for; the API server keeps others for itself.
const LEASE: &str = "cloud-controller-manager";

/// A time in which one process held the Lease.
struct Tenure<'a> {
    user: &'a str,
    holder: &'a str,
    /// When the claim came in that began it, and each renewal of it.
    claims: Vec<Timestamp>,
    /// When the claim that began it was answered.
    granted: Timestamp,
    /// When what ended it came in: it was released, or taken over.
    ended: Option<Timestamp>,
}

/// What the audit log proves.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    /// How often the Lease went from one process to another.
    pub(crate) handovers: usize,
    /// The longest time from the last claim of one leader to the moment at which the next one led.
    pub(crate) longest_gap: Duration,
    /// The same, of Leases that were released, from the release.
    pub(crate) longest_gap_after_a_release: Duration,
    /// Requests that were to change Nodes or Events.
    pub(crate) writes: usize,
    /// How many processes sent some.
    pub(crate) writers: usize,
    /// Those sent by somebody who did not lead.
    pub(crate) by_non_leaders: Vec<String>,
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} handovers, longest gap {:.2} s ({:.2} s after a release), {} writes by {} accounts, {} by non-leaders",
            self.handovers,
            self.longest_gap.as_secs_f64(),
            self.longest_gap_after_a_release.as_secs_f64(),
            self.writes,
            self.writers,
            self.by_non_leaders.len()
        )
    }
}

/// Judges the writes of these users. A Lease that was not renewed within its duration makes nobody a leader any more.
pub(crate) fn judge(log: &[AuditedRequest], users: &[&str], lease_duration: Duration) -> Verdict {
    let (tenures, mut verdict) = (tenures(log), Verdict::default());
    for pair in tenures.windows(2) {
        let [one, next] = pair else { continue };
        verdict.handovers += 1;
        let last = one.claims.last().copied().unwrap_or(one.granted);
        // What ended it is the next one's claim, unless it was released.
        let released = one.ended.filter(|ended| next.claims.first() != Some(ended));
        let gap = between(released.unwrap_or(last), next.granted);
        verdict.longest_gap = verdict.longest_gap.max(gap);
        if released.is_some() {
            verdict.longest_gap_after_a_release = verdict.longest_gap_after_a_release.max(gap);
        }
    }
    let judged = |write: &&AuditedRequest| users.contains(&write.user.as_str()) && write.resource != "leases";
    for write in log.iter().filter(judged) {
        verdict.writes += 1;
        if !tenures.iter().any(|tenure| tenure.covers(write, lease_duration)) {
            let (at, what) = (write.received, format!("{} {}/{}", write.verb, write.resource, write.name));
            let before = tenures.iter().rev().find(|tenure| tenure.granted <= at);
            let leader = before.map_or("nobody", |tenure| tenure.holder);
            verdict.by_non_leaders.push(format!("{at} {} {what} {} while {leader} led", write.user, write.code));
        }
    }
    let wrote = |user: &&&str| log.iter().any(|write| write.user == **user && write.resource != "leases");
    verdict.writers = users.iter().filter(wrote).count();
    verdict
}

impl Tenure<'_> {
    /// Whether a write came in while this one led.
    fn covers(&self, write: &AuditedRequest, lease_duration: Duration) -> bool {
        let at = write.received;
        let renewed = self.claims.iter().rev().find(|claim| **claim <= at);
        let is_fresh = renewed.is_some_and(|renewed| between(*renewed, at) <= lease_duration);
        self.user == write.user && is_fresh && self.ended.is_none_or(|ended| at <= ended)
    }
}

fn tenures(log: &[AuditedRequest]) -> Vec<Tenure<'_>> {
    let is_claim = |write: &&AuditedRequest| {
        let name = write.object.pointer("/metadata/name").and_then(Value::as_str);
        write.resource == "leases" && write.succeeded() && name == Some(LEASE)
    };
    let mut claims: Vec<_> = log.iter().filter(is_claim).collect();
    claims.sort_by_key(|write| version(write));
    let mut tenures: Vec<Tenure<'_>> = Vec::new();
    for claim in claims {
        let holder = claim.object.pointer("/spec/holderIdentity").and_then(Value::as_str).unwrap_or_default();
        if let Some(current) = tenures.last_mut().filter(|tenure| tenure.ended.is_none()) {
            if current.holder == holder {
                current.claims.push(claim.received);
                continue;
            }
            current.ended = Some(claim.received);
        }
        if !holder.is_empty() {
            let (user, granted) = (claim.user.as_str(), claim.answered);
            tenures.push(Tenure { user, holder, claims: vec![claim.received], granted, ended: None });
        }
    }
    tenures
}

/// The API server counts versions up.
fn version(write: &AuditedRequest) -> u64 {
    let version = write.object.pointer("/metadata/resourceVersion").and_then(Value::as_str);
    version.and_then(|version| version.parse().ok()).unwrap_or_default()
}

fn between(from: Timestamp, to: Timestamp) -> Duration {
    to.duration_since(from).try_into().unwrap_or_default()
}

mod tests {
    use k8s_openapi::jiff::SignedDuration;
    use serde_json::json;

    use super::*;

    fn write(user: &str, resource: &str, at_ms: i64, object: Value) -> AuditedRequest {
        let received = Timestamp::UNIX_EPOCH + SignedDuration::from_millis(at_ms);
        AuditedRequest {
            user: user.to_owned(),
            verb: "update".to_owned(),
            group: String::new(),
            resource: resource.to_owned(),
            namespace: String::new(),
            name: "n".to_owned(),
            uri: String::new(),
            received,
            answered: received + SignedDuration::from_millis(10),
            code: 200,
            object,
        }
    }

    fn claim(user: &str, holder: &str, at_ms: i64) -> AuditedRequest {
        let object = json!({"metadata": {"name": LEASE, "resourceVersion": at_ms.to_string()}, "spec": {"holderIdentity": holder}});
        write(user, "leases", at_ms, object)
    }

    fn verdict(log: &[AuditedRequest]) -> Verdict {
        judge(log, &["a", "b"], Duration::from_secs(3))
    }

    #[test]
    fn writes_of_whoever_leads_are_in_order_and_gaps_are_measured() {
        let node = |user, at| write(user, "nodes", at, Value::Null);
        let log = [
            claim("a", "a1", 1_000),
            node("a", 1_500),
            claim("a", "a1", 2_000),
            node("a", 4_900),
            claim("b", "b1", 6_000),
            node("b", 6_100),
            claim("b", "", 7_000),
            claim("a", "a2", 7_500),
            node("a", 7_600),
        ];
        let verdict = verdict(&log);
        assert_eq!(verdict.by_non_leaders, Vec::<String>::new());
        assert_eq!((verdict.handovers, verdict.writes, verdict.writers), (2, 4, 2));
        assert_eq!(verdict.longest_gap, Duration::from_millis(4_010));
        assert_eq!(verdict.longest_gap_after_a_release, Duration::from_millis(510));
    }

    #[test]
    fn writes_of_whoever_does_not_lead_are_found() {
        let node = |user, at| write(user, "nodes/status", at, Value::Null);
        for (stray, why) in [
            (node("b", 1_500), "it never led"),
            (node("a", 6_500), "another had taken over"),
            (node("a", 500), "it did not lead yet"),
            (node("a", 5_500), "its Lease had run out"),
            (node("b", 7_100), "it had released the Lease"),
        ] {
            let log = [
                claim("a", "a1", 1_000),
                claim("a", "a1", 2_000),
                claim("b", "b1", 6_000),
                claim("b", "", 7_000),
                stray,
            ];
            assert_eq!(verdict(&log).by_non_leaders.len(), 1, "{why}");
        }
    }
}
