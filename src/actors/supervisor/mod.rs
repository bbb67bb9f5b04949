//! The supervisor: a process from its start to its end. It serves from the start, stands by until it leads, then starts the
//! actors, and ends when it is told to or leads no more.

mod actors;
mod leadership;
mod observer;
mod pulse;
mod settings;

use std::mem::ManuallyDrop;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix::System;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};

pub use self::actors::{Means, Running, StartError};
use self::observer::{Asked, Observer};
use self::settings::Concerned;
use super::kubernetes_connection::{ConnectError, connect, connect_behind};
use super::node_watcher::NodeWatcher;
use crate::config::{Config, Reloader};
use crate::election::{Elector, Identity, Loss};
use crate::packet;
use crate::serving::{self, Access, Listening, ServingError, SettingsInUse, Sources, local};
use crate::telemetry::health::{Health, Scope};
use crate::telemetry::logging::Verbosity;
use crate::telemetry::metrics::Metrics;

/// How long requests that are being answered may take at the end.
const LAST_ANSWERS: Duration = Duration::from_millis(500);
/// The check that says that the process is on its way out.
const STOPPING: &str = "stopping";

/// Why the program cannot run.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The operating system refused threads or signals.
    #[error("the operating system refuses what the program needs: {0}")]
    System(#[from] std::io::Error),
    /// The client of the Packet API could not be made.
    #[error("cannot start: {0}")]
    PacketClient(#[from] packet::client::ClientError),
    /// Kubernetes cannot be reached.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Nothing can be served.
    #[error(transparent)]
    Serving(#[from] ServingError),
    /// The actors could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It leads no more.
    #[error("this process leads no more, and ends to stand by when it is started again: {0}")]
    Lost(#[from] Loss),
}

/// Runs until SIGTERM or SIGINT, then finishes the writes under way and lets the next one lead.
///
/// The actors share one thread; requests and their answers are worked on beside it, on as many as there are cores.
///
/// # Errors
/// See [`RunError`]. An API that cannot be reached is none: it is tried again.
pub fn run(reloader: Reloader, verbosity: Verbosity) -> Result<(), RunError> {
    let config = reloader.config();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // Never dropped: that would wait for a name resolution that hangs, and the process is about to end anyway.
    let system = ManuallyDrop::new(System::with_tokio_rt(|| runtime));
    system.block_on(async {
        let mut signals = Signals::new()?;
        say_what_is_set(&config);
        // Beside this thread: a plugin that brings credentials is waited for without looking at anything else.
        let prepared = tokio::spawn(Process::prepare(config, reloader, verbosity));
        let process = tokio::select! {
            // It is neither aborted nor does it go on after a panic.
            prepared = prepared => prepared.unwrap_or_else(|_| std::process::abort())?,
            signal = signals.received() => {
                tracing::info!(signal, "stopping before anything was begun");
                return Ok(());
            }
        };
        let elector = &process.elector;
        tokio::select! {
            () = elector.leads() => {}
            signal = signals.received() => {
                tracing::info!(signal, "stopping, without having led");
                process.end(true).await;
                return Ok(());
            }
            // It led, and does no more, before anything was begun.
            loss = elector.lost() => return Err(loss.into()),
        }
        let running = process.start_actors().await?;
        tokio::select! {
            signal = signals.received() => {
                tracing::info!(signal, "stopping: no new work is taken, writes under way are finished");
            }
            // Whatever the actors still do, nothing of it is written: the gate is closed.
            loss = elector.lost() => {
                tracing::error!("leading no more: {loss}");
                return Err(loss.into());
            }
        }
        process.health.set(STOPPING, Scope::Ready, Err("the program is stopping".to_owned()));
        let have_ended = running.stop().await?;
        process.end(have_ended).await;
        tracing::info!("stopped");
        Ok(())
    })
}

/// A process that is ready to lead.
struct Process {
    packet: packet::Client,
    elector: Elector,
    settings: watch::Receiver<SettingsInUse>,
    metrics: Metrics,
    health: Health,
    observer: Arc<Observer>,
    server: Server,
}

/// What is being served, until it is told to stop.
struct Server {
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Process {
    /// Serves, takes part in the election, and looks after the settings.
    async fn prepare(config: Arc<Config>, reloader: Reloader, verbosity: Verbosity) -> Result<Self, RunError> {
        let packet = packet::Client::new(config.connection.clone())?;
        let kubernetes = connect(&config.kubernetes).await?;
        let listening = Listening::bind(&config.serving).await?;
        let (metrics, health) = (Metrics::new(), Health::default());
        let access = Access::new(&config.serving, &kubernetes, metrics.access.clone()).await;
        let access = access.map_err(ServingError::from)?;
        let (settings, settings_in_use) = watch::channel(settings::at_start(Arc::clone(&config), &metrics.program));
        settings::keep(reloader, settings, metrics.program.clone());
        let elector = Elector::start(kubernetes, config.election.clone(), Identity::of_this_process());
        let (election, standing) = (config.election.clone(), elector.standing());
        tokio::spawn(leadership::tell(standing.clone(), election, metrics.program.clone(), health.clone()));
        let observer = Arc::new(Observer {
            started: Instant::now(),
            settings: settings_in_use.clone(),
            standing,
            health: health.clone(),
            metrics: metrics.clone(),
            certificate: listening.as_ref().map(Listening::certificate),
            actors: OnceLock::new(),
        });
        let port = config.serving.port.map_or(0, std::num::NonZero::get);
        if let Err(error) = local::tell(port, Arc::clone(&observer) as _) {
            tracing::warn!(%error, "the status command has nobody to ask here: its socket cannot be opened");
        }
        let sources = Sources {
            health: health.clone(),
            metrics: metrics.clone(),
            settings: settings_in_use.clone(),
            inquiry: Arc::clone(&observer) as _,
            verbosity,
        };
        let server = Server::start(listening, sources, access, config.serving.profiling);
        Ok(Self { packet, elector, settings: settings_in_use, metrics, health, observer, server })
    }

    /// Starts the actors with the settings that are in use by now, and lets them know of those to come.
    async fn start_actors(&self) -> Result<Running, RunError> {
        let gate = self.elector.gate();
        let config = Config::clone(&self.settings.borrow().config);
        let live = config.live();
        let running = Running::start(&Means {
            packet: self.packet.with_token(live.token.clone())?,
            kubernetes: connect_behind(gate.clone(), &config.kubernetes).await?,
            config,
            gate,
            metrics: self.metrics.clone(),
            health: self.health.clone(),
        })?;
        let concerned =
            Concerned { settings: running.heeding_settings(), nodes: running.address::<NodeWatcher>()?.recipient() };
        settings::hand_on(self.settings.clone(), live, concerned);
        pulse::watch(running.pulses(), self.health.clone());
        // Set once, here.
        let _ = self.observer.actors.set(Asked::of(&running));
        Ok(running)
    }

    /// Lets the next one lead, if every write has ended, and answers those who still ask.
    async fn end(self, writes_have_ended: bool) {
        if writes_have_ended {
            self.elector.release().await;
        } else {
            // Another process must not begin to write while something of this one may still come about. It waits until the
            // Lease has run out.
            drop(self.elector);
        }
        self.server.stop().await;
    }
}

impl Server {
    /// Serves on the port that was taken, if one was.
    fn start(listening: Option<Listening>, sources: Sources, access: Access, with_debug: bool) -> Self {
        let (stop, stopped) = oneshot::channel();
        let task = tokio::spawn(async move {
            let Some(listening) = listening else { return };
            match listening.local_addr() {
                Ok(address) => tracing::info!(%address, "serving over HTTPS"),
                Err(error) => tracing::warn!(%error, "serving over HTTPS, on an address that the system does not tell"),
            }
            let router = serving::router(sources, with_debug);
            let stopped = async {
                // An error says that nobody will ever stop it, and the process is about to end.
                let _ = stopped.await;
            };
            if let Err(error) = listening.serve(router, Arc::new(access), stopped).await {
                tracing::error!(%error, "nothing is served any more");
            }
        });
        Self { stop, task }
    }

    async fn stop(self) {
        // An error says that it has ended already.
        let _ = self.stop.send(());
        let _ = timeout(LAST_ANSWERS, self.task).await;
    }
}

/// What tells the process to stop.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for a signal, and answers its name.
    async fn received(&mut self) -> &'static str {
        tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        }
    }
}

fn say_what_is_set(config: &Config) {
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        provider = %config.provider,
        topology = %config.topology,
        base_url = %config.connection.base_url,
        project = config.connection.project,
        requests_per_second = config.limits.requests_per_second,
        burst = config.limits.burst,
        "starting"
    );
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
}
