//! The command line of the load test.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use packet_api_server::Latency;

use super::options::{KubernetesOptions, ProgramOptions};
use super::values::{self, Allowance};
use crate::load_test::scenarios::{OutageKind, Scenario};

pub(super) const ABOUT: &str = "Answers \"will it hold for my cluster, and what does it cost my API?\".

Runs the real program as a process of its own through the scenarios you name, against a simulated Packet API with the \
devices, latency and rate limit you name. Each scenario ends with checks: every Node as it should be, no more requests \
than it may cost, never more than the budget in any window of time.

In the same run, each on fresh Nodes and a fresh simulated Packet API of the same settings, two others do the same work: \
a bare loop that is told every answer and only writes (the floor: nobody is faster), and a client as most controllers \
are, which for every event of a Node asks the Packet API anew.

A table for people goes to standard output, a page of plots to --plots, everything for machines to --json.

On somebody's cluster the same holds as for `lab demo`: see there. Its Nodes are removed after each run.";

pub(super) const EXAMPLES: &str = "Scenarios:
  cold-start          all Nodes are there before the program starts
  join-burst          all Nodes join a program that is at work, in a burst
  one-joins           one Node joins many that are initialised
  rolling-reboot      a tenth of the Nodes after the other is registered anew, or tainted again
  flapping            every Node's status changes every two seconds
  throttled           a burst; the Packet API limits the rate, and says what is left
  throttled-silently  the same, and it says nothing
  outage              the Packet API goes away in the middle of a burst, and returns
  restart             the program is killed in the middle of a burst, and started again

Examples:
  lab load-test
      1,000 Nodes: a cold start, a burst of joining, and one that joins the others
  lab load-test --nodes 5000 --scenario join-burst --latency 200ms --rate 2 --burst 10
      a large cluster, a slow API, and a tight budget
  lab load-test --scenario throttled,throttled-silently --rate-limit 60/1m
      an API that answers 429 after 60 requests a minute, with and without saying so before
  lab load-test --scenario outage --outage-seconds 60 --outage-kind hang
      the Packet API goes silent in the middle of a burst for a minute
  lab load-test --scenario all --json result.json --plots result.html
      everything; takes some minutes
  lab load-test --scenario cold-start --control-plane
      against a real kube-apiserver

Exit code: 0 if every check of the program held, 1 if not, 2 for a wrong command line, 130 for Ctrl-C.";

