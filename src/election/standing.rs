//! Where this process stands in the election, for whoever waits for it or shows it.

use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use super::trouble::Trouble;
use crate::config::duration::show;

/// Where this process stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It does not lead, and does not know who does.
    Trying {
        /// What keeps it from finding out, if anything does.
        why: Option<Trouble>,
    },
    /// Another process leads.
    Standby {
        /// Who, as the Lease has it.
        holder: String,
    },
    /// It leads.
    Leading {
        /// Since when.
        since: Timestamp,
    },
    /// It led, and does no more. It is to end.
    Lost {
        /// Why.
        why: Loss,
    },
    /// It gave up by itself.
    Released,
}

/// Why a process leads no more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// The Lease names somebody else.
    #[error("the Lease {lease} was taken over by {holder}, who leads now")]
    Stolen {
        /// Namespace and name.
        lease: String,
        /// Who.
        holder: String,
    },
    /// It could not be renewed in time.
    #[error(
        "the Lease {lease} could not be renewed for {}, so that another process may lead from now on{}",
        show(*deadline),
        why.as_ref().map_or_else(String::new, |why| format!(": {why}"))
    )]
    RanOut {
        /// Namespace and name.
        lease: String,
        /// `--leader-elect-renew-deadline`.
        deadline: Duration,
        /// What went wrong last.
        why: Option<Trouble>,
    },
    /// Nobody renews the Lease any more.
    #[error("the election has ended, which is a defect of this program")]
    Ended,
}
