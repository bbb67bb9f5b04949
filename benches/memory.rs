//! How much memory a Node and a device take once they are read: what is asked of the allocator, and how often. What the
//! allocator adds to each piece, 8 to 16 bytes as a rule, comes on top.
//!
//! `make bench` runs it. What was learned from it is told in `docs/explanation/performance.md`.

mod samples;

use std::alloc::System;
use std::sync::Arc;

use kube::core::ObjectList;
use packet_cloud_controller_manager::kubernetes::{Node, NodeObject};
use packet_cloud_controller_manager::packet::{Device, decode};
use serde_json::Value;
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How many of each are kept.
const COUNT: usize = 5_000;

fn main() {
    report("a registered Node", || nodes(samples::registered_node));
    report("an initialised Node", || nodes(samples::initialised_node));
    let pages = samples::device_pages(COUNT, 500);
    report("a device", || devices(&pages));
}

#[allow(clippy::expect_used, reason = "a measurement without its sample may as well end")]
fn nodes(sample: fn(usize) -> Value) -> Vec<Arc<Node>> {
    let mut kept = Vec::with_capacity(COUNT);
    let numbers: Vec<usize> = (0..COUNT).collect();
    for page in numbers.chunks(500) {
        let page = samples::node_page(&page.iter().copied().map(sample).collect::<Vec<_>>());
        let list: ObjectList<NodeObject> = serde_json::from_str(&page).expect("a page of Nodes");
        kept.extend(list.items.into_iter().map(|object| Arc::new(Node::from(object))));
    }
    kept
}

#[allow(clippy::expect_used, reason = "a measurement without its sample may as well end")]
fn devices(pages: &[Vec<u8>]) -> Vec<Arc<Device>> {
    let read = |page: &Vec<u8>| decode::device_page(page).expect("a page of devices").devices;
    let mut kept = Vec::with_capacity(COUNT);
    kept.extend(pages.iter().flat_map(read));
    kept
}

/// Tells what is still held of what `read` asked the allocator for, for each of what it read.
#[allow(clippy::cast_precision_loss, reason = "bytes of megabytes, not of petabytes")]
fn report<T>(what: &str, read: impl FnOnce() -> Vec<T>) {
    let region = Region::new(ALLOCATOR);
    let kept = read();
    let stats = region.change();
    let held = stats.bytes_allocated - stats.bytes_deallocated - kept.capacity() * size_of::<T>();
    let pieces = stats.allocations - stats.deallocations - 1;
    let each = |total: usize| total as f64 / kept.len() as f64;
    println!("{what}: {:.0} bytes in {:.1} pieces", each(held), each(pieces));
}
