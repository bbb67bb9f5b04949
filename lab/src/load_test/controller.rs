//! Who initialises the Nodes of a run: the program, or one of those that it is compared with.

use std::path::Path;
use std::sync::Arc;

use serde::Serialize;
use tokio::task::AbortHandle;

use super::bare_loop;
use super::request_per_event::{self, Devices};
use super::watch::NodeWatch;
use crate::apis::cluster::Cluster;
use crate::cli::ProgramOptions;
use crate::error::LabError;
use crate::nodes::fleet::Fleet;
use crate::program::product::{Ending, Product, Surroundings};

/// Who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Contender {
    /// The shipped binary.
    Program,
    /// The floor.
    BareLoop,
    /// The client that asks for every event.
    RequestPerEvent,
}

impl Contender {
    /// Its name in tables and plots.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Program => "program",
            Self::BareLoop => "bare loop",
            Self::RequestPerEvent => "request per event",
        }
    }

    /// How it calls itself to the Kubernetes API, where it is the lab's own.
    const fn user_agent(self) -> &'static str {
        match self {
            Self::Program => "",
            Self::BareLoop => "bare-loop",
            Self::RequestPerEvent => "request-per-event",
        }
    }
}

/// It, at work. The lab's own end when this is dropped, as the program does.
pub(crate) enum Controller {
    /// A process.
    Program(Box<Product>),
    /// A task of the lab.
    Own {
        /// Held until the end; dropping it ends it.
        _running: Task,
    },
}

/// A task that ends when this is dropped.
pub(crate) struct Task(AbortHandle);

impl Drop for Task {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// What a controller is given to work with.
pub(crate) struct Workplace<'a> {
    /// The Kubernetes API.
    pub(crate) cluster: &'a Cluster,
    /// The Packet API.
    pub(crate) packet: &'a packet_api_server::Server,
    /// The Nodes, for those that need not ask.
    pub(crate) fleet: &'a Arc<Fleet>,
    /// The watch, for those that have none of their own.
    pub(crate) watch: &'a NodeWatch,
    /// The program and its settings.
    pub(crate) options: &'a ProgramOptions,
    /// The file to run.
    pub(crate) binary: &'a Path,
    /// Where the program's log goes.
    pub(crate) log: &'a Path,
}

impl Controller {
    /// Lets it begin.
    ///
    /// # Errors
    /// When there is no process or client to be had.
    pub(crate) async fn start(contender: Contender, place: &Workplace<'_>) -> Result<Self, LabError> {
        let (fleet, provider) = (Arc::clone(place.fleet), place.options.provider);
        let task = match contender {
            Contender::Program => {
                let around = Surroundings { kubeconfig: place.cluster.kubeconfig(), packet: place.packet };
                let product = Product::start(place.binary, place.log, place.options, &around)?;
                return Ok(Self::Program(Box::new(product)));
            }
            Contender::BareLoop => {
                let client = place.cluster.client_of(contender.user_agent()).await?;
                tokio::spawn(bare_loop::run(client, fleet, provider, place.watch.listen()))
            }
            Contender::RequestPerEvent => {
                let client = place.cluster.client_of(contender.user_agent()).await?;
                let devices = Devices::of(place.packet)?;
                tokio::spawn(request_per_event::run(client, devices, fleet, provider, place.watch.listen()))
            }
        };
        Ok(Self::Own { _running: Task(task.abort_handle()) })
    }

    /// The program, where it is the program.
    pub(crate) fn product(&mut self) -> Option<&mut Product> {
        match self {
            Self::Program(product) => Some(product),
            Self::Own { .. } => None,
        }
    }

    /// Ends it at once.
    ///
    /// # Errors
    /// When the operating system loses track of the program.
    pub(crate) async fn kill(self) -> Result<(), LabError> {
        match self {
            Self::Program(mut product) => product.kill().await,
            Self::Own { .. } => Ok(()),
        }
    }

    /// Ends it in good order. Returns how the program ended, where it is the program and had not ended by itself.
    ///
    /// # Errors
    /// When the operating system loses track of the program.
    pub(crate) async fn stop(self) -> Result<Option<Ending>, LabError> {
        match self {
            Self::Program(mut product) => {
                if product.ended().is_some() {
                    return Ok(None);
                }
                product.stop().await.map(Some)
            }
            Self::Own { .. } => Ok(None),
        }
    }
}
