//! The load test from beginning to end.

mod bare_loop;
mod controller;
mod event_queue;
mod findings;
mod kubelets;
mod limits;
mod look;
mod meter;
pub(crate) mod plots;
mod progress;
mod request_per_event;
mod result;
mod run;
pub(crate) mod scenarios;
mod scene;
mod series;
mod table;
mod waits;
mod watch;

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use console::style;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::apis::cluster::Cluster;
use crate::cli::LoadTest;
use crate::error::LabError;
use crate::interrupt::{self, unless};
use crate::nodes::fleet::{Fleet, Ground, Wanted};
use crate::nodes::kubelets::leave;
use crate::program::product;
use controller::Contender;
use limits::Limit;
use result::{LoadTestResult, Parameters, ScenarioResult};
use run::{Over, Site};
use scenarios::Scenario;

/// Where results go unless somewhere else is named.
const RESULTS: &str = "target/load-test";

/// Runs the load test. Returns whether every check held.
///
/// # Errors
/// When there is no result.
pub(crate) async fn run(options: LoadTest) -> Result<bool, LabError> {
    if let Some(contradiction) = options.contradiction() {
        return Err(LabError::Options(contradiction));
    }
    let interrupted = interrupt::listen()?;
    let binary = product::find(options.program.binary.as_deref())?;
    let folder = tempfile::Builder::new().prefix("packet-lab-").tempdir();
    let folder = folder.map_err(LabError::io("creating a folder for logs"))?;
    // Found out before anything is measured, not after.
    let plots = plots_file(&options)?;
    for file in options.json.iter().chain([&plots]) {
        make_sure_of_writing(file)?;
    }
    let opening = Cluster::open_standing(&options.kubernetes, options.nodes + 1, folder.path());
    let standing = unless(interrupted.cancelled(), opening).await?;
    let (began, parameters) = (Timestamp::now(), parameters(&options, &binary, standing.as_ref())?);
    let test = LoadTesting {
        options,
        binary,
        folder: folder.path().to_owned(),
        standing,
        fleets: Mutex::default(),
        results: Mutex::default(),
    };
    let played = unless(interrupted.cancelled(), test.play_all()).await;
    // Only after an interruption or an error is there anything left to remove.
    let played = played.and(test.remove_nodes().await);
    let mut result = LoadTestResult {
        began: began.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        parameters,
        passed: played.is_ok() && test.results().iter().all(ScenarioResult::passed),
        ended_early: played.as_ref().err().map(ToString::to_string),
        scenarios: std::mem::take(&mut *test.results()),
    };
    let logs_are_of_use = !result.passed && !matches!(played, Err(LabError::Interrupted));
    if !logs_are_of_use {
        result.scenarios.iter_mut().for_each(|scenario| scenario.logs.clear());
    }
    // Hours may have gone into what there is, whatever became of the rest.
    let told = if result.scenarios.is_empty() { Ok(()) } else { tell(&result, test.options.json.as_deref(), &plots) };
    if logs_are_of_use {
        println!("The program's logs are kept in {}.", folder.keep().display());
    }
    played.and(told)?;
    Ok(result.passed)
}

/// Prints the table, and writes the files.
fn tell(result: &LoadTestResult, json: Option<&Path>, plots: &Path) -> Result<(), LabError> {
    println!("{}", table::lines(result).join("\n"));
    if let Some(file) = json {
        write(file, &(serde_json::to_string_pretty(result)? + "\n"))?;
    }
    write(plots, &plots::page(result)?)?;
    println!("\nPlots: {}", plots.display());
    Ok(())
}

/// What stays the same throughout.
struct LoadTesting {
    options: LoadTest,
    binary: PathBuf,
    folder: PathBuf,
    /// The cluster of all runs; `None` where each run has a simulated one of its own.
    standing: Option<Cluster>,
    /// Who has joined the standing cluster and has to be removed.
    fleets: Mutex<Vec<Arc<Fleet>>>,
    /// What was found out so far.
    results: Mutex<Vec<ScenarioResult>>,
}

impl LoadTesting {
    async fn play_all(&self) -> Result<(), LabError> {
        for scenario in self.options.scenarios() {
            println!("{}: {}", style(scenario.name()).bold(), scenario.about());
            self.play_one(scenario).await?;
        }
        Ok(())
    }

    /// Puts down what came of the program first, and then what came of each of the others: each may be the last.
    async fn play_one(&self, scenario: Scenario) -> Result<(), LabError> {
        let (over, devices) = self.play(scenario, Contender::Program).await?;
        let Over { run, limits, problems, pages, budget, logs } = over;
        let nodes_wait = run.waits > 0;
        let rate_limit = scenario.rate_limit(self.options.rate_limit).map(|limit| limit.to_string());
        self.results().push(ScenarioResult {
            scenario,
            about: scenario.about(),
            devices,
            rate_limit,
            pages,
            budget,
            limits,
            problems,
            logs,
            runs: vec![run],
        });
        for (contender, left_out) in
            [(Contender::BareLoop, self.options.no_floor), (Contender::RequestPerEvent, self.options.no_comparison)]
        {
            // Where no Node waits there is nothing to compare.
            if !left_out && nodes_wait {
                let (over, _) = self.play(scenario, contender).await?;
                if let Some(result) = self.results().last_mut() {
                    result.runs.push(over.run);
                }
            }
        }
        if let (Scenario::ColdStart, Some(at_most)) = (scenario, self.options.at_most_floor)
            && let Some(result) = self.results().last_mut()
        {
            result.limits.push(Limit::times_the_floor(result.times_the_floor(), at_most));
        }
        Ok(())
    }

