//! The Kubernetes API that the Nodes join: simulated, a real control plane of our own, or somebody's cluster.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use control_plane::ControlPlane;
use http::HeaderValue;
use http::header::USER_AGENT;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use kube_api_server::{RequestRecord, Server};

use crate::apis::borrowed;
use crate::cli::KubernetesOptions;
use crate::error::LabError;
use crate::nodes::fleet::Ground;

/// What the lab calls itself, to tell its own requests from the program's.
const OWN_USER_AGENT: &str = "packet-ccm-lab";

/// A Node changes so often while it joins. So many changes are remembered for watches, but no fewer and no more than
/// kube-apiserver's watch cache holds when it is busy.
const CHANGES_PER_NODE: usize = 3;
const HISTORY: (usize, usize) = (10_000, 102_400);

/// A cluster in use.
pub(crate) struct Cluster {
    kind: Kind,
    url: String,
    kubeconfig: PathBuf,
    client: Client,
}

enum Kind {
    Simulated(Server),
    /// Held until the end; dropping it stops it.
    ControlPlane {
        _running: Box<ControlPlane>,
    },
    Borrowed,
}

impl Cluster {
    /// Starts or finds the cluster that the options ask for, for so many Nodes at a time. Kubeconfigs of our own are put into
    /// `folder`.
    ///
    /// # Errors
    /// Where it does not start, cannot be reached, or had better be left alone.
    pub(crate) async fn open(options: &KubernetesOptions, nodes: usize, folder: &Path) -> Result<Self, LabError> {
        match Self::open_standing(options, nodes, folder).await? {
            Some(cluster) => Ok(cluster),
            None => Self::simulate(nodes, folder).await,
        }
    }

    /// A simulated cluster for so many Nodes.
    ///
    /// # Errors
    /// Where it does not start.
    pub(crate) async fn simulate(nodes: usize, folder: &Path) -> Result<Self, LabError> {
        let history = (CHANGES_PER_NODE * nodes).clamp(HISTORY.0, HISTORY.1);
        let server = Server::builder().history(history).start().await?;
        let kubeconfig = write(folder, &server.kubeconfig())?;
        let (_, client) = connect(&kubeconfig, OWN_USER_AGENT).await?;
        Ok(Self { url: server.url(), kind: Kind::Simulated(server), kubeconfig, client })
    }

