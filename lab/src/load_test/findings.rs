//! What is to be read from a run when it is over.

use std::time::{Duration, Instant, SystemTime};

use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::ListParams;
use packet_api_server::Exchange;

use super::controller::Contender;
use super::limits::{Facts, count};
use super::meter::Meter;
use super::result::{KubernetesWrites, PacketRequests, Process, Run, Series};
use super::scene::{Notes, Scene};
use super::series;
use crate::cli::Allowance;
use crate::error::LabError;
use crate::nodes::checks;
use crate::program::log::{self, Budget};
use crate::program::product::Ending;
use crate::times::Spread;
use crate::traffic;

/// How many Nodes with something wrong are told of.
const FAULTS_TOLD: usize = 5;
/// How many Nodes are read at once where they are read over HTTP.
const PAGE: u32 = 500;
/// The devices on a page that the program asks for usually (docs/guides/tuning.md). It may ask for more, which only makes requests
/// fewer.
const USUAL_PER_PAGE: u32 = 250;

/// Everything about a run. `records` are the requests to the Packet API since measuring began, and when since then.
///
/// # Errors
/// When the Nodes cannot be read.
pub(crate) async fn of(
    scene: &Scene<'_>,
    meter: &Meter,
    ending: Option<Ending>,
    records: &[(Duration, Exchange)],
) -> Result<Run, LabError> {
    let notes = scene.notes().clone();
    let from = notes.measured_from.unwrap_or_else(Instant::now);
    let since = |at: Instant| at.saturating_duration_since(from);
    let (over, began) = scene.watch.waits();
    let counts = scene.watch.counts();
    let faults = faults(scene).await?;
    let all = counts.initialised >= notes.waits && notes.waits > 0;
    let waits: Vec<Duration> = over.iter().map(|wait| wait.length(from)).collect();
    let arrivals: Vec<(Duration, u16)> = records.iter().map(|(at, record)| (*at, record.status)).collect();
    let memory: Vec<(f64, u64)> = meter
        .memory()
        .into_iter()
        .map(|(at, bytes)| (seconds_between(from, at), bytes))
        .filter(|(at, _)| *at >= 0.0)
        .collect();
    let refused = arrivals.iter().filter(|(_, status)| *status == 429).map(|(at, _)| *at);
    let second = Duration::from_secs(1);
    let series = Series {
        registered: series::rising(began.iter().map(|at| since(*at))),
        initialised: series::rising(over.iter().map(|wait| since(wait.until))),
        requests_per_second: series::per_interval(arrivals.iter().map(|(at, _)| *at), second),
        refused_per_second: series::per_interval(refused, second),
        memory: series::thinned(&memory),
        waits: series::percentiles(waits.clone(), notes.waits),
        away: notes
            .away
            .map(|(gone, back)| (since(gone).as_secs_f64(), since(back.unwrap_or_else(Instant::now)).as_secs_f64())),
        killed: notes.kills.iter().map(|at| since(*at).as_secs_f64()).collect(),
    };
    Ok(Run {
        contender: scene.contender,
        nodes: scene.len(),
        waits: notes.waits,
        initialised: counts.initialised,
        wrong: faults.len(),
        faults: faults.into_iter().take(FAULTS_TOLD).collect(),
        all_initialised_after: over
            .iter()
            .map(|wait| since(wait.until).as_secs_f64())
            .max_by(f64::total_cmp)
            .filter(|_| all),
        wait: Spread::of(waits, notes.waits),
        start_to_first_write: first_write(scene, &notes, began.iter().min().copied()),
        packet_api: packet_requests(records),
        kubernetes: kubernetes_writes(scene, from, counts.initialised),
        process: (scene.contender == Contender::Program).then(|| Process {
            peak_memory: meter.peak_memory(),
            processor_seconds: meter.processor().map(|time| time.as_secs_f64()),
            exit_code: ending.and_then(|ending| ending.code),
        }),
        series,
        arrivals,
    })
}

