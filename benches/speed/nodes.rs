//! Nodes, read in full, into any JSON, and into what is kept.

use criterion::{Criterion, Throughput};
use k8s_openapi::api::core::v1;
use kube::core::ObjectList;
use packet_cloud_controller_manager::kubernetes::{Node, NodeObject};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::Value;

use crate::samples;

pub(crate) fn read(criterion: &mut Criterion) {
    let node = samples::initialised_node(0).to_string();
    let mut group = criterion.benchmark_group("a Node");
    group.throughput(Throughput::Bytes(node.len() as u64));
    group.bench_function("into what is kept", |bencher| {
        bencher.iter(|| serde_json::from_str::<NodeObject>(&node).map(Node::from));
    });
    group.bench_function("skipped", |bencher| bencher.iter(|| serde_json::from_str::<IgnoredAny>(&node)));
    group.bench_function("in full", |bencher| bencher.iter(|| serde_json::from_str::<v1::Node>(&node)));
    group.bench_function("into any JSON", |bencher| bencher.iter(|| serde_json::from_str::<Value>(&node)));
    group.finish();

    let page = samples::node_page(&(0..500).map(samples::initialised_node).collect::<Vec<_>>());
    let mut group = criterion.benchmark_group("a page of 500 Nodes");
    group.throughput(Throughput::Bytes(page.len() as u64));
    group.sample_size(20);
    group.bench_function("into what is kept", |bencher| {
        bencher.iter(|| list::<NodeObject>(&page).into_iter().map(Node::from).collect::<Vec<_>>());
    });
    group.bench_function("in full", |bencher| bencher.iter(|| list::<v1::Node>(&page)));
    group.bench_function("into any JSON", |bencher| bencher.iter(|| serde_json::from_str::<Value>(&page)));
    group.finish();
}

/// Reads a list as kube does.
fn list<T: DeserializeOwned + Clone>(json: &str) -> Vec<T> {
    serde_json::from_str::<ObjectList<T>>(json).map(|list| list.items).unwrap_or_default()
}
