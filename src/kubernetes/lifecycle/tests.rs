//! The monitor in a small world: Nodes, their devices, an API that answers, fails or lies, and a clock that leaps.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::json;
use tokio::time::Instant;

use super::*;
use crate::kubernetes::event::Notice;
use crate::kubernetes::{Node, NodeObject};
use crate::packet::{Absence, Answer, Device, DeviceId, DeviceState, Error, LookupError, NotGone, PlainReply};

const LIMITS: DeletionLimits =
    DeletionLimits { share: Share::percent(10), window: Duration::from_mins(10), mass_share: Share::percent(55) };
const PERIOD: Duration = Duration::from_secs(5);
const PROJECT: &str = "93ecc1d0-4a5b-4c7e-9d3a-1f6b7c8e5a20";

/// What the API says about devices.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Api {
    /// The truth.
    Well,
    /// Nothing.
    Away,
    /// That it knows no device, and not the project either: a token without rights.
    NoRights,
    /// That it knows no device, though it shows the project.
    Lies,
}

/// What a device is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Truth {
    Running,
    Off,
    Gone,
}

/// The name of a Node, which is the id of its device, too.
fn name(number: usize) -> String {
    format!("00000000-0000-4000-8000-{number:012}")
}

/// Whether a Node is Ready, how often that has changed, and whether it is tainted.
type State = (bool, u32, bool);

struct World {
    monitor: Monitor,
    period: Duration,
    now: Instant,
    /// Each Node's device, whether it is Ready, and how often that has changed.
    nodes: BTreeMap<String, (Truth, bool, u32)>,
    tainted: BTreeSet<String>,
    api: Api,
    asked: usize,
    confirmed: usize,
    deleted: Vec<(Instant, String, usize)>,
    notices: Vec<(String, Notice)>,
    records: Vec<Notice>,
    /// The Nodes as they were last read, for reading them takes most of the time.
    read: RefCell<BTreeMap<String, (State, Arc<Node>)>>,
}

impl World {
    fn of(nodes: usize) -> Self {
        let now = Instant::now();
        let mut monitor = Monitor::new(LIMITS, PERIOD, now);
        monitor.recalled(Ok(Recalled::default()), now);
        let nodes = (0..nodes).map(|number| (name(number), (Truth::Running, true, 0))).collect();
        let (tainted, deleted, notices) = (BTreeSet::new(), Vec::new(), Vec::new());
        Self {
            monitor,
            period: PERIOD,
            now,
            nodes,
            tainted,
            api: Api::Well,
            asked: 0,
            confirmed: 0,
            deleted,
            notices,
            records: Vec::new(),
            read: RefCell::default(),
        }
    }

    fn set(&mut self, names: impl IntoIterator<Item = usize>, truth: Truth, is_ready: bool) {
        for number in names {
            if let Some((is, was_ready, changes)) = self.nodes.get_mut(&name(number)) {
                *is = truth;
                *changes += u32::from(*was_ready != is_ready);
                *was_ready = is_ready;
            }
        }
    }

    fn node(&self, name: &str) -> Arc<Node> {
        let (_, is_ready, changes) = self.nodes[name];
        let is_tainted = self.tainted.contains(name);
        let state = (is_ready, changes, is_tainted);
        if let Some((read, node)) = self.read.borrow().get(name)
            && *read == state
        {
            return Arc::clone(node);
        }
        let taints = if is_tainted { json!([crate::kubernetes::Taint::shutdown()]) } else { json!(null) };
        let status = if is_ready { "True" } else { "Unknown" };
        let ready = json!({"type": "Ready", "status": status, "lastTransitionTime": changes.to_string()});
        let object = json!({"metadata": {"name": name, "uid": name}, "status": {"conditions": [ready]},
            "spec": {"providerID": format!("packet://{name}"), "taints": taints}});
        let node: Arc<Node> = Arc::new(serde_json::from_value::<NodeObject>(object).unwrap().into());
        self.read.borrow_mut().insert(name.to_owned(), (state, Arc::clone(&node)));
        node
    }

    fn answer(&self, id: &DeviceId) -> Answer {
        let truth = self.nodes.get(id.as_str()).map_or(Truth::Gone, |(truth, ..)| *truth);
        match (self.api, truth) {
            (Api::Away, _) => Err(LookupError::Api(Error::Timeout { request: "GET".into(), after: PERIOD })),
            (Api::NoRights | Api::Lies, _) | (_, Truth::Gone) => Err(LookupError::NoSuchId(id.clone())),
            (Api::Well, Truth::Running) => Ok(Arc::new(Device::named(id.as_str(), "h"))),
            (Api::Well, Truth::Off) => {
                Ok(Arc::new(Device { state: DeviceState::Inactive, ..Device::named(id.as_str(), "h") }))
            }
        }
    }

