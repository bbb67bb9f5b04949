//! The actors: started from one table, and stopped in the order in which work flows.

use std::any::{Any, type_name};
use std::time::Duration;

use actix::{Actor, Addr, Context, Handler, Recipient};

use crate::actors::instance_resolver::InstanceResolver;
use crate::actors::lifecycle::{self, Lifecycle};
use crate::actors::node_watcher::{self, NodeWatcher, Periods};
use crate::actors::node_writer::NodeWriter;
use crate::actors::packet_api::PacketApi;
use crate::actors::zone_resolver::ZoneResolver;
use crate::config::Config;
use crate::election::Gate;
use crate::messages::report::Ping;
use crate::messages::settings::NewSettings;
use crate::messages::watch::Stop;
use crate::messages::writes::Drain;
use crate::packet::{self, Budget};
use crate::telemetry::health::Health;
use crate::telemetry::metrics::Metrics;

/// How long the writes under way may take to end, so that the process is gone within Kubernetes' patience.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(7);

/// The actors in the order in which they start: each finds those that it sends to started already.
const ACTORS: &[Row] = &[
    Row { name: "PacketApi", start: start_packet_api },
    Row { name: "NodeWriter", start: start_node_writer },
    Row { name: "ZoneResolver", start: start_zone_resolver },
    Row { name: "InstanceResolver", start: start_instance_resolver },
    Row { name: "Lifecycle", start: start_lifecycle },
    Row { name: "NodeWatcher", start: start_node_watcher },
];

/// An actor and how it starts: not at all where it is not wanted.
struct Row {
    name: &'static str,
    start: fn(&Means, &Running) -> Result<Option<Started>, StartError>,
}

/// What the actors are made of.
pub struct Means {
    /// The settings.
    pub config: Config,
    /// The client of the Packet API.
    pub packet: packet::Client,
    /// The connection to Kubernetes.
    pub kubernetes: kube::Client,
    /// The gate that every write passes.
    pub gate: Gate,
    /// What is measured.
    pub metrics: Metrics,
    /// What the actors say of how they are.
    pub health: Health,
}

/// Why the actors could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// An actor was started before one that it sends to.
    #[error("cannot start: {0} is needed before its turn in the table of actors")]
    Order(&'static str),
}

/// An actor that was started, and what it is told.
struct Started {
    /// An `Addr` of its type.
    address: Box<dyn Any>,
    ping: Recipient<Ping>,
    stop: Option<Recipient<Stop>>,
    settings: Option<Recipient<NewSettings>>,
}

impl Started {
    /// An actor that is told nothing but to say that it is there.
    fn new<A: Actor<Context = Context<A>> + Handler<Ping>>(address: &Addr<A>) -> Self {
        let ping = address.clone().recipient();
        Self { address: Box::new(address.clone()), ping, stop: None, settings: None }
    }

    /// It begins work by itself, and is told when to begin no more.
    fn stops<A: Actor<Context = Context<A>> + Handler<Stop>>(self, address: &Addr<A>) -> Self {
        Self { stop: Some(address.clone().recipient()), ..self }
    }

    /// It goes by settings that may change while it runs.
    fn heeds_settings<A: Actor<Context = Context<A>> + Handler<NewSettings>>(self, address: &Addr<A>) -> Self {
        Self { settings: Some(address.clone().recipient()), ..self }
    }
}

/// The actors that run, in the order of the table.
#[derive(Default)]
pub struct Running {
    actors: Vec<(&'static str, Started)>,
}

impl Running {
    /// Starts every actor of the table. Needs a running actix system.
    ///
    /// # Errors
    /// See [`StartError`].
    pub fn start(means: &Means) -> Result<Self, StartError> {
        let mut running = Self::default();
        for row in ACTORS {
            if let Some(started) = (row.start)(means, &running)? {
                running.actors.push((row.name, started));
                tracing::debug!(actor = row.name, "started");
            }
        }
        Ok(running)
    }

    /// The address of an actor that runs.
    ///
    /// # Errors
    /// When it does not.
    pub fn address<A: Actor>(&self) -> Result<Addr<A>, StartError> {
        let address = self.actors.iter().find_map(|(_, started)| started.address.downcast_ref::<Addr<A>>());
        address.cloned().ok_or(StartError::Order(type_name::<A>()))
    }

