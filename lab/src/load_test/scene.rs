//! What a scenario can do: let Nodes come and go, let the controller start and die, take the Packet API away.
//!
//! A scenario is the same for everyone; where it says "start", whoever is measured starts.

use std::ops::Range;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::controller::{Contender, Controller, Workplace};
use super::kubelets::{Begun, Kubelets};
use super::scenarios::OutageKind;
use super::watch::NodeWatch;
use crate::apis::cluster::Cluster;
use crate::cli::LoadTest;
use crate::error::LabError;
use crate::nodes::fleet::Fleet;

/// How long the watch may take to show Nodes that are registered: a hundred thousand of them are a gigabyte and a half.
const SEEN_TIMEOUT: Duration = Duration::from_mins(2);
/// How long the program may take until it watches Nodes.
const WATCHING_TIMEOUT: Duration = Duration::from_secs(30);
/// A program that has not asked the Packet API for so long, and has nothing new to say, has settled; that is waited for so
/// long at most.
const SETTLED: Duration = Duration::from_secs(2);
const SETTLED_TIMEOUT: Duration = Duration::from_mins(1);
/// What the hostname of a device ends with that is not installed yet.
const NOT_INSTALLED: &str = "not-installed-yet";
/// How often conditions are looked at that nobody announces.
const LOOK_INTERVAL: Duration = Duration::from_millis(20);

/// Where and with whom a scenario plays.
pub(crate) struct Scene<'a> {
    /// What was asked for.
    pub(crate) options: &'a LoadTest,
    /// Who is measured.
    pub(crate) contender: Contender,
    /// The Kubernetes API.
    pub(crate) cluster: &'a Cluster,
    /// The Packet API.
    pub(crate) packet: &'a packet_api_server::Server,
    /// The Nodes.
    pub(crate) fleet: Arc<Fleet>,
    /// What is seen of them.
    pub(crate) watch: NodeWatch,
    kubelets: Kubelets,
    binary: PathBuf,
    folder: PathBuf,
    controller: tokio::sync::Mutex<Option<Controller>>,
    notes: Mutex<Notes>,
}

/// What is written down while it plays.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes {
    /// From when on requests count and times are taken.
    pub(crate) measured_from: Option<Instant>,
    /// Until when requests counted: what it takes to wind up is no part of it.
    pub(crate) measured_until: Option<Instant>,
    /// When the Packet API went away, and when it was back.
    pub(crate) away: Option<(Instant, Option<Instant>)>,
    /// How many Nodes were initialised when it returned.
    pub(crate) initialised_at_return: usize,
    /// When the controller was started, each time.
    pub(crate) starts: Vec<(Instant, SystemTime)>,
    /// The program's logs, one of each start.
    pub(crate) logs: Vec<PathBuf>,
    /// When it was killed.
    pub(crate) kills: Vec<Instant>,
    /// The Nodes that must be initialised in the end for all to be well, counting each time that one has to be.
    pub(crate) waits: usize,
    /// The most Nodes that are not ready at once on purpose.
    pub(crate) not_ready: usize,
    /// Whether time was up before all were initialised.
    pub(crate) time_is_up: bool,
    /// Whether the program had not come to rest when measuring began.
    pub(crate) unsettled: bool,
}

impl<'a> Scene<'a> {
    /// The scene, before anything happens.
    ///
    /// # Errors
    /// When the watch of the Nodes does not open.
    pub(crate) async fn set(
        options: &'a LoadTest,
        contender: Contender,
        cluster: &'a Cluster,
        packet: &'a packet_api_server::Server,
        fleet: Arc<Fleet>,
        (binary, folder): (PathBuf, PathBuf),
    ) -> Result<Self, LabError> {
        let watch = NodeWatch::start(cluster.client(), &fleet.selector()).await?;
        let store = cluster.simulated().map(|server| server.store().clone());
        let kubelets = Kubelets::new(Arc::clone(&fleet), cluster.client(), store);
        let (controller, notes) = (tokio::sync::Mutex::default(), Mutex::default());
        Ok(Self { options, contender, cluster, packet, fleet, watch, kubelets, binary, folder, controller, notes })
    }