/// The requests to the Packet API since measuring began, and when since then. `epoch` is when the API was started.
pub(crate) fn measured(scene: &Scene<'_>, epoch: Instant) -> Vec<(Duration, Exchange)> {
    let from = scene.notes().measured_from.unwrap_or(epoch);
    let before = from.saturating_duration_since(epoch);
    let all = scene.packet.requests().exchanges().into_iter();
    all.filter_map(|exchange| Some((exchange.at.checked_sub(before)?, exchange))).collect()
}

fn packet_requests(records: &[(Duration, Exchange)]) -> PacketRequests {
    let of_list = |record: &Exchange| record.path.ends_with("/devices");
    let by_hostname = |record: &Exchange| {
        record.query.as_deref().is_some_and(|query| query.split('&').any(|part| part.starts_with("hostname=")))
    };
    let mut sum = PacketRequests { requests: records.len(), ..PacketRequests::default() };
    for (_, record) in records {
        sum.bytes += record.bytes;
        if record.path.contains("/devices/") || (of_list(record) && by_hostname(record)) {
            sum.devices += 1;
        } else if of_list(record) {
            sum.list_pages += 1;
        } else {
            sum.others += 1;
        }
        if record.status == 429 {
            sum.refused += 1;
        } else if !(200..300).contains(&record.status) && record.took.is_some() {
            sum.failed += 1;
        }
    }
    sum.rows = traffic::rows(records.iter().map(|(_, record)| traffic::of_packet(&record.request)));
    sum
}

fn kubernetes_writes(scene: &Scene<'_>, from: Instant, initialised: usize) -> Option<KubernetesWrites> {
    let from = SystemTime::now() - from.elapsed();
    if scene.cluster.has_forgotten_since(from) {
        return None;
    }
    let writes: Vec<_> = scene.cluster.writes()?.into_iter().filter(|write| write.at >= from).collect();
    let rows = traffic::rows(writes.iter().map(traffic::of_kubernetes));
    let per_node = (initialised > 0).then(|| count(writes.len()) / count(initialised));
    let node_writes = writes.iter().filter(|write| is_of_node(write)).count();
    Some(KubernetesWrites { writes: writes.len() as u64, node_writes, per_node, rows })
}

fn is_of_node(request: &kube_api_server::RequestRecord) -> bool {
    request.path.starts_with("/api/v1/nodes")
}

/// From the start to the first write to a Node, where there was something to write at the start.
fn first_write(scene: &Scene<'_>, notes: &Notes, first_wait: Option<Instant>) -> Option<f64> {
    let (start, started) = notes.starts.first()?;
    if first_wait.is_none_or(|wait| wait > *start) || scene.cluster.has_forgotten_since(*started) {
        return None;
    }
    let first = scene.cluster.writes()?.into_iter().filter(is_of_node).map(|write| write.at).min()?;
    first.duration_since(*started).ok().map(|time| time.as_secs_f64())
}

/// What is wrong with each Node that is not as it should be.
async fn faults(scene: &Scene<'_>) -> Result<Vec<String>, LabError> {
    let provider = scene.options.program.provider;
    let mut faults = Vec::new();
    let mut judge = |node: &Node| {
        let name = node.metadata.name.as_deref().unwrap_or_default();
        let Some(member) = scene.fleet.member(name) else { return };
        let wrong = checks::faults(member, provider, node);
        if !wrong.is_empty() {
            let texts: Vec<String> = wrong.into_iter().map(|fault| fault.text).collect();
            faults.push(format!("{name}: {}", texts.join("; ")));
        }
    };
    let mut seen = 0;
    if let Some(server) = scene.cluster.simulated() {
        for member in scene.fleet.members() {
            if let Some(node) = server.store().node(&member.name) {
                judge(&serde_json::from_value(node)?);
                seen += 1;
            }
        }
    } else {
        let nodes: Api<Node> = Api::all(scene.cluster.client());
        let mut parameters = ListParams::default().labels(&scene.fleet.selector()).limit(PAGE);
        loop {
            let page = nodes.list(&parameters).await;
            let page = page.map_err(LabError::kubernetes("listing the Nodes of this run"))?;
            page.items.iter().for_each(&mut judge);
            seen += page.items.len();
            match page.metadata.continue_ {
                Some(token) if !token.is_empty() => parameters = parameters.continue_token(&token),
                _ => break,
            }
        }
    }
    faults.extend((seen..scene.len()).map(|_| "a Node is not there any more".to_owned()));
    Ok(faults)
}