/// The options of `lab load-test`.
#[derive(Debug, Clone, Args)]
pub(crate) struct LoadTest {
    /// What happens: several with commas between them, or `all`
    #[arg(
        long,
        value_name = "NAME",
        value_delimiter = ',',
        default_value = "cold-start,join-burst,one-joins",
        value_parser = scenario,
        help_heading = "Scenario"
    )]
    scenario: Vec<Chosen>,

    /// How many Nodes there are
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = values::nodes_of_a_load_test, help_heading = "Scenario")]
    pub(crate) nodes: usize,

    /// In how many seconds they join, in ten groups a second; 0 is all at once
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = values::seconds, help_heading = "Scenario")]
    pub(crate) burst_seconds: f64,

    /// `flapping`: for how many seconds Nodes change their status
    #[arg(long, value_name = "SECONDS", default_value_t = 20.0, value_parser = values::seconds, help_heading = "Scenario")]
    pub(crate) flapping_seconds: f64,

    /// `outage`: for how many seconds the Packet API is away
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = values::seconds, help_heading = "Scenario")]
    pub(crate) outage_seconds: f64,

    /// `outage`: how that shows
    #[arg(long, value_enum, value_name = "KIND", default_value_t = OutageKind::Reset, help_heading = "Scenario")]
    pub(crate) outage_kind: OutageKind,

    /// How long the Nodes may take once the last one has joined and nothing stands in the way any more
    #[arg(long, value_name = "TIME", default_value = "120s", value_parser = values::duration, help_heading = "Scenario")]
    pub(crate) timeout: Duration,

    /// How many devices there are in the project [default: the Nodes' and 10 % others]
    #[arg(long, value_name = "N", help_heading = "Simulated Packet API")]
    devices: Option<usize>,

    /// The most devices that it puts on a page, whatever it is asked for
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000), help_heading = "Simulated Packet API")]
    pub(crate) max_per_page: u32,

    /// How long each of its answers takes: `50ms`, `20ms..200ms`, or `p50=80ms,p99=900ms` (log-normal); each may be followed
    /// by an addition for each device on a page, as in `50ms+2ms/device`
    #[arg(long, value_name = "TIMES", default_value = "50ms", help_heading = "Simulated Packet API")]
    pub(crate) latency: Latency,

    /// How many requests it allows in which time before it answers 429, say 60/1m [default: 60/1m in the throttled scenarios,
    /// no limit in the others]
    #[arg(long, value_name = "N/TIME", value_parser = values::allowance, help_heading = "Simulated Packet API")]
    pub(crate) rate_limit: Option<Allowance>,

    /// The Kubernetes API to use.
    #[command(flatten)]
    pub(crate) kubernetes: KubernetesOptions,

    /// The program to run.
    #[command(flatten)]
    pub(crate) program: ProgramOptions,

    /// Do not measure the bare loop
    #[arg(long, help_heading = "Comparison")]
    pub(crate) no_floor: bool,

    /// Do not measure the client that asks for every event
    #[arg(long, help_heading = "Comparison")]
    pub(crate) no_comparison: bool,

    /// How many Nodes that client gets [default: --nodes, at most 1000]
    #[arg(long, value_name = "N", value_parser = values::nodes_of_a_load_test, help_heading = "Comparison")]
    comparison_nodes: Option<usize>,

    /// How long that client may take once the last Node has joined and nothing stands in the way any more
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = values::duration, help_heading = "Comparison")]
    pub(crate) comparison_timeout: Duration,

    /// `cold-start`: how many times as long as the bare loop the program may take [default: it is told and not checked]
    #[arg(long, value_name = "RATIO", value_parser = values::ratio, conflicts_with = "no_floor", help_heading = "Checks")]
    pub(crate) at_most_floor: Option<f64>,

    /// How much memory the program may hold, in MiB [default: it is told and not checked]
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Checks")]
    pub(crate) at_most_memory: Option<u32>,

    /// Write everything that was measured to this file, as JSON
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    pub(crate) json: Option<PathBuf>,

    /// Where to write the page of plots [default: a new file in target/load-test, or where there is no target folder in
    /// the folder for temporary files]
    #[arg(long, value_name = "FILE", help_heading = "Results")]
    pub(crate) plots: Option<PathBuf>,
}

/// A word after `--scenario`.
#[derive(Debug, Clone, Copy)]
enum Chosen {
    All,
    One(Scenario),
}

fn scenario(text: &str) -> Result<Chosen, String> {
    if text == "all" {
        return Ok(Chosen::All);
    }
    Scenario::named(text).map(Chosen::One).ok_or_else(|| {
        let names: Vec<&str> = Scenario::ALL.iter().map(|scenario| scenario.name()).collect();
        format!("there is {}, or all", names.join(", "))
    })
}

/// How many Nodes the client that asks for every event gets at most, unless told otherwise: what it asks grows with the
/// square of their number.
const COMPARISON_NODES: usize = 1_000;

impl LoadTest {
    /// What is to happen, in the order in which it was asked for, each once.
    pub(crate) fn scenarios(&self) -> Vec<Scenario> {
        let mut all = Vec::new();
        for chosen in &self.scenario {
            let meant = match chosen {
                Chosen::All => &Scenario::ALL[..],
                Chosen::One(scenario) => std::slice::from_ref(scenario),
            };
            for scenario in meant {
                if !all.contains(scenario) {
                    all.push(*scenario);
                }
            }
        }
        all
    }

    /// How many Nodes the client that asks for every event gets.
    pub(crate) fn comparison_nodes(&self) -> usize {
        self.comparison_nodes.unwrap_or(COMPARISON_NODES).min(self.nodes)
    }

