//! A tainted Node becomes its device.

use kube_api_server::NodeSpec;
use packet_api_server::{DeviceSpec, Facility};

use crate::support::{Cloud, NOT_READY};

const TYPE: &str = "node.kubernetes.io/instance-type";
const REGION: &str = "topology.kubernetes.io/region";
const ZONE: &str = "topology.kubernetes.io/zone";

#[actix::test]
async fn a_node_of_packet_gets_what_packet_ccm_gave_it() {
    let cloud = Cloud::start().await;
    let device = cloud.join(
        DeviceSpec::new("node-1").facility("ewr1").plan("c3.small.x86"),
        NodeSpec::new("node-1").taint("gpu", "yes", "NoExecute").label("pool", "a").annotation("team", "x"),
    );
    let node = cloud.initialised("node-1").await;
    assert_eq!(node.provider_id(), format!("packet://{}", device.id));
    assert_eq!((node.label(TYPE), node.label(REGION), node.label(ZONE)), ("c3.small.x86", "ewr1", ""));
    assert_eq!(node.label("beta.kubernetes.io/instance-type"), "c3.small.x86");
    assert_eq!(node.label("failure-domain.beta.kubernetes.io/region"), "ewr1");
    assert_eq!(node.taints(), ["gpu", NOT_READY]);
    assert_eq!((node.label("pool"), node.label("kubernetes.io/os")), ("a", "linux"));
    assert_eq!(node.0["metadata"]["annotations"]["team"], "x");
    assert_eq!(cloud.told("node-1", "Node synced").await, "Synced: Node synced successfully");
}

#[actix::test]
async fn a_node_of_equinixmetal_gets_what_its_successor_gave_it() {
    let cloud = Cloud::equinixmetal().start().await;
    let device = cloud.join(DeviceSpec::new("node-1").facility("ewr1"), NodeSpec::new("node-1"));
    let node = cloud.initialised("node-1").await;
    assert_eq!(node.provider_id(), format!("equinixmetal://{}", device.id));
    assert_eq!((node.label(REGION), node.label(ZONE)), ("ny", ""));
}

#[actix::test]
async fn the_topology_is_a_setting_of_both_providers() {
    for (topology, region, zone) in
        [("facility-region", "ewr1", ""), ("metro-region", "ny", ""), ("metro-facility", "ny", "ewr1")]
    {
        for builder in [Cloud::packet(), Cloud::equinixmetal()] {
            let cloud = builder.variable("METAL_TOPOLOGY", topology).start().await;
            cloud.join(DeviceSpec::new("node-1").facility("ewr1").metro("ny"), NodeSpec::new("node-1"));
            let node = cloud.initialised("node-1").await;
            assert_eq!((node.label(REGION), node.label(ZONE)), (region, zone), "{topology}");
            assert_eq!(node.label("failure-domain.beta.kubernetes.io/zone"), zone, "{topology}");
        }
    }
}

#[actix::test]
async fn a_device_without_a_metro_has_that_of_its_facility() {
    let cloud = Cloud::equinixmetal().start().await;
    cloud.packet.store().add_facility(Facility::new("xx1", "Somewhere", "sv"));
    cloud.join(DeviceSpec::new("node-1").facility("xx1").metro(None), NodeSpec::new("node-1"));
    assert_eq!(cloud.initialised("node-1").await.label(REGION), "sv");
}

#[actix::test]
async fn a_metro_that_is_only_pointed_at_is_looked_up() {
    let cloud = Cloud::equinixmetal().variable("METAL_TOPOLOGY", "metro-facility").start().await;
    let store = cloud.packet.store();
    let (metros, facilities) = (store.metros(), store.facilities());
    let metro = metros.iter().find(|metro| metro.code == "ny").unwrap();
    let facility = facilities.iter().find(|facility| facility.code == "ewr1").unwrap();
    store.put_raw_device(serde_json::json!({
        "id": "e781ae1b", "hostname": "node-1", "plan": {"slug": "baremetal_0"},
        "metro": {"href": format!("/metal/v1/locations/metros/{}", metro.id)},
        "facility": {"href": format!("/metal/v1/facilities/{}", facility.id)},
        "ip_addresses": [{"address": "147.75.1.3", "address_family": 4, "public": true},
                         {"address": "10.100.1.1", "address_family": 4, "public": false}],
    }));
    cloud.register(NodeSpec::new("node-1"));
    let node = cloud.initialised("node-1").await;
    assert_eq!((node.label(REGION), node.label(ZONE)), ("ny", "ewr1"));
    assert_eq!(node.provider_id(), "equinixmetal://e781ae1b");
}

