//! The command line of the demo.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::FalseyValueParser;

use super::options::{KubernetesOptions, ProgramOptions};
use super::values;

pub(super) const ABOUT: &str = "Lets Nodes join in a burst, watches the program initialise them, and checks every one.

The Packet API is always simulated, so no account is needed and no machine is touched. The Kubernetes API is simulated, \
too, unless --kubeconfig, the environment variable KUBECONFIG or --control-plane says otherwise. The program is the \
real one, run as a process of its own.

On somebody's cluster the Nodes carry the label packet-ccm-lab/run, are cordoned and tainted so that nothing is \
scheduled on them, and are removed at the end. A cluster with Nodes of Packet or Equinix Metal, with uninitialized \
Nodes, or with a cloud controller manager at work is refused. So is one that is not on this machine, unless you say yes.";

pub(super) const EXAMPLES: &str = "Examples:
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
pub(crate) struct Demo {
    /// How many Nodes join
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = values::nodes_of_a_demo, help_heading = "Scenario")]
    pub(crate) nodes: usize,

    /// In how many seconds they join, in ten groups a second; 0 is all at once
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0, value_parser = values::seconds, help_heading = "Scenario")]
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
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = values::duration, help_heading = "Scenario")]
    pub(crate) timeout: Duration,

    /// How many devices there are in the project [default: the Nodes' and 10 % others]
    #[arg(long, value_name = "N", help_heading = "Simulated Packet API")]
    pub(crate) devices: Option<usize>,

    /// The most devices that it puts on a page, whatever it is asked for
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000), help_heading = "Simulated Packet API")]
    pub(crate) max_per_page: u32,

    /// How long each of its answers takes at least
    #[arg(long, value_name = "TIME", default_value = "50ms", value_parser = values::duration, help_heading = "Simulated Packet API")]
    pub(crate) latency: Duration,

    /// The Kubernetes API to use.
    #[command(flatten)]
    pub(crate) kubernetes: KubernetesOptions,

    /// The program to run.
    #[command(flatten)]
    pub(crate) program: ProgramOptions,

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

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::cli::{Arguments, Command};
    use clap::Parser;

    fn demo(options: &[&str]) -> Result<Demo, String> {
        let all = ["lab", "demo"].iter().chain(options);
        match Arguments::try_parse_from(all).map_err(|error| error.to_string())?.command {
            Command::Demo(demo) => Ok(*demo),
            Command::LoadTest(_) | Command::Curves(_) => panic!("this is no demo"),
        }
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
