//! What every command asks: which Kubernetes API, and which program.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::values;

/// Which Kubernetes API.
#[derive(Debug, Clone, Default, Args)]
pub(crate) struct KubernetesOptions {
    /// Use the cluster that this file leads to [default: that of the environment variable KUBECONFIG, if set]
    #[arg(long, value_name = "FILE", help_heading = "Kubernetes")]
    pub(crate) kubeconfig: Option<PathBuf>,

    /// Start a real etcd and kube-apiserver; Go builds them the first time, which takes minutes
    #[arg(long, conflicts_with_all = ["kubeconfig", "simulated"], help_heading = "Kubernetes")]
    pub(crate) control_plane: bool,

    /// Use the simulated Kubernetes API even if KUBECONFIG is set
    #[arg(long, conflicts_with = "kubeconfig", help_heading = "Kubernetes")]
    pub(crate) simulated: bool,

    /// Do not ask before Nodes are added to a cluster that is not on this machine
    #[arg(long, help_heading = "Kubernetes")]
    pub(crate) yes: bool,
}

/// Which program, and how it is set.
#[derive(Debug, Clone, Args)]
pub(crate) struct ProgramOptions {
    /// The program to run [default: the one beside this, or else the one in dist/bin]
    #[arg(long, value_name = "PATH", help_heading = "Program")]
    pub(crate) binary: Option<PathBuf>,

    /// Its --cloud-provider
    #[arg(long, value_enum, value_name = "NAME", default_value_t = Provider::EquinixMetal, help_heading = "Program")]
    pub(crate) provider: Provider,

    /// Its limit of requests per second to the Packet API [default: the program's own]
    #[arg(long, value_name = "N", value_parser = values::rate, help_heading = "Program")]
    pub(crate) rate: Option<f64>,

    /// Its limit of requests at once after a pause [default: the program's own]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..), help_heading = "Program")]
    pub(crate) burst: Option<u32>,

    /// Its --secure-port, at 127.0.0.1, where anyone may then read /metrics; 0 serves nothing
    #[arg(long, value_name = "PORT", default_value_t = 0, help_heading = "Program")]
    pub(crate) secure_port: u16,
}

/// Which program the controller stands in for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Provider {
    /// As packet-ccm
    Packet,
    /// As cloud-provider-equinix-metal
    #[value(name = "equinixmetal")]
    EquinixMetal,
}

impl Provider {
    /// Its name on the program's command line, which is the scheme of its provider IDs.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Packet => "packet",
            Self::EquinixMetal => "equinixmetal",
        }
    }
}
