//! What the watch tells the `NodeWatcher`.

use actix::Message;

use crate::kubernetes::{Node, NodeName};

/// What has happened in the cluster, in order.
#[derive(Debug, Clone, Message)]
#[rtype(result = "()")]
pub struct NodeEvents(pub Vec<NodeEvent>);

/// A change in the cluster.
#[derive(Debug, Clone)]
pub enum NodeEvent {
    /// A list of all Nodes begins, at start or after the watch was lost.
    ListBegins,
    /// A Node of that list.
    Listed(Node),
    /// The list is complete: a Node that was not on it is gone.
    ListEnds,
    /// A Node is new or changed.
    Changed(Node),
    /// A Node is gone.
    Deleted(NodeName),
    /// The watch has failed and is started again.
    Failed(String),
}

/// Begin nothing new.
#[derive(Debug, Clone, Copy, Message)]
#[rtype(result = "()")]
pub struct Stop;
