//! The world: machines and their kubelets, both APIs, one process of the controller, and everybody else who writes Nodes.

use std::collections::BTreeMap;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use k8s_openapi::jiff::Timestamp;
use kube_api_server::NodeSpec;
use packet_api_server::{DeviceSpec, DeviceState};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::invariants::{SHUTDOWN, Truth, UNINITIALIZED, Violations, Watchdog, device_of};
use crate::machine::{Machine, Power, is_marked, is_ready, set_ready, taints};
use crate::process::Process;
use crate::secrecy::TOKEN;

/// When the world begins, by its clocks, in Unix seconds.
const BEGINNING: i64 = 1_800_000_000;
/// How often kubelets and the node lifecycle controller are looked after.
const TICK: Duration = Duration::from_secs(1);
/// A Node of another cloud, which nobody of ours is to touch.
const FOREIGN: &str = "of-another-cloud";

/// The wall clock of all machines; it can be set.
#[derive(Clone)]
pub(crate) struct Clock {
    started: Instant,
    offset_s: Arc<AtomicI64>,
}

impl Clock {
    fn unix_seconds(&self) -> i64 {
        BEGINNING + i64::try_from(self.started.elapsed().as_secs()).unwrap() + self.offset_s.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, by_s: i64) {
        self.offset_s.fetch_add(by_s, Ordering::Relaxed);
    }

    fn system_time(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(u64::try_from(self.unix_seconds()).unwrap())
    }

    fn text(&self) -> String {
        Timestamp::from_second(self.unix_seconds()).unwrap().to_string()
    }
}

/// Somebody who now and then writes a Node in the very instant before a write of the controller is applied to it: adds a taint
/// before all others, or lets a Node be Ready that is about to be deleted.
fn in_the_same_instant(dice: fastrand::Rng, clock: Clock) -> impl Fn(&str, &str, &kube_api_server::Store) {
    let dice = Mutex::new(dice);
    move |method, path, store| {
        let Some(name) = path.strip_prefix("/api/v1/nodes/").map(|path| path.trim_end_matches("/status")) else {
            return;
        };
        let lot = dice.lock().unwrap().u8(..100);
        let written = match method {
            "PATCH" if lot < 15 => store.update_node(name, |node| {
                let taint = json!({"key": "at-that-instant", "value": lot.to_string(), "effect": "NoExecute"});
                match node["spec"]["taints"].as_array_mut() {
                    Some(taints) => {
                        taints.retain(|taint| taint["key"] != "at-that-instant");
                        taints.insert(0, taint);
                    }
                    None => node["spec"]["taints"] = json!([taint]),
                }
            }),
            "DELETE" if lot < 30 => store.update_node(name, |node| set_ready(node, true, &clock.text())),
            _ => return,
        };
        // It may be gone already.
        drop(written);
    }
}

/// The world.
pub(crate) struct World {
    pub(crate) packet: packet_api_server::Server,
    pub(crate) kubernetes: kube_api_server::Server,
    pub(crate) clock: Clock,
    pub(crate) machines: Vec<Machine>,
    pub(crate) process: Option<Process>,
    pub(crate) violations: Violations,
    pub(crate) watchdog: Watchdog,
    pub(crate) rate: f64,
    pub(crate) burst: NonZeroU32,
    variables: Vec<(&'static str, String)>,
    token: String,
    rotations: u32,
    missing_since: BTreeMap<String, Instant>,
    /// The Nodes, whether each is Ready, and of which version of the cluster that is.
    nodes: BTreeMap<String, bool>,
    read_at: u64,
    /// The fewest Nodes of ours that there have been.
    fewest: usize,
    next_machine: usize,
}

impl World {
    /// A world of so many machines, with the controller started. What the API and the budget are like is drawn.
    pub(crate) async fn new(dice: &mut fastrand::Rng, machines: usize) -> Self {
        let per_page = *dice.choice(&[3, 5, 10, 1000]).unwrap();
        let budget = *dice.choice(&[(10.0, 20, 8), (2.0, 5, 2), (50.0, 20, 8), (1.0, 3, 1)]).unwrap();
        Self::with(dice, machines, per_page, budget).await
    }

    /// The token that the API takes, or would but for trouble.
    pub(crate) fn token(&self) -> &str {
        &self.token
    }

    /// The API takes another token from now on.
    pub(crate) fn rotate_token(&mut self) {
        self.rotations += 1;
        // The secret that must not be seen is part of each.
        self.token = format!("{TOKEN}-{}", self.rotations);
        self.packet.store().set_token(&self.token);
    }

    /// The controller is told of the token, this process and those to come.
    pub(crate) fn tell_token(&mut self) {
        for (variable, value) in &mut self.variables {
            if *variable == "METAL_API_KEY" {
                value.clone_from(&self.token);
            }
        }
        if let Some(process) = &self.process {
            process.use_token(&self.token);
        }
    }

