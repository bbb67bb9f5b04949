//! What the program is doing, for a person who looks: plain data that is served as JSON, and read back by whoever prints it.
//!
//! Times are spans in seconds, for the clock of whoever looks may be another one.

use serde::{Deserialize, Serialize};

/// What the program is doing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Status {
    /// The version of the program.
    pub version: String,
    /// For how long it has been running.
    pub uptime_seconds: u64,
    /// Which program it stands in for.
    pub provider: String,
    /// What people call the cluster.
    pub cluster: String,
    /// Who leads.
    pub leadership: Leadership,
    /// What every part says of itself.
    pub checks: Vec<Check>,
    /// The Nodes; absent while another process leads.
    pub nodes: Option<Nodes>,
    /// The Nodes that are not Ready; absent while another process leads.
    pub not_ready: Option<NotReady>,
    /// The Packet API; absent while another process leads.
    pub packet_api: Option<PacketApi>,
    /// The file of `--cloud-config`; absent where there is none.
    pub settings: Option<SettingsFile>,
    /// Why the certificate's files cannot be used as they are now, if so.
    pub certificate_error: Option<String>,
}

/// Who leads.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Leadership {
    /// Whether this process does.
    pub leads: bool,
    /// In words for people.
    pub summary: String,
}

/// What a part says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// Which part.
    pub name: String,
    /// Whether it is well.
    pub ok: bool,
    /// In words for people.
    pub message: String,
}

/// The Nodes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Nodes {
    /// Whether all are known.
    pub all_known: bool,
    /// Those that are initialised.
    pub initialised: usize,
    /// Those that are yet to be.
    pub uninitialized: usize,
    /// Those that are not ours to initialise.
    pub left_alone: usize,
    /// Those for which something is being done.
    pub under_way: usize,
    /// Those that wait to be tried again.
    pub waiting: Vec<Waiting>,
    /// The one that has waited longest to be initialised.
    pub longest: Option<Longest>,
    /// What is wrong with the watch, if anything.
    pub watch_error: Option<String>,
}

/// Nodes that wait for the same reason.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    /// The reason in one word, as the metrics have it.
    pub reason: String,
    /// How many there are.
    pub nodes: usize,
    /// One of them.
    pub example: String,
    /// What was wrong with that one.
    pub message: String,
}

/// A Node that waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Longest {
    /// Its name.
    pub node: String,
    /// For how long.
    pub seconds: u64,
}

/// The Nodes that are not Ready, by what is known of their devices.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NotReady {
    /// How many there are.
    pub nodes: usize,
    /// Whose device is there.
    pub there: usize,
    /// Whose device is switched off.
    pub shut_down: usize,
    /// Whose device looks gone.
    pub gone: usize,
    /// Whose device could not be asked for.
    pub unknown: usize,
    /// What holds deletions back.
    pub held_back: Vec<HeldBack>,
}

/// What holds deletions back.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HeldBack {
    /// The reason in one word, as the metrics have it.
    pub reason: String,
    /// How many Nodes it holds back.
    pub nodes: usize,
    /// In words for people.
    pub message: String,
}

/// How it stands with the Packet API.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PacketApi {
    /// Its address.
    pub base_url: String,
    /// The project.
    pub project: String,
    /// Whether it takes the token; absent before the first answer.
    pub token_accepted: Option<bool>,
    /// Whether the project could be read with it.
    pub project_read: bool,
    /// Requests since the start.
    pub requests: u64,
    /// Those of them that failed.
    pub failed: u64,
    /// The last failure.
    pub last_error: Option<LastError>,
    /// The budget.
    pub budget: Budget,
    /// Questions that wait for an answer.
    pub questions_waiting: usize,
    /// Questions that the cache answered.
    pub cache_hits: u64,
    /// Questions that it did not.
    pub cache_misses: u64,
}

/// A failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LastError {
    /// What went wrong.
    pub message: String,
    /// How long ago.
    pub seconds_ago: u64,
}

/// The budget of the Packet API.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Budget {
    /// Requests per second that are allowed.
    pub requests_per_second: f64,
    /// Requests that are allowed at once after a pause.
    pub burst: u32,
    /// Requests that could go out now.
    pub tokens: f64,
    /// Requests without an answer yet.
    pub in_flight: u32,
    /// So many may be.
    pub max_in_flight: u32,
    /// For how long the API has asked to be left alone, if it has.
    pub closed_for_seconds: Option<u64>,
}

/// The file of `--cloud-config`.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SettingsFile {
    /// Its path.
    pub path: String,
    /// When what is in use was read (RFC 3339).
    pub read_at: String,
    /// Why it cannot be used as it is now, if so.
    pub broken: Option<String>,
    /// Settings that take effect only after a restart.
    pub after_restart: Vec<String>,
}
