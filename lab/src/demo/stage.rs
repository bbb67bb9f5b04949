//! Where the demonstration takes place: both APIs, the program and a folder, and their orderly end.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::apis::cluster::Cluster;
use crate::cli::Demo;
use crate::error::LabError;
use crate::nodes::fleet::{Fleet, Ground, Wanted};
use crate::nodes::kubelets;
use crate::program::product::{self, Ending, Product, Surroundings};

/// Everything that has to be stopped or removed in the end.
pub(crate) struct Stage {
    /// What was asked for.
    pub(crate) demo: Demo,
    /// The file that is run.
    pub(crate) binary: PathBuf,
    /// The Kubernetes API.
    pub(crate) cluster: Cluster,
    /// The Packet API.
    pub(crate) packet: packet_api_server::Server,
    /// The program, while it runs.
    pub(crate) product: Option<Product>,
    fleets: Vec<Fleet>,
    folder: TempDir,
}

impl Stage {
    /// Starts everything but the program.
    ///
    /// # Errors
    /// When the program is not there, or one of the APIs is not to be had.
    pub(crate) async fn set(demo: Demo) -> Result<Self, LabError> {
        let binary = product::find(demo.program.binary.as_deref())?;
        let folder = tempfile::Builder::new().prefix("packet-lab-").tempdir();
        let folder = folder.map_err(LabError::io("creating a folder for the log"))?;
        let cluster = Cluster::open(&demo.kubernetes, demo.nodes, folder.path()).await?;
        let packet = packet_api_server::Server::builder().max_per_page(demo.max_per_page).latency(demo.latency);
        let packet = packet.start().await?;
        Ok(Self { demo, binary, cluster, packet, product: None, fleets: Vec::new(), folder })
    }

    /// A fleet that is to join, and is removed in the end where the cluster stays.
    pub(crate) fn fleet(&mut self, missing: usize, others: usize) -> Fleet {
        let wanted = Wanted { nodes: self.demo.nodes, missing, others, realistic_devices: false };
        let fleet = Fleet::found(wanted, self.cluster.ground(), self.packet.store());
        self.fleets.push(fleet.clone());
        fleet
    }

    /// Where the program's log is.
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.path().join("packet-cloud-controller-manager.log")
    }

    /// Starts the program.
    ///
    /// # Errors
    /// When the operating system refuses.
    pub(crate) fn start_product(&mut self) -> Result<&mut Product, LabError> {
        let around = Surroundings { kubeconfig: self.cluster.kubeconfig(), packet: &self.packet };
        let product = Product::start(&self.binary, &self.log(), &self.demo.program, &around)?;
        Ok(self.product.insert(product))
    }

    /// Stops the program, where it runs.
    ///
    /// # Errors
    /// When the operating system loses track of it.
    pub(crate) async fn stop_product(&mut self) -> Result<Option<Ending>, LabError> {
        let Some(mut product) = self.product.take() else { return Ok(None) };
        if product.ended().is_some() {
            return Ok(None);
        }
        product.stop().await.map(Some)
    }

    /// Stops everything and removes what was put on somebody's cluster. Keeps the folder if told to, and returns it then.
    ///
    /// # Errors
    /// The first thing that could not be undone; the rest is undone all the same.
    pub(crate) async fn strike(mut self, keep_folder: bool) -> (Result<Option<Ending>, LabError>, Option<PathBuf>) {
        // First, so that it does not work on Nodes that go.
        let mut ended = self.stop_product().await;
        if self.cluster.ground() == Ground::Borrowed {
            for fleet in &self.fleets {
                match kubelets::leave(&self.cluster.client(), fleet).await {
                    Ok(removed) => println!("Removed {removed} Nodes from {}.", self.cluster.url()),
                    Err(error) => {
                        eprintln!("lab: {error}; remove them with `kubectl delete nodes -l {}`", fleet.selector());
                        ended = ended.and(Err(error));
                    }
                }
            }
        }
        self.cluster.close().await;
        self.packet.stop().await;
        let kept = keep_folder.then(|| self.folder.keep());
        (ended, kept)
    }
}
