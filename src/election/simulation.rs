//! Many candidates, one Lease, and everything that may happen between them: clocks that differ and run at different speeds,
//! answers that are lost, requests that arrive long after they were given up, processes that are stopped, killed or told to
//! end. Whatever happens, no two lead at a time.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use fastrand::Rng;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::candidate::{Answer, Candidate, Lost, Request, Step};
use super::identity::Identity;
use super::lease::tests::lease;
use super::lease::{Claim, Lease};
use crate::config::ElectionSettings;

/// A time of the world, in microseconds.
type Time = u64;
const SECOND: Time = 1_000_000;

/// The Lease as an API server keeps it.
#[derive(Default)]
struct Server {
    spec: Option<Value>,
    version: u64,
}

impl Server {
    fn current(&self) -> Option<Lease> {
        self.spec.as_ref().map(|spec| lease(self.version, spec))
    }

    fn put(&mut self, claim: &Claim, time: Time) -> Answer {
        let now = Timestamp::UNIX_EPOCH + SignedDuration::from_micros(time.try_into().unwrap());
        self.set(Some(claim.data(now)["spec"].clone()));
        Answer::Is(self.current().unwrap())
    }

    fn set(&mut self, spec: Option<Value>) {
        self.version += 1;
        self.spec = spec;
    }

    fn answer(&mut self, request: &Request, time: Time) -> Answer {
        match (request, self.current()) {
            (Request::Read, Some(lease)) => Answer::Is(lease),
            (Request::Read | Request::Update(..), None) => Answer::Missing,
            (Request::Create(claim), None) => self.put(claim, time),
            (Request::Create(_), Some(_)) => Answer::Conflict,
            (Request::Update(read, claim), Some(lease)) => {
                let same = read.metadata().resource_version == lease.metadata().resource_version;
                if same { self.put(claim, time) } else { Answer::Conflict }
            }
        }
    }
}

/// A clock that began at another time than the world's and runs at another speed.
#[derive(Clone, Copy)]
struct Clock {
    began: Instant,
    speed: f64,
}

impl Clock {
    fn at(self, time: Time) -> Instant {
        self.began + Duration::from_micros(time).mul_f64(self.speed)
    }

    /// When it will show that, and not before.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time of the simulation is small")]
    fn shows(self, instant: Instant) -> Time {
        let elapsed = instant.saturating_duration_since(self.began).div_f64(self.speed);
        (elapsed.as_secs_f64() * 1e6).ceil() as Time + 1
    }
}

/// A process.
struct Process {
    /// The how many-th of all it is.
    born: usize,
    candidate: Candidate,
    clock: Clock,
    /// Until when it is stopped.
    stopped_until: Time,
    /// What it waits for: the number of the request, and when it was sent.
    asked: Option<(u64, Instant)>,
    /// That it was told to end, and gives the Lease back.
    releases: bool,
}

/// What happens.
#[derive(Debug)]
enum Event {
    /// A process looks what to do.
    Wake(usize),
    /// A request arrives.
    Arrive { process: usize, number: u64, request: Request },
    /// An answer arrives.
    Answered { process: usize, number: u64, answer: Answer },
    /// A process waits no longer for giving the Lease back, if it is still the one that was born as that.
    Leave { process: usize, born: usize },
    /// Something from outside.
    Mishap,
}

struct World {
    settings: ElectionSettings,
    rng: Rng,
    /// Whether others write the Lease, too; then two may lead for as long as that takes to be seen.
    has_vandals: bool,
    /// Until when mishaps happen.
    calm_from: Time,
    server: Server,
    processes: Vec<Process>,
    born: usize,
    asked: u64,
    events: BinaryHeap<Reverse<(Time, u64)>>,
    /// What the events are, by their numbers.
    agenda: std::collections::BTreeMap<u64, Event>,
    scheduled: u64,
    time: Time,
    handovers: usize,
}

impl World {
    fn new(settings: ElectionSettings, seed: u64, size: usize, has_vandals: bool) -> Self {
        let mut world = Self {
            settings,
            rng: Rng::with_seed(seed),
            has_vandals,
            calm_from: 150 * SECOND,
            server: Server::default(),
            processes: Vec::new(),
            born: 0,
            asked: 0,
            events: BinaryHeap::new(),
            agenda: std::collections::BTreeMap::new(),
            scheduled: 0,
            time: 0,
            handovers: 0,
        };
        for place in 0..size {
            let process = world.birth();
            world.processes.push(process);
            world.schedule(0, Event::Wake(place));
        }
        world.schedule(SECOND, Event::Mishap);
        world
    }