    fn prove(&self, id: &DeviceId) -> Result<Absence, NotGone> {
        let project = match self.api {
            Api::Well | Api::Lies => Ok(PlainReply::Project(PROJECT.into())),
            Api::Away | Api::NoRights => Err(Error::NotFound { request: "GET".into(), said: "Not found".into() }),
        };
        Absence::prove(id.clone(), self.now, &self.answer(id), PROJECT, &project)
    }

    /// One period passes.
    fn round(&mut self) {
        self.now += self.period;
        let all: Vec<_> = self.nodes.keys().map(|name| self.node(name)).collect();
        self.monitor.called(&Roll::call(&all), self.now);
        let queries = self.monitor.questions(self.now);
        self.asked += queries.len();
        for Query { number, device, .. } in queries {
            let answer = self.answer(&device);
            self.monitor.answered(number, &answer, self.now);
        }
        let mut actions = self.monitor.decide(self.now);
        while let Some(action) = actions.pop() {
            actions.extend(self.carry_out(action));
        }
    }

    fn carry_out(&mut self, action: Action) -> Vec<Action> {
        match action {
            Action::Tell(node, notice) => {
                self.notices.push((node.name.to_string(), notice));
                vec![]
            }
            Action::Record(_, notice) => {
                self.records.push(notice);
                self.monitor.recorded(true, self.now);
                vec![]
            }
            Action::Mark { node, shut_down } => {
                let name = node.name.to_string();
                if shut_down {
                    self.tainted.insert(name)
                } else {
                    self.tainted.remove(&name)
                };
                self.monitor.marked(&node.name, true, self.now);
                vec![]
            }
            Action::Confirm(devices) => {
                self.confirmed += devices.len();
                let results = devices.into_iter().map(|id| (id.clone(), self.prove(&id))).collect();
                self.monitor.confirmed(results, self.now)
            }
            Action::Delete { node, absence, .. } => {
                assert_eq!(absence.device().as_str(), node.name.as_str());
                let there_were = self.nodes.len();
                let (truth, is_ready, _) = self.nodes.remove(node.name.as_str()).unwrap();
                assert!(!is_ready, "{} is Ready", node.name);
                assert!(truth == Truth::Gone || self.api == Api::Lies, "the device of {} is there", node.name);
                self.deleted.push((self.now, node.name.to_string(), there_were));
                self.monitor.deleted(&node, &Ok(()), true, self.now);
                vec![]
            }
        }
    }

    fn rounds(&mut self, minutes: u64) {
        for _ in 0..minutes * 12 {
            self.round();
        }
    }

    /// What a process reads back that starts now.
    fn stopped_at(&self) -> Option<usize> {
        match self.records.last() {
            Some(Notice::DeletionStopped { nodes }) => Some(*nodes),
            _ => None,
        }
    }

    fn held(&self) -> Vec<&'static str> {
        self.monitor.counts().held.into_keys().collect()
    }
}

#[test]
fn a_node_whose_device_is_gone_is_deleted_in_the_first_round() {
    let mut world = World::of(20);
    world.set([3], Truth::Gone, false);
    world.round();
    assert_eq!(world.deleted.len(), 1);
    assert_eq!((world.asked, world.confirmed), (1, 1));
}

#[test]
fn a_node_is_marked_while_its_device_is_off_and_until_it_is_ready() {
    let mut world = World::of(3);
    world.set([0], Truth::Off, false);
    world.round();
    assert!(world.tainted.contains(&name(0)));
    world.set([0], Truth::Running, false);
    world.rounds(2);
    assert!(world.tainted.contains(&name(0)), "it is not Ready yet");
    world.set([0], Truth::Running, true);
    world.round();
    assert!(world.tainted.is_empty());
}

#[test]
fn fifty_nodes_not_ready_are_asked_about_forty_times_a_minute_and_a_thousand_all_together() {
    let mut world = World::of(100);
    world.set(0..50, Truth::Running, false);
    world.rounds(5);
    world.asked = 0;
    world.rounds(60);
    assert!(world.asked <= 40 * 60 + 50, "{} questions in an hour", world.asked);
    let mut world = World::of(2_000);
    for begin in (0..1_000).step_by(100) {
        world.set(begin..begin + 100, Truth::Running, false);
        world.round();
    }
    world.rounds(5);
    let mut lists = 0;
    for _ in 0..60 * 12 {
        let before = world.asked;
        world.round();
        let asked = world.asked - before;
        assert!(asked == 0 || asked == 1_000, "{asked} in one round");
        lists += usize::from(asked > 0);
    }
    assert!(lists <= 48, "{lists} lists in an hour");
}

