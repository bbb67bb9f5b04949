//! The load test from beginning to end.

mod bare_loop;
mod controller;
mod event_queue;
mod findings;
mod kubelets;
mod limits;
mod look;
mod meter;
mod plots;
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

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
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
    let test = LoadTesting {
        standing: Cluster::open_standing(&options.kubernetes, options.nodes + 1, folder.path()).await?,
        options,
        binary,
        folder: folder.path().to_owned(),
        fleets: Mutex::default(),
    };
    let played = unless(interrupted.cancelled(), test.play_all()).await;
    // Only after an interruption or an error is there anything left to remove.
    let removed = test.remove_nodes().await;
    let result = played?;
    removed?;
    println!("{}", table::lines(&result).join("\n"));
    if let Some(file) = &test.options.json {
        write(file, &(serde_json::to_string_pretty(&result)? + "\n"))?;
    }
    write(&plots, &plots::page(&result)?)?;
    println!("\nPlots: {}", plots.display());
    if !result.passed {
        println!("The program's logs are kept in {}.", folder.keep().display());
    }
    Ok(result.passed)
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
}

impl LoadTesting {
    async fn play_all(&self) -> Result<LoadTestResult, LabError> {
        let (options, began) = (&self.options, Timestamp::now());
        let mut scenarios = Vec::new();
        for scenario in options.scenarios() {
            println!("{}: {}", style(scenario.name()).bold(), scenario.about());
            scenarios.push(self.play_one(scenario).await?);
        }
        let size = std::fs::metadata(&self.binary);
        let passed = scenarios.iter().all(ScenarioResult::passed);
        Ok(LoadTestResult {
            began: began.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            parameters: Parameters {
                nodes: options.nodes,
                comparison_nodes: options.comparison_nodes(),
                burst_seconds: options.burst_seconds,
                latency: options.latency.to_string(),
                max_per_page: options.max_per_page,
                provider: options.program.provider.name(),
                kubernetes: self.standing.as_ref().map_or("simulated", Cluster::title),
                binary: self.binary.display().to_string(),
                binary_bytes: size.map_err(LabError::io(format!("looking at {}", self.binary.display())))?.len(),
                processors: std::thread::available_parallelism().ok().map(std::num::NonZero::get),
            },
            scenarios,
            passed,
        })
    }

    async fn play_one(&self, scenario: Scenario) -> Result<ScenarioResult, LabError> {
        let (over, devices) = self.play(scenario, Contender::Program).await?;
        let Over { run, limits, problems, pages, budget, logs } = over;
        let mut runs = vec![run];
        for (contender, left_out) in
            [(Contender::BareLoop, self.options.no_floor), (Contender::RequestPerEvent, self.options.no_comparison)]
        {
            // Where no Node waits there is nothing to compare.
            if !left_out && runs[0].waits > 0 {
                runs.push(self.play(scenario, contender).await?.0.run);
            }
        }
        let rate_limit = scenario.rate_limit(self.options.rate_limit).map(|limit| limit.to_string());
        Ok(ScenarioResult {
            scenario,
            about: scenario.about(),
            devices,
            rate_limit,
            pages,
            budget,
            limits,
            problems,
            logs,
            runs,
        })
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

    fn fleets(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Fleet>>> {
        // Nothing that runs under it can leave it half done.
        self.fleets.lock().unwrap_or_else(PoisonError::into_inner)
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
