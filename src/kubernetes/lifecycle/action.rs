//! What the [`Monitor`](super::Monitor) asks for, what it is told of it, and how it counts.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use crate::kubernetes::event::Notice;
use crate::kubernetes::node::Node;
use crate::packet::{Absence, DeviceId};

/// A question about a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Query {
    /// By which its answer is known.
    pub number: u64,
    /// The device.
    pub device: DeviceId,
    /// How old the answer may be.
    pub max_age: Duration,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Put the shutdown taint on, or take it off; [`Monitor::marked`](super::Monitor::marked) is told when that has ended.
    Mark {
        /// The Node as it was last seen.
        node: Arc<Node>,
        /// Whether it is shut down.
        shut_down: bool,
    },
    /// Find out whether these devices are gone, beyond doubt; [`Monitor::confirmed`](super::Monitor::confirmed) is told.
    Confirm(Vec<DeviceId>),
    /// Delete a Node; [`Monitor::deleted`](super::Monitor::deleted) is told when that has ended.
    Delete {
        /// The Node as it was last seen.
        node: Arc<Node>,
        /// The proof that its device is gone.
        absence: Absence,
        /// Whether its deletion is yet to be told of.
        tell: bool,
    },
    /// Tell people something.
    Tell(Arc<Node>, Notice),
    /// Tell of it so that a process that starts later knows it; [`Monitor::recorded`](super::Monitor::recorded) is told whether
    /// that has come about.
    Record(Arc<Node>, Notice),
}

/// Why a Node was not deleted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setback {
    /// It is known that it was not.
    Refused(String),
    /// It is Ready again, or another one: nothing is wrong.
    Superseded,
    /// It may have been, or may be yet.
    Unclear(String),
}

/// How many Nodes are in which state.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Counts {
    /// Those of ours that are not Ready.
    pub not_ready: usize,
    /// Of these: the device is there and not switched off.
    pub there: usize,
    /// Of these: the device is switched off.
    pub shut_down: usize,
    /// Of these: the device looks gone.
    pub gone: usize,
    /// Of these: the device could not be asked for.
    pub unknown: usize,
    /// Of those whose device looks gone, those that are held back, by [`Held::kind`](super::Held::kind).
    pub held: BTreeMap<&'static str, usize>,
}
