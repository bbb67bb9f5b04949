//! The flags of leader election.

use std::time::Duration;

use clap::{ArgAction, Args};

use super::{pflag, values};
use crate::config::{ElectionSettings, Problem};

/// The one kind of object that leaders are elected with; the others went with Kubernetes 1.24.
const LEASES: &str = "leases";

/// How a leader is elected.
#[expect(clippy::struct_field_names, reason = "they are named as the flags are")]
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Leader election")]
pub struct ElectionFlags {
    /// Whether one replica works while the others wait; when false, run one
    #[arg(long, value_name = pflag::BOOL, default_value = "true", action = ArgAction::Set, value_parser = values::boolean)]
    pub(super) leader_elect: bool,

    /// How long the others wait after a renewal before they take over
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = values::duration_or_zero)]
    pub(super) leader_elect_lease_duration: Duration,

    /// How long the leader tries to renew before it ends; less than the above
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = values::duration_or_zero)]
    pub(super) leader_elect_renew_deadline: Duration,

    /// How long all wait between two tries; 1.2 times it is less than the above
    #[arg(long, value_name = "DURATION", default_value = "2s", value_parser = values::duration_or_zero)]
    pub(super) leader_elect_retry_period: Duration,

    /// Kind of the lock; there is no other
    #[arg(long, value_name = "KIND", default_value = LEASES)]
    pub(super) leader_elect_resource_lock: String,

    /// Name of the Lease
    #[arg(long, value_name = "NAME", default_value = "cloud-controller-manager")]
    pub(super) leader_elect_resource_name: String,

    /// Namespace of the Lease
    #[arg(long, value_name = "NAME", default_value = "kube-system")]
    pub(super) leader_elect_resource_namespace: String,
}

impl ElectionFlags {
    /// The settings; without election, whatever is said of it is taken as it is.
    pub(in crate::config) fn settings(&self, problems: &mut Vec<Problem>) -> ElectionSettings {
        let settings = ElectionSettings {
            enabled: self.leader_elect,
            lease_duration: self.leader_elect_lease_duration,
            renew_deadline: self.leader_elect_renew_deadline,
            retry_period: self.leader_elect_retry_period,
            name: self.leader_elect_resource_name.clone(),
            namespace: self.leader_elect_resource_namespace.clone(),
        };
        if settings.enabled && self.leader_elect_resource_lock != LEASES {
            let expected = "`leases`, the only lock that is left of those that Kubernetes had";
            problems.push(Problem::flag("--leader-elect-resource-lock", &self.leader_elect_resource_lock, expected));
        }
        settings.check(problems);
        settings
    }
}