    /// How many devices belong to nobody where so many Nodes have one each.
    pub(crate) fn other_devices(&self, nodes: usize) -> usize {
        self.devices.map_or(self.nodes.div_ceil(10), |devices| devices.saturating_sub(self.nodes)) + self.nodes - nodes
    }

    /// What the options say that cannot be, taken together.
    pub(crate) fn contradiction(&self) -> Option<String> {
        if self.at_most_floor.is_some() && !self.scenarios().contains(&Scenario::ColdStart) {
            return Some("--at-most-floor is about cold-start, which is not among the scenarios; add it".to_owned());
        }
        let of_nodes = self.nodes;
        self.devices.filter(|devices| *devices < of_nodes).map(|devices| {
            format!("--devices is {devices}, but {of_nodes} Nodes are to have one each; give at least that many")
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::cli::{Arguments, Command};
    use clap::Parser;

    fn load_test(options: &[&str]) -> Result<LoadTest, String> {
        let all = ["lab", "load-test"].iter().chain(options);
        match Arguments::try_parse_from(all).map_err(|error| error.to_string())?.command {
            Command::LoadTest(load_test) => Ok(*load_test),
            Command::Demo(_) | Command::Curves(_) => panic!("this is no load test"),
        }
    }

    #[test]
    fn scenarios_are_named_once_each_in_the_order_asked_for() {
        let named = load_test(&["--scenario=restart,cold-start,restart"]).unwrap().scenarios();
        assert_eq!(named, [Scenario::Restart, Scenario::ColdStart]);
        assert_eq!(load_test(&["--scenario=all"]).unwrap().scenarios(), Scenario::ALL);
        assert_eq!(
            load_test(&["--scenario=one-joins", "--scenario=all"]).unwrap().scenarios().len(),
            Scenario::ALL.len()
        );
    }

    #[test]
    fn an_unknown_scenario_is_refused_with_those_that_there_are() {
        let error = load_test(&["--scenario=cold-start,earthquake"]).unwrap_err();
        assert!(error.contains("earthquake") && error.contains("join-burst, one-joins"), "{error}");
    }

    #[test]
    fn the_comparison_has_as_many_devices_to_read_through_as_the_program() {
        let options = load_test(&["--nodes=5000"]).unwrap();
        assert_eq!((options.comparison_nodes(), options.other_devices(5_000)), (1_000, 500));
        assert_eq!(options.comparison_nodes() + options.other_devices(1_000), 5_500);
        let options = load_test(&["--nodes=10", "--devices=30", "--comparison-nodes=20"]).unwrap();
        assert_eq!((options.comparison_nodes(), options.other_devices(10)), (10, 20));
    }

    #[test]
    fn fewer_devices_than_nodes_are_refused() {
        assert!(load_test(&["--nodes=10", "--devices=9"]).unwrap().contradiction().unwrap().contains("--devices is 9"));
        assert_eq!(load_test(&["--nodes=10", "--devices=10"]).unwrap().contradiction(), None);
    }

    #[test]
    fn a_ratio_to_the_floor_cannot_be_checked_where_it_is_not_measured() {
        assert_eq!(load_test(&["--at-most-floor=1.25"]).unwrap().contradiction(), None);
        assert!(load_test(&["--at-most-floor=1.25", "--no-floor"]).unwrap_err().contains("cannot be used with"));
        let without = load_test(&["--at-most-floor=1.25", "--scenario=join-burst"]).unwrap().contradiction().unwrap();
        assert!(without.contains("cold-start"), "{without}");
    }

    #[test]
    fn a_hundred_thousand_nodes_are_the_most() {
        assert_eq!(load_test(&["--nodes=100000"]).unwrap().nodes, 100_000);
        assert!(load_test(&["--nodes=100001"]).unwrap_err().contains("1 to 100000"));
    }

    #[test]
    fn the_help_has_every_scenario_examples_and_exit_codes() {
        let help = load_test(&["--help"]).unwrap_err();
        assert!(help.contains("--scenario throttled") && help.contains("Exit code: 0"), "{help}");
        for scenario in Scenario::ALL {
            assert!(help.contains(&format!("  {} ", scenario.name())), "{} is not in\n{help}", scenario.name());
        }
    }
}