    /// Plays with fresh Nodes and a fresh Packet API. Returns how many devices there were as well.
    async fn play(&self, scenario: Scenario, contender: Contender) -> Result<(Over, usize), LabError> {
        let folder = self.folder.join(scenario.name());
        std::fs::create_dir_all(&folder).map_err(LabError::io(format!("creating {}", folder.display())))?;
        if let Some(standing) = &self.standing {
            let played = self.play_in(standing, &folder, scenario, contender).await?;
            self.remove_nodes().await?;
            return Ok(played);
        }
        let fresh = Cluster::simulate(self.options.nodes, &folder).await?;
        let played = self.play_in(&fresh, &folder, scenario, contender).await;
        fresh.close().await;
        played
    }

    async fn play_in(
        &self,
        cluster: &Cluster,
        folder: &Path,
        scenario: Scenario,
        contender: Contender,
    ) -> Result<(Over, usize), LabError> {
        let options = &self.options;
        let nodes = match contender {
            Contender::RequestPerEvent => options.comparison_nodes(),
            Contender::Program | Contender::BareLoop => options.nodes,
        };
        let packet = packet_api_server::Server::builder()
            .max_per_page(options.max_per_page)
            .latency(options.latency)
            .rate_limit(scenario.rate_limit(options.rate_limit));
        let (packet, epoch) = (packet.start().await?, Instant::now());
        let wanted = Wanted {
            nodes: scenario.fleet_size(nodes),
            missing: 0,
            others: options.other_devices(nodes),
            realistic_devices: true,
        };
        let fleet = Arc::new(Fleet::found(wanted, cluster.ground(), packet.store()));
        if self.standing.is_some() {
            self.fleets().push(Arc::clone(&fleet));
        }
        let place = Site { options, cluster, packet: (&packet, epoch), fleet, binary: &self.binary, folder };
        let over = run::play(scenario, contender, place).await?;
        let devices = packet.store().devices().len();
        packet.stop().await;
        Ok((over, devices))
    }

    fn fleets(&self) -> MutexGuard<'_, Vec<Arc<Fleet>>> {
        // Nothing that runs under it can leave it half done.
        self.fleets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn results(&self) -> MutexGuard<'_, Vec<ScenarioResult>> {
        // As above.
        self.results.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes what is left of any run from the standing cluster.
    async fn remove_nodes(&self) -> Result<(), LabError> {
        let fleets = std::mem::take(&mut *self.fleets());
        let Some(cluster) = &self.standing else { return Ok(()) };
        for fleet in fleets {
            let removed = leave(&cluster.client(), &fleet).await.inspect_err(|_| {
                eprintln!("lab: remove the Nodes with `kubectl delete nodes -l {}`", fleet.selector());
            })?;
            if cluster.ground() == Ground::Borrowed {
                println!("Removed {removed} Nodes from {}.", cluster.url());
            }
        }
        Ok(())
    }
}

/// What holds for all scenarios.
fn parameters(options: &LoadTest, binary: &Path, standing: Option<&Cluster>) -> Result<Parameters, LabError> {
    let size = std::fs::metadata(binary).map_err(LabError::io(format!("looking at {}", binary.display())))?.len();
    Ok(Parameters {
        nodes: options.nodes,
        comparison_nodes: options.comparison_nodes(),
        burst_seconds: options.burst_seconds,
        latency: options.latency.to_string(),
        max_per_page: options.max_per_page,
        provider: options.program.provider.name(),
        kubernetes: standing.map_or("simulated", Cluster::title),
        binary: binary.display().to_string(),
        binary_bytes: size,
        processors: std::thread::available_parallelism().ok().map(std::num::NonZero::get),
    })
}

/// Fails where the file cannot be written. Leaves what is in it, and none behind where there was none.
fn make_sure_of_writing(file: &Path) -> Result<(), LabError> {
    let (doing, is_new) = (format!("writing {}", file.display()), !file.exists());
    OpenOptions::new().create(true).append(true).open(file).map_err(LabError::io(doing.as_str()))?;
    if is_new { std::fs::remove_file(file).map_err(LabError::io(doing)) } else { Ok(()) }
}

/// Where the page of plots goes; its folder is there then.
fn plots_file(options: &LoadTest) -> Result<PathBuf, LabError> {
    let file = if let Some(file) = &options.plots {
        file.clone()
    } else {
        let now = Timestamp::now().to_zoned(TimeZone::UTC);
        let name = format!("{}.html", now.strftime("%Y-%m-%dT%H-%M-%SZ"));
        if Path::new("target").is_dir() { Path::new(RESULTS).join(name) } else { std::env::temp_dir().join(name) }
    };
    if let Some(folder) = file.parent() {
        std::fs::create_dir_all(folder).map_err(LabError::io(format!("creating {}", folder.display())))?;
    }
    Ok(file)
}

fn write(file: &Path, text: &str) -> Result<(), LabError> {
    std::fs::write(file, text).map_err(LabError::io(format!("writing {}", file.display())))
}