    /// A world of so many machines, of an API that puts so many devices on a page, and of that rate, burst and number of
    /// requests in flight.
    pub(crate) async fn with(
        dice: &mut fastrand::Rng,
        machines: usize,
        per_page: u32,
        (rate, burst, in_flight): (f64, u32, u32),
    ) -> Self {
        let started = Instant::now();
        let clock = Clock { started, offset_s: Arc::default() };
        let (for_packet, for_kubernetes) = (clock.clone(), clock.clone());
        let packet = packet_api_server::Server::builder()
            .token(TOKEN)
            .seed(dice.u64(..))
            .max_per_page(per_page)
            .legacy_meta(dice.u8(..5) == 0)
            .clock(move || for_packet.system_time());
        let packet = packet.start_in_process().await.unwrap();
        let kubernetes = kube_api_server::Server::builder().seed(dice.u64(..));
        let kubernetes = kubernetes.clock(move || for_kubernetes.system_time()).start_in_process().await.unwrap();
        let variables = vec![
            ("METAL_API_KEY", TOKEN.to_owned()),
            ("METAL_PROJECT_ID", packet.project_id().to_string()),
            ("METAL_BASE_URL", packet.url()),
            ("METAL_RATE_LIMIT_REQUESTS_PER_SECOND", rate.to_string()),
            ("METAL_RATE_LIMIT_BURST", burst.to_string()),
            ("METAL_RATE_LIMIT_MAX_IN_FLIGHT", in_flight.to_string()),
        ];
        let violations = Violations::default();
        let watchdog = Watchdog {
            truth: Arc::new(Mutex::new(Truth::default())),
            violations: violations.clone(),
            started,
            project: packet.project_id(),
            packet: packet.store().clone(),
            requests: packet.requests().clone(),
            kubernetes: kubernetes.store().clone(),
        };
        kubernetes.before_write(in_the_same_instant(fastrand::Rng::with_seed(dice.u64(..)), clock.clone()));
        let hook = watchdog.clone();
        kubernetes.after_write(move |write| hook.look(write));
        let foreign = NodeSpec::new(FOREIGN).provider_id("aws:///eu/i-1").without_uninitialized_taint();
        let foreign = foreign.taint(SHUTDOWN, "", "NoSchedule");
        kubernetes.store().create_node(foreign).unwrap();
        let mut world = Self {
            packet,
            kubernetes,
            clock,
            machines: Vec::new(),
            process: None,
            violations,
            watchdog,
            rate,
            burst: NonZeroU32::new(burst).unwrap(),
            variables,
            token: TOKEN.to_owned(),
            rotations: 0,
            missing_since: BTreeMap::new(),
            nodes: BTreeMap::new(),
            read_at: u64::MAX,
            fewest: usize::MAX,
            next_machine: 0,
        };
        for _ in 0..machines {
            world.add_machine(dice);
        }
        world.start_process(dice);
        world
    }

    pub(crate) fn start_process(&mut self, dice: &mut fastrand::Rng) {
        let is_careless = dice.bool();
        let process = Process::start(&self.packet, &self.kubernetes, &self.variables, is_careless, &self.violations);
        self.process = Some(process);
    }

    /// A new machine that is switched on.
    pub(crate) fn add_machine(&mut self, dice: &mut fastrand::Rng) {
        let name = format!("m{:03}", self.next_machine);
        self.next_machine += 1;
        let device = self.packet.store().create_device(DeviceSpec::new(&*name)).id;
        let (power, is_well, names_device) = (Power::On, true, dice.u8(..4) == 0);
        self.machines.push(Machine { name, device, power, is_well, names_device, since: Instant::now() });
    }

    /// Switches a machine on or off, or destroys it.
    pub(crate) fn set_power(&mut self, index: usize, power: Power) {
        let machine = &mut self.machines[index];
        if machine.power.is_gone() || machine.power == power {
            return;
        }
        (machine.power, machine.since) = (power, Instant::now());
        let (store, device) = (self.packet.store(), machine.device);
        let mut truth = self.watchdog.truth();
        match power {
            Power::On => _ = store.set_device_state(&device, DeviceState::Active),
            Power::Off => _ = store.set_device_state(&device, DeviceState::Inactive),
            Power::Destroyed | Power::Forgotten => {
                store.delete_device(&device);
                truth.destroyed_at.insert(device, Instant::now());
            }
        }
        truth.switched_at.insert(device, Instant::now());
    }

    /// Lets time pass, in which kubelets do what they do.
    pub(crate) async fn pass(&mut self, time: Duration) {
        let until = Instant::now() + time;
        while Instant::now() < until {
            tokio::time::sleep(TICK.min(until - Instant::now())).await;
            self.look_after_nodes();
        }
    }