    /// How many Nodes there are.
    pub(crate) fn len(&self) -> usize {
        self.fleet.len()
    }

    /// The time that a burst takes.
    pub(crate) fn burst(&self) -> Duration {
        Duration::from_secs_f64(self.options.burst_seconds)
    }

    /// What is written down.
    pub(crate) fn notes(&self) -> MutexGuard<'_, Notes> {
        // Nothing that runs under it can leave it half done.
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The controller, to be looked at.
    pub(crate) async fn controller(&self) -> tokio::sync::MutexGuard<'_, Option<Controller>> {
        self.controller.lock().await
    }

    /// From now on requests count, and times are taken.
    pub(crate) fn measure(&self) {
        self.notes().measured_from = Some(Instant::now());
    }

    /// What comes from now on does not count any more.
    pub(crate) fn measured(&self) {
        self.notes().measured_until = Some(Instant::now());
    }

    /// The devices of these Nodes do not have their hostnames yet, as those of machines that are not installed yet: whoever
    /// reads all devices now does not learn of them.
    pub(crate) fn not_installed_yet(&self, members: Range<usize>) {
        self.name_devices(members, |name| format!("{name}-{NOT_INSTALLED}"));
    }

    /// The devices of these Nodes have their hostnames.
    pub(crate) fn installed(&self, members: Range<usize>) {
        self.name_devices(members, ToOwned::to_owned);
    }

    fn name_devices(&self, members: Range<usize>, hostname: impl Fn(&str) -> String) {
        for member in &self.fleet.members()[members] {
            if let Some(device) = &member.device {
                self.packet.store().update_device(&device.id, |device| device.hostname = hostname(&member.name));
            }
        }
    }

    /// These Nodes join within that time, uninitialised.
    pub(crate) async fn join(&self, members: Range<usize>, within: Duration) -> Result<(), LabError> {
        self.notes().waits += members.len();
        self.kubelets.join(members, within, |begun| self.begins(&begun)).await
    }

    /// These Nodes are there and initialised, and the watch has seen them.
    pub(crate) async fn already_initialised(&self, members: Range<usize>) -> Result<(), LabError> {
        let count = members.len();
        self.kubelets.put_initialised(members, self.options.program.provider).await?;
        self.until_seen(count).await
    }

    /// These Nodes are removed and registered anew, as those of machines that are installed again.
    pub(crate) async fn come_anew(&self, members: Range<usize>) -> Result<(), LabError> {
        self.notes().waits += members.len();
        let missing = self.kubelets.leave(members.clone(), |name| self.watch.leaves(name)).await?;
        self.watch.missing(&missing, false);
        self.kubelets.join(members, Duration::ZERO, |begun| self.begins(&begun)).await
    }

    /// These Nodes get the taint again, as those of machines that start again.
    pub(crate) async fn taint_again(&self, members: Range<usize>) -> Result<(), LabError> {
        self.notes().waits += members.len();
        let missing = self.kubelets.taint_again(members, |begun| self.begins(&begun)).await?;
        self.watch.missing(&missing, true);
        Ok(())
    }

    /// Every Node reports a new status; every so-and-so-manieth is not ready in odd rounds.
    pub(crate) async fn report_status(&self, round: usize, not_ready_every: usize) -> Result<(), LabError> {
        self.notes().not_ready = self.len().div_ceil(not_ready_every);
        let missing = self.kubelets.report_status(round, not_ready_every).await?;
        self.watch.missing(&missing, false);
        Ok(())
    }

    /// Waits until the watch has shown so many Nodes.
    pub(crate) async fn until_seen(&self, nodes: usize) -> Result<(), LabError> {
        let seen = self.watch.until(|counts| counts.seen >= nodes);
        let late = LabError::Wait { what: "the watch to show the Nodes that are registered", after: SEEN_TIMEOUT };
        tokio::time::timeout(SEEN_TIMEOUT, seen).await.map_err(|_| late)
    }

    /// The controller starts.
    pub(crate) async fn start(&self) -> Result<(), LabError> {
        let mut controller = self.controller.lock().await;
        let log = {
            let mut notes = self.notes();
            let number = notes.logs.len() + 1;
            let log = self.folder.join(format!("packet-cloud-controller-manager-{number}.log"));
            notes.logs.push(log.clone());
            notes.starts.push((Instant::now(), SystemTime::now()));
            log
        };
        let place = Workplace {
            cluster: self.cluster,
            packet: self.packet,
            fleet: &self.fleet,
            watch: &self.watch,
            options: &self.options.program,
            binary: &self.binary,
            log: &log,
        };
        *controller = Some(Controller::start(self.contender, &place).await?);
        Ok(())
    }

    /// The controller dies on the spot.
    pub(crate) async fn kill(&self) -> Result<(), LabError> {
        // Taken and killed under the lock, so that nobody takes its end for one of its own.
        let mut controller = self.controller.lock().await;
        self.notes().kills.push(Instant::now());
        match controller.take() {
            Some(controller) => controller.kill().await,
            None => Ok(()),
        }
    }

    /// Waits until the program watches Nodes and has asked the Packet API nothing for a while; that it does not come to that
    /// is written down.
    pub(crate) async fn settled(&self) -> Result<(), LabError> {
        if self.contender != Contender::Program {
            return Ok(());
        }
        if let Some(server) = self.cluster.simulated() {
            let deadline = Instant::now() + WATCHING_TIMEOUT;
            while !is_watched(server) {
                if Instant::now() >= deadline {
                    return Err(LabError::Wait { what: "the program to watch the Nodes", after: WATCHING_TIMEOUT });
                }
                tokio::time::sleep(LOOK_INTERVAL).await;
            }
        }
        let deadline = Instant::now() + SETTLED_TIMEOUT;
        let (mut known, mut since) = (self.signs_of_life(), Instant::now());
        while since.elapsed() < SETTLED && Instant::now() < deadline {
            tokio::time::sleep(LOOK_INTERVAL).await;
            let now = self.signs_of_life();
            if now != known {
                (known, since) = (now, Instant::now());
            }
        }
        self.notes().unsettled = since.elapsed() < SETTLED;
        Ok(())
    }

    /// How often it asked, and how much it said.
    fn signs_of_life(&self) -> (usize, u64) {
        let log = self.notes().logs.last().and_then(|log| std::fs::metadata(log).ok());
        (self.packet.requests().count(), log.map_or(0, |log| log.len()))
    }

    /// The Packet API goes away. The bare loop has no use for it, and does not wait for it either.
    pub(crate) fn packet_api_goes(&self, kind: OutageKind) {
        self.packet.set_outage(Some(kind.outage()));
        self.notes().away = Some((Instant::now(), None));
    }

    /// The Packet API is back.
    pub(crate) fn packet_api_returns(&self) {
        let initialised = self.watch.counts().initialised;
        self.packet.set_outage(None);
        let mut notes = self.notes();
        notes.initialised_at_return = initialised;
        if let Some((_, until)) = &mut notes.away {
            *until = Some(Instant::now());
        }
    }

    /// Waits until every Node is initialised, for as long as the options allow from now on.
    pub(crate) async fn until_all_are_initialised(&self) {
        let timeout = match self.contender {
            Contender::Program | Contender::BareLoop => self.options.timeout,
            Contender::RequestPerEvent => self.options.comparison_timeout,
        };
        let waits = self.notes().waits;
        let all = self.watch.until(|counts| counts.initialised + counts.gone >= waits);
        if tokio::time::timeout(timeout, all).await.is_err() {
            self.notes().time_is_up = true;
        }
    }

    fn begins(&self, begun: &Begun) {
        self.watch.begins(&begun.name, begun.at, begun.version);
    }
}

/// Whether somebody else than the lab watches the Nodes.
fn is_watched(server: &kube_api_server::Server) -> bool {
    server.requests().all().iter().any(|request| {
        request.path == "/api/v1/nodes" && request.query.contains("watch") && !Cluster::is_the_labs(&request.user_agent)
    })
}
