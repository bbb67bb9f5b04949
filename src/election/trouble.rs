//! What can go wrong with the Lease, each with what to do about it.

use std::time::Duration;

use crate::config::duration::show;

/// Why the Lease could not be read or written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// No role grants it.
    #[error(
        "the API server forbids to {verb} the Lease {lease}: {message}; grant get, create and update on leases of \
         coordination.k8s.io, for this name and in this namespace, or run a single replica with --leader-elect=false"
    )]
    Forbidden {
        /// What was tried: get, create or update.
        verb: &'static str,
        /// Namespace and name.
        lease: String,
        /// The API server's words.
        message: String,
    },
    /// The credentials are not accepted.
    #[error(
        "the API server does not know who asks to {verb} the Lease {lease}: {message}; look at the ServiceAccount or the kubeconfig"
    )]
    Unauthorized {
        /// What was tried.
        verb: &'static str,
        /// Namespace and name.
        lease: String,
        /// The API server's words.
        message: String,
    },
    /// A Lease cannot be created in a namespace that is not there.
    #[error(
        "there is no namespace for the Lease {lease}: {message}; create it, or name another with --leader-elect-resource-namespace"
    )]
    NoNamespace {
        /// Namespace and name.
        lease: String,
        /// The API server's words.
        message: String,
    },
    /// The API server refuses for another reason.
    #[error("the API server refuses to {verb} the Lease {lease}: {code} {message}")]
    Refused {
        /// What was tried.
        verb: &'static str,
        /// Namespace and name.
        lease: String,
        /// The status of the answer.
        code: u16,
        /// The API server's words.
        message: String,
    },
    /// The API server did not answer in time.
    #[error("no answer within {} to the request to {verb} the Lease {lease}; is the API server overloaded, or cut off?", show(*within))]
    NoAnswer {
        /// What was tried.
        verb: &'static str,
        /// Namespace and name.
        lease: String,
        /// How long it was waited for.
        within: Duration,
    },
    /// The API server could not be reached, or answered with what is no Lease.
    #[error("cannot {verb} the Lease {lease}: {reason}; can the API server be reached?")]
    Unreachable {
        /// What was tried.
        verb: &'static str,
        /// Namespace and name.
        lease: String,
        /// Why.
        reason: String,
    },
}

impl Trouble {
    /// What kind it is: two of a kind need the same to be done, and are told of once.
    pub(super) fn kind(&self) -> (&'static str, u16) {
        match self {
            Self::Forbidden { verb, .. } => (verb, 403),
            Self::Unauthorized { .. } => ("", 401),
            Self::NoNamespace { .. } => ("", 404),
            Self::Refused { code, .. } => ("", *code),
            Self::NoAnswer { .. } => ("no answer", 0),
            Self::Unreachable { .. } => ("unreachable", 0),
        }
    }
}
