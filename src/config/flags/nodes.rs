//! The flags of the controllers of Nodes.

use std::num::NonZeroU16;
use std::time::Duration;

use clap::Args;

use super::values;

/// What the controllers of Nodes do, and how often.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Cloud node controllers")]
pub struct NodeFlags {
    /// How often addresses of initialised Nodes are compared with the Packet API
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = values::period)]
    pub(in crate::config) node_status_update_frequency: Duration,

    /// How often Nodes that are not Ready are looked after
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = values::period)]
    pub(in crate::config) node_monitor_period: Duration,

    /// Nodes written side by side [default: 32]
    #[arg(long, value_name = "N", value_parser = values::workers)]
    pub(in crate::config) concurrent_node_syncs: Option<NonZeroU16>,
}
