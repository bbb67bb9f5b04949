//! What is to be read from a run when it is over: each part of the summary from where it was seen.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::summary::{Check, Failure, Nodes, PacketTraffic, Times, Writes};
use crate::apis::cluster::Cluster;
use crate::cli::Provider;
use crate::error::LabError;
use crate::nodes::checks::{self, Aspect, Fault};
use crate::nodes::events;
use crate::nodes::fleet::Fleet;
use crate::nodes::kubelets::Registered;
use crate::nodes::observation::{Observation, Sighting};
use crate::program::product::Product;
use crate::times::Spread;
use crate::traffic::{self, Row};

/// How long each thing took. `began` is what the first and the last Node are measured from; with a cold start the single
/// Nodes are, too.
pub(crate) fn times(
    cluster: &Cluster,
    product: &Product,
    observation: &Observation,
    registered: &HashMap<String, Registered>,
    began: Instant,
    cold: bool,
) -> Times {
    let sightings = observation.sightings();
    let initialised = || {
        sightings.iter().filter_map(|(name, sighting)| {
            let (at, _) = sighting.initialised.as_ref()?;
            Some((name, *at))
        })
    };
    let after_beginning = |at: Option<Instant>| at.map(|at| at.duration_since(began).as_secs_f64());
    let per_node = initialised().filter_map(|(name, at)| {
        let from = if cold { began } else { registered.get(name)?.at };
        Some(at.duration_since(from))
    });
    let first_write = match cluster.writes() {
        Some(writes) => {
            let first = writes.iter().map(|write| write.at).min();
            first.and_then(|first| first.duration_since(product.started_at).ok())
        }
        None => observation.counts().first_change.map(|at| at.duration_since(product.started)),
    };
    Times {
        registered: after_beginning(registered.values().map(|node| node.at).max().filter(|_| !cold)),
        start_to_first_write: first_write.as_ref().map(Duration::as_secs_f64),
        first_initialised: after_beginning(initialised().map(|(_, at)| at).min()),
        last_initialised: after_beginning(initialised().map(|(_, at)| at).max()),
        per_node: Spread::of(per_node, registered.len()),
    }
}

/// What every Node looks like, and what the Events of those with something wrong say.
pub(crate) async fn nodes(
    cluster: &Cluster,
    fleet: &Fleet,
    provider: Provider,
    sightings: &HashMap<String, Sighting>,
) -> Result<Nodes, LabError> {
    let (mut nodes, wrong) = judged(fleet, provider, sightings);
    if !wrong.is_empty() {
        let events = events::of(cluster.client(), fleet).await?;
        nodes.failures = wrong
            .into_iter()
            .map(|(node, faults)| Failure {
                event: events.get(&node).and_then(|events| events.last()).map(events::told),
                faults: faults.into_iter().map(|fault| fault.text).collect(),
                node,
            })
            .collect();
    }
    Ok(nodes)
}

/// Every Node checked, and those with something wrong.
fn judged(
    fleet: &Fleet,
    provider: Provider,
    sightings: &HashMap<String, Sighting>,
) -> (Nodes, Vec<(String, Vec<Fault>)>) {
    let mut passed: HashMap<Aspect, (usize, usize)> = HashMap::new();
    let mut wrong = Vec::new();
    for member in fleet.members() {
        let sighting = sightings.get(&member.name);
        let mut faults = match sighting {
            Some(sighting) => checks::faults(member, provider, &sighting.latest),
            None => vec![Fault { aspect: Aspect::There, text: "was never seen by the watch".to_owned() }],
        };
        if sighting.is_some_and(|sighting| sighting.removed) {
            faults.push(Fault { aspect: Aspect::There, text: "was removed by somebody".to_owned() });
        }
        let at_once = sighting.and_then(|sighting| sighting.initialised.as_ref());
        if let Some((_, then)) = at_once {
            let missing = checks::faults(member, provider, then).into_iter().map(|fault| fault.text);
            let text = missing.collect::<Vec<_>>().join("; ");
            if !text.is_empty() {
                faults.push(Fault {
                    aspect: Aspect::CompleteAtOnce,
                    text: format!("when the taint went, the Node was not complete: {text}"),
                });
            }
        }
        for aspect in Aspect::ALL {
            let applies = match aspect {
                Aspect::OtherTaints => !member.taints.is_empty(),
                // Of a Node that still waits, nothing else can be said.
                Aspect::ProviderId | Aspect::Addresses | Aspect::Labels | Aspect::CompleteAtOnce => at_once.is_some(),
                Aspect::There | Aspect::Untainted => true,
            };
            if applies {
                let (good, of) = passed.entry(aspect).or_default();
                *good += usize::from(faults.iter().all(|fault| fault.aspect != aspect));
                *of += 1;
            }
        }
        if at_once.is_none() {
            faults.retain(|fault| matches!(fault.aspect, Aspect::There | Aspect::Untainted) || member.device.is_none());
        }
        if !faults.is_empty() {
            wrong.push((member.name.clone(), faults));
        }
    }
    let check = |aspect| {
        let (passed, of) = *passed.get(&aspect)?;
        Some(Check { aspect, passed, of })
    };
    let initialised = sightings.values().filter(|sighting| sighting.initialised.is_some()).count();
    let nodes = Nodes {
        initialised,
        not_initialised: fleet.len().saturating_sub(initialised),
        checks: Aspect::ALL.into_iter().filter_map(check).collect(),
        failures: Vec::new(),
    };
    (nodes, wrong)
}