    fn birth(&mut self) -> Process {
        self.born += 1;
        let began = Instant::now() + Duration::from_secs(self.rng.u64(0..1_000_000));
        let clock = Clock { began, speed: 0.97 + 0.06 * self.rng.f64() };
        let identity = Identity::named(&format!("process-{}", self.born));
        let candidate = Candidate::new(self.settings.clone(), identity, clock.at(self.time));
        Process { born: self.born, candidate, clock, stopped_until: 0, asked: None, releases: false }
    }

    fn schedule(&mut self, time: Time, event: Event) {
        self.scheduled += 1;
        self.agenda.insert(self.scheduled, event);
        self.events.push(Reverse((time, self.scheduled)));
    }

    /// How long something is on its way: mostly little, now and then longer than anybody waits.
    fn delay(&mut self) -> Time {
        let is_calm = self.time >= self.calm_from;
        match self.rng.u32(0..100) {
            0..10 if !is_calm => self.rng.u64(0..40 * SECOND),
            10..30 if !is_calm => self.rng.u64(0..3 * SECOND),
            _ => self.rng.u64(500..50_000),
        }
    }

    fn is_lost(&mut self) -> bool {
        self.time < self.calm_from && self.rng.u32(0..100) < 10
    }

    /// Runs until then.
    fn run(&mut self, until: Time) {
        while let Some(Reverse((time, number))) = self.events.pop() {
            if time > until {
                self.events.push(Reverse((time, number)));
                break;
            }
            self.time = time;
            let event = self.agenda.remove(&number).unwrap();
            self.happen(event);
        }
        self.time = until;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Wake(place) | Event::Answered { process: place, .. }
                if self.time < self.processes[place].stopped_until =>
            {
                // In what order it finds out when it goes on is anybody's guess.
                let later = self.processes[place].stopped_until + self.rng.u64(0..50);
                self.schedule(later, event);
            }
            Event::Wake(place) => self.wake(place),
            Event::Arrive { process, number, request } => {
                let answer = self.server.answer(&request, self.time);
                if !self.is_lost() {
                    let later = self.time + self.delay();
                    self.schedule(later, Event::Answered { process, number, answer });
                }
            }
            Event::Answered { process: place, number, answer } => self.answered(place, number, answer),
            Event::Leave { process, born } if self.processes[process].born == born => self.replace(process),
            Event::Leave { .. } => {}
            Event::Mishap => self.mishap(),
        }
    }

    fn wake(&mut self, place: usize) {
        let process = &mut self.processes[place];
        let now = process.clock.at(self.time);
        if process.releases {
            return;
        }
        if let Some((_, sent)) = process.asked {
            if now < process.candidate.gives_up_at(sent) {
                return;
            }
            process.asked = None;
            process.candidate.answered(sent, now, Answer::Unknown, self.rng.f64());
        }
        match process.candidate.step(now) {
            Step::Wait(until) => {
                let time = process.clock.shows(until).max(self.time + 1);
                self.schedule(time, Event::Wake(place));
            }
            Step::Stop(lost) => {
                assert!(self.has_vandals || lost == Lost::RanOut, "{lost:?}");
                // It ends, and is started anew.
                self.replace(place);
            }
            Step::Send(request) => {
                self.asked += 1;
                let number = self.asked;
                process.asked = Some((number, now));
                let gives_up = process.clock.shows(process.candidate.gives_up_at(now));
                self.schedule(gives_up, Event::Wake(place));
                self.send(place, number, request);
            }
        }
    }

    fn send(&mut self, place: usize, number: u64, request: Request) {
        if !self.is_lost() {
            let arrives = self.time + self.delay();
            self.schedule(arrives, Event::Arrive { process: place, number, request });
        }
    }

    fn answered(&mut self, place: usize, number: u64, answer: Answer) {
        let process = &mut self.processes[place];
        let now = process.clock.at(self.time);
        let Some((_, sent)) = process.asked.filter(|(asked, _)| *asked == number) else { return };
        process.asked = None;
        if process.releases {
            self.go_on_releasing(place, &answer);
            return;
        }
        let led = process.candidate.leads_until().is_some();
        process.candidate.answered(sent, now, answer, self.rng.f64());
        self.handovers += usize::from(!led && process.candidate.leads_until().is_some());
        self.check(place);
        self.wake(place);
    }

    /// As the task does: read, and give back what is one's own.
    fn go_on_releasing(&mut self, place: usize, answer: &Answer) {
        let process = &mut self.processes[place];
        let claim = match answer {
            Answer::Is(lease) => process.candidate.release(lease).map(|claim| Request::Update(lease.clone(), claim)),
            Answer::Conflict => Some(Request::Read),
            _ => None,
        };
        match claim {
            Some(request) => {
                self.asked += 1;
                process.asked = Some((self.asked, process.clock.at(self.time)));
                self.send(place, self.asked, request);
            }
            None => self.replace(place),
        }
    }

    fn replace(&mut self, place: usize) {
        self.processes[place] = self.birth();
        let later = self.time + self.rng.u64(1..SECOND);
        self.schedule(later, Event::Wake(place));
    }

    /// That nobody else leads now that this one does, and for as long as it may. One that is stopped cannot write, and looks at
    /// the clock when it goes on.
    fn check(&self, place: usize) {
        if self.has_vandals || !self.leads(place) {
            return;
        }
        for other in (0..self.processes.len()).filter(|other| *other != place) {
            assert!(!self.leads(other), "at {} µs both {other} and {place} lead", self.time);
        }
    }

    /// Whether a process may write.
    fn leads(&self, place: usize) -> bool {
        let process = &self.processes[place];
        let end = process.candidate.leads_until().filter(|_| !process.releases);
        end.is_some_and(|end| process.clock.at(self.time) < end)
    }

    fn mishap(&mut self) {
        if self.time >= self.calm_from {
            return;
        }
        let next = self.time + self.rng.u64(0..20 * SECOND);
        self.schedule(next, Event::Mishap);
        let place = self.rng.usize(0..self.processes.len());
        let process = &mut self.processes[place];
        match self.rng.u32(0..10) {
            0..3 => process.stopped_until = self.time + self.rng.u64(0..40 * SECOND),
            3 => self.replace(place),
            4..6 if self.time >= process.stopped_until && !process.releases => {
                if process.candidate.may_hold() {
                    process.releases = true;
                    let born = process.born;
                    self.asked += 1;
                    process.asked = Some((self.asked, process.clock.at(self.time)));
                    self.send(place, self.asked, Request::Read);
                    let leaves = self.time + 2 * SECOND;
                    self.schedule(leaves, Event::Leave { process: place, born });
                } else {
                    self.replace(place);
                }
            }
            6.. if self.has_vandals => self.vandalise(),
            _ => {}
        }
    }

    fn vandalise(&mut self) {
        let number =
            |rng: &mut Rng| json!(rng.choice([i64::MIN, -1, 0, 1, 15, 60, i64::from(i32::MAX), i64::MAX]).unwrap());
        let spec = match self.rng.u32(0..6) {
            0 => None,
            1 => Some(json!({})),
            2 => Some(json!({"holderIdentity": ""})),
            3 => Some(json!({"holderIdentity": "a vandal", "leaseDurationSeconds": number(&mut self.rng)})),
            4 => Some(json!({"holderIdentity": 7, "leaseDurationSeconds": "x", "leaseTransitions": {}})),
            _ => Some(json!({
                "holderIdentity": "a vandal", "renewTime": "9999-12-31T23:59:59.999999Z",
                "leaseDurationSeconds": number(&mut self.rng), "leaseTransitions": number(&mut self.rng),
            })),
        };
        self.server.set(spec);
    }

    /// Whether one leads, after the mishaps, within that time.
    fn settles(&mut self, patience: Time) -> bool {
        self.run(self.calm_from);
        // What was sent before the calm still arrives, and processes that are stopped go on.
        (0..patience / SECOND).any(|_| {
            self.run(self.time + SECOND);
            self.leaders() == 1
        })
    }

    fn leaders(&self) -> usize {
        (0..self.processes.len()).filter(|place| self.leads(*place)).count()
    }
}

