//! The demonstration from beginning to end.

mod findings;
mod introduction;
mod live;
mod report;
mod stage;
mod summary;

use std::collections::HashMap;
use std::future::Future;
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use console::style;

use crate::cli::Demo;
use crate::error::LabError;
use crate::interrupt::{self, unless};
use crate::nodes::fleet::Fleet;
use crate::nodes::floor;
use crate::nodes::kubelets::{self, Registered};
use crate::nodes::observation::Observation;
use crate::program::log_tail;
use crate::program::product::Product;
use crate::text::wrapped;
use introduction::{introduction, invitation};
use live::{Live, Progress};
use stage::Stage;
use summary::{Floor, Program, Scenario, Stop, Summary};

/// How long the watch may take to show Nodes that are registered.
const SEEN_TIMEOUT: Duration = Duration::from_secs(30);
/// How long it must be quiet before what was written is added up, and how long that is waited for: Events come last.
const QUIET: Duration = Duration::from_millis(400);
const QUIET_TIMEOUT: Duration = Duration::from_secs(8);
/// How many lines of the program's log a failure shows.
const LOG_LINES: usize = 8;

/// Gives the demonstration. Returns whether every Node came through.
///
/// # Errors
/// When it could not be given.
pub(crate) async fn give(demo: Demo) -> Result<bool, LabError> {
    if let Some(contradiction) = demo.contradiction() {
        return Err(LabError::Options(contradiction));
    }
    let interrupted = interrupt::listen()?;
    let setting = unless(interrupted.cancelled(), Stage::set(demo));
    let mut stage = setting.await?;
    let played = unless(interrupted.cancelled(), play(&mut stage)).await;
    let mut passed = played.as_ref().is_ok_and(Summary::passed);
    if played.is_ok() && stage.demo.keep {
        println!("\n{}", invitation(&stage));
        interrupted.cancelled().await;
        println!();
        if let Some(status) = stage.product.as_mut().and_then(Product::ended) {
            eprintln!("lab: meanwhile the program ended by itself with {status}");
            passed = false;
        }
    }
    let log_is_of_use = matches!(&played, Ok(summary) if !summary.passed())
        || matches!(&played, Err(error) if !matches!(error, LabError::Interrupted));
    let keep_folder = stage.demo.keep || (log_is_of_use && stage.log().exists());
    let (ended, kept) = stage.strike(keep_folder).await;
    if let Some(folder) = kept {
        println!("The program's log is kept in {}.", folder.display());
    }
    played?;
    // Only with --keep did it run until now.
    let ended_well = ended?.is_none_or(|ending| ending.code == Some(0));
    if !ended_well {
        eprintln!("lab: the program did not end with exit code 0 on SIGTERM");
    }
    Ok(passed && ended_well)
}

async fn play(stage: &mut Stage) -> Result<Summary, LabError> {
    let demo = stage.demo.clone();
    let fleet = stage.fleet(demo.missing_devices, demo.other_devices());
    print!("{}", introduction(stage));
    let observation = Observation::start(stage.cluster.client(), &fleet.selector()).await?;
    let mut live = Live::start(demo.nodes);
    let cold = demo.starts_cold();
    let so_far = AtomicUsize::new(0);
    let burst = Duration::from_secs_f64(demo.burst_seconds);

    let mut registered = HashMap::new();
    if cold {
        registered = kubelets::join(stage.cluster.client(), &fleet, Duration::ZERO, &so_far).await?;
        all_seen(&observation, fleet.len()).await?;
    }
    stage.start_product()?;
    let began = Instant::now();
    let run = Run { fleet: &fleet, observation: &observation, so_far: &so_far, began };
    let outcome = if cold {
        run.watch(stage, std::future::pending(), &mut registered, &mut live).await?
    } else {
        let joining = kubelets::join(stage.cluster.client(), &fleet, burst, &so_far);
        run.watch(stage, joining, &mut registered, &mut live).await?
    };
    live.end(&run.progress(stage, run.writes(stage)));

    run.quiet(stage).await?;
    let mut summary = run.summary(stage, &registered, &outcome).await?;
    if !demo.keep {
        let ending = stage.stop_product().await?;
        summary.program.stop = ending.map(|end| Stop { exit_code: end.code, seconds: end.took.as_secs_f64() });
        if let Some(end) = ending.filter(|end| end.code != Some(0)) {
            let how =
                end.code.map_or_else(|| "had to be killed".to_owned(), |code| format!("ended with exit code {code}"));
            summary.problems.push(format!("on SIGTERM the program {how}; expected exit code 0"));
        }
    }
    if demo.floor && summary.passed() {
        summary.floor = measure_floor(stage, &observation, began).await?;
    }
    let mut lines = report::lines(&summary);
    if !summary.passed() {
        lines.push(String::new());
        lines.push(style("What the program's log says last").bold().to_string());
        for line in log_tail::last(&stage.log(), LOG_LINES) {
            wrapped("  ", &line, &mut lines);
        }
    }
    println!("{}", lines.join("\n"));
    if let Some(file) = &demo.json {
        let json = serde_json::to_string_pretty(&summary)?;
        std::fs::write(file, json + "\n").map_err(LabError::io(format!("writing {}", file.display())))?;
    }
    Ok(summary)
}