#[test]
fn a_node_that_waits_for_its_turn_is_asked_about_ever_more_rarely_and_goes_when_it_has_come() {
    let mut world = World::of(100);
    world.set(0..30, Truth::Gone, false);
    world.round();
    assert_eq!(world.deleted.len(), 10);
    assert_eq!(world.held(), ["share"]);
    let notices = |world: &World| world.notices.len();
    assert_eq!(notices(&world), 20);
    world.asked = 0;
    world.rounds(9);
    assert_eq!((world.deleted.len(), notices(&world)), (10, 20));
    assert!(world.asked <= 9 * 40 + 20, "{}", world.asked);
    // A tenth of 90 more, then of 81, then what is left.
    for deleted in [19, 27, 30] {
        world.rounds(10);
        assert_eq!(world.deleted.len(), deleted);
    }
}

#[test]
fn nothing_is_deleted_while_more_than_half_of_the_cluster_looks_gone() {
    let mut world = World::of(100);
    world.set(0..56, Truth::Gone, false);
    world.rounds(120);
    assert_eq!((world.deleted.len(), world.held()), (0, vec!["mass_disappearance"]));
    let held =
        |(_, notice): &(String, Notice)| matches!(notice, Notice::DeletionHeldBack(why) if why.contains("56 of 100"));
    assert!(world.notices.iter().all(held));
    // Once, and again before the Events of the first time are forgotten.
    assert!((56 * 6..=56 * 7).contains(&world.notices.len()), "{}", world.notices.len());
    assert!((6..=7).contains(&world.records.len()), "{:?}", world.records);
    assert!(world.records.iter().all(|record| *record == Notice::DeletionStopped { nodes: 100 }));
    world.set([0], Truth::Running, true);
    world.round();
    assert_eq!((world.deleted.len(), world.records.last()), (0, Some(&Notice::DeletionResumed)), "that is told first");
    world.rounds(1);
    assert_eq!((world.deleted.len(), world.records.last()), (10, Some(&Notice::DeletionResumed)));
}

#[test]
fn a_token_without_rights_deletes_nothing_and_is_asked_about_sparingly() {
    let mut world = World::of(20);
    world.set(0..4, Truth::Running, false);
    world.api = Api::NoRights;
    world.rounds(60);
    assert_eq!((world.deleted.len(), world.held()), (0, vec!["unconfirmed"]));
    assert!(world.confirmed <= 4 * 70, "{} confirmations in an hour", world.confirmed);
    world.api = Api::Well;
    world.rounds(2);
    assert_eq!((world.deleted.len(), world.held().len(), world.monitor.counts().there), (0, 0, 4));
}

#[test]
fn an_api_that_lies_costs_no_more_than_the_share() {
    let mut world = World::of(100);
    world.set(0..50, Truth::Running, false);
    world.api = Api::Lies;
    world.rounds(9);
    assert_eq!(world.deleted.len(), 10);
}

#[test]
fn a_node_that_was_ready_while_its_device_was_confirmed_is_asked_about_again() {
    let mut world = World::of(20);
    world.set([0], Truth::Gone, false);
    world.now += PERIOD;
    let roll = |world: &World| Roll::call(&world.nodes.keys().map(|name| world.node(name)).collect::<Vec<_>>());
    world.monitor.called(&roll(&world), world.now);
    let query = world.monitor.questions(world.now).remove(0);
    world.monitor.answered(query.number, &world.answer(&query.device), world.now);
    let actions = world.monitor.decide(world.now);
    assert!(matches!(&actions[..], [Action::Confirm(devices)] if devices.len() == 1), "{actions:?}");
    // Ready and not Ready again between two rolls.
    world.set([0], Truth::Gone, true);
    world.set([0], Truth::Gone, false);
    world.monitor.called(&roll(&world), world.now);
    let proof = world.prove(&query.device);
    assert_eq!(world.monitor.confirmed(vec![(query.device, proof)], world.now), []);
    world.round();
    assert_eq!(world.deleted.len(), 1);
}