/// Settings as the rules for them allow.
fn settings() -> impl Strategy<Value = ElectionSettings> {
    (200..4_000_u64, 1.3..6.0_f64, 1.15..2.0_f64).prop_map(|(retry, renew, lease)| {
        let retry_period = Duration::from_millis(retry);
        let renew_deadline = retry_period.mul_f64(renew);
        let lease_duration = renew_deadline.mul_f64(lease);
        ElectionSettings { lease_duration, renew_deadline, retry_period, ..ElectionSettings::default() }
    })
}

fn micros(duration: Duration) -> Time {
    Time::try_from(duration.as_micros()).unwrap()
}

proptest! {
    #[test]
    fn no_two_lead_at_a_time_and_one_leads_when_all_is_calm(settings in settings(), seed: u64, size in 2..5_usize) {
        let patience = 90 * SECOND + 3 * micros(settings.lease_duration);
        let mut world = World::new(settings, seed, size, false);
        prop_assert!(world.settles(patience));
        prop_assert!(world.handovers > 0);
    }

    #[test]
    fn whatever_others_make_of_the_lease_one_leads_in_the_end(settings in settings(), seed: u64, size in 1..4_usize) {
        let patience = 4000 * SECOND + 3 * micros(settings.lease_duration);
        let mut world = World::new(settings, seed, size, true);
        prop_assert!(world.settles(patience));
    }
}
