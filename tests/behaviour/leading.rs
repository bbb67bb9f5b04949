//! Only the process that leads writes.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::Lease;
use kube::Api;
use kube::api::{DeleteParams, Patch, PatchParams};
use kube_api_server::{Fault, FaultKind, NodeSpec, Server};
use packet_api_server::DeviceSpec;
use packet_cloud_controller_manager::actors::packet_api::PacketApi;
use packet_cloud_controller_manager::config::ElectionSettings;
use packet_cloud_controller_manager::election::{Elector, Identity, Loss, Standing, Trouble};
use packet_cloud_controller_manager::messages::report::AskPacketApi;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use crate::support::{Cloud, client, until};

const LEASES: &str = "/leases";
const LEASE: &str = "kube-system/cloud-controller-manager";

/// Short enough to wait for, long enough for a busy machine.
fn settings() -> ElectionSettings {
    ElectionSettings {
        lease_duration: Duration::from_secs(3),
        renew_deadline: Duration::from_secs(2),
        retry_period: Duration::from_millis(250),
        ..ElectionSettings::default()
    }
}

fn candidate(kubernetes: &Server, name: &str) -> Elector {
    Elector::start(client(kubernetes), settings(), Identity::named(name))
}

fn leases(kubernetes: &Server) -> Api<Lease> {
    Api::namespaced(client(kubernetes), "kube-system")
}

async fn set(kubernetes: &Server, spec: Value) {
    let patch = Patch::Merge(json!({ "spec": spec }));
    leases(kubernetes).patch("cloud-controller-manager", &PatchParams::default(), &patch).await.unwrap();
}

/// What the Lease says.
fn said(kubernetes: &Server) -> Value {
    kubernetes.store().leases().first().map_or(Value::Null, |lease| lease["spec"].clone())
}

/// Waits until a candidate stands so.
async fn stands(elector: &Elector, expected: impl Fn(&Standing) -> bool) -> Standing {
    let mut standing = elector.standing();
    let stands = timeout(Duration::from_secs(30), standing.wait_for(expected)).await;
    let stands = stands.unwrap_or_else(|_| panic!("it stands {:?}", *elector.standing().borrow()));
    stands.unwrap().clone()
}

async fn stands_by(elector: &Elector, holder: &str) {
    stands(elector, |standing| *standing == Standing::Standby { holder: holder.to_owned() }).await;
}

/// How long a write waits at the gate that is let through or not.
async fn may_write(elector: &Elector) -> bool {
    elector.gate().pass(async {}).await.is_ok()
}

/// How often the Lease was written.
fn renewals(kubernetes: &Server) -> usize {
    kubernetes.requests().writes().iter().filter(|request| request.path.contains(LEASES)).count()
}

#[actix::test]
async fn one_leads_and_the_other_stands_by_and_takes_over_what_is_given_back() {
    let kubernetes = Server::start().await.unwrap();
    let first = candidate(&kubernetes, "first");
    first.leads().await;
    let second = candidate(&kubernetes, "second");
    stands_by(&second, "first").await;
    let before = renewals(&kubernetes);
    until("the Lease to be renewed", || (renewals(&kubernetes) >= before + 5).then_some(())).await;
    assert_eq!(
        (&said(&kubernetes)["holderIdentity"], &said(&kubernetes)["leaseTransitions"]),
        (&json!("first"), &json!(0))
    );
    assert!(may_write(&first).await && !may_write(&second).await);

    let released = Instant::now();
    first.release().await;
    second.leads().await;
    let handover = released.elapsed();
    // The retry period and its jitter, and as much again for a busy machine.
    assert!(handover < settings().retry_period.mul_f64(2.4), "{handover:?}");
    assert_eq!(
        (&said(&kubernetes)["holderIdentity"], &said(&kubernetes)["leaseTransitions"]),
        (&json!("second"), &json!(1))
    );
    assert!(may_write(&second).await);
    let told = || {
        let events = kubernetes.store().events();
        let messages = events
            .iter()
            .filter(|event| event["reason"] == "LeaderElection" && event["involvedObject"]["kind"] == "Lease");
        let mut messages: Vec<_> = messages.map(|event| event["message"].as_str().unwrap().to_owned()).collect();
        messages.sort_unstable();
        (messages == ["first became leader", "first stopped leading", "second became leader"]).then_some(())
    };
    until("Events to tell of it", told).await;
}

