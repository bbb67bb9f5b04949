//! The shipped binary as an operator runs it: against a real kube-apiserver and etcd, under the ServiceAccount and
//! ClusterRole of `deploy/`, and on its command line.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "support/program.rs"]
mod program;

#[path = "end_to_end/chart.rs"]
mod chart;
#[path = "end_to_end/chart_values.rs"]
mod chart_values;
#[path = "end_to_end/command_line.rs"]
mod command_line;
#[path = "end_to_end/granted.rs"]
mod granted;
#[path = "end_to_end/helm.rs"]
mod helm;
#[path = "end_to_end/inherited_nodes.rs"]
mod inherited_nodes;
#[path = "end_to_end/initialised_nodes.rs"]
mod initialised_nodes;
#[path = "end_to_end/leader_election.rs"]
mod leader_election;
#[path = "end_to_end/migrating_cluster.rs"]
mod migrating_cluster;
#[path = "end_to_end/migration.rs"]
mod migration;
#[path = "end_to_end/migration_chart.rs"]
mod migration_chart;
#[path = "end_to_end/migration_guide.rs"]
mod migration_guide;
#[path = "end_to_end/nodes_not_ready.rs"]
mod nodes_not_ready;
#[path = "end_to_end/operating.rs"]
mod operating;
#[path = "end_to_end/operator.rs"]
mod operator;
#[path = "end_to_end/panicking.rs"]
mod panicking;
#[path = "end_to_end/permissions.rs"]
mod permissions;
#[path = "end_to_end/proxy.rs"]
mod proxy;
#[path = "end_to_end/rotated_token.rs"]
mod rotated_token;
#[path = "end_to_end/serving_access.rs"]
mod serving_access;
#[path = "end_to_end/stage.rs"]
mod stage;
#[path = "end_to_end/through_a_proxy.rs"]
mod through_a_proxy;
#[path = "end_to_end/upstream_manifests.rs"]
mod upstream_manifests;
#[path = "end_to_end/who_led.rs"]
mod who_led;
