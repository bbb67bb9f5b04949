//! The settings of leader election, `--leader-elect*`, with the defaults and the rules of Kubernetes' component-base.

use std::time::Duration;

/// How a leader is elected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ElectionSettings {
    /// Whether one is elected at all; otherwise this process leads for as long as it runs.
    pub enabled: bool,
    /// For how long those that do not lead wait after the last renewal that they have seen before they take the Lease over.
    pub lease_duration: Duration,
    /// How long the leader tries to renew the Lease before it gives up leading; less than `lease_duration`.
    pub renew_deadline: Duration,
    /// How long everybody waits between two tries.
    pub retry_period: Duration,
    /// The name of the Lease.
    pub name: String,
    /// The namespace of the Lease.
    pub namespace: String,
}

impl Default for ElectionSettings {
    fn default() -> Self {
        Self {
            enabled: true,
            lease_duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry_period: Duration::from_secs(2),
            name: "cloud-controller-manager".to_owned(),
            namespace: "kube-system".to_owned(),
        }
    }
}
