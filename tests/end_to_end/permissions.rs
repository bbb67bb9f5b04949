//! What the program asks of the API server is what `deploy/template/access.yaml` grants: it does all that it does under that
//! account, and the API server's audit log has nothing that was refused, and something for each permission.

use std::fmt::Write as _;

use control_plane::{AuditedRequest, ControlPlane};
use futures::future::join_all;
use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::{Patch, PatchParams};
use kube_api_server::NodeSpec;
use packet_api_server::DeviceState;
use serde_json::json;
use tokio::task::JoinHandle;

use crate::granted::{Permission, granted, in_force};
use crate::nodes_not_ready::{is_gone, is_marked, set_ready, until};
use crate::operator::{Operator, free_port};
use crate::serving_access::{READERS, certificates, client, publish, read};
use crate::stage::{Stage, addresses, token_of};

const ACCESS: &str = include_str!("../../deploy/template/access.yaml");
const ACCOUNT: (&str, &str) = ("kube-system", "cloud-controller-manager");
const USER: &str = "system:serviceaccount:kube-system:cloud-controller-manager";

/// What is granted and never used: verb and resource. Both are of a role of Kubernetes' own, for this very purpose, and which
/// follows Kubernetes where that changes; its `get`, which is used, shows the same one `ConfigMap`.
const UNUSED: [(&str, &str); 2] = [("list", "configmaps"), ("watch", "configmaps")];

/// Little is waited for.
const QUICK: [&str; 5] = [
    "--leader-elect-lease-duration=3s",
    "--leader-elect-renew-deadline=2s",
    "--leader-elect-retry-period=500ms",
    "--node-monitor-period=500ms",
    "--node-status-update-frequency=500ms",
];
const FRESH: [(&str, &str); 1] = [("METAL_CACHE_NOT_FOUND_TTL", "10ms")];

/// Somebody who writes a label of that name to a Node again and again.
fn keep_writing(nodes: Api<Node>, name: String, label: String) -> JoinHandle<()> {
    tokio::spawn(async move {
        for round in 0_u64.. {
            let patch = Patch::Merge(json!({"metadata": {"labels": {&label: round.to_string()}}}));
            if nodes.patch(&name, &PatchParams::default(), &patch).await.is_err() {
                return;
            }
        }
    })
}