    /// Starts or finds the cluster that the options ask for, unless that is a simulated one.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    pub(crate) async fn open_standing(
        options: &KubernetesOptions,
        nodes: usize,
        folder: &Path,
    ) -> Result<Option<Self>, LabError> {
        if options.control_plane {
            let running = Box::new(ControlPlane::start().await?);
            let (url, kubeconfig) = (running.url(), write(folder, &running.kubeconfig())?);
            let (_, client) = connect(&kubeconfig, OWN_USER_AGENT).await?;
            let kind = Kind::ControlPlane { _running: running };
            return Ok(Some(Self { kind, url, kubeconfig, client }));
        }
        let given = options.kubeconfig.clone().or_else(|| {
            let of_environment = std::env::var_os("KUBECONFIG").filter(|path| !path.is_empty() && !options.simulated);
            of_environment.map(PathBuf::from)
        });
        let Some(file) = given else { return Ok(None) };
        if std::env::split_paths(&file).count() > 1 {
            let reason = "these are several files, and the program takes one; name one with --kubeconfig".to_owned();
            return Err(LabError::Kubeconfig { file: file.display().to_string(), reason });
        }
        // The program runs in the same folder, but a path that is shown should work from anywhere.
        let file = std::path::absolute(&file).map_err(LabError::io(format!("resolving {}", file.display())))?;
        let (url, client) = connect(&file, OWN_USER_AGENT).await?;
        borrowed::make_sure(&client, &url.to_string()).await?;
        borrowed::ask(&url, nodes, options.yes).await?;
        let url = url.to_string().trim_end_matches('/').to_owned();
        Ok(Some(Self { kind: Kind::Borrowed, url, kubeconfig: file, client }))
    }

    /// What it is, in a word or two.
    pub(crate) const fn title(&self) -> &'static str {
        match self.kind {
            Kind::Simulated(_) => "simulated",
            Kind::ControlPlane { .. } => "real kube-apiserver",
            Kind::Borrowed => "your cluster",
        }
    }

    /// Whose it is.
    pub(crate) const fn ground(&self) -> Ground {
        match self.kind {
            Kind::Simulated(_) | Kind::ControlPlane { .. } => Ground::Own,
            Kind::Borrowed => Ground::Borrowed,
        }
    }

    /// Where its API is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The file that leads there.
    pub(crate) fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// The lab's own client.
    pub(crate) fn client(&self) -> Client {
        self.client.clone()
    }

    /// A client that calls itself otherwise, so that what it writes is told from what the lab writes.
    ///
    /// # Errors
    /// When the kubeconfig no longer leads there.
    pub(crate) async fn client_of(&self, user_agent: &'static str) -> Result<Client, LabError> {
        connect(&self.kubeconfig, user_agent).await.map(|(_, client)| client)
    }

    /// The simulated cluster, where it is one.
    pub(crate) const fn simulated(&self) -> Option<&Server> {
        match &self.kind {
            Kind::Simulated(server) => Some(server),
            Kind::ControlPlane { .. } | Kind::Borrowed => None,
        }
    }

    /// The program's requests to change something, oldest first, where the server tells: the simulated one does.
    pub(crate) fn writes(&self) -> Option<Vec<RequestRecord>> {
        match &self.kind {
            Kind::Simulated(server) => {
                let writes = server.requests().writes();
                Some(writes.into_iter().filter(|write| !Self::is_the_labs(&write.user_agent)).collect())
            }
            Kind::ControlPlane { .. } | Kind::Borrowed => None,
        }
    }

    /// Whether the simulated cluster has forgotten requests that came after `from`: it keeps the latest half a million.
    pub(crate) fn has_forgotten_since(&self, from: SystemTime) -> bool {
        let Kind::Simulated(server) = &self.kind else { return false };
        // Counted first, so that one that comes meanwhile is not taken for forgotten.
        let (count, kept) = (server.requests().count(), server.requests().all());
        has_forgotten(count, kept.len(), kept.first().map(|request| request.at), from)
    }

    /// Whether somebody who calls itself so is the lab, which drives and observes.
    pub(crate) fn is_the_labs(user_agent: &str) -> bool {
        user_agent.starts_with(OWN_USER_AGENT)
    }

    /// Stops what was started.
    pub(crate) async fn close(self) {
        if let Kind::Simulated(server) = self.kind {
            server.stop().await;
        }
    }
}

/// Whether some of `count` requests are gone, of which `kept` are there, and may have come after `from`.
fn has_forgotten(count: usize, kept: usize, oldest: Option<SystemTime>, from: SystemTime) -> bool {
    count > kept && oldest.is_none_or(|oldest| oldest > from)
}

fn write(folder: &Path, kubeconfig: &str) -> Result<PathBuf, LabError> {
    let path = folder.join("kubeconfig");
    fs::write(&path, kubeconfig).map_err(LabError::io(format!("writing {}", path.display())))?;
    Ok(path)
}

/// The server that the kubeconfig's current context names, and a client of it.
async fn connect(kubeconfig: &Path, user_agent: &'static str) -> Result<(http::Uri, Client), LabError> {
    let file = kubeconfig.display().to_string();
    let broken = |reason: String| LabError::Kubeconfig { file: file.clone(), reason };
    let read = Kubeconfig::read_from(kubeconfig).map_err(|error| broken(error.to_string()))?;
    let config = Config::from_custom_kubeconfig(read, &KubeConfigOptions::default()).await;
    let mut config = config.map_err(|error| broken(error.to_string()))?;
    config.headers.push((USER_AGENT, HeaderValue::from_static(user_agent)));
    if borrowed::is_loopback(&config.cluster_url) {
        // A proxy that the environment names for the world outside has no business on loopback.
        config.proxy_url = None;
    }
    let url = config.cluster_url.clone();
    let client = Client::try_from(config).map_err(LabError::kubernetes(format!("making a client of {url}")))?;
    Ok((url, client))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn what_was_forgotten_matters_where_it_may_have_come_after_the_beginning() {
        let from = SystemTime::UNIX_EPOCH + Duration::from_secs(100);
        let before = Some(from - Duration::from_secs(1));
        let after = Some(from + Duration::from_secs(1));
        assert!(has_forgotten(6, 5, after, from));
        assert!(!has_forgotten(5, 5, after, from));
        assert!(!has_forgotten(6, 5, before, from));
    }
}
