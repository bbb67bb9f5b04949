//! An API that allows little, or is away for a while.

use std::time::Duration;

use kube_api_server::NodeSpec;
use packet_api_server::{DeviceSpec, Outage, OutageKind, RateLimit, RateLimitHeaders};

use crate::support::{Builder, Cloud, until};

const NODES: usize = 100;

/// So many Nodes at start, ten to a page, and an API that allows so much.
async fn limited(limit: RateLimit, builder: Builder) -> Cloud {
    let cloud = builder
        .packet_api(|api| api.max_per_page(10).rate_limit(limit))
        .start_with(|packet, kubernetes| {
            for device in packet.store().create_devices(NODES, "node-") {
                kubernetes.store().create_node(NodeSpec::new(&device.hostname)).unwrap();
            }
        })
        .await;
    for index in 0..NODES {
        cloud.initialised(&format!("node-{index:04}")).await;
    }
    cloud
}

fn refused(cloud: &Cloud) -> usize {
    cloud.packet.requests().all().iter().filter(|request| request.status == 429).count()
}

#[actix::test]
async fn an_api_that_counts_aloud_is_never_asked_for_more_than_it_allows() {
    let cloud = limited(RateLimit::window(6, Duration::from_secs(2)), Cloud::equinixmetal()).await;
    assert_eq!(refused(&cloud), 0);
    assert!(cloud.packet.requests().count() >= 11);
}

#[actix::test]
async fn an_api_that_only_refuses_is_left_alone_for_as_long_as_it_says() {
    let limit = RateLimit::window(6, Duration::from_secs(2)).headers(RateLimitHeaders::RetryAfter);
    // One at a time: what is on its way when the first refusal comes is refused as well.
    let one_at_a_time = Cloud::equinixmetal().variable("METAL_RATE_LIMIT_MAX_IN_FLIGHT", "1");
    let cloud = limited(limit, one_at_a_time).await;
    let windows = cloud.packet.requests().count().div_ceil(6);
    assert!((1..=windows).contains(&refused(&cloud)), "{} refusals, {windows} windows", refused(&cloud));
}

#[actix::test]
async fn a_budget_below_the_limit_is_never_refused() {
    let limit = RateLimit::bucket(20, Duration::from_secs(1), 5).headers(RateLimitHeaders::None);
    let below = Cloud::equinixmetal().variable("METAL_RATE_LIMIT_REQUESTS_PER_SECOND", "15");
    let cloud = limited(limit, below.variable("METAL_RATE_LIMIT_BURST", "2")).await;
    assert_eq!(refused(&cloud), 0);
}

#[actix::test]
async fn an_outage_in_mid_burst_loses_no_node_and_is_followed_by_no_flood() {
    for kind in [OutageKind::Refuse, OutageKind::Reset, OutageKind::Status(503)] {
        let cloud = Cloud::equinixmetal().variable("METAL_RATE_LIMIT_REQUESTS_PER_SECOND", "20");
        let cloud = cloud.packet_api(|api| api.max_per_page(10)).start().await;
        cloud.join(DeviceSpec::new("first"), NodeSpec::new("first"));
        cloud.initialised("first").await;
        cloud.packet.set_outage(Some(Outage::new(kind)));
        for device in cloud.packet.store().create_devices(NODES, "node-") {
            cloud.register(NodeSpec::new(&device.hostname));
        }
        cloud.told("node-0000", "cannot initialise").await;
        let before = cloud.packet.requests().count();
        cloud.packet.set_outage(None);
        for index in 0..NODES {
            cloud.initialised(&format!("node-{index:04}")).await;
        }
        let after = cloud.packet.requests().count() - before;
        // A sweep, and some Nodes that came back before the others; how many depends on how busy the machine is. Under the paused
        // clock the simulation counts more strictly.
        assert!(after <= NODES + 5, "{kind:?}: {after} requests");
    }
}

#[actix::test]
async fn an_api_that_is_away_is_not_asked_more_often_for_more_nodes() {
    let cloud = Cloud::equinixmetal()
        .packet_api(|api| api.outage(Outage::new(OutageKind::Status(503))))
        .start_with(|packet, kubernetes| {
            for device in packet.store().create_devices(NODES, "node-") {
                kubernetes.store().create_node(NodeSpec::new(&device.hostname)).unwrap();
            }
        })
        .await;
    let failed = || cloud.metric("packet_ccm_node_errands_total{errand=\"initialise\",result=\"server_error\"}");
    until("every Node to have failed", || (failed() >= NODES as u64).then_some(())).await;
    let requests = cloud.packet.requests().count();
    assert!(requests <= 15, "{requests} requests");
}
