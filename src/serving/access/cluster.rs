//! The cluster that reviews tokens, or access: the one that the program works for, or that of a kubeconfig.

use std::path::Path;

use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

use super::AccessError;

/// The client of the cluster; sends nothing yet, so that one that is away is no error.
///
/// # Errors
/// [`AccessError::Kubeconfig`].
pub(super) async fn client(flag: &'static str, kubeconfig: Option<&Path>, own: &Client) -> Result<Client, AccessError> {
    let Some(path) = kubeconfig else { return Ok(own.clone()) };
    let broken = |reason: String| AccessError::Kubeconfig { flag, file: path.display().to_string(), reason };
    // Whoever embeds us may have chosen a provider already, which then serves just as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let kubeconfig = Kubeconfig::read_from(path).map_err(|error| broken(said(&error)))?;
    let options = KubeConfigOptions::default();
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| broken(said(&error)))?;
    Client::try_from(config).map_err(|error| broken(error.to_string()))
}

fn said(error: &KubeconfigError) -> String {
    match error {
        // Its text shows the lines around the fault, where the token is.
        KubeconfigError::Parse(_) => "it is no kubeconfig in YAML".to_owned(),
        error => error.to_string(),
    }
}
