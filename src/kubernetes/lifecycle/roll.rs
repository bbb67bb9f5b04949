//! The roll of the cluster's Nodes at one moment.

use std::sync::Arc;

use super::standing::{Standing, is_ours};
use crate::kubernetes::node::Node;

/// The Nodes that there is something to do about, and how many there are.
#[derive(Debug, Clone, Default)]
pub struct Roll {
    /// Those that do not stand well.
    pub nodes: Vec<Arc<Node>>,
    /// How many Nodes of the cluster are ours, those that stand well among them.
    pub ours: usize,
}

impl Roll {
    /// Calls the roll.
    #[must_use]
    pub fn call<'n>(nodes: impl IntoIterator<Item = &'n Arc<Node>>) -> Self {
        let mut roll = Self::default();
        for node in nodes {
            roll.ours += usize::from(is_ours(node));
            if (!node.readiness.is_ready || node.is_marked_shut_down()) && Standing::of(node) != Standing::Well {
                roll.nodes.push(Arc::clone(node));
            }
        }
        roll
    }
}