#[test]
fn a_deletion_that_fails_is_told_of_and_tried_again_and_does_not_use_up_the_share() {
    let mut world = World::of(5);
    world.set([0], Truth::Gone, false);
    for attempt in 0..3 {
        world.now += Duration::from_mins(2);
        let all: Vec<_> = world.nodes.keys().map(|name| world.node(name)).collect();
        world.monitor.called(&Roll::call(&all), world.now);
        for Query { number, device, .. } in world.monitor.questions(world.now) {
            let answer = world.answer(&device);
            world.monitor.answered(number, &answer, world.now);
        }
        let Some(Action::Confirm(devices)) = world.monitor.decide(world.now).pop() else { panic!("attempt {attempt}") };
        let results = devices.into_iter().map(|id| (id.clone(), world.prove(&id))).collect();
        let actions = world.monitor.confirmed(results, world.now);
        let [Action::Delete { node, tell, .. }] = &actions[..] else { panic!("attempt {attempt}: {actions:?}") };
        assert_eq!(*tell, attempt < 2, "it is told of until that has come about");
        world.monitor.deleted(node, &Err(Setback::Refused("forbidden".into())), attempt > 0, world.now);
        let told = world.monitor.decide(world.now);
        assert_eq!(told.len(), usize::from(attempt == 0), "{told:?}");
    }
    assert_eq!(world.held(), ["refused"]);
}

/// What happens in the world.
#[derive(Debug, Clone)]
enum Happening {
    Becomes(usize, Truth, bool),
    Api(Api),
    Joins,
    Restart,
    Rounds(u8),
}

fn happening() -> impl Strategy<Value = Happening> {
    let truth = prop_oneof![Just(Truth::Running), Just(Truth::Off), Just(Truth::Gone)];
    let api = prop_oneof![3 => Just(Api::Well), 1 => Just(Api::Away), 1 => Just(Api::NoRights)];
    prop_oneof![
        8 => (0_usize..30, truth, any::<bool>()).prop_map(|(node, truth, is_ready)| Happening::Becomes(node, truth, is_ready)),
        2 => api.prop_map(Happening::Api),
        1 => Just(Happening::Joins),
        1 => Just(Happening::Restart),
        4 => (1_u8..20).prop_map(Happening::Rounds),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    /// Whatever becomes of devices, Nodes and the API: only Nodes are deleted that are not Ready and whose device is gone
    /// (which carrying a deletion out checks), no window sees more of them go than the share, and in the end all that should
    /// go have gone and all that should be marked are.
    #[test]
    fn nothing_is_deleted_that_should_not_be_and_everything_is_that_should(
        happenings in prop::collection::vec(happening(), 1..60),
    ) {
        let mut world = World::of(20);
        // Rounds further apart than by default, so that hours pass sooner.
        world.period = Duration::from_mins(1);
        let mut joined = 20;
        for happening in happenings {
            match happening {
                // A device that is gone does not come back.
                Happening::Becomes(number, truth, is_ready) => {
                    let name = name(number);
                    let is_gone = world.nodes.get(&name).is_some_and(|(truth, ..)| *truth == Truth::Gone);
                    world.set([number], if is_gone { Truth::Gone } else { truth }, is_ready && truth == Truth::Running && !is_gone);
                }
                Happening::Api(api) => world.api = api,
                Happening::Joins => {
                    world.nodes.insert(name(joined), (Truth::Running, true, 0));
                    joined += 1;
                }
                Happening::Restart => {
                    let kept = world.deleted.iter().filter(|(at, ..)| world.now - *at < Duration::from_hours(1));
                    let deletions = kept.map(|(_, name, _)| name.as_str().into()).collect();
                    world.monitor = Monitor::new(LIMITS, PERIOD, world.now);
                    world.monitor.recalled(Ok(Recalled { deletions, stopped_at: world.stopped_at() }), world.now);
                }
                Happening::Rounds(rounds) => for _ in 0..rounds {
                    world.round();
                },
            }
        }
        world.api = Api::Well;
        for _ in 0..8 * 60 {
            world.round();
        }
        for (first, (from, ..)) in world.deleted.iter().enumerate() {
            for (count, (at, _, there_were)) in (1_usize..).zip(&world.deleted[first..]) {
                if *at - *from <= LIMITS.window {
                    let most = LIMITS.share.of(there_were + count - 1).max(1);
                    prop_assert!(count <= most, "{count} of {there_were} within a window");
                }
            }
        }
        let gone = world.nodes.values().filter(|(truth, ..)| *truth == Truth::Gone).count();
        let of = world.stopped_at().map_or(world.nodes.len(), |then| then.min(world.nodes.len()).max(gone));
        let is_mass = gone > 2 && LIMITS.mass_share.is_exceeded_by(gone, of);
        prop_assert!(gone == 0 || is_mass, "{gone} of {} are still there", world.nodes.len());
        for (name, (truth, is_ready, _)) in &world.nodes {
            let is_marked = world.tainted.contains(name);
            prop_assert!(!*is_ready || !is_marked, "{name} is Ready and marked");
            prop_assert!(*truth != Truth::Off || *is_ready || is_marked, "{name} is off and not marked");
        }
    }
}
