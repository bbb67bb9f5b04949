//! What the `NodeWriter` is asked to write to Kubernetes.

use std::sync::Arc;

use actix::Message;

use super::initialise::Outcome;
use crate::kubernetes::event::Notice;
use crate::kubernetes::{Desired, Node};
use crate::packet::Absence;

/// Bring a Node to where it should be.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Outcome, WriteError>")]
pub struct WriteNode {
    /// The Node as it was last seen.
    pub node: Arc<Node>,
    /// What it should have.
    pub desired: Desired,
}

/// Delete a Node whose device is gone, unless it is Ready by then, or another one.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), NotDeleted>")]
pub struct DeleteNode {
    /// The Node as it was last seen.
    pub node: Arc<Node>,
    /// The proof that its device is gone.
    pub absence: Absence,
    /// Whether an Event is to tell of it first. Then the Node is not deleted unless the API server has taken the Event: a
    /// process that starts later has to know.
    pub tell: bool,
}

/// A Node was not deleted, or may not have been.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct NotDeleted {
    /// Why.
    pub error: WriteError,
    /// Whether the API server has the Event that tells of it.
    pub is_told: bool,
    /// Whether the API server was asked to delete it, and so may have.
    pub is_asked: bool,
}

/// Tell something about a Node in an Event that a process has to find that starts later. Answered when the API server has it.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<(), WriteError>")]
pub struct Record {
    /// The Node.
    pub node: Arc<Node>,
    /// What there is to say.
    pub notice: Notice,
}

/// Tell people something about a Node, in an Event. Nobody waits for it.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct Announce {
    /// The Node.
    pub node: Arc<Node>,
    /// What there is to say.
    pub notice: Notice,
}

/// Finish what is being written and take nothing more; answered when that is done.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Drain;

/// Why a Node could not be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The API server refused.
    #[error("cannot {what} of Node {node}: the Kubernetes API answered {code} {reason}: {message}{}", advice(*code))]
    Refused {
        /// What was being written.
        what: &'static str,
        /// The Node.
        node: String,
        /// The HTTP status code.
        code: u16,
        /// The reason, as Kubernetes words it.
        reason: String,
        /// The message, as Kubernetes words it.
        message: String,
    },
    /// The API server could not be asked.
    #[error("cannot {what} of Node {node}: {reason}; is the Kubernetes API reachable?")]
    Unreachable {
        /// What was being written.
        what: &'static str,
        /// The Node.
        node: String,
        /// What went wrong.
        reason: String,
    },
    /// Others wrote the same Node at the same moment, time and again.
    #[error("Node {node} changed under each of {attempts} attempts to write it")]
    Contended {
        /// The Node.
        node: String,
        /// How many attempts there were.
        attempts: u32,
    },
    /// The Node changed so that what was to be written is no longer true of it.
    #[error("Node {node} was given {what} meanwhile")]
    Superseded {
        /// The Node.
        node: String,
        /// What it was given.
        what: &'static str,
    },
    /// What was to be written rests on what was found out too long ago, or about another device.
    #[error("what was found out about Node {node} does not hold any more: {why}")]
    Stale {
        /// The Node.
        node: String,
        /// What does not hold.
        why: &'static str,
    },
    /// Another process has taken over.
    #[error("another process leads; this one writes nothing")]
    NotLeading,
    /// The program is stopping.
    #[error("the program is stopping")]
    Stopping,
}

impl WriteError {
    /// Whether it is known that nothing was written: the API server itself said so, or was not asked.
    #[must_use]
    pub fn is_certain(&self) -> bool {
        match self {
            // What stands before the API server may answer after that has written, and never knows its reasons.
            Self::Refused { code, reason, .. } => (400..500).contains(code) && REASONS.contains(&reason.as_str()),
            Self::Unreachable { .. } | Self::NotLeading => false,
            Self::Contended { .. } | Self::Superseded { .. } | Self::Stale { .. } | Self::Stopping => true,
        }
    }
}

/// The reasons for which the API server itself refuses (Kubernetes `metav1.StatusReason`).
const REASONS: [&str; 9] = [
    "Unauthorized",
    "Forbidden",
    "NotFound",
    "AlreadyExists",
    "Conflict",
    "Gone",
    "Invalid",
    "TooManyRequests",
    "BadRequest",
];

fn advice(code: u16) -> &'static str {
    match code {
        401 => "; check the kubeconfig or the ServiceAccount's token",
        403 => "; check what the ServiceAccount is granted",
        _ => "",
    }
}