    /// Takes no new work and waits until the writes under way have ended, but for seven seconds at most. Answers whether they
    /// have.
    ///
    /// # Errors
    /// When the actors were never started.
    pub async fn stop(&self) -> Result<bool, StartError> {
        // Who sends is told before whom it sends to.
        for stop in self.actors.iter().rev().filter_map(|(_, started)| started.stop.as_ref()) {
            stop.do_send(Stop);
        }
        let drained = self.address::<NodeWriter>()?.send(Drain);
        let have_ended = tokio::time::timeout(DRAIN_TIMEOUT, drained).await.is_ok();
        if !have_ended {
            tracing::warn!(timeout_s = DRAIN_TIMEOUT.as_secs(), "stopping although writes are still under way");
        }
        Ok(have_ended)
    }

    /// Every actor that runs, to be asked whether it is there.
    #[must_use]
    pub fn pulses(&self) -> Vec<(&'static str, Recipient<Ping>)> {
        self.actors.iter().map(|(name, started)| (*name, started.ping.clone())).collect()
    }

    /// Those that go by settings which may change while they run.
    #[must_use]
    pub fn heeding_settings(&self) -> Vec<Recipient<NewSettings>> {
        self.actors.iter().filter_map(|(_, started)| started.settings.clone()).collect()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "every row of the table starts its actor in the same way")]
fn start_packet_api(means: &Means, _: &Running) -> Result<Option<Started>, StartError> {
    let (budget, metrics) = (Budget::new(means.config.limits), means.metrics.packet.clone());
    let (gate, health) = (means.gate.clone(), means.health.clone());
    let actor = PacketApi::new(means.packet.clone(), budget, means.config.cache, gate, metrics, health).start();
    Ok(Some(Started::new(&actor).stops(&actor).heeds_settings(&actor)))
}

#[expect(clippy::unnecessary_wraps, reason = "every row of the table starts its actor in the same way")]
fn start_node_writer(means: &Means, _: &Running) -> Result<Option<Started>, StartError> {
    let (client, metrics) = (means.kubernetes.clone(), means.metrics.writes.clone());
    let actor = NodeWriter::new(client, means.config.writes, means.gate.clone(), metrics).start();
    // It is told to drain, after all others were told to stop.
    Ok(Some(Started::new(&actor)))
}

fn start_zone_resolver(means: &Means, running: &Running) -> Result<Option<Started>, StartError> {
    let places = running.address::<PacketApi>()?;
    let writer = running.address::<NodeWriter>()?.recipient();
    let actor = ZoneResolver::new(means.config.topology, places.clone().recipient(), places.recipient(), writer);
    Ok(Some(Started::new(&actor.start())))
}

fn start_instance_resolver(means: &Means, running: &Running) -> Result<Option<Started>, StartError> {
    let devices = running.address::<PacketApi>()?.recipient();
    let zones = running.address::<ZoneResolver>()?.recipient();
    let writer = running.address::<NodeWriter>()?.recipient();
    let (policy, period) = (means.config.addresses, means.config.node_status_update_frequency);
    let actor = InstanceResolver::new(policy, period, devices, zones, writer);
    Ok(Some(Started::new(&actor.start())))
}

fn start_lifecycle(means: &Means, running: &Running) -> Result<Option<Started>, StartError> {
    if !means.config.controllers.lifecycle {
        return Ok(None);
    }
    let (packet, writer) = (running.address::<PacketApi>()?, running.address::<NodeWriter>()?);
    let to = lifecycle::Recipients {
        devices: packet.clone().recipient(),
        confirmation: packet.recipient(),
        writer: writer.clone().recipient(),
        deletion: writer.clone().recipient(),
        records: writer.clone().recipient(),
        announcements: writer.recipient(),
    };
    let (limits, period) = (means.config.deletion, means.config.node_monitor_period);
    let metrics = means.metrics.lifecycle.clone();
    let actor = Lifecycle::new(means.kubernetes.clone(), limits, period, metrics, to).start();
    Ok(Some(Started::new(&actor).stops(&actor).heeds_settings(&actor)))
}

fn start_node_watcher(means: &Means, running: &Running) -> Result<Option<Started>, StartError> {
    let writer = running.address::<NodeWriter>()?;
    let to = node_watcher::Recipients {
        instances: running.address::<InstanceResolver>()?.recipient(),
        writer: writer.clone().recipient(),
        announcements: writer.recipient(),
        roll: running.address::<Lifecycle>().ok().map(Addr::recipient),
    };
    let refresh = means.config.controllers.node.then_some(means.config.node_status_update_frequency);
    let periods = Periods { refresh, roll: means.config.node_monitor_period };
    let (metrics, health) = (means.metrics.nodes.clone(), means.health.clone());
    let actor = NodeWatcher::new(means.kubernetes.clone(), periods, metrics, health, to).start();
    Ok(Some(Started::new(&actor).stops(&actor)))
}
