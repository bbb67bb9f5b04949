//! Everything that happens under a paused clock on one thread follows from the seed: a few hundred requests of several
//! clients at once, with watches and in bad weather, leave the same trace in every run, moments included.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

mod common;

use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use axum::http::Method;
use common::{Ending, Within};
use kube_api_server::{NodeSpec, RequestLimit, Server};
use serde_json::{Value, json};
use tokio::time::Instant;

const MS: Duration = Duration::from_millis(1);
const CLIENTS: u64 = 5;
const WATCHERS: u64 = 8;
const REQUESTS: usize = 80;
const NODES: &str = "/api/v1/nodes";
const EVENTS: &str = "/api/v1/namespaces/default/events";
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

    fn ending(&self, who: &str, ending: &Ending) {
        let told = match ending {
            Ending::Answered(status, headers, body) => {
                format!("{status} {headers:?} {}", String::from_utf8_lossy(body))
            }
            Ending::CutShort(status, body) => format!("{status} CutShort {}", String::from_utf8_lossy(body)),
            other => format!("{other:?}"),
        };
        self.line(&format!("{who}: {told}"));
    }
}

async fn server(seed: u64) -> Server {
    let began = Instant::now();
    let mut builder = Server::builder()
        .seed(seed)
        .clock(move || SystemTime::UNIX_EPOCH + Duration::from_hours(500_000) + began.elapsed())
        .latency("p50=20ms,p99=400ms".parse().unwrap())
        .request_limit(RequestLimit { per_second: 8, burst: 10 })
        .bookmark_interval(Duration::from_secs(5))
        .drop_watches_every(Duration::from_secs(11))
        .compact_every(Duration::from_secs(7));
    for fault in [
        "503,share=0.04",
        "409,method=PATCH,share=0.05",
        "429,retry-after=1s,share=0.03",
        "reset,share=0.03",
        "reset-after,method=PATCH,share=0.05",
        "delay=1500ms,share=0.03",
        "delay=60s,share=0.01",
    ] {
        builder = builder.fault(fault.parse().unwrap());
    }
    let server = builder.start_in_process().await.unwrap();
    server
        .store()
        .create_nodes((0..30).map(|number| NodeSpec::new(&format!("node-{number:02}")).label("l", "1")))
        .unwrap();
    server
}

fn request(lots: &mut Lots) -> (Method, String, Option<Value>) {
    let node = format!("{NODES}/node-{:02}", lots.below(36));
    match lots.below(10) {
        0 => (Method::GET, format!("{NODES}?limit={}", 1 + lots.below(20)), None),
        1 => (Method::GET, format!("{NODES}?labelSelector=l%3D{}", lots.below(3)), None),
        2 => (
            Method::POST,
            NODES.to_owned(),
            Some(NodeSpec::new(&node[NODES.len() + 1..]).into_value_at(SystemTime::UNIX_EPOCH)),
        ),
        3 => (Method::DELETE, node, None),
        4 => {
            let about = json!({ "kind": "Node", "name": &node[NODES.len() + 1..] });
            let metadata = json!({ "generateName": "event-", "namespace": "default" });
            let event = json!({ "metadata": metadata, "involvedObject": about, "reason": "Tried", "type": "Normal" });
            (Method::POST, EVENTS.to_owned(), Some(event))
        }
        5 | 6 => (Method::GET, node, None),
        7 => (Method::GET, format!("{NODES}?resourceVersion={}&resourceVersionMatch=Exact", 30 + lots.below(60)), None),
        _ => {
            let label = json!({ "op": "add", "path": "/metadata/labels/l", "value": lots.below(3).to_string() });
            (Method::PATCH, node, Some(json!([label])))
        }
    }
}

async fn client(server: Arc<Server>, number: u64, mut lots: Lots, trace: Trace) {
    let asker = Within::of(&server);
    for _ in 0..REQUESTS {
        // So that many ask at the same moment.
        tokio::time::sleep(100 * MS * u32::try_from(lots.below(9)).unwrap()).await;
        let (method, path, body) = request(&mut lots);
        trace.line(&format!("{number} asks {method} {path}"));
        let ending = asker.ask_for(PATIENCE, method, &path, body.as_ref()).await;
        trace.ending(&format!("{number} has {path}"), &ending);
    }
}

/// Watches, one watch after the other. What comes is told as it comes.
async fn watcher(server: Arc<Server>, number: u64, mut lots: Lots, trace: Trace) {
    let asker = Within::of(&server);
    let options = "watch=true&allowWatchBookmarks=true&timeoutSeconds";
    let accept =
        if number.is_multiple_of(3) { "application/json;as=Table;v=v1;g=meta.k8s.io" } else { "application/json" };
    while trace.began.elapsed() < Duration::from_secs(40) {
        let path = format!("{NODES}?{options}={}&labelSelector=l%21%3D{}", 5 + lots.below(20), lots.below(4));
        let told = |chunk: &[u8]| trace.line(&format!("{number} hears {}", String::from_utf8_lossy(chunk)));
        let ending = asker.listen(&path, accept, told).await;
        trace.ending(&format!("{number} watched"), &ending);
        tokio::time::sleep(100 * MS).await;
    }
}

/// Some watch, some wait for an answer, and some have just asked when the server stops.
async fn end(server: Server, trace: &Trace) {
    server.faults().clear();
    server.set_request_limit(None);
    server.set_latency(None);
    let mut askers = Vec::new();
    for number in 0..9 {
        let (asker, trace) = (Within::of(&server), trace.clone());
        // Has a connection from now on.
        asker.ask_for(PATIENCE, Method::GET, "/readyz", None).await;
        askers.push(async move {
            let path = if number < 3 { format!("{NODES}?watch=true") } else { format!("{NODES}/node-01") };
            let ending = asker.get(&path).await;
            trace.ending(&format!("{number} at the end"), &ending);
        });
    }
    let late = askers.split_off(6);
    let mut tasks: Vec<_> = askers.into_iter().map(tokio::spawn).collect();
    tokio::time::sleep(MS).await;
    server.set_latency(kube_api_server::Latency::Fixed(MS));
    tasks.extend(late.into_iter().map(tokio::spawn));
    tokio::task::yield_now().await;
    server.stop().await;
    futures::future::join_all(tasks).await;
}

/// Lets it all happen once, on a thread and a clock of its own.
fn run(seed: u64) -> Vec<String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let server = Arc::new(server(seed).await);
        let trace = Trace { began: Instant::now(), lines: Arc::default() };
        let lots = |number: u64| Lots(seed << 8 | number);
        let mut tasks = Vec::new();
        for number in 0..CLIENTS {
            tasks.push(tokio::spawn(client(server.clone(), number, lots(number), trace.clone())));
        }
        for number in CLIENTS..CLIENTS + WATCHERS {
            tasks.push(tokio::spawn(watcher(server.clone(), number, lots(number), trace.clone())));
        }
        for task in tasks {
            task.await.unwrap();
        }
        let server = Arc::into_inner(server).unwrap();
        let (store, requests) = (server.store().clone(), server.requests().clone());
        end(server, &trace).await;
        for record in requests.all() {
            trace.line(&format!("{record:?}"));
        }
        for object in store.nodes().iter().chain(&store.events()) {
            trace.line(&object.to_string());
        }
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
    for what in
        ["Closed", "TimedOut", "CutShort", "201 Created", "409 Conflict", "429 ", "BOOKMARK", "event-", "410 Gone"]
    {
        assert!(first.iter().any(|line| line.contains(what)), "nothing in the trace has {what}");
    }
}
