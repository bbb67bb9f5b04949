//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::SignedDuration;

/// Watches the cloud controller manager at work.
#[derive(Debug, Parser)]
#[command(name = "lab", version, max_term_width = 100)]
pub(crate) struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What the lab can do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Let Nodes join in a burst, watch the program initialise them, and check every one
    #[command(long_about = ABOUT, after_help = EXAMPLES)]
    Demo(Box<Demo>),
}

const ABOUT: &str = "Lets Nodes join in a burst, watches the program initialise them, and checks every one.

The Packet API is always simulated, so no account is needed and no machine is touched. The Kubernetes API is simulated, \
too, unless --kubeconfig, the environment variable KUBECONFIG or --control-plane says otherwise. The program is the \
real one, run as a process of its own.

On somebody's cluster the Nodes carry the label packet-ccm-lab/run, are cordoned and tainted so that nothing is \
scheduled on them, and are removed at the end. A cluster with Nodes of Packet or Equinix Metal, with uninitialized \
Nodes, or with a cloud controller manager at work is refused. So is one that is not on this machine, unless you say yes.";

const EXAMPLES: &str = "Examples:
  lab demo
      500 Nodes within 2 seconds; a few seconds later you know how it went
  lab demo --nodes 5000 --latency 200ms --rate 2
      a large cluster, an API that is slow, and two requests a second to it
  lab demo --control-plane --floor
      a real kube-apiserver, and how much faster a bare loop of the same writes would be
  lab demo --nodes 20 --missing-devices 2 --timeout 10s
      what a failure looks like
  lab demo --keep
      leaves everything running, to look around with kubectl and curl

Exit code: 0 if every Node came through and every check held, 1 if not, 2 for a wrong command line, 130 for Ctrl-C.";

/// The options of `lab demo`.
#[derive(Debug, Clone, Args)]
#[expect(clippy::struct_excessive_bools, reason = "switches of a command line, each on or off whatever the others are")]
pub(crate) struct Demo {
    /// How many Nodes join
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = nodes, help_heading = "Scenario")]
    pub(crate) nodes: usize,

    /// In how many seconds they join, in ten groups a second; 0 is all at once
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0, value_parser = seconds, help_heading = "Scenario")]
    pub(crate) burst_seconds: f64,

    /// Register all Nodes before the program starts
    #[arg(long, help_heading = "Scenario")]
    pub(crate) cold_start: bool,

    /// Afterwards, let a bare loop send the same two patches to as many fresh Nodes, and compare; implies --cold-start
    #[arg(long, conflicts_with = "keep", help_heading = "Scenario")]
    pub(crate) floor: bool,

    /// Leave so many Nodes without a device, to see what a failure looks like
    #[arg(long, value_name = "N", default_value_t = 0, help_heading = "Scenario")]
    pub(crate) missing_devices: usize,

    /// How long the Nodes may take, from the first one's joining
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = duration, help_heading = "Scenario")]
    pub(crate) timeout: Duration,

    /// How many devices there are in the project [default: the Nodes' and 10 % others]
    #[arg(long, value_name = "N", help_heading = "Simulated Packet API")]
    pub(crate) devices: Option<usize>,

    /// The most devices that it puts on a page, whatever it is asked for
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000), help_heading = "Simulated Packet API")]
    pub(crate) max_per_page: u32,

    /// How long each of its answers takes at least
    #[arg(long, value_name = "TIME", default_value = "50ms", value_parser = duration, help_heading = "Simulated Packet API")]
    pub(crate) latency: Duration,

    /// Use the cluster that this file leads to [default: that of the environment variable KUBECONFIG, if set]
    #[arg(long, value_name = "FILE", help_heading = "Kubernetes")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// Start a real etcd and kube-apiserver; Go builds them the first time, which takes minutes
    #[arg(long, conflicts_with_all = ["kubeconfig", "simulated"], help_heading = "Kubernetes")]
    pub(crate) control_plane: bool,

    /// Use the simulated Kubernetes API even if KUBECONFIG is set
    #[arg(long, conflicts_with = "kubeconfig", help_heading = "Kubernetes")]
    pub(crate) simulated: bool,

    /// Do not ask before Nodes are added to a cluster that is not on this machine
    #[arg(long, help_heading = "Kubernetes")]
    pub(crate) yes: bool,

    /// The program to run [default: the one beside this, or else the one in dist/bin]
    #[arg(long, value_name = "PATH", help_heading = "Program")]
    pub(crate) binary: Option<PathBuf>,

    /// Its --cloud-provider
    #[arg(long, value_enum, value_name = "NAME", default_value_t = Provider::EquinixMetal, help_heading = "Program")]
    pub(crate) provider: Provider,

    /// Its limit of requests per second to the Packet API [default: the program's own]
    #[arg(long, value_name = "N", value_parser = rate, help_heading = "Program")]
    pub(crate) rate: Option<f64>,

    /// Its limit of requests at once after a pause [default: the program's own]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Program")]
    pub(crate) burst: Option<u32>,

    /// After the summary leave everything running until Ctrl-C, and say how to look at it
    #[arg(long, env = "KEEP", value_parser = FalseyValueParser::new(), help_heading = "Afterwards")]
    pub(crate) keep: bool,

    /// Write the summary to this file as well, as JSON
    #[arg(long, value_name = "FILE", help_heading = "Afterwards")]
    pub(crate) json: Option<PathBuf>,
}

