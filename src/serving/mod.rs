//! What the program serves over HTTPS: health, metrics, settings and status, for probes, for Prometheus and for people.
//!
//! A request passes, in this order: the port ([`Listening`]), TLS, the bounds of its connection ([`bounds`]), the entrance, which
//! finds out who asks and whether that is allowed ([`access`]), and its route.

pub mod access;
mod activity;
mod answer;
pub mod bounds;
mod certificate;
mod connection;
mod crowd;
mod entrance;
mod files;
mod listening;
pub mod local;
mod routes;
mod standing;
mod tls;

use std::io;
use std::net::SocketAddr;

pub use self::access::{Access, AccessError, User};
pub use self::certificate::{CertificateState, PairError, ServerCertificate};
pub use self::listening::Listening;
pub use self::routes::{Inquiry, SettingsInUse, Sources, router};

/// Why nothing can be served.
#[derive(Debug, thiserror::Error)]
pub enum ServingError {
    /// The port cannot be taken.
    #[error(
        "cannot listen on {address}, which --bind-address and --secure-port name: {source}; choose another port, or 0 to serve nothing"
    )]
    Bind {
        /// The address and port.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
    /// There is no certificate.
    #[error(transparent)]
    Certificate(#[from] PairError),
    /// It cannot be found out who may read what.
    #[error(transparent)]
    Access(#[from] AccessError),
    /// TLS cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
}
