//! Everything that happens under a paused clock on one thread follows from the seed: a few hundred requests of several
//! clients at once, in bad weather, leave the same trace in every run, moments included.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use axum::http::Method;
use common::devices;
use common::within::{Ending, Within};
use packet_api_server::{Outage, OutageKind, RateLimit, Server, Shifting};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};
use tokio::time::Instant;

const MS: Duration = Duration::from_millis(1);
const CLIENTS: u64 = 5;
const REQUESTS: usize = 80;
const PATIENCE: Duration = Duration::from_secs(4);

/// Numbers that follow from a seed (splitmix64).
struct Lots(u64);

impl Lots {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    fn one_of<'a, T>(&mut self, choices: &'a [T]) -> &'a T {
        &choices[usize::try_from(self.below(choices.len() as u64)).unwrap()]
    }
}

/// Lines with the moments at which they were written.
#[derive(Clone)]
struct Trace {
    began: Instant,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Trace {
    fn line(&self, what: &str) {
        self.lines.lock().unwrap().push(format!("{:?} {what}", self.began.elapsed()));
    }
}

async fn server(seed: u64) -> Server {
    let began = Instant::now();
    let server = Server::builder()
        .seed(seed)
        .clock(move || SystemTime::UNIX_EPOCH + Duration::from_hours(500_000) + began.elapsed())
        .latency("p50=80ms,p99=900ms+2ms/device".parse::<packet_api_server::Latency>().unwrap())
        .rate_limit(RateLimit::bucket(5, Duration::from_secs(1), 8))
        .start_in_process()
        .await
        .unwrap();
    server.store().create_devices(30, "node-");
    server.store().set_provision_time(Duration::from_millis(2_500));
    server.store().set_deprovision_time(Duration::from_millis(1_500));
    server.set_shifting(Some(Shifting::Both));
    for fault in [
        "503 share=0.04",
        "reset share=0.03",
        "truncated share=0.03",
        "malformed share=0.02",
        "hang share=0.02",
        "delay=1500ms share=0.03",
        "GET slow-body=20000 share=0.05",
    ] {
        server.faults().push(fault.parse().unwrap());
    }
    server
}

fn request(server: &Server, lots: &mut Lots) -> (Method, String, Option<Value>) {
    let all = server.store().devices();
    let id = lots.one_of(&all).id;
    match lots.below(10) {
        0 | 1 => (Method::GET, format!("{}?per_page=10&page={}", devices(server), 1 + lots.below(4)), None),
        2 => (Method::GET, format!("{}?hostname=node-00{}", devices(server), lots.below(3)), None),
        3 => (Method::PUT, format!("devices/{id}"), Some(json!({"tags": [format!("t{}", lots.below(9))]}))),
        4 => {
            let device = json!({
                "hostname": format!("new-{}", lots.below(1_000)),
                "metro": "sv",
                "plan": "c3.small.x86",
                "operating_system": "debian_11",
            });
            (Method::POST, devices(server), Some(device))
        }
        5 => (Method::DELETE, format!("devices/{id}"), None),
        6 => (Method::GET, "facilities".to_owned(), None),
        _ => (Method::GET, format!("devices/{id}"), None),
    }
}

async fn client(server: Arc<Server>, number: u64, mut lots: Lots, trace: Trace) {
    let asker = Within::of(&server);
    for _ in 0..REQUESTS {
        // So that many ask at the same moment.
        tokio::time::sleep(100 * MS * u32::try_from(lots.below(9)).unwrap()).await;
        let (method, path, body) = request(&server, &mut lots);
        trace.line(&format!("{number} asks {method} {path}"));
        let ending = match asker.ask_for(PATIENCE, method, &path, body.as_ref()).await {
            Ending::Answered(status, headers, body) => {
                format!("{status} {headers:?} {}", String::from_utf8_lossy(&body))
            }
            other => format!("{other:?}"),
        };
        trace.line(&format!("{number} has {path}: {ending}"));
    }
}

/// Some wait for an answer and some have just asked when the server stops.
async fn end(server: Server, trace: &Trace) {
    let mut askers = Vec::new();
    for number in 0..6 {
        let (asker, trace) = (Within::of(&server), trace.clone());
        // Has a connection from now on.
        asker.ask_for(PATIENCE, Method::GET, "plans", None).await;
        askers.push(async move {
            let ending = asker.get("plans").await;
            trace.line(&format!("{number} at the end: {ending:?}"));
        });
    }
    server.set_outage(Some(Outage::new(OutageKind::Hang)));
    let late = askers.split_off(3);
    let mut tasks: Vec<_> = askers.into_iter().map(tokio::spawn).collect();
    tokio::time::sleep(MS).await;
    tasks.extend(late.into_iter().map(tokio::spawn));
    tokio::task::yield_now().await;
    server.stop().await;
    futures::future::join_all(tasks).await;
}

async fn outages(server: Arc<Server>, trace: Trace) {
    for outage in ["refuse for=4s", "reset for=2s", "hang for=3s", "503 for=2s"] {
        tokio::time::sleep(Duration::from_secs(9)).await;
        trace.line(outage);
        server.set_outage(Some(outage.parse::<Outage>().unwrap()));
    }
}

/// Lets it all happen once, on a thread and a clock of its own.
fn run(seed: u64) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let server = Arc::new(server(seed).await);
        let trace = Trace { began: Instant::now(), lines: Arc::default() };
        let mut tasks = vec![tokio::spawn(outages(server.clone(), trace.clone()))];
        for number in 0..CLIENTS {
            tasks.push(tokio::spawn(client(server.clone(), number, Lots(seed << 8 | number), trace.clone())));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let server = Arc::into_inner(server).unwrap();
        let (store, requests) = (server.store().clone(), server.requests().clone());
        end(server, &trace).await;
        for exchange in requests.exchanges() {
            trace.line(&format!("{exchange:?}"));
        }
        trace.line(&format!("{:?}", store.devices()));
        trace.lines.lock().unwrap().split_off(0)
    })
}

#[test]
fn the_same_seed_takes_the_same_course_to_the_millisecond_and_another_does_not() {
    let (first, second, other) = (run(1), run(1), run(2));
    if let Some((one, two)) = first.iter().zip(&second).find(|(one, two)| one != two) {
        panic!("two runs with the same seed part ways:\n{one}\n{two}");
    }
    assert_eq!(first.len(), second.len());
    assert_ne!(first, other);
    // What this test is about must have come about.
    for what in ["Closed", "Refused", "TimedOut", "CutShort", " 201 ", " 429 ", "503", "x-ratelimit-reset", "queued"] {
        assert!(first.iter().any(|line| line.contains(what)), "nothing in the trace has {what}");
    }
}
