//! What the planner promises, searched for counter-examples.

#![allow(clippy::unwrap_used, reason = "a test may panic")]
#![allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "milliseconds and requests of minutes, not of millennia"
)]

use std::num::NonZeroU32;

use proptest::prelude::*;

use super::world::{self, Asking, Life, Mishap, Ms, Setting, Story, by_hostname, by_id, fleet};
use super::*;
use crate::packet::request::PageRequest;

fn limits(requests_per_second: f64, burst: u32, max_in_flight: u32) -> Limits {
    let number = |n| NonZeroU32::new(n).unwrap();
    Limits { requests_per_second, burst: number(burst), max_in_flight: number(max_in_flight) }
}

/// A fleet that stays as it is, behind an API that works, and the program's own limits.
fn calm(devices: u32) -> Setting {
    Setting {
        lives: fleet(devices),
        limits: limits(10.0, 20, 8),
        tokens: 20.0,
        single_ms: 50,
        page_ms: 50,
        most_per_page: 1000,
        largest_in_time: u32::MAX,
        cannot_be_shown: None,
        mishaps: Vec::new(),
    }
}

fn urgent(at: Ms, question: Question) -> Asking {
    Asking { at, question, max_age: 30_000, urgency: Urgency::Urgent }
}

fn periodic(at: Ms, question: Question) -> Asking {
    Asking { urgency: Urgency::Periodic, ..urgent(at, question) }
}

fn pages(story: &Story) -> usize {
    let is_page = |request: &Request| matches!(request, Request::Page(PageRequest { hostname: None, .. }));
    story.requests.iter().filter(|(_, request)| is_page(request)).count()
}

/// Asserts that everything was answered, once and with the device.
fn all_found(story: &Story) {
    for answers in &story.answers {
        assert!(matches!(answers.as_slice(), [one] if one.answer.is_ok()), "{answers:?}");
    }
}

#[test]
fn one_question_is_one_small_request() {
    for question in [by_hostname(4_999), by_id(17)] {
        let story = world::run(&calm(5_000), &[urgent(0, question)]);
        all_found(&story);
        assert_eq!((story.requests.len(), pages(&story)), (1, 0));
    }
}

#[test]
fn the_same_question_asked_twice_while_it_is_open_is_one_request() {
    let twice = [urgent(0, by_hostname(7)), urgent(30, by_hostname(7)), periodic(40, by_hostname(7))];
    let story = world::run(&calm(100), &twice);
    all_found(&story);
    assert_eq!(story.requests.len(), 1);
}

#[test]
fn a_burst_costs_what_the_information_costs() {
    for (nodes, allowed) in [(10, 1), (500, 2), (1_000, 4), (5_000, 20), (100_000, 101)] {
        let askings: Vec<_> = (0..nodes).map(|n| urgent(0, by_hostname(n))).collect();
        let story = world::run(&calm(nodes), &askings);
        all_found(&story);
        assert!(story.requests.len() <= allowed, "{nodes} Nodes: {} requests", story.requests.len());
    }
}

#[test]
fn a_few_questions_among_many_pages_are_asked_one_by_one_even_if_the_pages_were_not_known() {
    let story = world::run(&calm(5_000), &[urgent(0, by_id(1)), urgent(0, by_id(2)), urgent(0, by_id(3))]);
    all_found(&story);
    assert!(story.requests.len() <= 4, "{:?}", story.requests.len());
}

#[test]
fn nodes_that_trickle_in_faster_than_the_budget_cost_no_more_than_twice_the_pages() {
    // Fifty a second: never as many at once as the list has pages. What a sweep has shown is kept, as the cache does.
    let askings: Vec<_> = (0..200).map(|n| urgent(u64::from(n) * 20, by_hostname(n))).collect();
    let story = world::run(&calm(2_500), &askings);
    let sweeps = pages(&story).div_ceil(10);
    assert!(story.requests.len() <= 2 * 10 * sweeps.max(1) + 5, "{} requests", story.requests.len());
}

#[test]
fn what_is_refreshed_periodically_is_one_sweep() {
    let askings: Vec<_> = (0..5_000).map(|n| periodic(0, by_id(n))).collect();
    let story = world::run(&calm(5_000), &askings);
    all_found(&story);
    assert_eq!((story.requests.len(), pages(&story)), (20, 20));
}

#[test]
fn an_hour_of_five_thousand_idle_nodes_costs_one_sweep_per_refresh() {
    let refresh =
        |round: u64| (0..5_000).map(move |n| Asking { max_age: 150_000, ..periodic(round * 300_000, by_id(n)) });
    let askings: Vec<_> = (0..12).flat_map(refresh).collect();
    let story = world::run(&calm(5_000), &askings);
    all_found(&story);
    assert_eq!((story.requests.len(), pages(&story)), (12 * 20, 12 * 20));
}

