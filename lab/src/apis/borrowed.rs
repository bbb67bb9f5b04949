//! Somebody's cluster: what must not be there, so that the demonstration harms nothing.
//!
//! The program under demonstration works on every Node of the cluster, and asks the simulated API about them, which knows
//! none of the cluster's machines. So there must be no other Node that it would take for one of its own, and no other
//! controller that would take the lab's Nodes for its own.

use std::io::{IsTerminal, Write};

use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Node;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use kube::api::ListParams;
use kube::{Api, Client};

use crate::error::LabError;
use crate::nodes::checks::is_uninitialized;
use crate::nodes::fleet::RUN_LABEL;

/// The Lease that cloud controller managers elect their leader by (Kubernetes `cloud-provider`).
const LEASE: (&str, &str) = ("kube-system", "cloud-controller-manager");
/// A leader renews every few seconds; one that was silent for so long is gone.
const LEASE_IS_STALE_AFTER: SignedDuration = SignedDuration::from_mins(2);
/// How many names a refusal lists.
const NAMES_SHOWN: usize = 3;

/// Looks whether the cluster can be used without harm.
///
/// # Errors
/// [`LabError::Unsafe`] with what stands in the way, [`LabError::Kubernetes`] where it cannot be found out.
pub(crate) async fn make_sure(client: &Client, url: &str) -> Result<(), LabError> {
    let nodes = Api::<Node>::all(client.clone()).list(&ListParams::default()).await;
    let nodes = nodes.map_err(LabError::kubernetes(format!("listing the Nodes of {url}")))?.items;
    let leases = Api::<Lease>::namespaced(client.clone(), LEASE.0);
    let lease = leases.get_opt(LEASE.1).await;
    let lease = lease.map_err(LabError::kubernetes(format!("reading the Lease {}/{} of {url}", LEASE.0, LEASE.1)))?;
    match refusal(&nodes, lease.as_ref(), Timestamp::now()) {
        Some(reason) => Err(LabError::Unsafe { cluster: url.to_owned(), reason }),
        None => Ok(()),
    }
}

/// What stands in the way, if something does.
fn refusal(nodes: &[Node], lease: Option<&Lease>, now: Timestamp) -> Option<String> {
    let (ours, others): (Vec<&Node>, Vec<&Node>) =
        nodes.iter().partition(|node| node.metadata.labels.iter().flatten().any(|(label, _)| label == RUN_LABEL));
    if !ours.is_empty() {
        return Some(format!(
            "{} of an earlier or another run are there; once that has ended, remove them with \
             `kubectl delete nodes -l {RUN_LABEL}`",
            names(&ours)
        ));
    }
    let of_packet: Vec<&Node> = others.iter().copied().filter(|node| may_be_of_packet(node)).collect();
    if !of_packet.is_empty() {
        return Some(format!(
            "{} may be machines of Packet or Equinix Metal by their provider ID, and the program would look them up in \
             the simulated API; use another cluster",
            names(&of_packet)
        ));
    }
    let waiting: Vec<&Node> = others.iter().copied().filter(|node| is_uninitialized(node)).collect();
    if !waiting.is_empty() {
        return Some(format!(
            "{} wait for a cloud controller manager, and this is not theirs; try again when they are initialised, or \
             use another cluster",
            names(&waiting)
        ));
    }
    let renewed = lease.and_then(|lease| lease.spec.as_ref()?.renew_time.as_ref());
    renewed.filter(|renewed| now.duration_since(renewed.0) < LEASE_IS_STALE_AFTER).map(|_| {
        format!(
            "a cloud controller manager is at work there (its Lease {}/{} is fresh), and would take the lab's Nodes for \
             its own; use another cluster",
            LEASE.0, LEASE.1
        )
    })
}

/// Whether the provider ID is one that the program reads as Packet's: by its scheme, or because it has none.
fn may_be_of_packet(node: &Node) -> bool {
    let provider_id = node.spec.as_ref().and_then(|spec| spec.provider_id.as_deref()).unwrap_or_default();
    match provider_id.split_once("://") {
        Some((scheme, _)) => matches!(scheme, "packet" | "equinixmetal"),
        None => !provider_id.is_empty(),
    }
}

fn names(nodes: &[&Node]) -> String {
    let shown: Vec<&str> =
        nodes.iter().take(NAMES_SHOWN).map(|node| node.metadata.name.as_deref().unwrap_or("?")).collect();
    let more = nodes.len() - shown.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("the Nodes {}{more}", shown.join(", "))
}

