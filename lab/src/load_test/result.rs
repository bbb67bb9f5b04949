//! What came of it, as numbers: the table and the plots are made of this, and it is the JSON. Times are in seconds, sizes in
//! bytes; times of day are in UTC.

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::controller::Contender;
use super::limits::Limit;
use super::scenarios::Scenario;
use crate::program::log::Budget;
use crate::times::Spread;
use crate::traffic::Row;

/// Everything that a load test found out.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct LoadTestResult {
    /// When it began, as RFC 3339 has it.
    pub(crate) began: String,
    /// What holds for all scenarios.
    pub(crate) parameters: Parameters,
    /// What was played, in order.
    pub(crate) scenarios: Vec<ScenarioResult>,
    /// Whether every check held, and everything was played.
    pub(crate) passed: bool,
    /// Why not everything was played that was asked for; `None` where it was.
    pub(crate) ended_early: Option<String>,
}

/// What holds for all scenarios.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Parameters {
    /// The Nodes asked for.
    pub(crate) nodes: usize,
    /// The Nodes that the client that asks for every event gets.
    pub(crate) comparison_nodes: usize,
    /// In which time they join.
    pub(crate) burst_seconds: f64,
    /// What an answer of the Packet API takes.
    pub(crate) latency: String,
    /// The most devices on a page.
    pub(crate) max_per_page: u32,
    /// `packet` or `equinixmetal`.
    pub(crate) provider: &'static str,
    /// Which Kubernetes API it is.
    pub(crate) kubernetes: &'static str,
    /// The file that was run.
    pub(crate) binary: String,
    /// Its size.
    pub(crate) binary_bytes: u64,
    /// How many processors the machine has for the program, the lab and both APIs together.
    pub(crate) processors: Option<usize>,
}

/// A scenario, and what everyone made of it.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct ScenarioResult {
    /// Which one.
    pub(crate) scenario: Scenario,
    /// What happens in it.
    pub(crate) about: &'static str,
    /// The devices in the project.
    pub(crate) devices: usize,
    /// The pages that they fill at 250 on each, or what the Packet API grants of these.
    pub(crate) pages: usize,
    /// What the Packet API allows, where that is limited.
    pub(crate) rate_limit: Option<String>,
    /// The program's budget, where it is known.
    pub(crate) budget: Option<Budget>,
    /// What must hold of the program, and whether it does.
    pub(crate) limits: Vec<Limit>,
    /// What else is wrong with the program; empty where nothing is.
    pub(crate) problems: Vec<String>,
    /// The program's logs, where they are kept: after a failure.
    pub(crate) logs: Vec<PathBuf>,
    /// The program first, then those that it is compared with.
    pub(crate) runs: Vec<Run>,
}

impl ScenarioResult {
    /// Whether the program did all that it must.
    pub(crate) fn passed(&self) -> bool {
        self.problems.is_empty() && self.limits.iter().all(|limit| limit.held)
    }

    /// How many times as long as the bare loop the program took; `None` where one of them did not come to its end.
    pub(crate) fn times_the_floor(&self) -> Option<f64> {
        let time = |contender| self.run(contender).and_then(|run| run.all_initialised_after);
        Some(time(Contender::Program)? / time(Contender::BareLoop)?)
    }

    /// What this one made of it.
    pub(crate) fn run(&self, contender: Contender) -> Option<&Run> {
        self.runs.iter().find(|run| run.contender == contender)
    }
}

/// What one of them made of a scenario.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Run {
    /// Who.
    pub(crate) contender: Contender,
    /// Nodes in the cluster.
    pub(crate) nodes: usize,
    /// How often a Node had to be initialised.
    pub(crate) waits: usize,
    /// How often one was.
    pub(crate) initialised: usize,
    /// Nodes that were not as they should be in the end, those that still wait among them.
    pub(crate) wrong: usize,
    /// What is wrong with the first few of them.
    pub(crate) faults: Vec<String>,
    /// From the beginning until the last Node was initialised; `None` where not all were.
    pub(crate) all_initialised_after: Option<f64>,
    /// How long each Node waited, from its registration (or its second taint) until the watch saw it without the taint.
    /// After a cold start that is from the program's start on. Those that still wait are the slowest.
    pub(crate) wait: Option<Spread>,
    /// From the controller's first start until its first write, where Nodes waited for it; only the simulated cluster tells.
    pub(crate) start_to_first_write: Option<f64>,
    /// What was asked of the Packet API.
    pub(crate) packet_api: PacketRequests,
    /// What was written to Kubernetes; only the simulated cluster tells.
    pub(crate) kubernetes: Option<KubernetesWrites>,
    /// What the process used; only of the program, where the system tells.
    pub(crate) process: Option<Process>,
    /// All of it over time, which begins with measuring.
    pub(crate) series: Series,
    /// The requests one by one, for plots: when each arrived, and how it was answered.
    #[serde(skip)]
    pub(crate) arrivals: Vec<(Duration, u16)>,
}

impl Run {
    /// From when the last Node had joined until the last one was initialised, in seconds; `None` where not all were.
    pub(crate) fn after_the_last_joined(&self) -> Option<f64> {
        let (joined, _) = self.series.registered.last()?;
        Some((self.all_initialised_after? - joined).max(0.0))
    }
}