#[test]
fn an_urgent_question_goes_before_a_periodic_sweep() {
    let mut askings: Vec<_> = (0..5_000).map(|n| periodic(0, by_id(n))).collect();
    askings.push(urgent(100, by_hostname(4_000)));
    let setting = Setting { limits: limits(1.0, 1, 8), tokens: 1.0, ..calm(5_000) };
    let story = world::run(&setting, &askings);
    all_found(&story);
    let urgent = story.answers.last().unwrap()[0].at;
    assert!(urgent <= 3_100, "answered after {urgent} ms of a sweep of {} ms", story.finished());
}

#[test]
fn a_budget_of_a_tenth_of_a_request_a_second_still_works() {
    let askings: Vec<_> = (0..1_000).map(|n| urgent(0, by_hostname(n))).collect();
    let setting = Setting { limits: limits(0.1, 1, 8), tokens: 0.0, ..calm(1_000) };
    let story = world::run(&setting, &askings);
    all_found(&story);
    assert_eq!(story.requests.len(), 2, "a page of 250 tells that one of 1,000 is cheaper than three more");
}

#[test]
fn pages_that_do_not_come_in_time_are_asked_for_smaller_and_everything_is_answered() {
    for (largest_in_time, page_ms) in [(125, 1_000), (249, 50), (25, 50)] {
        let setting = Setting { page_ms, largest_in_time, ..calm(2_000) };
        let burst = |at: Ms| (0..2_000).map(move |n| Asking { max_age: 0, ..urgent(at, by_hostname(n)) });
        let story = world::run(&setting, &burst(0).chain(burst(300_000)).collect::<Vec<_>>());
        all_found(&story);
        let too_large = |from: Ms| {
            let is = |(at, request): &&(Ms, Request)| {
                *at >= from
                    && matches!(request, Request::Page(page) if page.hostname.is_none() && page.size > largest_in_time)
            };
            story.requests.iter().filter(is).count()
        };
        assert!(too_large(0) <= 5, "{}", too_large(0));
        assert!(too_large(300_000) <= 1, "the second sweep knows: {}", too_large(300_000));
        let sweep = 2_000_usize.div_ceil(if largest_in_time < 125 { 25 } else { 125 });
        assert!(story.requests.len() <= 2 * sweep + 10, "{} requests", story.requests.len());
    }
}

#[test]
fn a_device_that_the_api_cannot_show_holds_up_nobody_else() {
    // The first of the list, one in its middle, and the last. Whoever is told of a failure asks again.
    for broken in ["d999", "d512", "d0"] {
        let setting = Setting { cannot_be_shown: Some(broken.to_owned()), ..calm(1_000) };
        let askings: Vec<_> = (0..12)
            .flat_map(|turn| {
                (0..999).filter(move |n| format!("d{n}") != broken).map(move |n| urgent(turn * 15_000, by_hostname(n)))
            })
            .collect();
        let story = world::run(&setting, &askings);
        let of_turn = |turn: usize| story.answers.chunks(askings.len() / 12).nth(turn).unwrap();
        let found = |turn: usize| of_turn(turn).iter().filter(|answers| answers[0].answer.is_ok()).count();
        assert!(found(11) > 900, "{broken}: {} of {} found in the end", found(11), of_turn(11).len());
    }
}

#[test]
fn devices_that_come_all_the_time_do_not_make_each_node_cost_a_request() {
    // A new device a second while a thousand Nodes are asked for, four times.
    let new =
        |n: u64| Life { id: format!("new{n}"), hostname: format!("new-{n}"), born: n * 1_000 + 500, dies: Ms::MAX };
    let setting = Setting { lives: fleet(5_000).into_iter().chain((0..200).map(new)).collect(), ..calm(0) };
    let turn = |turn: u64| (0..1_000).map(move |n| Asking { max_age: 0, ..urgent(turn * 40_000, by_hostname(n)) });
    let story = world::run(&setting, &(0..4).flat_map(turn).collect::<Vec<_>>());
    assert!(story.requests.len() < 1_000, "{} requests for 4,000 questions", story.requests.len());
    let found = story.answers.iter().flatten().filter(|answered| answered.answer.is_ok()).count();
    assert!(found >= 2_000, "{found} found");
}