impl Demo {
    /// How many devices belong to nobody.
    pub(crate) fn other_devices(&self) -> usize {
        let of_nodes = self.nodes.saturating_sub(self.missing_devices);
        self.devices.map_or(self.nodes.div_ceil(10), |devices| devices.saturating_sub(of_nodes))
    }

    /// Whether the Nodes are there before the program is.
    pub(crate) const fn starts_cold(&self) -> bool {
        self.cold_start || self.floor
    }

    /// What the options say that cannot be, taken together.
    pub(crate) fn contradiction(&self) -> Option<String> {
        let of_nodes = self.nodes.saturating_sub(self.missing_devices);
        if self.missing_devices > self.nodes {
            return Some(format!("--missing-devices is {}, but there are {} Nodes", self.missing_devices, self.nodes));
        }
        match self.devices {
            Some(devices) if devices < of_nodes => Some(format!(
                "--devices is {devices}, but {of_nodes} Nodes are to have one; give at least that many, or leave Nodes \
                 without with --missing-devices"
            )),
            _ => None,
        }
    }
}

/// Which program the controller stands in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Provider {
    /// As packet-ccm
    Packet,
    /// As cloud-provider-equinix-metal
    #[value(name = "equinixmetal")]
    EquinixMetal,
}

impl Provider {
    /// Its name on the program's command line, which is the scheme of its provider IDs.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Packet => "packet",
            Self::EquinixMetal => "equinixmetal",
        }
    }
}

/// More Nodes than Kubernetes takes in one cluster teach nothing, and names have four digits for a reason.
fn nodes(text: &str) -> Result<usize, &'static str> {
    text.parse().ok().filter(|nodes| (1..=9_999).contains(nodes)).ok_or("expected a whole number from 1 to 9999")
}

fn seconds(text: &str) -> Result<f64, &'static str> {
    let seconds = text.parse().ok().filter(|seconds: &f64| (0.0..=3_600.0).contains(seconds));
    seconds.ok_or("expected seconds from 0 to 3600, such as 2 or 0.5")
}

fn rate(text: &str) -> Result<f64, &'static str> {
    let rate = text.parse().ok().filter(|rate: &f64| rate.is_finite() && *rate > 0.0);
    rate.ok_or("expected a number above 0")
}

fn duration(text: &str) -> Result<Duration, &'static str> {
    let parsed = text.parse::<SignedDuration>().ok().and_then(|duration| Duration::try_from(duration).ok());
    parsed.ok_or("expected a time with its unit, such as 50ms, 2s or 1m")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use clap::CommandFactory;

    fn demo(options: &[&str]) -> Result<Demo, String> {
        let all = ["lab", "demo"].iter().chain(options);
        match Arguments::try_parse_from(all).map_err(|error| error.to_string())?.command {
            Command::Demo(demo) => Ok(*demo),
        }
    }

    #[test]
    fn the_options_describe_a_command_line_that_can_be() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_help_tells_of_the_cluster_that_is_not_harmed_and_of_exit_codes() {
        let help = demo(&["--help"]).unwrap_err();
        assert!(help.contains("is refused") && help.contains("Exit code: 0"), "{help}");
    }

    #[test]
    fn a_tenth_of_the_devices_is_others_unless_told_otherwise() {
        assert_eq!(demo(&["--nodes", "500"]).unwrap().other_devices(), 50);
        assert_eq!(demo(&["--nodes", "500", "--devices", "500"]).unwrap().other_devices(), 0);
        assert_eq!(demo(&["--nodes", "9", "--missing-devices", "2", "--devices", "9"]).unwrap().other_devices(), 2);
    }

    #[test]
    fn fewer_devices_than_nodes_are_refused_with_the_way_on() {
        let said = demo(&["--nodes", "10", "--devices", "9"]).unwrap().contradiction().unwrap();
        assert!(said.contains("--devices is 9") && said.contains("--missing-devices"), "{said}");
        assert_eq!(demo(&["--nodes", "10", "--devices", "9", "--missing-devices", "1"]).unwrap().contradiction(), None);
        assert!(demo(&["--nodes", "1", "--missing-devices", "2"]).unwrap().contradiction().is_some());
    }

    #[test]
    fn a_value_that_cannot_be_is_refused_with_what_it_should_be() {
        for (option, expected) in [
            ("--nodes=0", "1 to 9999"),
            ("--burst-seconds=-1", "seconds from 0"),
            ("--latency=50", "with its unit"),
            ("--timeout=-1s", "with its unit"),
            ("--rate=0", "a number above 0"),
            ("--provider=aws", "equinixmetal"),
        ] {
            let error = demo(&[option]).unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn the_floor_is_measured_from_a_cold_start_and_keeps_nothing() {
        assert!(demo(&["--floor"]).unwrap().starts_cold());
        assert!(demo(&["--floor", "--keep"]).is_err());
    }
}
