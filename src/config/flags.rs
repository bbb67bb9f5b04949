//! The command line.

use std::num::{NonZeroU16, NonZeroU32};
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Parser, ValueEnum};

use super::duration;

/// How log lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object per line.
    Json,
}

/// What `--help` says before the flags.
const ABOUT: &str = "Cloud controller manager for Packet (Equinix Metal).

Finds the device of every Node that a kubelet has registered as uninitialized, writes addresses, labels and provider ID, \
and takes the taint off. Marks Nodes whose device is switched off, and deletes those whose device is gone.

The token and the project come from METAL_API_KEY and METAL_PROJECT_ID (or PACKET_AUTH_TOKEN and PACKET_PROJECT_ID), \
or from the file of --cloud-config; flags win over the environment, the environment over the file.";

/// Cloud controller manager for Packet (Equinix Metal).
#[derive(Debug, Clone, Parser)]
#[command(name = "packet-cloud-controller-manager", version, long_about = ABOUT, max_term_width = 100)]
#[command(after_help = "Example:\n  METAL_API_KEY=… METAL_PROJECT_ID=… packet-cloud-controller-manager \\\n    \
                        --cloud-provider=equinixmetal --kubeconfig=$HOME/.kube/config")]
pub struct Flags {
    /// Which program to stand in for: `packet` (packet-ccm) or `equinixmetal` (cloud-provider-equinix-metal).
    #[arg(long, value_name = "NAME", help_heading = "Cloud provider")]
    pub cloud_provider: Option<String>,

    /// JSON file with apiKey, projectID and further settings.
    #[arg(long, value_name = "FILE", help_heading = "Cloud provider")]
    pub cloud_config: Option<PathBuf>,

    /// How to reach Kubernetes; without it, the ServiceAccount of the Pod is used.
    #[arg(long, value_name = "FILE", help_heading = "Kubernetes")]
    pub kubeconfig: Option<PathBuf>,

    /// Address of the Kubernetes API server; replaces the one that the kubeconfig or the Pod names.
    #[arg(long, value_name = "URL", help_heading = "Kubernetes")]
    pub master: Option<String>,

    /// Writes per second to the Kubernetes API; without it, the API server sets the pace.
    #[arg(long, value_name = "RATE", value_parser = rate, help_heading = "Kubernetes")]
    pub kube_api_qps: Option<f64>,

    /// Writes that may go out at once after a pause [default: 30, where --kube-api-qps is given].
    #[arg(long, value_name = "N", requires = "kube_api_qps", help_heading = "Kubernetes")]
    pub kube_api_burst: Option<NonZeroU32>,

    /// How often the addresses of initialised Nodes are compared with the Packet API.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = period, help_heading = "Nodes")]
    pub node_status_update_frequency: Duration,

    /// How often Nodes that are not Ready are looked after.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = period, help_heading = "Nodes")]
    pub node_monitor_period: Duration,

    /// Nodes written side by side [default: 32].
    #[arg(long, value_name = "N", help_heading = "Nodes")]
    pub concurrent_node_syncs: Option<NonZeroU16>,

    /// Verbosity: 0 and 1 warnings, 2 a line per Node and change, 4 a line per request, 6 and more everything.
    #[arg(short, long, value_name = "LEVEL", default_value_t = 2, value_parser = clap::value_parser!(u8).range(0..=10), help_heading = "Logging")]
    pub v: u8,

    /// How log lines look.
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t, help_heading = "Logging")]
    pub logging_format: LogFormat,

    /// Accepted for the manifests of packet-ccm; has no effect.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set, value_name = "BOOL", help_heading = "Accepted without effect")]
    pub allow_untagged_cloud: Option<bool>,

    /// Accepted for the manifests in use; has no effect, as nothing is served that would need authentication.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set, value_name = "BOOL", help_heading = "Accepted without effect")]
    pub authentication_skip_lookup: Option<bool>,

    /// Accepted for the manifests in use; there is no leader election yet, so run one replica.
    #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true", action = ArgAction::Set, value_name = "BOOL", help_heading = "Accepted without effect")]
    pub leader_elect: Option<bool>,
}

impl Flags {
    /// What there is to say of the flags that were given and do nothing.
    pub(super) fn idle(&self) -> Vec<String> {
        let given = |flag: &str, value: Option<bool>, why: &str| value.map(|_| format!("{flag} has no effect{why}"));
        let leader = self.leader_elect.filter(|elect| *elect);
        [
            given("--allow-untagged-cloud", self.allow_untagged_cloud, ""),
            given("--authentication-skip-lookup", self.authentication_skip_lookup, ": nothing is served that needs it"),
            given(
                "--leader-elect",
                leader,
                ": there is no leader election yet; run one replica, and stop it before the next starts, or each deletes \
                 its share of Nodes",
            ),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// The shortest period that leaves time for anything else.
const SHORTEST_PERIOD: Duration = Duration::from_millis(100);

fn period(text: &str) -> Result<Duration, String> {
    let period = duration::parse(text).map_err(|expected| format!("expected {expected}"))?;
    if period < SHORTEST_PERIOD {
        return Err(format!("expected {} ms at least", SHORTEST_PERIOD.as_millis()));
    }
    Ok(period)
}

fn rate(text: &str) -> Result<f64, &'static str> {
    let rate = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or("expected a number above 0")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;

    fn parse(arguments: &[&str]) -> Result<Flags, String> {
        let arguments = std::iter::once("ccm").chain(arguments.iter().copied());
        Flags::try_parse_from(arguments).map_err(|error| error.to_string())
    }

    #[test]
    fn the_command_lines_of_both_programs_are_taken() {
        let original = [
            "--cloud-provider=packet",
            "--leader-elect=false",
            "--allow-untagged-cloud=true",
            "--authentication-skip-lookup=true",
        ];
        assert_eq!(parse(&original).unwrap().idle().len(), 2);
        let successor = [
            "--cloud-provider=equinixmetal",
            "--leader-elect=true",
            "--authentication-skip-lookup=true",
            "--cloud-config=/etc/cloud-sa/cloud-sa.json",
        ];
        assert!(parse(&successor).unwrap().idle().iter().any(|warning| warning.contains("run one replica")));
    }

    #[test]
    fn an_unknown_flag_is_answered_with_the_nearest() {
        let error = parse(&["--cloud-confg=x"]).unwrap_err();
        assert!(error.contains("--cloud-confg") && error.contains("--cloud-config"), "{error}");
    }

    #[test]
    fn a_value_that_cannot_be_is_refused_with_what_it_should_be() {
        for (flag, expected) in [
            ("--node-status-update-frequency=5", "a duration above zero"),
            ("--kube-api-qps=0", "a number above 0"),
            ("--concurrent-node-syncs=0", "number would be zero"),
            ("--node-status-update-frequency=1ns", "100 ms at least"),
            ("--v=11", "0..=10"),
            ("--logging-format=xml", "json"),
        ] {
            let error = parse(&[flag]).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn the_flags_describe_a_command_line_that_can_be() {
        use clap::CommandFactory;
        Flags::command().debug_assert();
    }
}
