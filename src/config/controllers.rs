//! Which controllers run, `--controllers`.

/// The controllers that there are, and whether they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Controllers {
    /// `cloud-node-controller`: initialises Nodes and refreshes their addresses.
    pub node: bool,
    /// `cloud-node-lifecycle-controller`: marks and deletes Nodes that are not Ready.
    pub lifecycle: bool,
}

impl Default for Controllers {
    fn default() -> Self {
        Self { node: true, lifecycle: true }
    }
}
