//! Finds out what the program is doing, by asking the actors that run.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use actix::dev::ToEnvelope;
use actix::{Actor, Addr, Handler, Message};
use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::Running;
use super::leadership::summary;
use crate::actors::lifecycle::Lifecycle;
use crate::actors::node_watcher::NodeWatcher;
use crate::actors::packet_api::PacketApi;
use crate::election::Standing;
use crate::messages::report::{AskLifecycle, AskNodeWatcher, AskPacketApi, LifecycleReport, NodesReport, PacketReport};
use crate::serving::{Inquiry, ServerCertificate, SettingsInUse};
use crate::telemetry::health::Health;
use crate::telemetry::metrics::Metrics;
use crate::telemetry::status::{
    Budget, Check, HeldBack, LastError, Leadership, Longest, Nodes, NotReady, PacketApi as Api, Status, Waiting,
};

/// How long an actor may take to answer. One that is busy is left out rather than waited for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Finds out what the program is doing.
pub(super) struct Observer {
    pub(super) started: Instant,
    pub(super) settings: watch::Receiver<SettingsInUse>,
    pub(super) standing: watch::Receiver<Standing>,
    pub(super) health: Health,
    pub(super) metrics: Metrics,
    /// The certificate that is served, where anything is.
    pub(super) certificate: Option<Arc<ServerCertificate>>,
    /// The actors, once this process leads.
    pub(super) actors: OnceLock<Asked>,
}

/// The actors that are asked.
pub(super) struct Asked {
    watcher: Option<Addr<NodeWatcher>>,
    lifecycle: Option<Addr<Lifecycle>>,
    packet: Option<Addr<PacketApi>>,
}

impl Asked {
    /// Those of the actors that run.
    pub(super) fn of(running: &Running) -> Self {
        Self { watcher: running.address().ok(), lifecycle: running.address().ok(), packet: running.address().ok() }
    }
}

impl Inquiry for Observer {
    fn status(&self) -> Pin<Box<dyn Future<Output = Status> + Send + '_>> {
        Box::pin(async move {
            let asked = self.actors.get();
            let (nodes, lifecycle, packet) = tokio::join!(
                ask(asked.and_then(|asked| asked.watcher.as_ref()), AskNodeWatcher),
                ask(asked.and_then(|asked| asked.lifecycle.as_ref()), AskLifecycle),
                ask(asked.and_then(|asked| asked.packet.as_ref()), AskPacketApi),
            );
            let (in_use, standing) = (self.settings.borrow().clone(), self.standing.borrow().clone());
            let certificate = self.certificate.as_ref().map(|certificate| certificate.state());
            if let Some(state) = &certificate {
                self.metrics.program.certificate_expires_at.set(state.expires_at);
                self.metrics.program.certificate_reload_succeeded.set(state.reload_error.is_none().into());
            }
            let checks = self.health.all().into_iter().map(|(name, check)| Check {
                name: name.to_owned(),
                ok: check.state.is_ok(),
                message: check.state.unwrap_or_else(|message| message),
            });
            Status {
                version: env!("CARGO_PKG_VERSION").to_owned(),
                uptime_seconds: self.started.elapsed().as_secs(),
                provider: in_use.config.provider.to_string(),
                cluster: in_use.config.cluster_name.clone(),
                leadership: Leadership {
                    leads: matches!(standing, Standing::Leading { .. }),
                    summary: summary(&standing, &in_use.config.election),
                },
                checks: checks.collect(),
                nodes: nodes.map(nodes_of),
                not_ready: lifecycle.map(not_ready_of),
                packet_api: packet.map(|report| api_of(report, &in_use)),
                settings: in_use.file,
                certificate_error: certificate.and_then(|state| state.reload_error),
            }
        })
    }
}

/// The answer of an actor that runs and is not too busy.
async fn ask<A, M>(actor: Option<&Addr<A>>, message: M) -> Option<M::Result>
where
    A: Actor + Handler<M>,
    A::Context: ToEnvelope<A, M>,
    M: Message + Send + 'static,
    M::Result: Send,
{
    timeout(PATIENCE, actor?.send(message)).await.ok()?.ok()
}

fn nodes_of(report: NodesReport) -> Nodes {
    let waiting = report.waiting.into_iter().map(|waiting| Waiting {
        reason: waiting.reason.to_owned(),
        nodes: waiting.nodes,
        example: waiting.example.to_string(),
        message: waiting.message,
    });
    let longest = report.longest.map(|(node, time)| Longest { node: node.to_string(), seconds: time.as_secs() });
    Nodes {
        all_known: report.knows_all,
        initialised: report.initialised,
        uninitialized: report.uninitialized,
        left_alone: report.left_alone,
        under_way: report.under_way,
        waiting: waiting.collect(),
        longest,
        watch_error: report.watch_error,
    }
}

fn not_ready_of(report: LifecycleReport) -> NotReady {
    let LifecycleReport { not_ready: nodes, there, shut_down, gone, unknown, held_back } = report;
    let held_back =
        held_back.into_iter().map(|(reason, nodes, message)| HeldBack { reason: reason.to_owned(), nodes, message });
    NotReady { nodes, there, shut_down, gone, unknown, held_back: held_back.collect() }
}

fn api_of(report: PacketReport, in_use: &SettingsInUse) -> Api {
    let (budget, connection) = (report.budget, &in_use.config.connection);
    Api {
        base_url: connection.base_url.to_string(),
        project: connection.project.clone(),
        token_accepted: report.token_is_taken,
        project_read: report.project_is_read,
        requests: report.requests.0,
        failed: report.requests.1,
        last_error: report.last_error.map(|(message, ago)| LastError { message, seconds_ago: ago.as_secs() }),
        budget: Budget {
            requests_per_second: budget.limits.requests_per_second,
            burst: budget.limits.burst.get(),
            tokens: budget.tokens,
            in_flight: budget.in_flight,
            max_in_flight: budget.limits.max_in_flight.get(),
            closed_for_seconds: budget.closed_for.map(|time| time.as_secs()),
        },
        questions_waiting: report.waiting,
        cache_hits: report.lookups.0,
        cache_misses: report.lookups.1,
    }
}
