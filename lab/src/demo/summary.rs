//! What came of it, as numbers: the report is made of this, and so is the JSON.

use std::time::Duration;

use serde::Serialize;

use crate::nodes::checks::Aspect;
use crate::times::Spread;
use crate::traffic::Row;

/// Everything that the demonstration found out. Times are in seconds, sizes in bytes.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Summary {
    /// What was run.
    pub(crate) scenario: Scenario,
    /// How long it took.
    pub(crate) times: Times,
    /// What the Nodes look like.
    pub(crate) nodes: Nodes,
    /// What was asked of the Packet API.
    pub(crate) packet_api: PacketTraffic,
    /// What was written to Kubernetes.
    pub(crate) kubernetes: Writes,
    /// The program itself.
    pub(crate) program: Program,
    /// The comparison with the bare loop, where there was one.
    pub(crate) floor: Option<Floor>,
    /// What went wrong; empty where all is well.
    pub(crate) problems: Vec<String>,
}

impl Summary {
    /// Whether every Node came through and every check held.
    pub(crate) fn passed(&self) -> bool {
        self.problems.is_empty()
    }
}

/// What was run.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Scenario {
    /// How many Nodes joined.
    pub(crate) nodes: usize,
    /// How many devices there were.
    pub(crate) devices: usize,
    /// On how many pages they lay.
    pub(crate) device_pages: usize,
    /// How long each answer of the Packet API took at least.
    pub(crate) latency: f64,
    /// In which time the Nodes joined; `None` where all were there before the program.
    pub(crate) burst: Option<f64>,
    /// `packet` or `equinixmetal`.
    pub(crate) provider: &'static str,
    /// Which Kubernetes API it was.
    pub(crate) kubernetes: &'static str,
}

/// How long it took.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Times {
    /// From the start of the program until it wrote for the first time.
    pub(crate) start_to_first_write: Option<f64>,
    /// From the burst's beginning until the last Node was registered; `None` after a cold start.
    pub(crate) registered: Option<f64>,
    /// From the beginning (the burst's, or after a cold start the program's) until the first Node was initialised.
    pub(crate) first_initialised: Option<f64>,
    /// Until the last one was.
    pub(crate) last_initialised: Option<f64>,
    /// Per Node, from its registration (after a cold start: the program's start) until it was initialised.
    pub(crate) per_node: Option<Spread>,
}

/// What the Nodes look like.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Nodes {
    /// How many were initialised.
    pub(crate) initialised: usize,
    /// How many were not.
    pub(crate) not_initialised: usize,
    /// Each check with the number of Nodes that pass it.
    pub(crate) checks: Vec<Check>,
    /// The Nodes with something wrong.
    pub(crate) failures: Vec<Failure>,
}

/// A check of every Node.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Check {
    /// What was looked at.
    pub(crate) aspect: Aspect,
    /// How many Nodes pass.
    pub(crate) passed: usize,
    /// How many it applies to.
    pub(crate) of: usize,
}

/// A Node with something wrong.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Failure {
    /// The Node.
    pub(crate) node: String,
    /// What is wrong.
    pub(crate) faults: Vec<String>,
    /// What its latest Event says, if it has one.
    pub(crate) event: Option<String>,
}

/// What was asked of the Packet API.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct PacketTraffic {
    /// Requests by kind.
    pub(crate) rows: Vec<Row>,
    /// How many requests there were.
    pub(crate) requests: u64,
    /// How many bytes of bodies were answered.
    pub(crate) bytes: u64,
    /// What one request for each Node's device would have been, in bytes.
    pub(crate) one_request_per_node_bytes: Option<u64>,
}

/// What was written to Kubernetes.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Writes {
    /// Requests by kind, or what could be seen from outside where the server does not tell who asked what.
    pub(crate) rows: Vec<Row>,
    /// All together.
    pub(crate) total: u64,
    /// Whether these are the program's own requests; else they are changes that the watch saw, and Events.
    pub(crate) counted_by_server: bool,
}

/// The program itself.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Program {
    /// Which file was run.
    pub(crate) binary: String,
    /// Its size.
    pub(crate) size: u64,
    /// The most memory that it held.
    pub(crate) peak_memory: Option<u64>,
    /// How it ended on SIGTERM; `None` where it still runs, or had ended before.
    pub(crate) stop: Option<Stop>,
    /// Where its log is.
    pub(crate) log: String,
}

/// How the program ended on SIGTERM.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Stop {
    /// Its exit code, if a signal did not end it.
    pub(crate) exit_code: Option<i32>,
    /// How long it took.
    pub(crate) seconds: f64,
}

/// The program beside the bare loop, measured alike: all Nodes are there before, until the last one lost its taint.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct Floor {
    /// The program's time, its start-up and its questions to the Packet API included.
    pub(crate) program: f64,
    /// The bare loop's.
    pub(crate) bare_loop: f64,
    /// The one divided by the other.
    pub(crate) ratio: f64,
}

impl Floor {
    /// Compares the two.
    pub(crate) fn of(program: Duration, bare_loop: Duration) -> Self {
        let (program, bare_loop) = (program.as_secs_f64(), bare_loop.as_secs_f64());
        Self { program, bare_loop, ratio: program / bare_loop }
    }
}
