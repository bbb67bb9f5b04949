//! How long it takes to read what the two APIs send, to plan requests, and to write patches.
//!
//! `make bench` runs it, `cargo test --bench speed` each measurement once. What was learned from it is told in
//! `docs/explanation/performance.md`.

#![allow(missing_docs, reason = "the macros of criterion write functions without")]

#[path = "speed/devices.rs"]
mod devices;
#[path = "speed/nodes.rs"]
mod nodes;
#[path = "speed/patches.rs"]
mod patches;
#[path = "speed/planning.rs"]
mod planning;
mod samples;

use criterion::{Criterion, criterion_group, criterion_main};

criterion_group! {
    name = benches;
    config = Criterion::default().without_plots();
    targets = devices::read, nodes::read, patches::written, planning::planned
}
criterion_main!(benches);