/// Seconds from one instant to another, which may be before it.
fn seconds_between(from: Instant, at: Instant) -> f64 {
    at.checked_duration_since(from).map_or_else(|| -(from - at).as_secs_f64(), |time| time.as_secs_f64())
}

/// The program's budget: what it was told, and otherwise what it says itself.
pub(crate) fn budget(scene: &Scene<'_>) -> Option<Budget> {
    let options = &scene.options.program;
    let said = scene.notes().logs.iter().find_map(|log| log::budget(log));
    let rate = options.rate.or_else(|| said.map(|said| said.rate))?;
    let burst = options.burst.map(f64::from).or_else(|| said.map(|said| said.burst))?;
    Some(Budget { rate, burst })
}

/// How many pages the devices fill, at the usual size or what is granted of it. What the program did ask for is no measure: one
/// that asked for pages of five would be allowed fifty times as many requests.
pub(crate) const fn pages(devices: usize, max_per_page: u32) -> usize {
    let granted = if max_per_page < USUAL_PER_PAGE { max_per_page } else { USUAL_PER_PAGE };
    devices.div_ceil(granted as usize)
}

/// What limits are reckoned from.
pub(crate) fn facts(
    scene: &Scene<'_>,
    run: &Run,
    pages: usize,
    allowed: Option<Allowance>,
    budget: Option<Budget>,
) -> Facts {
    let notes = scene.notes();
    let measured_for = notes.measured_from.zip(notes.measured_until).map(|(from, until)| until.duration_since(from));
    let seconds = measured_for.map_or(0, |time| time.as_secs() + 1);
    let since_return =
        notes.away.and_then(|(_, back)| Some(back?.saturating_duration_since(notes.measured_from?).as_secs_f64()));
    Facts {
        nodes: run.nodes,
        pages,
        requests: run.packet_api.requests,
        refused: run.packet_api.refused,
        seconds,
        all_initialised_after: run.all_initialised_after,
        initialised_at_return: notes.initialised_at_return,
        all_initialised_after_return: run.all_initialised_after.zip(since_return).map(|(all, back)| all - back),
        not_ready: notes.not_ready,
        node_writes: run.kubernetes.as_ref().map(|writes| writes.node_writes),
        fits_into_a_minute: allowed.is_none_or(|allowed| count(pages) <= allowed.in_a_minute()),
        budget_is_below_the_limit: allowed.zip(budget).is_some_and(|(allowed, budget)| {
            budget.rate.mul_add(allowed.per.as_secs_f64(), budget.burst) <= f64::from(allowed.requests)
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use packet_api_server::RequestRecord;

    fn exchange(path: &str, query: Option<&str>, status: u16, open: bool) -> (Duration, Exchange) {
        let (method, path, query) = ("GET".to_owned(), format!("/metal/v1/{path}"), query.map(Into::into));
        let request = RequestRecord { method, path, query, status, at: Duration::ZERO, bytes: 100 };
        (Duration::ZERO, Exchange { request, took: (!open).then_some(Duration::ZERO), fault: None })
    }

    #[test]
    fn pages_are_of_the_usual_size_where_that_is_granted() {
        assert_eq!([pages(1_100, 100), pages(1_100, 250), pages(1_100, 1_000)], [11, 5, 5]);
    }

    #[test]
    fn requests_are_told_apart_by_what_they_ask_and_how_they_ended() {
        let sum = packet_requests(&[
            exchange("projects/p/devices", Some("page=2&per_page=100"), 200, false),
            exchange("projects/p/devices", Some("hostname=n&page=1"), 429, false),
            exchange("devices/d", None, 0, false),
            exchange("projects/p", None, 0, true),
        ]);
        assert_eq!((sum.requests, sum.bytes), (4, 400));
        assert_eq!((sum.list_pages, sum.devices, sum.others), (1, 2, 1));
        // The last one is still open, and may yet be answered.
        assert_eq!((sum.refused, sum.failed), (1, 1));
    }
}
