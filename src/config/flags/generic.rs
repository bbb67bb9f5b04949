//! The flags of a controller manager as such: what runs, and for which cluster.

use clap::Args;

/// Which controllers run, and for which cluster.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Generic")]
pub struct GenericFlags {
    /// Which run: `*` for both, cloud-node-controller and cloud-node-lifecycle-controller, or the name of one; `-` before a
    /// name leaves it out [default: *]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    pub(in crate::config) controllers: Option<Vec<String>>,

    /// What you call the cluster
    #[arg(long, value_name = "NAME", default_value = "kubernetes")]
    pub(in crate::config) cluster_name: String,
}