/// What was asked of the Packet API, and what one request for each Node's device would have come to. Asks for one device
/// itself, to know.
pub(crate) async fn packet(server: &packet_api_server::Server, fleet: &Fleet) -> PacketTraffic {
    let records = server.requests().all();
    let rows = traffic::rows(records.iter().map(traffic::of_packet));
    let (requests, bytes) = (rows.iter().map(|row| row.count).sum(), rows.iter().map(|row| row.bytes).sum());
    let device = fleet.members().iter().find_map(|member| member.device.as_ref());
    let of_one = match device {
        Some(device) => size_of_device(server, &device.id.to_string()).await,
        None => None,
    };
    let one_request_per_node_bytes = of_one.map(|bytes| bytes * fleet.len() as u64);
    PacketTraffic { rows, requests, bytes, one_request_per_node_bytes }
}

async fn size_of_device(server: &packet_api_server::Server, id: &str) -> Option<u64> {
    let client = reqwest::Client::builder().no_proxy().build().ok()?;
    let url = format!("{}devices/{id}", server.url());
    let answer = client.get(url).header("X-Auth-Token", server.token()).send().await.ok()?;
    let body = answer.error_for_status().ok()?.bytes().await.ok()?;
    Some(body.len() as u64)
}

/// What was written: the program's requests where the server tells, otherwise what can be seen from outside.
///
/// # Errors
/// When the Events cannot be listed.
pub(crate) async fn writes(cluster: &Cluster, fleet: &Fleet, observation: &Observation) -> Result<Writes, LabError> {
    let (rows, counted_by_server) = if let Some(writes) = cluster.writes() {
        (traffic::rows(writes.iter().map(traffic::of_kubernetes)), true)
    } else {
        let events = events::of(cluster.client(), fleet).await?;
        let row = |what: &str, count| Row { request: what.to_owned(), status: 200, count, bytes: 0 };
        let events = events.values().map(|events| events.len() as u64).sum();
        (vec![row("changes of Nodes", observation.counts().changes), row("Events of Nodes", events)], false)
    };
    Ok(Writes { total: rows.iter().map(|row| row.count).sum(), rows, counted_by_server })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::nodes::fleet::{Ground, Wanted};
    use k8s_openapi::api::core::v1::Node;

    async fn fleet(missing: usize) -> Fleet {
        let server = packet_api_server::Server::start().await.unwrap();
        Fleet::found(Wanted { nodes: 2, missing, others: 0, ..Wanted::default() }, Ground::Own, server.store())
    }

    fn waiting(fleet: &Fleet) -> HashMap<String, Sighting> {
        let sighting =
            |member| Sighting { latest: fleet.registration(member).unwrap(), initialised: None, removed: false };
        fleet.members().iter().map(|member| (member.name.clone(), sighting(member))).collect()
    }

    #[tokio::test]
    async fn a_node_that_waits_is_told_of_once_and_not_for_all_that_it_lacks() {
        let fleet = fleet(1).await;
        let (nodes, wrong) = judged(&fleet, Provider::Packet, &waiting(&fleet));
        assert_eq!((nodes.initialised, nodes.not_initialised), (0, 2));
        let texts: Vec<Vec<&str>> =
            wrong.iter().map(|(_, faults)| faults.iter().map(|fault| fault.text.as_str()).collect()).collect();
        let tainted = "still has the uninitialized taint";
        assert_eq!(texts, [vec![tainted], vec![tainted, "was left without a device (--missing-devices)"]]);
    }

    #[tokio::test]
    async fn a_node_that_lost_its_taint_too_early_fails_though_it_is_complete_now() {
        let fleet = fleet(0).await;
        let mut sightings = waiting(&fleet);
        let name = fleet.members()[0].name.clone();
        let early = Node::default();
        sightings.get_mut(&name).unwrap().initialised = Some((Instant::now(), early));
        let (_, wrong) = judged(&fleet, Provider::Packet, &sightings);
        let (_, faults) = wrong.iter().find(|(node, _)| *node == name).unwrap();
        assert!(faults.iter().any(|fault| fault.aspect == Aspect::CompleteAtOnce), "{faults:?}");
    }

    #[tokio::test]
    async fn a_node_that_was_removed_after_it_was_initialised_fails() {
        let fleet = fleet(0).await;
        let sighting = |member| {
            let latest = fleet.initialised(member, Provider::Packet).unwrap();
            Sighting { initialised: Some((Instant::now(), latest.clone())), latest, removed: false }
        };
        let mut sightings: HashMap<String, Sighting> =
            fleet.members().iter().map(|member| (member.name.clone(), sighting(member))).collect();
        assert_eq!(judged(&fleet, Provider::Packet, &sightings).1, []);
        sightings.get_mut(&fleet.members()[1].name).unwrap().removed = true;
        let (nodes, wrong) = judged(&fleet, Provider::Packet, &sightings);
        assert_eq!((wrong.len(), wrong[0].1[0].text.as_str()), (1, "was removed by somebody"));
        assert_eq!((nodes.checks[0].passed, nodes.checks[0].of), (1, 2));
    }

    #[tokio::test]
    async fn a_node_that_nobody_saw_fails() {
        let fleet = fleet(0).await;
        let (_, wrong) = judged(&fleet, Provider::Packet, &HashMap::new());
        assert_eq!(wrong.len(), 2);
        assert_eq!(wrong[0].1[0].text, "was never seen by the watch");
    }
}
