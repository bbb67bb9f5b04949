//! Settings that change under running actors: what they hold from then on, and what they keep.

use std::num::NonZeroU32;
use std::time::Duration;

use kube_api_server::NodeSpec;
use packet_api_server::{DeviceSpec, Latency};
use packet_cloud_controller_manager::actors::packet_api::PacketApi;
use packet_cloud_controller_manager::kubernetes::lifecycle::Share;
use packet_cloud_controller_manager::messages::lifecycle::ConfirmGone;
use packet_cloud_controller_manager::messages::report::AskPacketApi;
use packet_cloud_controller_manager::packet::{DeviceId, NotGone};

use crate::support::{Cloud, until};

const NODES: usize = 50;

/// Nodes that join while the API does not take the token.
async fn with_a_revoked_token() -> Cloud {
    let cloud = Cloud::start().await;
    until("the project to be read", || cloud.unready("packet-api").is_none().then_some(())).await;
    cloud.packet.store().set_token("the-next");
    for n in 0..NODES {
        cloud.join(DeviceSpec::new(format!("node-{n}")), NodeSpec::new(&format!("node-{n}")));
    }
    until("the token to be refused", || cloud.unready("packet-api")).await;
    cloud
}

#[actix::test]
async fn a_new_token_is_used_at_once_and_no_node_is_lost() {
    let cloud = with_a_revoked_token().await;
    assert_eq!(cloud.metric("packet_ccm_packet_api_token_accepted"), 0);
    // Refused for so long that nobody would ask again for half a minute.
    let refused = || cloud.packet.requests().all().iter().filter(|request| request.status == 401).count();
    until("the token to be refused time and again", || (refused() >= 6).then_some(())).await;
    let told = std::time::Instant::now();
    cloud.set(|settings| settings.token = "the-next".into());
    for n in 0..NODES {
        cloud.initialised(&format!("node-{n}")).await;
    }
    until("it to be ready again", || cloud.unready("packet-api").is_none().then_some(())).await;
    assert_eq!(cloud.metric("packet_ccm_packet_api_token_accepted"), 1);
    assert!(told.elapsed() < Duration::from_secs(5), "{:?}", told.elapsed());
}

#[actix::test]
async fn a_new_token_that_is_wrong_as_well_says_so_and_the_next_helps() {
    let cloud = with_a_revoked_token().await;
    cloud.set(|settings| settings.token = "mistyped".into());
    until("the new token to be refused", || cloud.unready("packet-api").filter(|why| why.contains("unauthorized")))
        .await;
    cloud.set(|settings| settings.token = "the-next".into());
    cloud.initialised("node-0").await;
}

#[actix::test]
async fn a_request_that_is_under_way_when_the_token_changes_fails_no_node() {
    let cloud = Cloud::packet().packet_api(|api| api.latency(Latency::fixed(Duration::from_millis(300)))).start().await;
    cloud.join(DeviceSpec::new("node-1"), NodeSpec::new("node-1"));
    let api = cloud.running.address::<PacketApi>().unwrap();
    let mut glances = tokio::time::interval(Duration::from_millis(5));
    while api.send(AskPacketApi).await.unwrap().budget.in_flight == 0 {
        glances.tick().await;
    }
    cloud.packet.store().set_token("the-next");
    cloud.set(|settings| settings.token = "the-next".into());
    cloud.initialised("node-1").await;
    assert!(cloud.device_requests() <= 2, "it was asked time and again");
    // What became of the token before is nothing that a Node has to do with.
    let failed = cloud.metric("packet_ccm_node_errands_total{errand=\"initialise\",result=\"unauthorized\"}");
    assert_eq!(failed, 0, "{:?}", cloud.messages("node-1"));
}

#[actix::test]
async fn a_lower_rate_holds_from_the_next_request_on() {
    let cloud = Cloud::start().await;
    until("the project to be read", || cloud.unready("packet-api").is_none().then_some(())).await;
    cloud.set(|settings| {
        settings.limits.requests_per_second = 4.0;
        settings.limits.burst = NonZeroU32::MIN;
    });
    let begun = std::time::Instant::now();
    for n in 0..4 {
        let name = format!("node-{n}");
        cloud.join(DeviceSpec::new(&name), NodeSpec::new(&name));
        cloud.initialised(&name).await;
    }
    // Each is a request of its own, and one may go out every quarter of a second.
    assert!(begun.elapsed() >= Duration::from_millis(900), "{:?}", begun.elapsed());
}

#[actix::test]
async fn devices_are_believed_for_as_long_as_is_set_now() {
    let cloud = Cloud::packet().variable("METAL_CACHE_NOT_FOUND_TTL", "1h").start().await;
    cloud.register(NodeSpec::new("node-1"));
    cloud.told("node-1", "no device").await;
    cloud.packet.store().create_device(DeviceSpec::new("node-1"));
    cloud.set(|settings| settings.cache.not_found = Duration::from_millis(1));
    cloud.initialised("node-1").await;
}

#[actix::test]
async fn deletion_goes_by_the_share_that_is_set_now() {
    let cloud = Cloud::packet().variable("METAL_SAFETY_DELETION_SHARE", "0%").start().await;
    for n in 0..10 {
        cloud.joined(&format!("node-{n}"), true);
    }
    let device = cloud.packet.store().devices_named("node-0").remove(0).id;
    cloud.packet.store().delete_device(&device);
    cloud.ready("node-0", false);
    cloud.told("node-0", "safety.deletionShare").await;
    cloud.set(|settings| settings.deletion.share = Share::percent(10));
    cloud.gone("node-0").await;
}

#[actix::test]
async fn a_longer_window_counts_what_was_deleted_before_it() {
    let cloud = Cloud::packet().deletion_window(Duration::from_millis(1)).start().await;
    for n in 0..10 {
        cloud.joined(&format!("node-{n}"), true);
    }
    let vanish = |name: &str| {
        let device = cloud.packet.store().devices_named(name).remove(0).id;
        cloud.packet.store().delete_device(&device);
        cloud.ready(name, false);
    };
    vanish("node-0");
    cloud.gone("node-0").await;
    cloud.set(|settings| settings.deletion.window = Duration::from_mins(10));
    vanish("node-1");
    cloud.told("node-1", "DeletionHeldBack").await;
    cloud.two_rounds("node-2").await;
    assert!(cloud.kubernetes.store().node("node-1").is_some());
}

#[actix::test]
async fn a_device_is_not_proven_to_be_gone_by_two_tokens() {
    let slow = Latency::fixed(Duration::from_millis(200));
    let cloud = Cloud::packet().packet_api(|api| api.latency(slow)).start().await;
    until("the project to be read", || cloud.unready("packet-api").is_none().then_some(())).await;
    let gone = DeviceId::parse("00000000-0000-4000-8000-000000000000").unwrap();
    let api = cloud.running.address::<PacketApi>().unwrap();
    let by_one = api.send(ConfirmGone(vec![gone.clone()])).await.unwrap();
    assert!(by_one[0].1.is_ok(), "{by_one:?}");
    let by_two = api.send(ConfirmGone(vec![gone]));
    let change = async {
        let mut glances = tokio::time::interval(Duration::from_millis(5));
        while api.send(AskPacketApi).await.unwrap().budget.in_flight == 0 {
            glances.tick().await;
        }
        cloud.packet.store().set_token("the-next");
        cloud.set(|settings| settings.token = "the-next".into());
    };
    let (by_two, ()) = futures::join!(by_two, change);
    assert!(
        matches!(by_two.unwrap()[0].1, Err(NotGone::CredentialsChanged)),
        "it was proven, or refused for another reason"
    );
}
