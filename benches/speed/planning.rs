//! The planner: questions asked, requests sent, answers taken in.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput};
use packet_cloud_controller_manager::packet::planner::{Next, Outcome};
use packet_cloud_controller_manager::packet::{
    Device, DeviceId, DevicePage, DeviceState, Hostname, Limits, Planner, Question, Reply, Request, Urgency,
};
use tokio::time::Instant;

/// More than is ever needed: what is measured is the planner, not a budget that is scarce.
const TOKENS: f64 = 1e6;
/// How long a simulated answer takes.
const LATENCY: Duration = Duration::from_millis(50);

pub(crate) fn planned(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("questions asked and answered");
    for count in [1, 5_000, 100_000] {
        let fleet = fleet(count);
        group.throughput(Throughput::Elements(count as u64));
        group.sample_size(if count > 10_000 { 10 } else { 50 });
        group.bench_function(count.to_string(), |bencher| bencher.iter(|| ask_and_answer(&fleet)));
    }
    group.finish();

    let fleet = fleet(5_000);
    let mut group = criterion.benchmark_group("with 5,000 questions open");
    group.sample_size(50);
    let open = || {
        let now = Instant::now();
        let mut planner = Planner::new(limits());
        for device in &fleet {
            planner.ask(Question::ByHostname(device.hostname.clone()), None, Urgency::Periodic, now);
        }
        let now = now + LATENCY;
        (planner.next(now, TOKENS) == Next::Request).then(|| planner.send(now, TOKENS));
        (planner, now)
    };
    group.bench_function("one more, and what is to be done next", |bencher| {
        let one_more = || Question::ByHostname(Hostname::new("one-more"));
        let asked = |(planner, now): &mut (Planner, Instant)| {
            planner.ask(one_more(), None, Urgency::Urgent, *now);
            planner.next(*now, TOKENS)
        };
        bencher.iter_batched_ref(open, asked, BatchSize::LargeInput);
    });
    group.finish();
}

#[allow(clippy::expect_used, reason = "a benchmark without its sample may as well end")]
fn limits() -> Limits {
    let many = NonZeroU32::new(1_000).expect("more than nothing");
    Limits { requests_per_second: 10.0, burst: many, max_in_flight: many }
}

#[allow(clippy::expect_used, reason = "a benchmark without its sample may as well end")]
fn fleet(count: usize) -> Vec<Arc<Device>> {
    let device = |number| {
        Arc::new(Device {
            id: DeviceId::parse(&format!("7f0c2f5e-58a1-4a3e-9d3c-{number:012x}")).expect("an id"),
            hostname: Hostname::new(&format!("node-{number:06}")),
            state: DeviceState::Active,
            plan: None,
            facility: None,
            metro: None,
            addresses: Box::default(),
        })
    };
    (0..count).map(device).collect()
}

/// Asks for each device by its hostname and answers each request with what the API would.
#[allow(clippy::expect_used, reason = "a benchmark that measures nothing may as well end")]
fn ask_and_answer(fleet: &[Arc<Device>]) -> usize {
    let mut now = Instant::now();
    let mut planner = Planner::new(limits());
    for device in fleet {
        planner.ask(Question::ByHostname(device.hostname.clone()), None, Urgency::Urgent, now);
    }
    let mut answered = 0;
    while answered < fleet.len() {
        match planner.next(now, TOKENS) {
            Next::Request => {
                let order = planner.send(now, TOKENS).expect("a request");
                now += LATENCY;
                planner.ended(order.id, Ok(reply(fleet, order.request)), now, 0.5);
            }
            Next::At(time) => now = time,
            Next::Nothing => unreachable!("{answered} of {} questions are answered", fleet.len()),
        }
        let is_answer = |outcome: &Outcome| matches!(outcome, Outcome::Answered(_, Ok(_)));
        answered += planner.outcomes().iter().filter(|outcome| is_answer(outcome)).count();
    }
    answered
}

#[allow(clippy::expect_used, reason = "a benchmark that measures nothing may as well end")]
fn reply(fleet: &[Arc<Device>], request: Request) -> Reply {
    let found = |is_it: &dyn Fn(&Device) -> bool| fleet.iter().find(|device| is_it(device)).cloned();
    match request {
        Request::Device(id) => Reply::Device(found(&|device| device.id == id).expect("a device")),
        Request::Page(page) => {
            let (number, size) = (page.number as usize, page.size as usize);
            let devices = match &page.hostname {
                Some(hostname) => found(&|device| device.hostname == *hostname).into_iter().collect(),
                None => fleet.iter().skip((number - 1) * size).take(size).cloned().collect(),
            };
            let total = if page.hostname.is_some() { 1 } else { fleet.len() };
            let meta = serde_json::json!({ "total": total, "last_page": total.div_ceil(size) });
            let meta = serde_json::from_value(meta).expect("what is said of pages");
            Reply::Page(DevicePage { devices, spoiled: Vec::new(), meta })
        }
        Request::Plain(what) => unreachable!("nobody asked for {what:?}"),
    }
}
