//! One scenario with one controller, from the first Node to the last number.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::controller::Contender;
use super::findings;
use super::limits::{self, Limit};
use super::meter::Meter;
use super::progress::Progress;
use super::result::Run;
use super::scenarios::Scenario;
use super::scene::Scene;
use crate::apis::cluster::Cluster;
use crate::cli::LoadTest;
use crate::error::LabError;
use crate::nodes::fleet::Fleet;
use crate::program::log::Budget;
use crate::program::product::Ending;

/// How long it must be quiet before it is over, and how long that is waited for: Events come last.
const QUIET: Duration = Duration::from_millis(400);
const QUIET_TIMEOUT: Duration = Duration::from_secs(10);

/// Where a run takes place.
pub(crate) struct Site<'a> {
    /// What was asked for.
    pub(crate) options: &'a LoadTest,
    /// The Kubernetes API.
    pub(crate) cluster: &'a Cluster,
    /// The Packet API, started at that time.
    pub(crate) packet: (&'a packet_api_server::Server, Instant),
    /// The Nodes, of whom none has joined yet.
    pub(crate) fleet: Arc<Fleet>,
    /// The program.
    pub(crate) binary: &'a Path,
    /// Where its logs go.
    pub(crate) folder: &'a Path,
}

/// A run that is over.
pub(crate) struct Over {
    /// What came of it.
    pub(crate) run: Run,
    /// What must hold of it, if it is the program's.
    pub(crate) limits: Vec<Limit>,
    /// What else is wrong.
    pub(crate) problems: Vec<String>,
    /// The pages of devices.
    pub(crate) pages: usize,
    /// The program's budget.
    pub(crate) budget: Option<Budget>,
    /// The program's logs.
    pub(crate) logs: Vec<PathBuf>,
}

/// Plays `scenario` with `contender`.
///
/// # Errors
/// When it cannot be played.
pub(crate) async fn play(scenario: Scenario, contender: Contender, site: Site<'_>) -> Result<Over, LabError> {
    let Site { options, cluster, packet: (packet, epoch), fleet, binary, folder } = site;
    let paths = (binary.to_owned(), folder.to_owned());
    let scene = Scene::set(options, contender, cluster, packet, fleet, paths).await?;
    let meter = Meter::default();
    let mut progress = Progress::start(format!("{}, {}", scenario.name(), contender.title()));
    let mut problems = Vec::new();
    tokio::select! {
        played = scenario.play(&scene) => played?,
        ended = meter.look_until_it_ends(&scene, &mut progress) => {
            problems.push(format!("the program ended by itself with {ended}"));
        }
    }
    quiet(&scene).await;
    meter.look(&scene).await;
    // Before it is stopped, which cuts off what is still open.
    scene.measured();
    let records = findings::measured(&scene, epoch);
    let controller = scene.controller().await.take();
    let ending = match controller {
        Some(controller) => controller.stop().await?,
        None => None,
    };
    drop(progress);
    let run = findings::of(&scene, &meter, ending, &records).await?;
    let devices = packet.store().devices().len();
    let pages = findings::pages(devices, options.max_per_page);
    let budget = findings::budget(&scene);
    let limits = if contender == Contender::Program {
        judge(scenario, &scene, &run, (pages, budget), ending, &mut problems)
    } else {
        Vec::new()
    };
    let logs = if contender == Contender::Program { scene.notes().logs.clone() } else { Vec::new() };
    Ok(Over { run, limits, problems, pages, budget, logs })
}

/// Waits until nothing more is written for a while.
async fn quiet(scene: &Scene<'_>) {
    let traffic = || {
        let kubernetes = scene.cluster.simulated().map_or(0, |server| server.requests().count());
        (kubernetes, scene.packet.requests().count())
    };
    let deadline = Instant::now() + QUIET_TIMEOUT;
    let mut last = traffic();
    loop {
        tokio::time::sleep(QUIET).await;
        let now = traffic();
        if now == last || Instant::now() >= deadline {
            return;
        }
        last = now;
    }
}

/// What must hold of the program, and whether it does.
fn judge(
    scenario: Scenario,
    scene: &Scene<'_>,
    run: &Run,
    (pages, budget): (usize, Option<Budget>),
    ending: Option<Ending>,
    problems: &mut Vec<String>,
) -> Vec<Limit> {
    let counts = scene.watch.counts();
    let facts = findings::facts(scene, run, pages, scenario.allowance(scene.options.rate_limit), budget);
    let mut all = vec![
        Limit::at_most("Nodes that are not as they should be", run.wrong, 0, String::new()),
        Limit::at_most("Nodes without taint before they were complete", counts.incomplete, 0, String::new()),
        Limit::at_most("Nodes that somebody removed", counts.removed, 0, String::new()),
    ];
    all.extend(scenario.limits(&facts));
    match budget {
        Some(budget) => {
            let arrivals: Vec<Duration> = scene.packet.requests().all().iter().map(|record| record.at).collect();
            all.extend(limits::within(budget, &arrivals));
        }
        None => problems.push(
            "the program does not say what its budget is, so it could not be checked; name it with --rate and --burst"
                .to_owned(),
        ),
    }
    if let Some(at_most) = scene.options.at_most_memory {
        match run.process.as_ref().and_then(|process| process.peak_memory) {
            Some(peak) => all.push(Limit::memory(peak, at_most)),
            None => problems.push("the system does not tell how much memory the program held".to_owned()),
        }
    }
    if scene.cluster.simulated().is_some() && run.kubernetes.is_none() {
        problems.push(
            "there were more requests than the simulated Kubernetes API remembers, so what the program wrote could not be \
             counted; take fewer Nodes or a shorter time"
                .to_owned(),
        );
    }
    if scene.notes().unsettled {
        problems.push(
            "the program was still asking or logging something a minute after its start, so what was measured has that in it"
                .to_owned(),
        );
    }
    if scene.notes().time_is_up {
        let (missing, waits) = (run.waits - run.initialised, run.waits);
        problems.push(format!("{missing} of {waits} Nodes were not initialised within {:?}", scene.options.timeout));
    }
    if let Some(Ending { code, took }) = ending.filter(|ending| ending.code != Some(0)) {
        let how = code.map_or_else(|| "had to be killed".to_owned(), |code| format!("ended with exit code {code}"));
        problems.push(format!("on SIGTERM the program {how} after {:.1} s; expected exit code 0", took.as_secs_f64()));
    }
    all
}
