//! Registering many Nodes: they are made on all processors side by side, unless the store is for one thread only, and kept
//! one after the other in their order.

use std::thread;

use super::{KUBELET, NODE_NAMESPACE, Refused, Store};
use crate::node_spec::NodeSpec;
use crate::resource::Resource;
use crate::status::ApiError;
use crate::store::record::Draft;
use crate::write::{self, Write};

/// How many Nodes each thread makes before they are kept: enough that starting a thread costs little beside it.
const SHARE: usize = 500;

impl Store {
    /// Registers many Nodes, in order, as so many kubelets would, and returns how many. The first that is refused ends it;
    /// those before it stay.
    ///
    /// It is several times faster than as many calls of [`create_node`](Store::create_node), and gives nothing back.
    pub fn create_nodes(&self, nodes: impl IntoIterator<Item = NodeSpec>) -> Result<usize, Refused> {
        let write = Write::new(Resource::Nodes, NODE_NAMESPACE, "").by(KUBELET);
        let threads = if self.is_on_one_thread() { 1 } else { thread::available_parallelism().map_or(1, usize::from) };
        let (mut nodes, mut count) = (nodes.into_iter(), 0);
        loop {
            let shares: Vec<Vec<NodeSpec>> = (0..threads).map(|_| nodes.by_ref().take(SHARE).collect()).collect();
            let drafts = side_by_side(shares, |node| {
                let (node, apart) = node.into_parts(self.clock().timestamp());
                write::registration(self, &write, node, apart)
            });
            if drafts.is_empty() {
                return Ok(count);
            }
            for draft in drafts {
                draft.and_then(|draft| write::keep(self, &write, draft)).map_err(Refused)?;
                count += 1;
            }
        }
    }
}

type Drafted = Result<Draft, ApiError>;

/// Makes each share on a thread of its own, the first on this one.
fn side_by_side(shares: Vec<Vec<NodeSpec>>, make: impl Fn(NodeSpec) -> Drafted + Sync) -> Vec<Drafted> {
    let make_all = |share: Vec<NodeSpec>| -> Vec<Drafted> { share.into_iter().map(&make).collect() };
    thread::scope(|scope| {
        let mut shares = shares.into_iter().filter(|share| !share.is_empty());
        let first = shares.next();
        let others: Vec<_> = shares.map(|share| scope.spawn(|| make_all(share))).collect();
        let mut drafts = first.map(&make_all).unwrap_or_default();
        for other in others {
            match other.join() {
                Ok(its) => drafts.extend(its),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        drafts
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn many_nodes_are_kept_in_their_order() {
        let store = Store::with_history(10).unwrap();
        // The last first, so that their order is not that of their names.
        let names = (0..=2 * SHARE).rev().map(|number| format!("n{number:04}"));
        assert_eq!(store.create_nodes(names.map(|name| NodeSpec::new(&name))).unwrap(), 2 * SHARE + 1);
        let versions: Vec<u64> = store
            .nodes()
            .iter()
            .map(|node| node["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap())
            .collect();
        assert!(versions.windows(2).all(|pair| pair[0] == pair[1] + 1), "{versions:?}");
    }

    #[test]
    fn a_node_that_is_refused_ends_it() {
        let store = Store::with_history(10).unwrap();
        let nodes = ["a", "B", "c"].map(|name| NodeSpec::new(name).realistic_size());
        assert_eq!(store.create_nodes(nodes).unwrap_err().code(), 422);
        assert_eq!(store.nodes().len(), 1);
        assert_eq!(store.create_nodes([NodeSpec::new("a")]).unwrap_err().code(), 409);
    }
}
