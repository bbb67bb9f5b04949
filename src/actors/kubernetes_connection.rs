//! The connection to Kubernetes: `--kubeconfig`, or the ServiceAccount of the Pod, and `--master` over either.

use kube::client::ClientBuilder;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use crate::config::KubernetesConnection;
use crate::election::{Fence, Gate};

/// Why Kubernetes cannot be reached.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The kubeconfig cannot be used.
    #[error(
        "cannot use {file}, named by --kubeconfig: {reason}; check that `kubectl --kubeconfig {file} version` works"
    )]
    Kubeconfig {
        /// The file.
        file: String,
        /// Why.
        reason: String,
    },
    /// There is no kubeconfig, and this is no Pod.
    #[error(
        "no --kubeconfig is given, and this is no Pod with a ServiceAccount ({0}); name a kubeconfig, or run in the cluster"
    )]
    NotInCluster(String),
    /// The address of `--master` is none.
    #[error("--master is `{0}`; expected a URL such as https://10.0.0.1:6443")]
    Master(String),
    /// The client could not be made.
    #[error("cannot set up the client of the Kubernetes API: {0}")]
    Client(#[source] kube::Error),
}

/// Makes a client; sends nothing.
///
/// # Errors
/// See [`ConnectError`].
pub async fn connect(connection: &KubernetesConnection) -> Result<Client, ConnectError> {
    Client::try_from(configuration(connection).await?).map_err(ConnectError::Client)
}

/// Makes a client for those that write, whose connections are cut when the gate closes; sends nothing.
///
/// # Errors
/// See [`ConnectError`].
pub async fn connect_behind(gate: Gate, connection: &KubernetesConnection) -> Result<Client, ConnectError> {
    let builder = ClientBuilder::try_from((configuration(connection).await?, Fence::new(gate)));
    Ok(builder.map_err(ConnectError::Client)?.build())
}

async fn configuration(connection: &KubernetesConnection) -> Result<Config, ConnectError> {
    // Whoever embeds us may have chosen a provider already, which then serves just as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut config = match &connection.kubeconfig {
        Some(path) => {
            let broken = |reason: String| ConnectError::Kubeconfig { file: path.display().to_string(), reason };
            let kubeconfig = Kubeconfig::read_from(path).map_err(|error| broken(error.to_string()))?;
            let options = KubeConfigOptions::default();
            Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| broken(error.to_string()))?
        }
        None => Config::incluster().map_err(|error| ConnectError::NotInCluster(error.to_string()))?,
    };
    if let Some(master) = &connection.master {
        let url = master.parse::<http::Uri>().ok().filter(|url| url.scheme().is_some() && url.authority().is_some());
        config.cluster_url = url.ok_or_else(|| ConnectError::Master(master.clone()))?;
    }
    Ok(config)
}