#[actix::test]
async fn what_the_api_does_not_tell_is_no_label_and_no_error() {
    let cloud = Cloud::equinixmetal().variable("METAL_TOPOLOGY", "metro-facility").start().await;
    cloud.join(DeviceSpec::new("node-1").facility(None).metro(None).plan(None), NodeSpec::new("node-1"));
    let node = cloud.initialised("node-1").await;
    assert_eq!((node.label(TYPE), node.label(REGION), node.label(ZONE)), ("", "", ""));
}

#[actix::test]
async fn a_provider_id_of_any_form_names_the_device_and_is_never_changed() {
    for builder in [Cloud::packet, Cloud::equinixmetal] {
        let cloud = builder().start().await;
        for (index, scheme) in ["packet://", "equinixmetal://", ""].into_iter().enumerate() {
            let name = format!("node-{index}");
            let device = cloud.packet.store().create_device(DeviceSpec::new(format!("called-otherwise-{index}")));
            let provider_id = format!("{scheme}{}", device.id);
            cloud.register(NodeSpec::new(&name).provider_id(&provider_id));
            let node = cloud.initialised(&name).await;
            assert_eq!(node.provider_id(), provider_id);
            assert_eq!(node.addresses()[0], format!("Hostname called-otherwise-{index}"));
        }
    }
}

#[actix::test]
async fn the_hostname_is_matched_exactly() {
    let cloud = Cloud::start().await;
    for other in ["node-1", "x-node-0001", "node-00010", "NODE-0001", "node-000"] {
        cloud.packet.store().create_device(DeviceSpec::new(other));
    }
    let device = cloud.join(DeviceSpec::new("node-0001"), NodeSpec::new("node-0001"));
    let node = cloud.initialised("node-0001").await;
    assert_eq!(node.provider_id(), format!("packet://{}", device.id));
}

#[actix::test]
async fn a_node_that_joins_later_is_initialised_as_well() {
    let cloud = Cloud::start().await;
    cloud.join(DeviceSpec::new("node-1"), NodeSpec::new("node-1"));
    cloud.initialised("node-1").await;
    cloud.join(DeviceSpec::new("node-2"), NodeSpec::new("node-2"));
    cloud.initialised("node-2").await;
}

#[actix::test]
async fn a_node_that_went_while_the_watch_was_cut_is_forgotten() {
    let cloud = Cloud::packet().variable("METAL_CACHE_NOT_FOUND_TTL", "10ms").start().await;
    cloud.register(NodeSpec::new("gone"));
    cloud.told("gone", "no device of the project").await;
    cloud.kubernetes.store().delete_node("gone").unwrap();
    cloud.kubernetes.store().compact();
    cloud.kubernetes.store().drop_watches();
    cloud.join(DeviceSpec::new("node-1"), NodeSpec::new("node-1"));
    cloud.initialised("node-1").await;
    let asked = |name: &str| {
        let about =
            |request: &packet_api_server::RequestRecord| request.query.as_deref().unwrap_or_default().contains(name);
        cloud.packet.requests().all().iter().filter(|request| about(request)).count()
    };
    // Another Node's second attempt comes after the gone one's next would have.
    cloud.register(NodeSpec::new("missing"));
    let before = asked("hostname=gone");
    crate::support::until("two attempts for another Node", || (asked("hostname=missing") >= 3).then_some(())).await;
    assert_eq!(asked("hostname=gone"), before);
}

#[actix::test]
async fn a_node_that_is_tainted_again_is_initialised_again_after_a_while_and_not_in_a_race() {
    let cloud = Cloud::start().await;
    cloud.join(DeviceSpec::new("node-1"), NodeSpec::new("node-1"));
    cloud.initialised("node-1").await;
    let taint = |node: &mut serde_json::Value| {
        let taint =
            serde_json::json!({"key": "node.cloudprovider.kubernetes.io/uninitialized", "effect": "NoSchedule"});
        node["spec"]["taints"].as_array_mut().unwrap().push(taint);
    };
    cloud.kubernetes.store().update_node("node-1", taint).unwrap();
    let tainted = std::time::Instant::now();
    cloud.initialised("node-1").await;
    assert!(tainted.elapsed() > std::time::Duration::from_secs(5), "{:?}", tainted.elapsed());
}

#[actix::test]
async fn the_watch_goes_on_after_it_was_cut_and_the_history_is_gone() {
    let cloud = Cloud::start().await;
    cloud.join(DeviceSpec::new("node-1"), NodeSpec::new("node-1"));
    cloud.initialised("node-1").await;
    cloud.kubernetes.store().compact();
    cloud.kubernetes.store().drop_watches();
    cloud.join(DeviceSpec::new("node-2"), NodeSpec::new("node-2"));
    cloud.initialised("node-2").await;
}
