//! The settings of leader election, `--leader-elect*`, with the defaults and the rules of Kubernetes' component-base.

use std::time::Duration;

use super::Problem;

/// How much longer than the period the pause between two tries may be (client-go `JitterFactor`, 1.2), in tenths.
const JITTER_TENTHS: u32 = 12;

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

impl ElectionSettings {
    /// Whether a leader that cannot renew has ended before another takes over (client-go `NewLeaderElector`). Where none is
    /// elected, nothing can be wrong.
    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        if !self.enabled {
            return;
        }
        // A Lease counts in whole seconds; what is left over would be missing when others wait.
        let lease = Duration::from_secs(self.lease_duration.as_secs());
        let mut wrong = |flag: &str, value: Duration, expected: &str| {
            problems.push(Problem::flag(flag, &format_args!("{value:?}"), expected));
        };
        if lease.is_zero() {
            wrong("--leader-elect-lease-duration", self.lease_duration, "a second at least");
        } else if lease <= self.renew_deadline {
            let deadline = self.renew_deadline;
            let expected =
                format!("whole seconds that are more than --leader-elect-renew-deadline, which is {deadline:?}");
            wrong("--leader-elect-lease-duration", self.lease_duration, &expected);
        }
        if self.retry_period.is_zero() {
            wrong("--leader-elect-retry-period", self.retry_period, "a duration above zero");
        } else if self.renew_deadline * 10 <= self.retry_period * JITTER_TENTHS {
            let period = self.retry_period;
            let expected = format!("more than 1.2 times --leader-elect-retry-period, which is {period:?}");
            wrong("--leader-elect-renew-deadline", self.renew_deadline, &expected);
        }
        for (flag, name) in
            [("--leader-elect-resource-name", &self.name), ("--leader-elect-resource-namespace", &self.namespace)]
        {
            if name.is_empty() {
                problems.push(Problem::flag(flag, name, "a name"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(lease: u64, renew: u64, retry: u64) -> Vec<String> {
        let milliseconds = Duration::from_millis;
        let settings = ElectionSettings {
            lease_duration: milliseconds(lease),
            renew_deadline: milliseconds(renew),
            retry_period: milliseconds(retry),
            ..ElectionSettings::default()
        };
        let mut problems = Vec::new();
        settings.check(&mut problems);
        problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_defaults_go_together() {
        let mut problems = Vec::new();
        ElectionSettings::default().check(&mut problems);
        assert!(problems.is_empty(), "{problems:?}");
    }

    #[test]
    fn a_lease_outlasts_the_deadline_and_the_deadline_the_retries() {
        assert_eq!(
            wrong(10_000, 10_000, 2_000),
            ["--leader-elect-lease-duration is `10s`; expected whole seconds that are more than \
              --leader-elect-renew-deadline, which is 10s"]
        );
        assert_eq!(
            wrong(15_000, 2_400, 2_000),
            [
                "--leader-elect-renew-deadline is `2.4s`; expected more than 1.2 times --leader-elect-retry-period, which is 2s"
            ]
        );
        assert!(wrong(15_000, 2_401, 2_000).is_empty());
    }

    #[test]
    fn what_a_lease_cannot_count_does_not_count() {
        assert_eq!(wrong(1_900, 1_500, 500).len(), 1);
        assert_eq!(wrong(900, 500, 100), ["--leader-elect-lease-duration is `900ms`; expected a second at least"]);
        assert_eq!(wrong(15_000, 10_000, 0), ["--leader-elect-retry-period is `0ns`; expected a duration above zero"]);
    }

    #[test]
    fn where_no_leader_is_elected_nothing_is_wrong() {
        let mut problems = Vec::new();
        let settings =
            ElectionSettings { enabled: false, lease_duration: Duration::ZERO, ..ElectionSettings::default() };
        settings.check(&mut problems);
        assert!(problems.is_empty(), "{problems:?}");
    }
}
