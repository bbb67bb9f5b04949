//! What can go wrong between asking for a control plane and using it.

use std::path::PathBuf;
use std::time::Duration;

/// Why there is no control plane, or why it did not do what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// `KUBEBUILDER_ASSETS` is set, but the folder it names lacks one of the two binaries.
    #[error(
        "looking for {missing} in {folder}, which KUBEBUILDER_ASSETS names: it is not there; fill the folder \
         (setup-envtest does) or unset KUBEBUILDER_ASSETS to have the binaries built with Go"
    )]
    AssetsIncomplete {
        /// The value of `KUBEBUILDER_ASSETS`.
        folder: PathBuf,
        /// `etcd` or `kube-apiserver`.
        missing: &'static str,
    },

    /// There are no binaries, and no Go to build them with.
    #[error(
        "building etcd and kube-apiserver: the go command was not found; install Go 1.26 or newer, or set \
         KUBEBUILDER_ASSETS to a folder that holds both binaries"
    )]
    NoGo,

    /// Go was there and failed. Usually it is too old, or the module proxy is out of reach.
    #[error(
        "building etcd and kube-apiserver with Go ended with {status}; it needs Go 1.26 or newer, the Go module proxy and \
         4 GB of disk, or set KUBEBUILDER_ASSETS to a folder that holds both binaries. Its last words:\n{output}"
    )]
    Build {
        /// How the go command ended.
        status: std::process::ExitStatus,
        /// The end of what it printed.
        output: String,
    },

    /// A file, a folder, a port or a process could not be had.
    #[error("{doing}: {source}; check the permissions and the space left there")]
    Io {
        /// What was being done, to what.
        doing: String,
        /// What the operating system answered.
        source: std::io::Error,
    },

    /// The key pair that signs `ServiceAccount` tokens could not be made.
    #[error("making the key pair that signs ServiceAccount tokens: {0}; the system's random source may be missing")]
    Key(#[from] rcgen::Error),

    /// One of the two servers ended by itself.
    #[error("{server} ended with {status} while the control plane was starting. The end of its log:\n{log}")]
    Ended {
        /// `etcd` or `kube-apiserver`.
        server: &'static str,
        /// How it ended.
        status: std::process::ExitStatus,
        /// The last lines of its log.
        log: String,
    },

    /// A server runs, but did not get ready in time.
    #[error(
        "{server} was not ready after {} s: {waited_for}; is the machine overloaded? The end of its log:\n{log}",
        after.as_secs()
    )]
    NotReady {
        /// `etcd` or `kube-apiserver`.
        server: &'static str,
        /// How long was waited.
        after: Duration,
        /// What did not come.
        waited_for: String,
        /// The last lines of its log.
        log: String,
    },

    /// A kubeconfig that this crate wrote could not be turned into a client.
    #[error("making a client for the control plane: {0}; this is a fault of the control-plane crate, please report it")]
    Kubeconfig(#[from] kube::config::KubeconfigError),

    /// The API server refused a request, or could not be reached.
    #[error("{doing}: {source}")]
    Api {
        /// What was being done, to what.
        doing: String,
        /// What the API server answered.
        #[source]
        source: Box<kube::Error>,
    },

    /// The API server took a request for a token and answered without one.
    #[error(
        "asking for a token of ServiceAccount {namespace}/{name}: the answer holds none; look into kube-apiserver.log"
    )]
    NoToken {
        /// The account's namespace.
        namespace: String,
        /// The account's name.
        name: String,
    },

    /// A manifest is not YAML, or one of its documents is no Kubernetes object.
    #[error("reading a manifest: {0}; each document needs apiVersion, kind and metadata.name")]
    Manifest(String),
}

impl Error {
    /// For `map_err`: names what was being done, to what.
    pub(crate) fn io(doing: impl Into<String>) -> impl FnOnce(std::io::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Io { doing, source }
    }

    /// For `map_err`: names what was being asked of the API server.
    pub(crate) fn api(doing: impl Into<String>) -> impl FnOnce(kube::Error) -> Self {
        let doing = doing.into();
        move |source| Self::Api { doing, source: Box::new(source) }
    }
}