/// What was asked of the Packet API since measuring began.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct PacketRequests {
    /// All together.
    pub(crate) requests: usize,
    /// Bytes of answers.
    pub(crate) bytes: u64,
    /// Requests for a page of a list of devices.
    pub(crate) list_pages: usize,
    /// Requests for one device, by its id or its hostname.
    pub(crate) devices: usize,
    /// Any others.
    pub(crate) others: usize,
    /// Answers 429.
    pub(crate) refused: usize,
    /// Other answers than 2xx, and requests that were given up without one. Those still open in the end are not among them.
    pub(crate) failed: usize,
    /// Requests by what they asked and how they were answered.
    pub(crate) rows: Vec<Row>,
}

/// What was written to Kubernetes since measuring began.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct KubernetesWrites {
    /// All together.
    pub(crate) writes: u64,
    /// To Nodes.
    pub(crate) node_writes: usize,
    /// Divided by how often a Node was initialised.
    pub(crate) per_node: Option<f64>,
    /// By kind and answer.
    pub(crate) rows: Vec<Row>,
}

/// What the program used.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Process {
    /// The most memory that it held.
    pub(crate) peak_memory: Option<u64>,
    /// The processor time that it took, from its start to its end, in seconds; both together where it was started twice.
    /// `None` where the system does not tell.
    pub(crate) processor_seconds: Option<f64>,
    /// Its exit code on SIGTERM; `None` where it did not end so.
    pub(crate) exit_code: Option<i32>,
}

/// Everything over time.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Series {
    /// At which second how many had begun to wait: corners of a rising line.
    pub(crate) registered: Vec<(f64, usize)>,
    /// At which second how many were initialised: corners of a rising line.
    pub(crate) initialised: Vec<(f64, usize)>,
    /// Requests to the Packet API in each second.
    pub(crate) requests_per_second: Vec<usize>,
    /// Of these, answered with 429.
    pub(crate) refused_per_second: Vec<usize>,
    /// At which second how much memory the program held.
    pub(crate) memory: Vec<(f64, u64)>,
    /// How many percent of the Nodes waited at most how many seconds; ends before 100 where some still wait.
    pub(crate) waits: Vec<(f64, f64)>,
    /// From when until when the Packet API was away.
    pub(crate) away: Option<(f64, f64)>,
    /// When the program was killed.
    pub(crate) killed: Vec<f64>,
}

/// A result to try reports on: a thousand Nodes in a burst, the program and both others.
#[cfg(test)]
pub(crate) fn example() -> LoadTestResult {
    let run = |contender, after: f64, requests: u64| Run {
        contender,
        nodes: 1_000,
        waits: 1_000,
        initialised: 1_000,
        wrong: 0,
        faults: Vec::new(),
        all_initialised_after: Some(after),
        wait: Some(Spread { p50: Some(0.1), p90: Some(0.2), p99: Some(0.3), max: Some(after) }),
        start_to_first_write: Some(0.2),
        packet_api: PacketRequests {
            requests: usize::try_from(requests).unwrap_or_default(),
            bytes: requests * 1_000,
            ..PacketRequests::default()
        },
        kubernetes: None,
        process: Some(Process { peak_memory: Some(30_000_000), processor_seconds: Some(0.5), exit_code: Some(0) }),
        series: Series {
            registered: vec![(0.0, 0), (1.0, 1_000)],
            initialised: vec![(0.0, 0), (after, 1_000)],
            requests_per_second: vec![20, 1],
            refused_per_second: Vec::new(),
            memory: vec![(0.0, 10_000_000), (after, 30_000_000)],
            waits: vec![(50.0, 0.1), (90.0, 0.2), (100.0, after)],
            away: None,
            killed: Vec::new(),
        },
        arrivals: (0..requests).map(|number| (Duration::from_millis(number * 50), 200)).collect(),
    };
    LoadTestResult {
        began: "2026-01-02T03:04:05Z".to_owned(),
        parameters: Parameters {
            nodes: 1_000,
            comparison_nodes: 1_000,
            burst_seconds: 1.0,
            latency: "50ms".to_owned(),
            max_per_page: 100,
            provider: "equinixmetal",
            kubernetes: "simulated",
            binary: "a <program>".to_owned(),
            binary_bytes: 12_000_000,
            processors: Some(2),
        },
        scenarios: vec![ScenarioResult {
            scenario: Scenario::JoinBurst,
            about: Scenario::JoinBurst.about(),
            devices: 1_100,
            pages: 11,
            rate_limit: None,
            budget: Some(Budget { rate: 5.0, burst: 20.0 }),
            limits: vec![Limit::requests(21, 21, "11 pages + 10".to_owned())],
            problems: Vec::new(),
            logs: Vec::new(),
            runs: vec![
                run(Contender::Program, 1.5, 21),
                run(Contender::BareLoop, 1.0, 0),
                run(Contender::RequestPerEvent, 8.0, 2_100),
            ],
        }],
        passed: true,
        ended_early: None,
    }
}