async fn all_seen(observation: &Observation, nodes: usize) -> Result<(), LabError> {
    let seen = observation.until(|counts| counts.seen >= nodes);
    let late = LabError::Wait { what: "the watch to show the Nodes that are registered", after: SEEN_TIMEOUT };
    tokio::time::timeout(SEEN_TIMEOUT, seen).await.map_err(|_| late)
}

/// The program's time, from its start, beside that of the bare loop with as many fresh Nodes. The program is stopped.
async fn measure_floor(
    stage: &mut Stage,
    observation: &Observation,
    began: Instant,
) -> Result<Option<Floor>, LabError> {
    let last = observation.sightings().into_values().filter_map(|sighting| Some(sighting.initialised?.0)).max();
    let Some(last) = last else { return Ok(None) };
    let fleet = stage.fleet(0, 0);
    let client = stage.cluster.client();
    let observation = Observation::start(client.clone(), &fleet.selector()).await?;
    let registered = kubelets::join(client.clone(), &fleet, Duration::ZERO, &AtomicUsize::new(0)).await?;
    all_seen(&observation, fleet.len()).await?;
    let bare = floor::measure(&client, &fleet, &registered, stage.demo.program.provider, &observation).await?;
    Ok(Some(Floor::of(last.duration_since(began), bare)))
}

/// How the watching ended.
enum Outcome {
    /// Every Node is initialised.
    Done,
    /// Time is up.
    TimeIsUp,
    /// Nodes disappeared that the lab did not remove.
    NodesGone(usize),
    /// The program ended by itself.
    ProgramEnded(String),
}

/// A run while it is under way.
struct Run<'a> {
    fleet: &'a Fleet,
    observation: &'a Observation,
    so_far: &'a AtomicUsize,
    began: Instant,
}

