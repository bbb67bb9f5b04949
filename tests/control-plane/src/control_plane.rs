//! A running control plane, and what can be asked of it.

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use k8s_openapi::api::authentication::v1::{TokenRequest, TokenRequestSpec};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::api::PostParams;
use kube::{Api, Client};
use tempfile::TempDir;
use tokio::net::TcpSocket;

use crate::audit::{self, AuditedRequest};
use crate::process::Process;
use crate::{Error, binaries, kubeconfig, manifest, startup};

/// A running etcd and kube-apiserver. Dropping it stops both and removes their folder; that holds when a test panics too,
/// and when the whole program is killed both servers still end, only the folder stays.
pub struct ControlPlane {
    // Fields are dropped in this order: the API server, what it stores in, its port, then its files.
    _api_server: Process,
    _etcd: Process,
    _port: TcpSocket,
    folder: TempDir,
    address: SocketAddr,
    admin_token: String,
    ca_pem: String,
    client: Client,
}

impl ControlPlane {
    /// Starts a control plane with RBAC on and nothing in it but what the API server itself creates, and returns once
    /// `/readyz` says `ok` and the namespaces `default` and `kube-system` are there: some 5 s. The first start of all may
    /// take minutes, see [`binaries::folder`].
    ///
    /// # Errors
    ///
    /// Every variant of [`Error`] but [`Error::Manifest`]; those about a server show the end of its log.
    pub async fn start() -> Result<Self, Error> {
        Self::start_from(&find_binaries().await?).await
    }

    /// As [`ControlPlane::start`], with an audit log, for [`ControlPlane::audited_writes`] and
    /// [`ControlPlane::audited_requests`].
    ///
    /// # Errors
    ///
    /// As [`ControlPlane::start`].
    pub async fn start_audited() -> Result<Self, Error> {
        Self::start_with(&find_binaries().await?, true).await
    }

    /// As [`ControlPlane::start`], with the binaries `etcd` and `kube-apiserver` of this folder, an absolute path.
    ///
    /// # Errors
    ///
    /// As [`ControlPlane::start`], but for those about finding binaries.
    pub async fn start_from(binaries: &Path) -> Result<Self, Error> {
        Self::start_with(binaries, false).await
    }

    async fn start_with(binaries: &Path, is_audited: bool) -> Result<Self, Error> {
        let folder = tempfile::Builder::new()
            .prefix("control-plane-")
            .tempdir()
            .map_err(Error::io("creating a temporary folder for the control plane"))?;
        let admin_token = uuid::Uuid::new_v4().to_string();
        startup::write_secrets(folder.path(), &admin_token)?;

        let etcd = startup::start_etcd(binaries, folder.path()).await?;
        let (port, address) = startup::reserve_port().map_err(Error::io("reserving a port on 127.0.0.1"))?;
        let further = if is_audited { audit::prepare(folder.path())? } else { Vec::new() };
        let mut api_server = startup::start_api_server(binaries, folder.path(), address, further)?;
        let (ca_pem, client) = startup::wait_for_api(&mut api_server, folder.path(), address, &admin_token).await?;

        Ok(Self { _api_server: api_server, _etcd: etcd, _port: port, folder, address, admin_token, ca_pem, client })
    }

    /// Where the API server listens, for example `https://127.0.0.1:40123`.
    #[must_use]
    pub fn url(&self) -> String {
        startup::url(self.address)
    }

    /// The bearer token of a user in the group `system:masters`, who may do everything.
    #[must_use]
    pub fn admin_token(&self) -> &str {
        &self.admin_token
    }

    /// The certificate, in PEM, that issued the API server's own: the one to trust.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Where both servers keep their files and logs (`etcd.log`, `kube-apiserver.log`) until the value is dropped.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The writes of Nodes, Events and Leases so far, in the order in which they were answered. There are none where the
    /// control plane was not started with [`ControlPlane::start_audited`].
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the log cannot be read.
    pub fn audited_writes(&self) -> Result<Vec<AuditedRequest>, Error> {
        audit::writes(self.folder())
    }

    /// All that a `ServiceAccount` has asked for so far, named as `system:serviceaccount:NAMESPACE:NAME`; a watch is there twice,
    /// when it begins and when it ends. There is nothing where the control plane was not started with
    /// [`ControlPlane::start_audited`].
    ///
    /// # Errors
    ///
    /// [`Error::Io`] where the log cannot be read.
    pub fn audited_requests(&self, user: &str) -> Result<Vec<AuditedRequest>, Error> {
        audit::of_user(self.folder(), user)
    }

    /// A client that may do everything.
    #[must_use]
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// A client that presents this kubeconfig, one of those that the methods below return.
    ///
    /// # Errors
    ///
    /// [`Error::Kubeconfig`] where the text is no kubeconfig, [`Error::Api`] where it makes no client.
    pub async fn client_for(&self, kubeconfig: &str) -> Result<Client, Error> {
        kubeconfig::client(kubeconfig).await
    }

    /// A kubeconfig, in YAML, of a cluster administrator.
    #[must_use]
    pub fn kubeconfig(&self) -> String {
        self.kubeconfig_with_token(&self.admin_token)
    }

    /// A kubeconfig, in YAML, of whoever this bearer token belongs to.
    #[must_use]
    pub fn kubeconfig_with_token(&self, token: &str) -> String {
        kubeconfig::with_token(&self.url(), &self.ca_pem, token)
    }

    /// A kubeconfig, in YAML, of this `ServiceAccount`, with a token that holds for an hour.
    ///
    /// # Errors
    ///
    /// [`Error::Api`], most likely because there is no such account, and [`Error::NoToken`].
    pub async fn service_account_kubeconfig(&self, namespace: &str, name: &str) -> Result<String, Error> {
        let doing = format!("asking for a token of ServiceAccount {namespace}/{name}");
        let accounts: Api<ServiceAccount> = Api::namespaced(self.client(), namespace);
        let request = TokenRequest {
            spec: TokenRequestSpec { expiration_seconds: Some(3600), ..TokenRequestSpec::default() },
            ..TokenRequest::default()
        };
        let answer = accounts.create_token_request(name, &PostParams::default(), &request).await;
        match answer.map_err(Error::api(doing))?.status {
            Some(status) => Ok(self.kubeconfig_with_token(&status.token)),
            None => Err(Error::NoToken { namespace: namespace.to_owned(), name: name.to_owned() }),
        }
    }

    /// Creates or updates every object of a YAML text of one or more documents, in their order, by server-side apply. A
    /// field that the API does not know is refused, and so is everything after it; a namespaced object without a
    /// namespace goes to `default`.
    ///
    /// # Errors
    ///
    /// [`Error::Manifest`] before anything is written where the text is not YAML, [`Error::Api`] where an object is
    /// refused.
    pub async fn apply(&self, manifest_yaml: &str) -> Result<(), Error> {
        manifest::apply(&self.client, manifest_yaml).await
    }
}

async fn find_binaries() -> Result<PathBuf, Error> {
    let found = tokio::task::spawn_blocking(binaries::folder).await;
    found.map_err(|error| Error::io("waiting for the binaries")(std::io::Error::other(error)))?
}

impl fmt::Debug for ControlPlane {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("ControlPlane")
            .field("url", &self.url())
            .field("folder", &self.folder.path())
            .finish_non_exhaustive()
    }
}