#[test]
fn an_api_that_is_away_is_asked_ever_more_rarely_and_is_noticed_soon_when_it_is_back() {
    // Whoever is told of a failure asks again after ten seconds, as Nodes do.
    let askings: Vec<_> =
        (0..60).flat_map(|turn| (0..50).map(move |n| urgent(turn * 10_000, by_hostname(n)))).collect();
    let mishaps = vec![Some(Mishap::Unreachable); 60];
    let setting = Setting { mishaps, ..calm(1_000) };
    let story = world::run(&setting, &askings);
    let failing: Vec<Ms> = story.requests[..60].iter().map(|(at, _)| *at).collect();
    let waits = || failing.windows(2).map(|pair| pair[1] - pair[0]);
    assert!(waits().skip(8).all(|wait| (5_000..=20_050).contains(&wait)), "{failing:?}");
    let back = story.requests[60].0;
    assert!(back - failing[59] <= 20_050);
    let after: Vec<_> = askings.iter().zip(&story.answers).filter(|(asking, _)| asking.at >= back).collect();
    assert!(!after.is_empty() && after.iter().all(|(_, answers)| answers.len() == 1 && answers[0].answer.is_ok()));
}

#[test]
fn a_periodic_question_is_not_starved_by_a_stream_of_urgent_ones() {
    // Twice as many as the budget lets out, each of them fresh, for five minutes.
    let mut askings: Vec<_> =
        (0..600).map(|turn| Asking { max_age: 0, ..urgent(turn * 500, by_id(u32::try_from(turn).unwrap())) }).collect();
    askings.push(Asking { max_age: 0, ..periodic(1_000, by_id(4_321)) });
    let setting = Setting { limits: limits(1.0, 1, 8), tokens: 1.0, ..calm(5_000) };
    let story = world::run(&setting, &askings);
    all_found(&story);
    let periodic = story.answers.last().unwrap()[0].at;
    assert!(periodic < 90_000, "answered after {periodic} ms");
}

/// When so many requests are all answered that go out as the budget lets them, the first alone if it tells of the others.
fn finish(setting: &Setting, requests: usize, latency: Ms, first_alone: bool) -> f64 {
    let per_ms = setting.limits.requests_per_second / 1000.0;
    let most = f64::from(setting.limits.burst.get());
    let places = setting.limits.max_in_flight.get() as usize;
    let (mut ends, mut tokens, mut now): (Vec<f64>, f64, f64) = (Vec::new(), setting.tokens, 0.0);
    for n in 0..requests {
        let place = n.checked_sub(places).map_or(0.0, |before| ends[before]);
        let known = if first_alone && n > 0 { ends[0] } else { 0.0 };
        let begin = now.max(place).max(known);
        tokens = (tokens + (begin - now) * per_ms).min(most);
        now = begin + ((1.0 - tokens) / per_ms).max(0.0);
        tokens = (tokens - 1.0).max(0.0);
        ends.push(now + latency as f64);
    }
    ends.into_iter().fold(0.0, f64::max)
}

fn question(devices: u32) -> impl Strategy<Value = Question> {
    // Some that nobody has.
    let n = 0..devices + 2;
    prop_oneof![n.clone().prop_map(by_hostname), n.prop_map(by_id)]
}

fn asking(devices: u32) -> impl Strategy<Value = Asking> {
    let max_age = prop_oneof![Just(0), Just(500), Just(30_000)];
    let urgency = prop_oneof![Just(Urgency::Urgent), Just(Urgency::Periodic)];
    (0_u64..20_000, question(devices), max_age, urgency).prop_map(|(at, question, max_age, urgency)| Asking {
        at,
        question,
        max_age,
        urgency,
    })
}

/// Devices that come and go, some of them sharing a hostname.
fn life(n: u32) -> impl Strategy<Value = Life> {
    let born = prop_oneof![3 => Just(0), 1 => 1_u64..20_000];
    let dies = prop_oneof![3 => Just(Ms::MAX), 1 => 1_u64..20_000];
    let hostname = prop_oneof![9 => Just(n), 1 => Just(n / 2)];
    (born, dies, hostname).prop_map(move |(born, dies, hostname)| Life {
        id: format!("d{n}"),
        hostname: format!("node-{hostname}"),
        born,
        dies,
    })
}

fn mishap() -> impl Strategy<Value = Option<Mishap>> {
    prop_oneof![
        6 => Just(None),
        1 => Just(Some(Mishap::ServerError)),
        1 => Just(Some(Mishap::Timeout)),
        1 => Just(Some(Mishap::CutOff)),
        1 => Just(Some(Mishap::Unreachable)),
        1 => Just(Some(Mishap::RateLimited)),
        1 => Just(Some(Mishap::Unauthorized)),
    ]
}