/// Asks for leave to add Nodes, unless the cluster is on this machine or leave was given on the command line.
///
/// # Errors
/// [`LabError::Unsafe`] where leave is not given, or nobody is there to give it.
pub(crate) async fn ask(url: &http::Uri, nodes: usize, yes: bool) -> Result<(), LabError> {
    if yes || is_loopback(url) {
        return Ok(());
    }
    let unsafe_because = |reason: &str| LabError::Unsafe { cluster: url.to_string(), reason: reason.to_owned() };
    if !std::io::stdin().is_terminal() {
        return Err(unsafe_because(
            "it is not on this machine, and nobody can be asked here; add --yes, or --simulated",
        ));
    }
    let question = format!("Add {nodes} Nodes to {url} and remove them afterwards? [y/N] ");
    // Reading blocks, and Ctrl-C must still be heard meanwhile.
    let answer = tokio::task::spawn_blocking(move || {
        print!("{question}");
        std::io::stdout().flush()?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).map(|_| answer)
    });
    let answer = answer.await.map_err(std::io::Error::other).flatten().map_err(LabError::io("asking for leave"))?;
    if matches!(answer.trim(), "y" | "Y" | "yes") {
        return Ok(());
    }
    Err(unsafe_because("as you wish; --simulated needs no cluster"))
}

/// Whether the server is on this machine.
pub(crate) fn is_loopback(url: &http::Uri) -> bool {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use serde_json::{Value, json};

    const NOW: &str = "2026-01-01T12:00:00Z";

    fn node(name: &str, spec: &Value) -> Node {
        serde_json::from_value(json!({"metadata": {"name": name}, "spec": spec})).unwrap()
    }

    fn refused(nodes: &[Node]) -> Option<String> {
        refusal(nodes, None, NOW.parse().unwrap())
    }

    fn lease(renewed: &str) -> Lease {
        serde_json::from_value(json!({"metadata": {}, "spec": {"renewTime": renewed}})).unwrap()
    }

    #[test]
    fn a_cluster_of_another_cloud_or_of_none_may_be_used() {
        let nodes = [node("a", &json!({"providerID": "kind://docker/a"})), node("b", &json!({}))];
        assert_eq!(refused(&nodes), None);
    }

    #[test]
    fn a_node_that_the_program_would_take_for_its_own_stands_in_the_way() {
        for id in ["packet://1", "equinixmetal://1", "7f0c2f5e-58a1-4a3e-9d3c-3b8e5a3c1d20"] {
            let said = refused(&[node("machine", &json!({"providerID": id}))]).unwrap();
            assert!(said.contains("machine") && said.contains("use another cluster"), "{said}");
        }
    }

    #[test]
    fn a_node_that_waits_for_another_controller_stands_in_the_way() {
        let taint = json!({"key": "node.cloudprovider.kubernetes.io/uninitialized", "effect": "NoSchedule"});
        let said = refused(&[node("new", &json!({"taints": [taint]}))]).unwrap();
        assert!(said.contains("the Nodes new wait for"), "{said}");
    }

    #[test]
    fn what_is_left_of_an_earlier_run_is_to_be_removed_first() {
        let mut left = node("packet-lab-1", &json!({"providerID": "packet://1"}));
        left.metadata.labels = Some([(RUN_LABEL.to_owned(), "1".to_owned())].into());
        let said = refused(&vec![left; 5]).unwrap();
        assert!(said.contains("and 2 more") && said.contains("kubectl delete nodes -l packet-ccm-lab/run"), "{said}");
    }

    #[test]
    fn another_controller_at_work_stands_in_the_way_but_not_one_that_is_gone() {
        let now = NOW.parse().unwrap();
        assert!(refusal(&[], Some(&lease("2026-01-01T11:59:50.000000Z")), now).is_some());
        assert_eq!(refusal(&[], Some(&lease("2026-01-01T11:50:00.000000Z")), now), None);
    }

    #[test]
    fn only_this_machines_own_addresses_are_loopback() {
        for url in ["https://127.0.0.1:6443", "http://localhost:8001", "https://[::1]:6443"] {
            assert!(is_loopback(&url.parse().unwrap()), "{url}");
        }
        for url in ["https://10.0.0.1:6443", "https://127.0.0.1.example.com", "https://example.com"] {
            assert!(!is_loopback(&url.parse().unwrap()), "{url}");
        }
    }

    #[tokio::test]
    async fn a_cluster_elsewhere_is_left_alone_where_nobody_can_be_asked() {
        let url = "https://10.0.0.1:6443".parse().unwrap();
        assert!(ask(&url, 1, true).await.is_ok());
        if !std::io::stdin().is_terminal() {
            let error = ask(&url, 1, false).await.unwrap_err().to_string();
            assert!(error.contains("--yes"), "{error}");
        }
    }
}
