//! Whether `docs/reference/metrics.md` lists every metric with its type and its labels, and nothing besides.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::{BTreeMap, BTreeSet};

use super::packet_api::Asked;
use super::{
    Alone, Device, Errand, Kept, Leadership, LifecycleMetrics, Lookup, Metrics, NodeMetrics, Outcome, PacketMetrics,
    PacketRequest, ProgramMetrics, Reason, Served, State, Taint, Word, Write, WriteMetrics,
};

const REFERENCE: &str = include_str!("../../../docs/reference/metrics.md");
/// Pages that name metrics, and what is made for Prometheus and Grafana; whether they understand it is tested in `tests/promrules`.
const PAGES: [&str; 12] = [
    REFERENCE,
    include_str!("../../../docs/guides/monitoring.md"),
    include_str!("../../../deploy/monitoring/alerts.yaml"),
    include_str!("../../../deploy/monitoring/alerts_test.yaml"),
    include_str!("../../../deploy/monitoring/prometheus-rule.yaml"),
    include_str!("../../../deploy/monitoring/dashboard.json"),
    include_str!("../../../docs/guides/deletion-held-back.md"),
    include_str!("../../../docs/guides/operating.md"),
    include_str!("../../../docs/reference/events.md"),
    include_str!("../../../docs/explanation/leader-election.md"),
    include_str!("../../../docs/explanation/nodes-not-ready.md"),
    include_str!("../../../docs/reference/settings.md"),
];
/// What the names of metrics begin with.
const PREFIXES: [&str; 4] = ["packet_ccm_", "node_controller_", "leader_election_", "process_"];
const ANY: Word = Word("any");

/// The type of a metric and the names of its labels, by its name.
type Listed = BTreeMap<String, (String, BTreeSet<String>)>;

/// Metrics that all have something to show, for one with labels is not in the text before. No field is passed over, which the
/// compiler sees to: one that is new has to be named here.
fn with_something_in_each() -> Metrics {
    let metrics = Metrics::new();
    let Metrics { registry: _, packet, nodes, lifecycle, writes, access: _, program } = &metrics;

    #[rustfmt::skip]
    let PacketMetrics {
        requests, durations, held_back, lookups, kept, token_accepted, project_read,
        bytes: _, in_flight: _, waiting: _, tokens: _, rate: _, burst: _, max_in_flight: _,
    } = packet;
    drop(token_accepted.get_or_create(&Alone {}));
    drop(project_read.get_or_create(&Alone {}));
    drop(requests.get_or_create(&PacketRequest { request: ANY, result: ANY }));
    drop(durations.get_or_create(&Asked { request: ANY }));
    drop(held_back.get_or_create(&Reason { reason: ANY }));
    drop(lookups.get_or_create(&Lookup { result: ANY }));
    drop(kept.get_or_create(&Kept { kind: ANY }));

    #[rustfmt::skip]
    let NodeMetrics {
        nodes, waiting, errands, watch_synced,
        longest_wait: _, initialised_after: _, watch_failures: _, taint_removal_delay: _, initial_sync_delay: _,
    } = nodes;
    drop(watch_synced.get_or_create(&Alone {}));
    drop(nodes.get_or_create(&State { state: ANY }));
    drop(waiting.get_or_create(&Reason { reason: ANY }));
    drop(errands.get_or_create(&Errand { errand: ANY, result: ANY }));

    let LifecycleMetrics { not_ready, held_back, answers, marked, deleted: _, failed_deletions: _ } = lifecycle;
    drop(not_ready.get_or_create(&Device { device: ANY }));
    drop(held_back.get_or_create(&Reason { reason: ANY }));
    drop(answers.get_or_create(&Device { device: ANY }));
    drop(marked.get_or_create(&Taint { change: ANY }));

    let WriteMetrics { writes, events, durations: _, under_way: _ } = writes;
    drop(writes.get_or_create(&Write { write: ANY, result: ANY }));
    drop(events.get_or_create(&Outcome { result: ANY }));

    #[rustfmt::skip]
    let ProgramMetrics {
        leads, reloads, served, reload_succeeded: _, settings_read_at: _, certificate_expires_at: _,
        certificate_reload_succeeded: _,
    } = program;
    drop(leads.get_or_create(&Leadership { name: "any".to_owned() }));
    drop(reloads.get_or_create(&Outcome { result: ANY }));
    drop(served.get_or_create(&Served { path: ANY, code: 200 }));
    metrics
}

/// What a text for Prometheus has.
fn measured(text: &str) -> Listed {
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split_once(' '));
    let mut listed: Listed = types.map(|(name, kind)| (name.to_owned(), (kind.to_owned(), BTreeSet::new()))).collect();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let Some((name, rest)) = line.split_once('{') else { continue };
        let labels = rest.rsplit_once('}').unwrap().0.split(',').map(|label| label.split_once('=').unwrap().0);
        let (_, known) = listed.get_mut(plain(name)).or_else(|| panic!("{line} is of no type")).unwrap();
        // The bounds of a histogram are no label of ours.
        known.extend(labels.filter(|label| *label != "le").map(str::to_owned));
    }
    listed
}

/// What the tables of the reference have.
fn documented() -> Listed {
    let rows = REFERENCE.lines().filter_map(|line| line.strip_prefix("| `")?.strip_suffix(" |"));
    let rows = rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>()).filter(|cells| cells.len() > 2);
    rows.map(|cells| {
        let [name, kind, labels, _] = cells[..] else { panic!("no row of four: {cells:?}") };
        let labels = labels.split("; ").filter_map(|label| label.trim().strip_prefix('`')?.split_once("`:"));
        let labels = labels.map(|(label, _)| label.to_owned()).collect();
        (name.trim_end_matches('`').to_owned(), (kind.to_owned(), labels))
    })
    .collect()
}

/// The name of a metric without what a histogram adds to it.
fn plain(name: &str) -> &str {
    let added = ["_bucket", "_sum", "_count"];
    added.iter().find_map(|added| name.strip_suffix(added)).unwrap_or(name)
}

#[test]
fn the_reference_lists_every_metric_its_type_and_its_labels_and_nothing_besides() {
    let (measured, mut documented) = (measured(&with_something_in_each().text().unwrap()), documented());
    if !cfg!(target_os = "linux") {
        documented.retain(|name, _| !name.starts_with("process_"));
    }
    let names = |listed: &Listed| listed.keys().cloned().collect::<BTreeSet<_>>();
    let (there, told) = (names(&measured), names(&documented));
    assert!(there.len() > 40, "{there:?}");
    assert_eq!(there.difference(&told).collect::<Vec<_>>(), Vec::<&String>::new(), "not in docs/reference/metrics.md");
    assert_eq!(told.difference(&there).collect::<Vec<_>>(), Vec::<&String>::new(), "only in docs/reference/metrics.md");
    for (name, kind) in &measured {
        assert_eq!(&documented[name], kind, "type and labels of {name} in docs/reference/metrics.md");
    }
}

#[test]
fn pages_name_only_metrics_that_there_are() {
    let known = documented();
    for page in PAGES {
        let words = page.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
        for name in
            words.filter(|word| PREFIXES.iter().any(|prefix| word.len() > prefix.len() && word.starts_with(prefix)))
        {
            assert!(known.contains_key(plain(name)), "there is no metric {name}");
        }
    }
}