    /// What kubelets and the node lifecycle controller do.
    fn look_after_nodes(&mut self) {
        let (store, now) = (self.kubernetes.store().clone(), self.clock.text());
        // To read all Nodes takes most of the time that a world takes, and there is something new in them but rarely.
        if std::mem::replace(&mut self.read_at, store.resource_version()) != store.resource_version() {
            let nodes = store.nodes();
            let name = |node: &Value| node["metadata"]["name"].as_str().unwrap().to_owned();
            self.nodes = nodes.iter().map(|node| (name(node), is_ready(node))).collect();
            let ours = nodes.iter().filter(|node| device_of(node).is_some()).count();
            self.fewest = if ours > 0 { self.fewest.min(ours) } else { self.fewest };
        }
        for machine in &self.machines {
            let Some(is_ready) = self.nodes.get(&machine.name) else {
                let since = *self.missing_since.entry(machine.name.clone()).or_insert_with(Instant::now);
                if machine.registers(since) {
                    store.create_node(machine.node()).unwrap();
                    self.missing_since.remove(&machine.name);
                    self.note_not_ready(&machine.name);
                }
                continue;
            };
            self.missing_since.remove(&machine.name);
            if let Some(should_be) = machine.should_be_ready().filter(|should_be| should_be != is_ready)
                && store.update_node(&machine.name, |node| set_ready(node, should_be, &now)).is_ok()
                && !should_be
            {
                self.note_not_ready(&machine.name);
            }
        }
    }

    /// Lets a Node become Ready or not, whatever its machine is.
    pub(crate) fn set_ready(&self, index: usize, is_ready: bool) {
        let (name, now) = (&self.machines[index].name, self.clock.text());
        let is_set = self.kubernetes.store().update_node(name, |node| set_ready(node, is_ready, &now)).is_ok();
        if is_set && !is_ready {
            self.note_not_ready(name);
        }
    }

    fn note_not_ready(&self, name: &str) {
        let node = self.kubernetes.store().node(name).unwrap();
        let uid = node["metadata"]["uid"].as_str().unwrap().to_owned();
        self.watchdog.truth().not_ready_since.insert(uid, Instant::now());
    }

    /// Notes that something is wrong at the moment, which may keep the controller from knowing what is.
    pub(crate) fn note_trouble(&self) {
        self.watchdog.truth().troubled_at = Some(Instant::now());
    }

    /// What is not as it should be once nothing has gone wrong for long enough.
    pub(crate) fn wrongs(&self) -> Vec<String> {
        let held = self.process.as_ref().map_or(0, |process| process.held_back("mass_disappearance"));
        let gone = self.machines.iter().filter(|machine| machine.power.is_gone() && self.stands(machine));
        let gone = gone.count();
        let is_mass = held > 0 && gone > 2 && gone * 100 > self.fewest * 55;
        let wrong = |machine: &Machine| self.wrong(machine, is_mass).map(|what| format!("{}: {what}", machine.name));
        self.machines.iter().filter_map(wrong).collect()
    }

    /// Whether the Node of a machine stands, and names its device.
    fn stands(&self, machine: &Machine) -> bool {
        self.kubernetes.store().node(&machine.name).is_some_and(|node| device_of(&node) == Some(machine.device))
    }

    fn wrong(&self, machine: &Machine, is_mass: bool) -> Option<&'static str> {
        let node = self.kubernetes.store().node(&machine.name);
        let has = |taint: &str| node.as_ref().is_some_and(|node| taints(node).contains(&taint));
        let is_marked = node.as_ref().is_some_and(is_marked);
        match machine.power {
            Power::On if machine.is_well => match &node {
                None => Some("its kubelet has not registered it"),
                Some(node) if !is_ready(node) => Some("it is not Ready yet"),
                Some(_) if has(UNINITIALIZED) => Some("it is not initialised"),
                Some(_) if is_marked => Some("it is Ready and marked as shut down"),
                Some(node) if device_of(node) != Some(machine.device) => Some("its provider ID is another's"),
                Some(_) => None,
            },
            Power::On => (has(UNINITIALIZED)).then_some("it is not initialised"),
            Power::Off if self.stands(machine) && !is_marked => Some("it is switched off and not marked"),
            Power::Destroyed if self.stands(machine) && !is_mass => Some("its device is gone and it still stands"),
            Power::Forgotten if !machine.is_well && self.stands(machine) && !is_mass => {
                Some("its device is gone, it is not Ready, and it still stands")
            }
            Power::Off | Power::Destroyed | Power::Forgotten => None,
        }
    }

    /// What must hold at any moment beside what is checked at each write.
    pub(crate) fn check(&self) {
        let Some(node) = self.kubernetes.store().node(FOREIGN) else {
            return self.violations.add("the Node of another cloud is gone".to_owned());
        };
        let expected = json!([{"key": SHUTDOWN, "effect": "NoSchedule"}]);
        let theirs = node["spec"]["taints"].as_array().into_iter().flatten();
        let theirs: Vec<_> = theirs.filter(|taint| taint["key"] == SHUTDOWN).collect();
        if json!(theirs) != expected {
            self.violations.add(format!("the taints of the Node of another cloud are {}", node["spec"]["taints"]));
        }
    }

    /// What was asked and answered, and when: the course that the world took.
    pub(crate) fn trace(&self) -> Vec<String> {
        let asked = self.packet.requests().all().into_iter();
        let asked =
            asked.map(|request| format!("{:?} {} {} {}", request.at, request.method, request.path, request.status));
        let written = self.kubernetes.requests().all().into_iter();
        let written = written.map(|request| format!("{} {} {}", request.method, request.path, request.status));
        asked.chain(written).collect()
    }
}