#[actix::test]
async fn a_lease_whose_holder_is_gone_is_taken_over_once_it_has_run_out() {
    let kubernetes = Server::start().await.unwrap();
    let first = candidate(&kubernetes, "first");
    first.leads().await;
    let second = candidate(&kubernetes, "second");
    stands_by(&second, "first").await;
    drop(first);
    let gone = Instant::now();
    second.leads().await;
    let gap = gone.elapsed();
    assert!(gap >= Duration::from_secs(2) && gap < Duration::from_secs(6), "{gap:?}");
}

#[actix::test]
async fn a_lease_that_a_program_left_without_saying_for_how_long_is_taken_over_all_the_same() {
    let kubernetes = Server::start().await.unwrap();
    let lease = json!({"metadata": {"name": "cloud-controller-manager"}, "spec": {"holderIdentity": "gone", "renewTime": "2999-01-01T00:00:00.000000Z"}});
    let request = http::Request::post("/apis/coordination.k8s.io/v1/namespaces/kube-system/leases");
    let request = request.header("content-type", "application/json").body(lease.to_string().into_bytes()).unwrap();
    client(&kubernetes).request_text(request).await.unwrap();
    let elector = candidate(&kubernetes, "next");
    stands_by(&elector, "gone").await;
    elector.leads().await;
}

#[actix::test]
async fn the_actors_write_nothing_more_once_the_lease_is_stolen() {
    let cloud = Cloud::packet().start().await;
    // Those of the cloud itself stand aside.
    cloud.gatekeeper.close();
    let elector = candidate(&cloud.kubernetes, "first");
    elector.leads().await;
    let running = cloud.start_actors_behind(elector.gate());
    cloud.join(DeviceSpec::new("node-1"), NodeSpec::new("node-1"));
    cloud.initialised("node-1").await;

    set(&cloud.kubernetes, json!({"holderIdentity": "thief"})).await;
    let loss = elector.lost().await;
    assert_eq!(loss, Loss::Stolen { lease: LEASE.to_owned(), holder: "thief".to_owned() });
    assert!(!may_write(&elector).await);
    let written =
        || cloud.kubernetes.requests().writes().iter().filter(|request| !request.path.contains("leases")).count();
    let (before, asked) = (written(), cloud.packet.requests().count());
    cloud.join(DeviceSpec::new("node-2"), NodeSpec::new("node-2"));
    let mut glances = tokio::time::interval(Duration::from_millis(10));
    while running.address::<PacketApi>().unwrap().send(AskPacketApi).await.unwrap().waiting == 0 {
        glances.tick().await;
    }
    assert_eq!((written(), cloud.packet.requests().count()), (before, asked));
    assert_eq!(said(&cloud.kubernetes)["holderIdentity"], "thief");
}

#[actix::test]
async fn a_lease_that_somebody_deletes_is_made_anew_by_its_holder() {
    let kubernetes = Server::start().await.unwrap();
    let first = candidate(&kubernetes, "first");
    first.leads().await;
    let second = candidate(&kubernetes, "second");
    stands_by(&second, "first").await;
    leases(&kubernetes).delete("cloud-controller-manager", &DeleteParams::default()).await.unwrap();
    until("the Lease to be made anew", || (said(&kubernetes)["holderIdentity"] == "first").then_some(())).await;
    assert!(may_write(&first).await);
    stands_by(&second, "first").await;
}

#[actix::test]
async fn leases_that_are_forbidden_are_tried_again_until_they_are_not() {
    let kubernetes = Server::start().await.unwrap();
    let forbidden = FaultKind::Status { code: 403, retry_after: None };
    kubernetes.faults().push(Fault::new(forbidden).path_contains(LEASES));
    let elector = candidate(&kubernetes, "first");
    let standing = stands(&elector, |standing| matches!(standing, Standing::Trying { why: Some(_) })).await;
    let Standing::Trying { why: Some(why @ Trouble::Forbidden { verb: "get", .. }) } = standing else {
        panic!("{standing:?}")
    };
    assert!(why.to_string().contains("grant get, create and update on leases"), "{why}");
    let before = kubernetes.requests().count();
    until("it to be tried again", || (kubernetes.requests().count() >= before + 3).then_some(())).await;
    assert!(!may_write(&elector).await);
    kubernetes.faults().clear();
    elector.leads().await;
}

#[actix::test]
async fn a_namespace_that_is_not_there_is_named() {
    let kubernetes = Server::start().await.unwrap();
    let settings = ElectionSettings { namespace: "nowhere".to_owned(), ..settings() };
    let elector = Elector::start(client(&kubernetes), settings, Identity::named("first"));
    let standing = stands(&elector, |standing| matches!(standing, Standing::Trying { why: Some(_) })).await;
    assert!(matches!(standing, Standing::Trying { why: Some(Trouble::NoNamespace { .. }) }), "{standing:?}");
}