impl Run<'_> {
    /// Shows what happens until there is nothing more to wait for. What `joining` brings is put into `registered`.
    async fn watch(
        &self,
        stage: &mut Stage,
        joining: impl Future<Output = Result<HashMap<String, Registered>, LabError>>,
        registered: &mut HashMap<String, Registered>,
        live: &mut Live,
    ) -> Result<Outcome, LabError> {
        let (mut joining, mut done) = (
            pin!(joining),
            pin!(self.observation.until(|counts| { counts.initialised + counts.gone >= self.fleet.len() })),
        );
        let mut joined = !registered.is_empty();
        let mut all_initialised = false;
        let mut deadline = pin!(tokio::time::sleep(stage.demo.timeout));
        let mut tick = tokio::time::interval(Live::interval());
        let (mut writes, mut writes_due) = (0, Instant::now());
        loop {
            tokio::select! {
                all = &mut joining, if !joined => {
                    *registered = all?;
                    joined = true;
                }
                () = &mut done, if !all_initialised => all_initialised = true,
                () = &mut deadline => return Ok(Outcome::TimeIsUp),
                _ = tick.tick() => {
                    // The log of writes grows long; once a second is enough to read it.
                    if Instant::now() >= writes_due {
                        writes = self.writes(stage);
                        writes_due = Instant::now() + Duration::from_secs(1);
                    }
                    live.show(&self.progress(stage, writes));
                    if let Some(product) = &mut stage.product {
                        product.peak_memory();
                        if let Some(status) = product.ended() {
                            return Ok(Outcome::ProgramEnded(status.to_string()));
                        }
                    }
                }
            }
            if all_initialised && joined {
                let gone = self.observation.counts().gone;
                return Ok(if gone > 0 { Outcome::NodesGone(gone) } else { Outcome::Done });
            }
        }
    }

    fn writes(&self, stage: &Stage) -> u64 {
        stage.cluster.writes().map_or_else(|| self.observation.counts().changes, |writes| writes.len() as u64)
    }

    fn progress(&self, stage: &Stage, writes: u64) -> Progress {
        Progress {
            elapsed: self.began.elapsed(),
            registered: self.so_far.load(Ordering::Relaxed),
            initialised: self.observation.counts().initialised,
            packet: (stage.packet.requests().count(), stage.packet.requests().bytes()),
            writes,
        }
    }

    /// Waits until nothing more is written for a while.
    async fn quiet(&self, stage: &Stage) -> Result<(), LabError> {
        let deadline = Instant::now() + QUIET_TIMEOUT;
        let mut last = findings::writes(&stage.cluster, self.fleet, self.observation).await?.total;
        loop {
            tokio::time::sleep(QUIET).await;
            let now = findings::writes(&stage.cluster, self.fleet, self.observation).await?.total;
            if now == last || Instant::now() >= deadline {
                return Ok(());
            }
            last = now;
        }
    }

    async fn summary(
        &self,
        stage: &mut Stage,
        registered: &HashMap<String, Registered>,
        outcome: &Outcome,
    ) -> Result<Summary, LabError> {
        let demo = &stage.demo;
        let cold = demo.starts_cold();
        let sightings = self.observation.sightings();
        let nodes = findings::nodes(&stage.cluster, self.fleet, demo.program.provider, &sightings).await?;
        let size = std::fs::metadata(&stage.binary);
        let size = size.map_err(LabError::io(format!("looking at {}", stage.binary.display())))?.len();
        let log = stage.log().display().to_string();
        let times = stage
            .product
            .as_ref()
            .map(|product| findings::times(&stage.cluster, product, self.observation, registered, self.began, cold));
        let mut problems = self.problems(outcome, demo);
        let failing = nodes.failures.len();
        if failing > nodes.not_initialised {
            let count = failing - nodes.not_initialised;
            problems.push(format!("{count} of the Nodes that were initialised are not as they should be"));
        }
        let devices = stage.packet.store().devices().len();
        Ok(Summary {
            scenario: Scenario {
                nodes: demo.nodes,
                devices,
                device_pages: devices.div_ceil(demo.max_per_page as usize),
                latency: demo.latency.as_secs_f64(),
                burst: (!cold).then_some(demo.burst_seconds),
                provider: demo.program.provider.name(),
                kubernetes: stage.cluster.title(),
            },
            times: times.unwrap_or_default(),
            nodes,
            packet_api: findings::packet(&stage.packet, self.fleet).await,
            kubernetes: findings::writes(&stage.cluster, self.fleet, self.observation).await?,
            program: Program {
                binary: stage.binary.display().to_string(),
                size,
                peak_memory: stage.product.as_mut().and_then(Product::peak_memory),
                stop: None,
                log,
            },
            floor: None,
            problems,
        })
    }

    fn problems(&self, outcome: &Outcome, demo: &Demo) -> Vec<String> {
        let missing = self.fleet.len().saturating_sub(self.observation.counts().initialised);
        let of = self.fleet.len();
        match outcome {
            Outcome::Done => Vec::new(),
            Outcome::TimeIsUp => {
                vec![format!("{missing} of {of} Nodes did not come through within {:?}", demo.timeout)]
            }
            Outcome::NodesGone(gone) => {
                vec![format!("{gone} Nodes were removed by somebody before they were initialised")]
            }
            Outcome::ProgramEnded(status) => {
                vec![format!("the program ended by itself with {status}; {missing} of {of} Nodes were not initialised")]
            }
        }
    }
}
