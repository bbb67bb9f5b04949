//! Two replicas against a real API server: one leads, and whatever becomes of it, only the one that leads writes. Who wrote
//! when is told by the API server's audit log, in which the replicas have an account each.

use std::path::Path;
use std::time::{Duration, Instant};

use control_plane::ControlPlane;
use fastrand::Rng;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Node;
use kube::Api;
use kube::api::PostParams;
use kube_api_server::NodeSpec;
use packet_api_server::DeviceSpec;
use serde_json::json;
use tokio::process::Command;
use tokio::task::JoinHandle;

use crate::program::Running;
use crate::proxy::Network;
use crate::stage::{PATIENCE, Stage};
use crate::who_led::{Verdict, judge};

/// The accounts of the two replicas.
const ACCOUNTS: [&str; 2] = ["cloud-controller-manager", "second"];

/// A second account, which may do the same.
const SECOND: &str = include_str!("../fixtures/second-account.yaml");

/// Timings that let a test see many handovers, and what they are called.
const SHORT: [&str; 3] =
    ["--leader-elect-lease-duration=3s", "--leader-elect-renew-deadline=2s", "--leader-elect-retry-period=500ms"];
const SHORT_LEASE: Duration = Duration::from_secs(3);
const SHORT_DEADLINE: Duration = Duration::from_secs(2);

/// The timings of Kubernetes.
const DEFAULT_LEASE: Duration = Duration::from_secs(15);

/// How often a Node joins, so that there is always something to write.
const JOIN_EVERY: Duration = Duration::from_millis(50);
/// How many times a replica is killed, stopped or told to end.
const KILLS: usize = 20;
const GLANCE: Duration = Duration::from_millis(20);

/// Two replicas, and Nodes that keep joining.
struct Scene {
    stage: Stage,
    kubeconfigs: [String; 2],
    flags: &'static [&'static str],
    replicas: [Option<Replica>; 2],
    started: usize,
    joining: JoinHandle<()>,
}

/// A replica that runs, and the name of its log.
struct Replica {
    running: Running,
    name: String,
}