#[actix::test]
async fn a_leader_whose_renewals_hang_stops_by_the_deadline() {
    let kubernetes = Server::start().await.unwrap();
    let elector = candidate(&kubernetes, "first");
    elector.leads().await;
    kubernetes.faults().push(Fault::new(FaultKind::Delay(Duration::from_mins(1))).path_contains(LEASES));
    let begun = Instant::now();
    elector.gate().closed().await;
    let closed = begun.elapsed();
    assert!(closed <= settings().renew_deadline + Duration::from_millis(500), "{closed:?}");
    let loss = elector.lost().await;
    assert!(matches!(&loss, Loss::RanOut { why: Some(Trouble::NoAnswer { .. }), .. }), "{loss:?}");
}

#[actix::test]
async fn a_renewal_whose_answer_is_lost_costs_nothing() {
    let kubernetes = Server::start().await.unwrap();
    let elector = candidate(&kubernetes, "first");
    elector.leads().await;
    kubernetes.faults().push(Fault::new(FaultKind::ResetAfter).method("PUT").path_contains(LEASES).times(3));
    until("answers to be lost", || (kubernetes.faults().pending() == 0).then_some(())).await;
    let before = renewals(&kubernetes);
    until("it to be renewed again", || (renewals(&kubernetes) >= before + 3).then_some(())).await;
    assert!(may_write(&elector).await);
    assert_eq!(said(&kubernetes)["leaseTransitions"], 0);
}

#[actix::test]
async fn a_lease_that_was_taken_without_its_being_known_is_given_back() {
    let kubernetes = Server::start().await.unwrap();
    // It is created, and nothing that is said of it arrives from then on.
    kubernetes.faults().push(Fault::new(FaultKind::ResetAfter).method("POST").path_contains(LEASES));
    kubernetes.faults().push(Fault::new(FaultKind::ResetAfter).method("PUT").path_contains(LEASES));
    let elector = candidate(&kubernetes, "first");
    until("the Lease to be taken", || (said(&kubernetes)["holderIdentity"] == "first").then_some(())).await;
    kubernetes.faults().clear();
    elector.release().await;
    assert_eq!(said(&kubernetes)["holderIdentity"], "");
}

#[actix::test]
async fn without_election_it_leads_at_once_and_asks_nobody() {
    let kubernetes = Server::start().await.unwrap();
    let settings = ElectionSettings { enabled: false, ..settings() };
    let elector = Elector::start(client(&kubernetes), settings, Identity::named("first"));
    elector.leads().await;
    assert!(may_write(&elector).await);
    let gate = elector.gate();
    elector.release().await;
    gate.closed().await;
    assert_eq!(kubernetes.requests().count(), 0);
}

#[actix::test]
async fn nothing_is_written_or_asked_once_the_gate_is_closed() {
    let cloud = Cloud::packet().flag("--node-monitor-period=100ms").start().await;
    cloud.join(DeviceSpec::new("node-1"), NodeSpec::new("node-1"));
    cloud.initialised("node-1").await;
    cloud.told("node-1", "Synced").await;
    cloud.gatekeeper.close();
    let (written, asked) = (cloud.kubernetes.requests().writes().len(), cloud.packet.requests().count());
    cloud.join(DeviceSpec::new("node-2"), NodeSpec::new("node-2"));
    let gone = cloud.joined("node-3", false);
    cloud.packet.store().delete_device(&gone.id);
    // Its label is restored without a question to the Packet API.
    let remove = |node: &mut Value| node["metadata"]["labels"]["topology.kubernetes.io/region"] = Value::Null;
    cloud.kubernetes.store().update_node("node-1", remove).unwrap();
    let refused = || cloud.metric(r#"packet_ccm_kubernetes_writes_total{write="node",result="not_leading"}"#);
    until("a write to be tried twice", || (refused() >= 2).then_some(())).await;
    let waits = async || cloud.running.address::<PacketApi>().unwrap().send(AskPacketApi).await.unwrap().waiting;
    let mut glances = tokio::time::interval(Duration::from_millis(10));
    while waits().await < 2 {
        glances.tick().await;
    }
    let writes = cloud.kubernetes.requests().writes();
    assert_eq!(writes.len(), written, "{:?}", &writes[written..]);
    assert_eq!(cloud.packet.requests().count(), asked);
}
