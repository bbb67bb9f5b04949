//! What is measured of the program itself: who leads, whether its settings are the newest, what it serves.

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

use super::{Outcome, Word};

/// The metrics about the program itself.
#[derive(Debug, Clone, Default)]
pub struct ProgramMetrics {
    /// Whether this process leads, by the name of the Lease.
    pub leads: Family<Leadership, Gauge>,
    /// How often the settings' file was read anew, and how: `ok`, `broken`.
    pub reloads: Family<Outcome, Counter>,
    /// Whether the settings' file could be used when it was last read.
    pub reload_succeeded: Gauge,
    /// When the settings that are in use were read, in seconds since 1970.
    pub settings_read_at: Gauge,
    /// Until when the certificate that is served is good, in seconds since 1970.
    pub certificate_expires_at: Gauge,
    /// Whether the files of the certificate could be used when they were last read.
    pub certificate_reload_succeeded: Gauge,
    /// Requests that were let in and answered, by path and status.
    pub served: Family<Served, Counter>,
}

/// The Lease that makes a leader.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Leadership {
    /// The name of the Lease.
    pub name: String,
}

/// A request that was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct Served {
    /// What was asked for, `other` where there is no such thing.
    pub path: Word,
    /// The HTTP status.
    pub code: u16,
}

/// Who the program is.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: &'static str,
}

impl ProgramMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        for result in ["ok", "broken"] {
            drop(self.reloads.get_or_create(&Outcome { result: Word(result) }));
        }
        let build = Info::new(Build { version: env!("CARGO_PKG_VERSION") });
        registry.register("build", "Which version of the program this is", build);
        let reloads = "How often the file of --cloud-config was read anew, by whether it could be used";
        registry.register("config_reloads", reloads, self.reloads.clone());
        let succeeded = "Whether the file of --cloud-config could be used when it was last read";
        registry.register("config_last_reload_successful", succeeded, self.reload_succeeded.clone());
        let read_at = "When the settings in use were read, in seconds since 1970";
        registry.register_with_unit("config_read_timestamp", read_at, Unit::Seconds, self.settings_read_at.clone());
        let expires = "Until when the certificate that is served is good, in seconds since 1970";
        let expires_at = self.certificate_expires_at.clone();
        registry.register_with_unit("serving_certificate_expiration_timestamp", expires, Unit::Seconds, expires_at);
        let succeeded = "Whether the files of the certificate could be used when they were last read";
        let reload = self.certificate_reload_succeeded.clone();
        registry.register("serving_certificate_last_reload_successful", succeeded, reload);
        registry.register(
            "serving_requests",
            "Requests that were let in and answered, by path and status",
            self.served.clone(),
        );
    }

    /// Under the name of client-go's leader election.
    pub(super) fn register_upstream(&self, registry: &mut Registry) {
        let leads = "Whether this process leads (1) or stands by (0), by the name of the Lease";
        registry.register("leader_election_master_status", leads, self.leads.clone());
    }
}
