//! A page of devices, read in full, into any JSON, and into what is kept.

use criterion::{Criterion, Throughput};
use packet_cloud_controller_manager::packet::decode;
use serde_json::Value;

use crate::samples;

pub(crate) fn read(criterion: &mut Criterion) {
    let page = samples::device_page(250);
    let mut group = criterion.benchmark_group("a page of 250 devices");
    group.throughput(Throughput::Bytes(page.len() as u64));
    group.bench_function("into what is kept", |bencher| bencher.iter(|| decode::device_page(&page)));
    group.bench_function("skipped", |bencher| {
        bencher.iter(|| serde_json::from_slice::<serde::de::IgnoredAny>(&page));
    });
    group.bench_function("into any JSON", |bencher| bencher.iter(|| serde_json::from_slice::<Value>(&page)));
    group.finish();
}
