//! The connection to Kubernetes: `--kubeconfig`, or the ServiceAccount of the Pod, and `--master` over either.

use kube::client::ClientBuilder;
use kube::{Client, Config};

use crate::config::{KubernetesConnection, kubeconfig};
use crate::election::{Fence, Gate};
use crate::kubernetes::client_error::shown;

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
        "no --kubeconfig and no --master is given, and this is no Pod with a ServiceAccount ({0}); name a kubeconfig, or run in the \
         cluster"
    )]
    NotInCluster(String),
    /// The address of `--master` is none.
    #[error("--master is `{0}`; expected a URL such as https://10.0.0.1:6443")]
    Master(String),
    /// The client could not be made.
    #[error("cannot set up the client of the Kubernetes API: {0}")]
    Client(String),
}

/// Makes a client; sends nothing.
///
/// # Errors
/// See [`ConnectError`].
pub async fn connect(connection: &KubernetesConnection) -> Result<Client, ConnectError> {
    Client::try_from(configuration(connection).await?).map_err(|error| ConnectError::Client(shown(&error)))
}

/// Makes a client for those that write, whose connections are cut when the gate closes; sends nothing.
///
/// # Errors
/// See [`ConnectError`].
pub async fn connect_behind(gate: Gate, connection: &KubernetesConnection) -> Result<Client, ConnectError> {
    let builder = ClientBuilder::try_from((configuration(connection).await?, Fence::new(gate)));
    Ok(builder.map_err(|error| ConnectError::Client(shown(&error)))?.build())
}

async fn configuration(connection: &KubernetesConnection) -> Result<Config, ConnectError> {
    // Whoever embeds us may have chosen a provider already, which then serves just as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let url = |text: &String| {
        let url = text.parse::<http::Uri>().ok().filter(|url| url.scheme().is_some() && url.authority().is_some());
        url.ok_or_else(|| ConnectError::Master(text.clone()))
    };
    let master = connection.master.as_ref().map(url).transpose()?;
    match &connection.kubeconfig {
        Some(path) => {
            let broken = |reason: String| ConnectError::Kubeconfig { file: path.display().to_string(), reason };
            kubeconfig::read(path, master).await.map_err(broken)
        }
        None => match (Config::incluster(), master) {
            (Ok(mut config), master) => {
                config.cluster_url = master.unwrap_or(config.cluster_url);
                Ok(config)
            }
            // An API server that asks for no credentials, such as one that is simulated.
            (Err(_), Some(master)) => Ok(Config::new(master)),
            (Err(error), None) => Err(ConnectError::NotInCluster(error.to_string())),
        },
    }
}
