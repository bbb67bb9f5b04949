//! The supervisor: a process from its start to its end. It stands by until it leads, then starts the actors, and ends when it is
//! told to or leads no more.

mod actors;

use std::mem::ManuallyDrop;

use actix::System;
use tokio::signal::unix::{Signal, SignalKind, signal};

pub use self::actors::{Means, Running, StartError};
use super::kubernetes_connection::{ConnectError, connect, connect_behind};
use crate::config::Config;
use crate::election::{Elector, Identity, Loss};
use crate::packet;
use crate::telemetry::metrics::Metrics;

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
    /// The actors could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It leads no more.
    #[error("leading no more: {0}; to be started again, to stand by")]
    Lost(#[from] Loss),
}

/// Runs until SIGTERM or SIGINT, then finishes the writes under way and lets the next one lead.
///
/// The actors share one thread; requests and their answers are worked on beside it, on as many as there are cores.
///
/// # Errors
/// See [`RunError`]. An API that cannot be reached is none: it is tried again.
pub fn run(config: Config) -> Result<(), RunError> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    // Never dropped: that would wait for a name resolution that hangs, and the process is about to end anyway.
    let system = ManuallyDrop::new(System::with_tokio_rt(|| runtime));
    system.block_on(async {
        let mut signals = Signals::new()?;
        say_what_is_set(&config);
        let packet = packet::Client::new(config.connection.clone())?;
        let own = connect(&config.kubernetes).await?;
        let elector = Elector::start(own, config.election.clone(), Identity::of_this_process());
        tokio::select! {
            () = elector.leads() => {}
            signal = signals.received() => {
                tracing::info!(signal, "stopping, without having led");
                elector.release().await;
                return Ok(());
            }
        }
        let gate = elector.gate();
        let kubernetes = connect_behind(gate.clone(), &config.kubernetes).await?;
        let running = Running::start(&Means { config, packet, kubernetes, gate, metrics: Metrics::new() })?;
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
        if running.stop().await? {
            elector.release().await;
        } else {
            // Another process must not begin to write while something of this one may still come about. It waits until the
            // Lease has run out.
            drop(elector);
        }
        tracing::info!("stopped");
        Ok(())
    })
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
