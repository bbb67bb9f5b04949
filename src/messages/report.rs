//! What the actors tell of themselves when they are asked, for probes, for metrics and for people.

use std::time::Duration;

use actix::Message;

use crate::kubernetes::NodeName;
use crate::packet::BudgetState;

/// To any actor: are you there?
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Ping;

/// To the `PacketApi`: how do you stand?
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "PacketReport")]
pub struct AskPacketApi;

/// How the `PacketApi` stands.
#[derive(Debug, Clone)]
pub struct PacketReport {
    /// The budget.
    pub budget: BudgetState,
    /// Questions that wait.
    pub waiting: usize,
    /// Whether the token is taken: unknown before the first answer.
    pub token_is_taken: Option<bool>,
    /// Whether the project has been read since the start.
    pub project_is_read: bool,
    /// Requests since the start, and those of them that failed.
    pub requests: (u64, u64),
    /// Questions that what is kept answered, and that it did not.
    pub lookups: (u64, u64),
    /// The last failure, and how long ago.
    pub last_error: Option<(String, Duration)>,
}

/// To the `NodeWatcher`: how do the Nodes stand?
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "NodesReport")]
pub struct AskNodeWatcher;

/// How the Nodes stand.
#[derive(Debug, Clone, Default)]
pub struct NodesReport {
    /// Whether all are known.
    pub knows_all: bool,
    /// Those that are initialised.
    pub initialised: usize,
    /// Those that are to be initialised.
    pub uninitialized: usize,
    /// Those that are not ours to initialise.
    pub left_alone: usize,
    /// Those for which something is being done.
    pub under_way: usize,
    /// Those that wait to be tried again, by why the last attempt failed.
    pub waiting: Vec<WaitingNodes>,
    /// The Node that has waited longest to be initialised, and for how long.
    pub longest: Option<(NodeName, Duration)>,
    /// What was last wrong with the watch, if it is not well again since.
    pub watch_error: Option<String>,
}

/// Nodes that wait for the same reason.
#[derive(Debug, Clone)]
pub struct WaitingNodes {
    /// The reason in one word.
    pub reason: &'static str,
    /// How many there are.
    pub nodes: usize,
    /// One of them.
    pub example: NodeName,
    /// What was wrong with that one.
    pub message: String,
}

/// To the `Lifecycle`: how do the Nodes stand that are not Ready?
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "LifecycleReport")]
pub struct AskLifecycle;

/// How the Nodes stand that are not Ready.
#[derive(Debug, Clone, Default)]
pub struct LifecycleReport {
    /// How many are not Ready.
    pub not_ready: usize,
    /// Whose device is there.
    pub there: usize,
    /// Whose device is switched off.
    pub shut_down: usize,
    /// Whose device looks gone.
    pub gone: usize,
    /// Whose device could not be asked for.
    pub unknown: usize,
    /// What holds deletions back: in one word, how many Nodes, in words for people.
    pub held_back: Vec<(&'static str, usize, String)>,
}
