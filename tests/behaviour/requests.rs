//! What a burst of Nodes costs the Packet API.

use kube_api_server::NodeSpec;
use packet_api_server::DeviceSpec;

use crate::support::{Builder, Cloud, until};

/// So many Nodes, all there when the cloud starts.
async fn burst(nodes: usize, builder: Builder) -> Cloud {
    let cloud = builder
        .start_with(|packet, kubernetes| {
            for device in packet.store().create_devices(nodes, "node-") {
                kubernetes.store().create_node(NodeSpec::new(&device.hostname)).unwrap();
            }
        })
        .await;
    for index in 0..nodes {
        cloud.initialised(&format!("node-{index:04}")).await;
    }
    cloud
}

#[actix::test]
async fn five_hundred_nodes_cost_no_more_than_the_pages_and_three() {
    let cloud = burst(500, Cloud::equinixmetal().packet_api(|api| api.max_per_page(50))).await;
    let pages = 500 / 50;
    let requests = cloud.packet.requests().all();
    assert!(requests.len() <= pages + 3, "{} requests", requests.len());
}

#[actix::test]
async fn nodes_that_join_within_a_second_cost_no_more_than_the_pages_and_ten() {
    let (nodes, pages) = (300, 300 / 50);
    // With a budget that is worth saving.
    let cloud = Cloud::equinixmetal().variable("METAL_RATE_LIMIT_REQUESTS_PER_SECOND", "20");
    let cloud = cloud.packet_api(|api| api.max_per_page(50)).start().await;
    cloud.packet.store().create_devices(nodes, "node-");
    let mut groups = tokio::time::interval(std::time::Duration::from_millis(50));
    for group in 0..20 {
        groups.tick().await;
        for index in group * nodes / 20..(group + 1) * nodes / 20 {
            cloud.register(NodeSpec::new(&format!("node-{index:04}")));
        }
    }
    for index in 0..nodes {
        cloud.initialised(&format!("node-{index:04}")).await;
    }
    let requests = cloud.packet.requests().all();
    assert!(requests.len() <= pages + 10, "{} requests", requests.len());
}

#[actix::test]
async fn one_node_that_joins_many_costs_one_request() {
    let cloud = burst(200, Cloud::equinixmetal().packet_api(|api| api.max_per_page(20))).await;
    let before = cloud.packet.requests().count();
    cloud.join(DeviceSpec::new("late"), NodeSpec::new("late"));
    cloud.initialised("late").await;
    assert_eq!(cloud.packet.requests().count(), before + 1);
}

#[actix::test]
async fn a_periodic_refresh_of_many_nodes_costs_their_pages_once() {
    let quick = Cloud::equinixmetal().flag("--node-status-update-frequency=1s").packet_api(|api| api.max_per_page(10));
    let cloud = burst(40, quick).await;
    cloud.packet.requests().clear();
    let written = cloud.kubernetes.requests().writes().iter().filter(|write| write.method == "PATCH").count();
    let pages = || cloud.device_requests();
    until("three refreshes", || (pages() >= 3 * 4).then_some(())).await;
    let requests = cloud.packet.requests().all();
    // A refresh may have been under way when the counting began, and the next may have begun.
    for refresh in requests.windows(9) {
        let took = refresh[8].at.saturating_sub(refresh[0].at);
        assert!(took.as_secs_f64() > 0.9, "nine requests within {took:?}");
    }
    let patches = cloud.kubernetes.requests().writes().iter().filter(|write| write.method == "PATCH").count();
    assert_eq!(patches, written);
}

#[actix::test]
async fn old_answers_without_page_numbers_cost_no_more() {
    let cloud = burst(100, Cloud::packet().packet_api(|api| api.max_per_page(10).legacy_meta(true))).await;
    assert!(cloud.packet.requests().count() <= 100 / 10 + 3);
}

#[actix::test]
async fn one_node_costs_one_small_request() {
    let cloud = Cloud::start().await;
    cloud.packet.store().create_devices(300, "other-");
    cloud.join(DeviceSpec::new("node-1"), NodeSpec::new("node-1"));
    cloud.initialised("node-1").await;
    assert_eq!(cloud.device_requests(), 1);
    let asked = cloud.packet.requests().all();
    let asked = asked.iter().find(|request| request.path.ends_with("/devices")).unwrap();
    assert!(asked.query.as_deref().unwrap().contains("hostname=node-1"), "{asked:?}");
}

#[actix::test]
async fn each_node_is_written_twice_and_told_of_once() {
    let cloud = Cloud::start().await;
    cloud.join(DeviceSpec::new("node-1"), NodeSpec::new("node-1"));
    cloud.told("node-1", "synced").await;
    assert_eq!((cloud.writes("node-1"), cloud.messages("node-1").len()), (2, 1));
}

#[actix::test]
async fn a_budget_of_few_requests_is_kept() {
    let limits = |builder: Builder| {
        builder
            .variable("METAL_RATE_LIMIT_REQUESTS_PER_SECOND", "20")
            .variable("METAL_RATE_LIMIT_BURST", "2")
            .variable("METAL_RATE_LIMIT_MAX_IN_FLIGHT", "1")
    };
    let cloud = burst(100, limits(Cloud::packet()).packet_api(|api| api.max_per_page(5))).await;
    let requests = cloud.packet.requests().all();
    assert!(requests.len() >= 20, "{} requests", requests.len());
    // Every window that begins and ends with a request. A request arrives some time after it was let out, which makes a
    // window seem shorter than it was: on a busy machine by this much.
    let delay = 0.25;
    for (index, first) in requests.iter().enumerate() {
        for (count, last) in (1_u32..).zip(&requests[index..]) {
            let window = last.at.saturating_sub(first.at).as_secs_f64() + delay;
            assert!(f64::from(count) <= 20.0 * window + 2.0, "{count} requests in {window} s");
        }
    }
}
