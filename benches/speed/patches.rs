//! The two patches that initialise a Node, made and written as JSON.

use std::hint::black_box;

use criterion::Criterion;
use packet_cloud_controller_manager::kubernetes::{
    AddressPolicy, Desired, Instance, Node, NodeObject, Provider, Zone, labels, patches,
};
use packet_cloud_controller_manager::packet::decode;

use crate::samples;

#[allow(clippy::expect_used, reason = "a benchmark without its sample may as well end")]
pub(crate) fn written(criterion: &mut Criterion) {
    let object: NodeObject = serde_json::from_value(samples::registered_node(0)).expect("a Node");
    let node = Node::from(object);
    let device = decode::device_page(&samples::device_page(1)).expect("a page").devices.remove(0);
    let policy = AddressPolicy { provider: Provider::EquinixMetal, ipv6: false, require_public_ip: true };
    let zone = Zone { region: Some("ny".into()), zone: None };
    let desired = || {
        let instance = Instance::of(policy, &device, &node).expect("addresses");
        Desired {
            addresses: Some(instance.addresses),
            labels: labels::instance_labels(instance.instance_type.as_deref(), &zone).expect("labels"),
            provider_id: Some(instance.provider_id),
            initialised: true,
            shut_down: None,
        }
    };
    let mut group = criterion.benchmark_group("a Node to be initialised");
    group.bench_function("what it should have", |bencher| bencher.iter(desired));
    let desired = desired();
    group.bench_function("the patch of its status", |bencher| {
        bencher.iter(|| serde_json::to_vec(&patches::of_status(black_box(&node), &desired)));
    });
    group.bench_function("the patch of the rest", |bencher| {
        bencher.iter(|| serde_json::to_vec(&patches::of_node(black_box(&node), &desired)));
    });
    group.finish();
}
