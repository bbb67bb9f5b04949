//! The cluster that reviews tokens, or access: the one that the program works for, or that of a kubeconfig.

use std::path::Path;

use kube::Client;

use super::AccessError;
use crate::config::kubeconfig;
use crate::kubernetes::client_error::shown;

/// The client of the cluster; sends nothing yet, so that one that is away is no error.
///
/// # Errors
/// [`AccessError::Kubeconfig`].
pub(super) async fn client(flag: &'static str, kubeconfig: Option<&Path>, own: &Client) -> Result<Client, AccessError> {
    let Some(path) = kubeconfig else { return Ok(own.clone()) };
    let broken = |reason: String| AccessError::Kubeconfig { flag, file: path.display().to_string(), reason };
    // Whoever embeds us may have chosen a provider already, which then serves just as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let config = kubeconfig::read(path, None).await.map_err(broken)?;
    Client::try_from(config).map_err(|error| broken(shown(&error)))
}
