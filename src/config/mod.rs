//! The settings: flags, then the environment, then the `--cloud-config` file, then defaults. One validated [`Config`]
//! comes out, made of the types of the rooms that use it, or a list of everything that is wrong.

mod controllers;
pub mod duration;
mod election;
mod environment;
pub mod error;
mod file;
pub mod flags;
pub mod kubeconfig;
mod live;
mod reload;
mod serving;
mod settings;
mod shown;
mod source;

use std::collections::BTreeMap;
use std::num::{NonZeroU16, NonZeroU32, NonZeroU64};
use std::path::PathBuf;
use std::time::Duration;

pub use controllers::Controllers;
pub use election::ElectionSettings;
pub use error::{ConfigError, Problem};
pub use flags::{Flags, LogFormat};
pub use live::LiveSettings;
pub use reload::{Change, Environment, Reloaded, Reloader};
pub use serving::{Authentication, Authorization, CertificateFiles, ServingSettings, TlsVersion};
pub use shown::Shown;

use crate::kubernetes::lifecycle::DeletionLimits;
use crate::kubernetes::{AddressPolicy, Provider, Topology};
use crate::packet::{Connection, Limits};

/// How long what the Packet API told is believed, and how much of it is kept, `cache.*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CacheSettings {
    /// How long devices are believed, by id and by hostname.
    pub device: Duration,
    /// How long the list of facilities is believed.
    pub facility: Duration,
    /// How long the list of metros is believed.
    pub metro: Duration,
    /// How long it is believed that no device has a hostname or an id.
    pub not_found: Duration,
    /// How many devices are kept, and as many hostnames, and names that no device has.
    pub max_devices: NonZeroU64,
}

/// How writes to Kubernetes are bounded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WriteLimits {
    /// Nodes written side by side.
    pub concurrency: NonZeroU16,
    /// Requests per second and burst of `--kube-api-qps` and `--kube-api-burst`, where given.
    pub pace: Option<(f64, NonZeroU32)>,
}

/// How to reach Kubernetes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KubernetesConnection {
    /// `--kubeconfig`; absent means the ServiceAccount of the Pod.
    pub kubeconfig: Option<PathBuf>,
    /// `--master`, which replaces the address that the kubeconfig or the Pod names.
    pub master: Option<String>,
}

/// Everything that can be set, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Which program we stand in for.
    pub provider: Provider,
    /// What region and zone labels say.
    pub topology: Topology,
    /// Which addresses Nodes show.
    pub addresses: AddressPolicy,
    /// Where the Packet API is, and who asks.
    pub connection: Connection,
    /// The budget of the Packet API.
    pub limits: Limits,
    /// How long its answers are believed, and how many are kept.
    pub cache: CacheSettings,
    /// How to reach Kubernetes.
    pub kubernetes: KubernetesConnection,
    /// How writes to Kubernetes are bounded.
    pub writes: WriteLimits,
    /// How deletions of Nodes are bounded.
    pub deletion: DeletionLimits,
    /// How often the addresses of initialised Nodes are refreshed.
    pub node_status_update_frequency: Duration,
    /// How often Nodes that are not Ready are looked after.
    pub node_monitor_period: Duration,
    /// `--cluster-name`: what people call the cluster.
    pub cluster_name: String,
    /// Which controllers run.
    pub controllers: Controllers,
    /// How a leader is elected.
    pub election: ElectionSettings,
    /// What is served over HTTPS.
    pub serving: ServingSettings,
    /// The file of `--cloud-config`, where one is named.
    pub file: Option<PathBuf>,
    /// Where each setting of the file and the environment was found, by its key.
    pub places: BTreeMap<&'static str, String>,
    /// What an operator should know of the settings, though it keeps nothing from running.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads and checks every setting; `environment` answers the value of a variable.
    ///
    /// # Errors
    /// Everything that is wrong at once, each with where it was found and what to do.
    pub fn load(flags: &Flags, environment: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        settings::load(flags, &environment)
    }

    /// The same, from the environment of this process, with its file looked after from then on.
    ///
    /// # Errors
    /// As [`Config::load`].
    pub fn watched(flags: Flags) -> Result<Reloader, ConfigError> {
        Reloader::load(flags, Box::new(environment::of_process))
    }
}