/// Two replicas, of which one leads after the other, do all that the program does.
async fn everything(stage: &Stage) {
    stage.cluster.apply(READERS).await.unwrap();
    let (authority, [identity]) = certificates(&[("jane", "operators")]);
    publish(&stage.cluster, authority).await;
    let devices = stage.packet.store().create_devices(3, "node-");
    stage.register(devices.iter().map(|device| NodeSpec::new(&device.hostname))).await;
    join_all(devices.iter().map(|device| set_ready(&stage.nodes, &device.hostname, true))).await;

    // A leader is elected, and initialises Nodes.
    let kubeconfig = stage.kubeconfig_of(ACCOUNT.1).await;
    let port = free_port();
    let serving = format!("--secure-port={port}");
    let first = stage.start_program_as("program", &kubeconfig, &[&QUICK[..], &[&serving]].concat(), &FRESH);
    stage.initialised(&[]).await;
    let second = stage.start_program_as("second", &kubeconfig, &QUICK, &FRESH);
    let says = |part: &str| std::fs::read_to_string(stage.log_of("second")).unwrap().contains(part);
    until("the second replica to stand by", stage, async || says("standing by")).await;

    // Somebody reads what is served: by a token, by a certificate, and without either.
    let url = format!("https://127.0.0.1:{port}");
    Operator::new(&url).until_answered("/readyz", 200).await;
    let metrics = format!("{url}/metrics");
    let prometheus = token_of(&stage.cluster.service_account_kubeconfig("default", "prometheus").await.unwrap());
    let (anybody, jane) = (client().build().unwrap(), client().identity(identity).build().unwrap());
    until("the token to be believed", stage, async || read(&anybody, &metrics, Some(&prometheus)).await.0 == 200).await;
    assert_eq!(read(&anybody, &metrics, None).await.0, 403);
    until("the certificate to be believed", stage, async || read(&jane, &metrics, None).await.0 == 200).await;

    // A device gets another address, one is switched off and on, one is gone.
    let [moved, off, gone] = &devices[..] else { panic!() };
    stage.packet.store().update_device(&moved.id, |device| {
        device.ip_addresses.iter_mut().find(|ip| ip.public).unwrap().address = "147.75.1.77".parse().unwrap();
    });
    until("the new address", stage, async || {
        addresses(&stage.nodes.get(&moved.hostname).await.unwrap()).contains(&"ExternalIP 147.75.1.77".to_owned())
    })
    .await;
    stage.packet.store().set_device_state(&off.id, DeviceState::Inactive);
    set_ready(&stage.nodes, &off.hostname, false).await;
    until("the taint", stage, async || is_marked(stage, &off.hostname).await).await;
    stage.packet.store().set_device_state(&off.id, DeviceState::Active);
    set_ready(&stage.nodes, &off.hostname, true).await;
    until("the taint to go", stage, async || !is_marked(stage, &off.hostname).await).await;
    // Others write the Node meanwhile, so it is read anew before it is deleted.
    let writers = ["one", "two", "three"];
    let writers = writers.map(|label| keep_writing(stage.nodes.clone(), gone.hostname.clone(), label.to_owned()));
    stage.packet.store().delete_device(&gone.id);
    set_ready(&stage.nodes, &gone.hostname, false).await;
    until("a Node to be read anew", stage, async || {
        let requests = stage.cluster.audited_requests(USER).unwrap();
        requests.iter().any(|request| request.verb == "get" && request.resource == "nodes")
    })
    .await;
    writers.iter().for_each(JoinHandle::abort);
    until("the deletion", stage, async || is_gone(stage, &gone.hostname).await).await;

    // The leader hands over to the second, which reads back what was deleted before it works.
    assert_eq!(first.terminate().await, Some(0));
    let device = stage.packet.store().create_devices(1, "later-").remove(0);
    stage.register([NodeSpec::new(&device.hostname)]).await;
    stage.initialised(&[]).await;
    until("the deletions to be read back", stage, async || {
        let requests = stage.cluster.audited_requests(USER).unwrap();
        requests.iter().filter(|request| request.verb == "list" && request.resource == "events").count() > 3
    })
    .await;
    assert_eq!(second.terminate().await, Some(0));
}

/// Each permission and how many requests needed it.
fn table(granted: &[Permission], requests: &[AuditedRequest]) -> String {
    let mut table = String::new();
    for permission in granted {
        let count = requests.iter().filter(|request| permission.is_needed_by(request)).count();
        writeln!(table, "{count:>5} {permission}").unwrap();
    }
    table
}

#[tokio::test(flavor = "multi_thread")]
async fn every_permission_is_used_and_none_is_missing() {
    let cluster = ControlPlane::start_audited().await.unwrap_or_else(|error| panic!("{error}"));
    let stage = Stage::set_in(cluster, 100).await;
    let granted = granted(&stage.cluster, ACCESS, ACCOUNT).await;
    in_force(&stage.cluster, &granted, USER).await;
    everything(&stage).await;

    let requests = stage.cluster.audited_requests(USER).unwrap();
    println!("{} requests\n{}", requests.len(), table(&granted, &requests));

    let refused: Vec<_> = requests.iter().filter(|request| [401, 403].contains(&request.code)).collect();
    assert!(refused.is_empty(), "a permission is missing: {refused:#?}");
    let is_granted = |request: &&AuditedRequest| granted.iter().any(|permission| permission.is_needed_by(request));
    let others: Vec<_> = requests.iter().filter(|request| !is_granted(request)).collect();
    assert!(others.is_empty(), "more is granted than is needed, or elsewhere: {others:#?}");

    let is_used = |permission: &&Permission| requests.iter().any(|request| permission.is_needed_by(request));
    let unused = granted.iter().filter(|permission| !is_used(permission));
    let unused: Vec<_> = unused.map(|permission| (permission.verb.as_str(), permission.resource.as_str())).collect();
    assert_eq!(unused, UNUSED, "what is granted and never used, and what is known to be");
}