impl Scene {
    async fn set(flags: &'static [&'static str]) -> Self {
        let cluster = ControlPlane::start_audited().await.unwrap_or_else(|error| panic!("{error}"));
        let stage = Stage::set_in(cluster, 1_000).await;
        stage.cluster.apply(SECOND).await.unwrap();
        let kubeconfigs = [stage.kubeconfig_of(ACCOUNTS[0]).await, stage.kubeconfig_of(ACCOUNTS[1]).await];
        let (nodes, store) = (stage.nodes.clone(), stage.packet.store().clone());
        let joining = tokio::spawn(async move {
            let mut turns = tokio::time::interval(JOIN_EVERY);
            for number in 0.. {
                turns.tick().await;
                let name = format!("node-{number:05}");
                store.create_device(DeviceSpec::new(&name));
                let node: Node = serde_json::from_value(NodeSpec::new(&name).into_value()).unwrap();
                nodes.create(&PostParams::default(), &node).await.unwrap();
            }
        });
        Self { stage, kubeconfigs, flags, replicas: [None, None], started: 0, joining }
    }

    /// Starts a replica in that place, and waits until it takes part.
    async fn start(&mut self, place: usize) {
        self.started += 1;
        let name = format!("{}-{}", ACCOUNTS[place], self.started);
        let variables = [("METAL_RATE_LIMIT_REQUESTS_PER_SECOND", "1000")];
        let running = self.stage.start_program_as(&name, &self.kubeconfigs[place], self.flags, &variables);
        self.replicas[place] = Some(Replica { running, name });
        self.says(place, "identity=").await;
    }

    /// Waits until the log of a replica has that.
    async fn says(&self, place: usize, part: &str) {
        self.says_in(&self.replicas[place].as_ref().unwrap().name, part).await;
    }

    /// Waits until the log of that name has that.
    async fn says_in(&self, name: &str, part: &str) {
        let begun = Instant::now();
        let mut glances = tokio::time::interval(GLANCE);
        while !self.log(name).contains(part) {
            glances.tick().await;
            assert!(begun.elapsed() < PATIENCE, "waited for `{part}`\n{}", self.log(name));
        }
    }

    /// Waits until the Lease names that holder.
    async fn held_by(&self, holder: &str) {
        let begun = Instant::now();
        let mut glances = tokio::time::interval(GLANCE);
        while self.holder().await != holder {
            glances.tick().await;
            assert!(begun.elapsed() < PATIENCE, "waited for {holder} to lead\n{}", self.logs());
        }
    }

    /// Waits until so many more Nodes are initialised.
    async fn works(&self, nodes: usize) {
        let so_far = self.stage.events_of("Synced", 0).await.len();
        self.stage.events_of("Synced", so_far + nodes).await;
    }

    fn replica(&mut self, place: usize) -> &mut Replica {
        self.replicas[place].as_mut().unwrap()
    }

    /// Who the Lease names.
    async fn holder(&self) -> String {
        let leases: Api<Lease> = Api::namespaced(self.stage.admin.clone(), "kube-system");
        let lease = leases.get_opt("cloud-controller-manager").await.unwrap();
        lease.and_then(|lease| lease.spec?.holder_identity).unwrap_or_default()
    }

    /// Waits until one of the replicas that run leads, and answers which.
    async fn leader(&self) -> usize {
        let begun = Instant::now();
        let mut glances = tokio::time::interval(GLANCE);
        loop {
            glances.tick().await;
            let holder = self.holder().await;
            let leads = |replica: &Option<Replica>| {
                replica.as_ref().is_some_and(|replica| self.log(&replica.name).contains(&format!("identity={holder} ")))
            };
            if !holder.is_empty()
                && let Some(place) = self.replicas.iter().position(leads)
            {
                return place;
            }
            assert!(begun.elapsed() < PATIENCE, "nobody leads; the Lease names `{holder}`\n{}", self.logs());
        }
    }

    fn log(&self, name: &str) -> String {
        // The first lines have all that is looked for, and a line end where an identity may.
        let log = std::fs::read(self.stage.log_of(name)).unwrap();
        String::from_utf8_lossy(&log[..log.len().min(20_000)]).replace('\n', " \n")
    }

    fn end_of_log(&self, place: usize) -> String {
        let log = std::fs::read(self.stage.log_of(&self.replicas[place].as_ref().unwrap().name)).unwrap();
        String::from_utf8_lossy(&log[log.len().saturating_sub(20_000)..]).into_owned()
    }

    fn logs(&self) -> String {
        self.replicas.iter().flatten().map(|replica| self.log(&replica.name)).collect()
    }

    /// Stops what still runs, and judges what was written.
    async fn end(mut self, lease_duration: Duration) -> Verdict {
        self.joining.abort();
        for replica in self.replicas.iter_mut().filter_map(Option::take) {
            assert_eq!(replica.running.terminate().await, Some(0));
        }
        let users = ACCOUNTS.map(|account| format!("system:serviceaccount:kube-system:{account}"));
        let log = self.stage.cluster.audited_writes().unwrap();
        let verdict = judge(&log, &[users[0].as_str(), users[1].as_str()], lease_duration);
        assert!(verdict.by_non_leaders.is_empty(), "{verdict}\n{:#?}", verdict.by_non_leaders);
        verdict
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_told_to_end_hands_over_within_five_seconds() {
    let mut scene = Scene::set(&[]).await;
    scene.start(0).await;
    assert_eq!(scene.leader().await, 0);
    scene.start(1).await;
    scene.says(1, "standing by").await;
    scene.works(20).await;
    let told = Instant::now();
    assert_eq!(scene.replicas[0].take().unwrap().running.terminate().await, Some(0));
    let ended = told.elapsed();
    assert_eq!(scene.leader().await, 1);
    let handover = told.elapsed();
    scene.works(20).await;
    assert!(handover < Duration::from_secs(5), "{handover:?}");
    let verdict = scene.end(DEFAULT_LEASE).await;
    println!("SIGTERM: ended after {ended:.2?}, the next one led after {handover:.2?}; {verdict}");
    assert_eq!(verdict.handovers, 1);
    assert!(verdict.longest_gap_after_a_release > Duration::ZERO, "it was not released");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replica_that_stands_by_asks_the_packet_api_nothing_and_ends_at_once() {
    let mut scene = Scene::set(&[]).await;
    let leases: Api<Lease> = Api::namespaced(scene.stage.admin.clone(), "kube-system");
    let lease = json!({
        "metadata": {"name": "cloud-controller-manager"},
        "spec": {"holderIdentity": "somebody", "leaseDurationSeconds": 15},
    });
    leases.create(&PostParams::default(), &serde_json::from_value(lease).unwrap()).await.unwrap();
    scene.start(0).await;
    scene.says(0, "standing by").await;
    let told = Instant::now();
    assert_eq!(scene.replicas[0].take().unwrap().running.terminate().await, Some(0));
    assert!(told.elapsed() < Duration::from_secs(2), "{:?}", told.elapsed());
    assert_eq!((scene.holder().await.as_str(), scene.stage.packet.requests().count()), ("somebody", 0));
    assert_eq!(scene.end(DEFAULT_LEASE).await.writes, 0);
}

/// What happens to a replica.
#[derive(Debug, Clone, Copy)]
enum Blow {
    /// It is gone at once.
    Kill,
    /// It is told to end.
    Terminate,
    /// It stands still for so long, in milliseconds.
    Stop(u64),
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_leader_writes_while_replicas_are_killed_stopped_and_told_to_end() {
    let seed = std::env::var("SEED").ok().and_then(|seed| seed.parse().ok()).unwrap_or(1);
    let mut rng = Rng::with_seed(seed);
    let mut scene = Scene::set(&SHORT).await;
    scene.start(0).await;
    scene.start(1).await;
    let (mut blows, begun) = (Vec::new(), Instant::now());
    for _ in 0..KILLS {
        let leader = scene.leader().await;
        // At any moment of its work.
        tokio::time::sleep(Duration::from_millis(rng.u64(0..1_500))).await;
        let place = if rng.u32(0..5) == 0 { 1 - leader } else { leader };
        let blow = match rng.u32(0..3) {
            0 => Blow::Kill,
            1 => Blow::Terminate,
            _ => Blow::Stop(rng.u64(200..6_000)),
        };
        blows.push(blow);
        match blow {
            Blow::Kill => {
                let replica = scene.replica(place);
                replica.running.signal("KILL").await;
                replica.running.ended(PATIENCE).await.unwrap();
                scene.start(place).await;
            }
            Blow::Terminate => {
                let ended = scene.replicas[place].take().unwrap().running.terminate().await;
                assert_eq!(ended, Some(0), "{}", scene.logs());
                scene.start(place).await;
            }
            Blow::Stop(ms) => {
                let replica = scene.replica(place);
                replica.running.signal("STOP").await;
                tokio::time::sleep(Duration::from_millis(ms)).await;
                replica.running.signal("CONT").await;
                // A leader that stood still past its deadline ends; it may also have been caught before it could renew.
                let must_end = place == leader && Duration::from_millis(ms) > SHORT_DEADLINE;
                let patience = if must_end { PATIENCE } else { Duration::from_millis(500) };
                if let Some(ended) = replica.running.ended(patience).await {
                    assert_eq!(ended.code(), Some(1), "{}", scene.end_of_log(place));
                    scene.start(place).await;
                } else {
                    assert!(!must_end, "it goes on after it stood still for {ms} ms");
                }
            }
        }
    }
    scene.leader().await;
    let took = begun.elapsed();
    let verdict = scene.end(SHORT_LEASE).await;
    println!("{KILLS} blows in {took:.0?} (seed {seed}): {verdict}\n{blows:?}");
    assert!(verdict.handovers >= KILLS / 3 && verdict.writers == 2 && verdict.writes > 100, "{verdict}");
    // The Lease, a retry, and starting where nobody stood by.
    assert!(verdict.longest_gap < 2 * SHORT_LEASE + Duration::from_secs(4), "{verdict}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_that_is_cut_off_stops_before_the_next_one_takes_over() {
    let mut scene = Scene::set(&SHORT).await;
    let server = scene.stage.cluster.url();
    let network = Network::to(server.trim_start_matches("https://").parse().unwrap()).await;
    let through = format!("https://{}", network.address());
    scene.kubeconfigs[0] = scene.kubeconfigs[0].replace(&server, &through);
    scene.start(0).await;
    assert_eq!(scene.leader().await, 0);
    scene.start(1).await;
    scene.says(1, "standing by").await;
    scene.works(20).await;
    network.cut();
    let cut = Instant::now();
    let mut first = scene.replicas[0].take().unwrap();
    let (ended, taken) = tokio::join!(
        async { (first.running.ended(PATIENCE).await.and_then(|status| status.code()), cut.elapsed()) },
        async { (scene.leader().await, cut.elapsed()) },
    );
    assert_eq!((ended.0, taken.0), (Some(1), 1), "{}", scene.log(&first.name));
    assert!(ended.1 < taken.1, "it ended after {:?}, and the next one led after {:?}", ended.1, taken.1);
    scene.works(20).await;
    let verdict = scene.end(SHORT_LEASE).await;
    println!("cut off: ended after {:.2?}, the next one led after {:.2?}; {verdict}", ended.1, taken.1);
}

/// A program that takes part with client-go, as Kubernetes' controllers do.
pub(crate) async fn start_client_go(stage: &Stage, kubeconfig: &str, identity: &str, timings: &[String]) -> Running {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("client-go-candidate");
    let module = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/control-plane");
    let mut build = Command::new("go");
    build.args(["build", "-o"]).arg(&program).arg("./client-go-candidate").current_dir(module);
    assert!(build.status().await.expect("Go is needed for this test").success());
    let path = stage.folder.path().join("client-go-kubeconfig");
    std::fs::write(&path, kubeconfig).unwrap();
    let mut command = Command::new(program);
    command.kill_on_drop(true).args(timings);
    command.arg(format!("--identity={identity}")).arg(format!("--kubeconfig={}", path.display()));
    Running::start(command, &stage.log_of(identity))
}

/// One under the second account.
async fn start_second(scene: &Scene, identity: &str) -> Running {
    let timings = SHORT.map(|flag| flag.replace("--leader-elect-", "--"));
    start_client_go(&scene.stage, &scene.kubeconfigs[1], identity, &timings).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_of_client_go_and_this_one_exclude_each_other_and_hand_over() {
    let mut scene = Scene::set(&SHORT).await;
    let theirs = start_second(&scene, "go-1").await;
    scene.held_by("go-1").await;
    scene.start(0).await;
    scene
        .says(0, "standing by: another process leads lease=\"kube-system/cloud-controller-manager\" holder=\"go-1\"")
        .await;
    let told = Instant::now();
    assert_eq!(theirs.terminate().await, Some(0));
    assert_eq!(scene.leader().await, 0);
    let to_us = told.elapsed();
    scene.works(20).await;

    let mut theirs = start_second(&scene, "go-2").await;
    scene.says_in("go-2", "sees ").await;
    let killed = Instant::now();
    let mut ours = scene.replicas[0].take().unwrap();
    ours.running.signal("KILL").await;
    scene.held_by("go-2").await;
    let from_the_dead = killed.elapsed();
    ours.running.ended(PATIENCE).await.unwrap();

    scene.start(0).await;
    scene.says(0, "standing by").await;
    theirs.signal("KILL").await;
    theirs.ended(PATIENCE).await.unwrap();
    assert_eq!(scene.leader().await, 0);
    scene.works(20).await;

    let theirs = start_second(&scene, "go-3").await;
    scene.says_in("go-3", "sees ").await;
    let told = Instant::now();
    assert_eq!(scene.replicas[0].take().unwrap().running.terminate().await, Some(0));
    scene.held_by("go-3").await;
    let to_them = told.elapsed();
    assert_eq!(theirs.terminate().await, Some(0));
    let verdict = scene.end(SHORT_LEASE).await;
    println!(
        "beside client-go: from it {to_us:.2?}, to it {to_them:.2?}, to it from the dead {from_the_dead:.2?}; {verdict}"
    );
    assert!(to_us < Duration::from_secs(2) && from_the_dead > SHORT_DEADLINE, "{verdict}");
    assert_eq!((verdict.handovers, verdict.writers), (4, 2));
}
