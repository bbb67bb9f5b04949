//! Why there is no result, of a demonstration or of a load test. A program that fails its checks is none of these: that is a result.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why there is no result.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LabError {
    /// The options contradict one another.
    #[error("{0}")]
    Options(String),
    /// There is no program to run.
    #[error(
        "the program to run was not found at {}; build it with `cargo build -p packet-cloud-controller-manager` (in the \
         same profile as this), with `make build`, or name it with --binary",
        looked.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" or ")
    )]
    NoBinary {
        /// Where it was looked for.
        looked: Vec<PathBuf>,
    },
    /// A file, a process or a signal could not be had.
    #[error("{doing}: {source}")]
    Io {
        /// What was being done, to what.
        doing: String,
        /// What the operating system says.
        source: io::Error,
    },
    /// The simulated Packet API did not start.
    #[error("starting the simulated Packet API: {0}")]
    PacketApi(#[from] packet_api_server::ServeError),
    /// The simulated Kubernetes API did not start.
    #[error("starting the simulated Kubernetes API: {0}")]
    KubernetesApi(#[from] kube_api_server::ServeError),
    /// The real control plane did not start.
    #[error("starting a control plane: {0}")]
    ControlPlane(#[from] control_plane::Error),
    /// The kubeconfig leads nowhere.
    #[error("using the kubeconfig {file}: {reason}; check that `kubectl --kubeconfig {file} get nodes` works")]
    Kubeconfig {
        /// The file.
        file: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The cluster is somebody's, and would be harmed.
    #[error("{cluster} is left alone: {reason}")]
    Unsafe {
        /// The cluster's URL.
        cluster: String,
        /// What is there, and what to do about it.
        reason: String,
    },
    /// The Kubernetes API refused something, or could not be reached.
    #[error("{doing}: {source}; is the cluster well, and may this user do so?")]
    Kubernetes {
        /// What was being done, to what.
        doing: String,
        /// What the API answered.
        source: Box<kube::Error>,
    },
    /// The simulated Kubernetes API refused a Node. A defect.
    #[error("registering a Node in the simulated Kubernetes API: {0}")]
    Refused(#[from] kube_api_server::Refused),
    /// The watch of the Nodes did not show what was written.
    #[error("waiting for {what}: it did not come within {} s; is the machine overloaded?", after.as_secs())]
    Wait {
        /// What was waited for.
        what: &'static str,
        /// How long.
        after: Duration,
    },
    /// A file is not what the load test writes.
    #[error("{file} is no result of a load test: {reason}; give files that `lab load-test --json` wrote")]
    Result {
        /// The file.
        file: String,
        /// What it lacks.
        reason: String,
    },
    /// What this lab made of its own cannot be sent. A defect.
    #[error("writing a Node as JSON: {0}; this is a defect of the lab, please report it")]
    Json(#[from] serde_json::Error),
    /// A plot could not be drawn. A defect.
    #[error("drawing a plot: {0}; this is a defect of the lab, please report it")]
    Plot(String),
    /// A Node carries the label of the run and is not of it.
    #[error("the Node {0} carries the label of this run, and is none of its Nodes; who has put it there?")]
    Stranger(String),
    /// Somebody pressed Ctrl-C.
    #[error("interrupted; everything is stopped and removed")]
    Interrupted,
}

impl LabError {
    /// For `map_err`: names what was being done, to what.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    /// For `map_err`: names what was being asked of the Kubernetes API.
    pub(crate) fn kubernetes(doing: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Kubernetes { doing, source: Box::new(source) }
    }
}