prop_compose! {
    fn setting()(
        lives in (1_u32..60).prop_flat_map(|count| (0..count).map(life).collect::<Vec<_>>()),
        rate in prop_oneof![Just(0.5), Just(2.0), Just(10.0), Just(200.0)],
        burst in 1_u32..30,
        max_in_flight in 1_u32..10,
        single_ms in 1_u64..400,
        page_ms in 1_u64..2_000,
        most_per_page in 1_u32..40,
        largest_in_time in prop_oneof![3 => Just(u32::MAX), 1 => 1_u32..40],
        cannot_be_shown in prop::option::weighted(0.2, (0_u32..60).prop_map(|n| format!("d{n}"))),
        mishaps in prop::collection::vec(mishap(), 0..40),
    ) -> Setting {
        let limits = limits(rate, burst, max_in_flight);
        Setting {
            lives, limits, tokens: 0.0, single_ms, page_ms, most_per_page, largest_in_time, cannot_be_shown, mishaps,
        }
    }
}

proptest! {
    // A failing case is in the output, ready to be made a test of its own.
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(128) })]

    /// Whatever fails on the way, and whichever devices come and go while lists are read.
    #[test]
    fn every_question_is_answered_once_and_truly_and_from_no_earlier_than_it_asked_for(
        (setting, askings) in setting().prop_flat_map(|setting| {
            let devices = u32::try_from(setting.lives.len()).unwrap();
            (Just(setting), prop::collection::vec(asking(devices), 1..80))
        }),
    ) {
        let story = world::run(&setting, &askings);
        for (asking, answers) in askings.iter().zip(&story.answers) {
            prop_assert_eq!(answers.len(), 1, "{:?}: {:?}", asking, answers);
            let fault = setting.fault(asking, &answers[0]);
            prop_assert!(fault.is_none(), "the answer {:?} to {:?} {}", answers[0], asking, fault.unwrap());
        }
    }

    /// With the list and the latencies known, what is asked at once is answered no later than by single requests alone or by
    /// a sweep alone, but for the time that the budget takes to gain the requests that were saved.
    #[test]
    fn no_plan_is_worse_than_all_single_requests_or_one_sweep(
        devices in 1_u32..2_000,
        count in 1_u32..300,
        rate in prop_oneof![Just(0.5), Just(5.0), Just(10.0), Just(100.0)],
        burst in 1_u32..40,
        max_in_flight in 1_u32..20,
        single_ms in 1_u64..1_000,
        // One device takes no longer than a page.
        page_ms in 0_u64..2_000,
        full in any::<bool>(),
    ) {
        let (limits, page_ms) = (limits(rate, burst, max_in_flight), single_ms + page_ms);
        let setting = Setting { limits, single_ms, page_ms, most_per_page: 250, ..calm(devices) };
        // A sweep and single requests make all known; then the budget rests until it is full, or is used up at once.
        let rest = if full { (f64::from(burst) / rate * 1000.0) as Ms + 1 } else { 0 };
        let mut askings: Vec<_> = (0..devices).map(|n| Asking { max_age: 0, ..urgent(0, by_id(n)) }).collect();
        let known = world::run(&setting, &askings).finished() + 1;
        askings.push(Asking { max_age: 0, ..urgent(known, by_id(0)) });
        let begin = known + 2 * ((1000.0 / rate) as Ms + single_ms + 25) + rest;
        let asked = askings.len();
        askings.extend((0..count.min(devices)).map(|n| Asking { max_age: 0, ..urgent(begin, by_id(n)) }));
        let story = world::run(&setting, &askings);
        let took = (story.finished() - begin) as f64;
        let used = story.requests.iter().filter(|(at, _)| *at >= begin).count();
        let spent_before = Setting { tokens: if full { f64::from(burst) } else { 0.0 }, ..setting.clone() };
        // A page of the sweep may be under way still, and take the place of the first request.
        let ends = |(at, request): &(Ms, Request)| at + if matches!(request, Request::Page(_)) { page_ms } else { single_ms };
        let before = story.requests.iter().filter(|(at, _)| *at < begin);
        let under_way = before.map(ends).max().unwrap_or_default().saturating_sub(begin) as f64;
        let pages = devices.div_ceil(250) as usize;
        let singles = askings.len() - asked;
        for (other, requests) in [
            (finish(&spent_before, singles, single_ms, false), singles),
            (finish(&spent_before, pages, page_ms, true), pages),
        ] {
            let saved = requests.saturating_sub(used) as f64 / rate * 1000.0;
            // The grace: gathering, and one token that the budget may have been in the middle of.
            let grace = 25.0 + 1000.0 / rate + under_way;
            prop_assert!(took <= other + saved + grace, "{took} ms with {used} requests; {other} ms with {requests}");
        }
    }
}
