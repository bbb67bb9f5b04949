//! What the cloud does, seen by a user: the real actors against both simulated APIs over HTTP. One file per behaviour.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "support/served.rs"]
mod served;
#[path = "support/mod.rs"]
mod support;

#[path = "behaviour/addresses.rs"]
mod addresses;
#[path = "behaviour/concurrent_writers.rs"]
mod concurrent_writers;
#[path = "behaviour/controllers.rs"]
mod controllers;
#[path = "behaviour/deletion_held_back.rs"]
mod deletion_held_back;
#[path = "behaviour/events.rs"]
mod events;
#[path = "behaviour/failing_nodes.rs"]
mod failing_nodes;
#[path = "behaviour/fault_table.rs"]
mod fault_table;
#[path = "behaviour/faults_of_the_packet_api.rs"]
mod faults_of_the_packet_api;
#[path = "behaviour/initialising_nodes.rs"]
mod initialising_nodes;
#[path = "behaviour/labels.rs"]
mod labels;
#[path = "behaviour/leading.rs"]
mod leading;
#[path = "behaviour/live_settings.rs"]
mod live_settings;
#[path = "behaviour/malformed_nodes.rs"]
mod malformed_nodes;
#[path = "behaviour/metrics.rs"]
mod metrics;
#[path = "behaviour/nodes_not_ready.rs"]
mod nodes_not_ready;
#[path = "behaviour/packet_client.rs"]
mod packet_client;
#[path = "behaviour/questions.rs"]
mod questions;
#[path = "behaviour/refreshing_nodes.rs"]
mod refreshing_nodes;
#[path = "behaviour/requests.rs"]
mod requests;
#[path = "behaviour/serving_access.rs"]
mod serving_access;
#[path = "behaviour/serving_bounds.rs"]
mod serving_bounds;
#[path = "behaviour/serving_client_certificates.rs"]
mod serving_client_certificates;
#[path = "behaviour/stopping.rs"]
mod stopping;
#[path = "behaviour/throttling.rs"]
mod throttling;
