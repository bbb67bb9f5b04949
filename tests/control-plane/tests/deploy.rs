//! The files of `deploy/`, against the API server that has to accept them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "deploy/access.rs"]
mod access;
#[path = "deploy/drains.rs"]
mod drains;
#[path = "deploy/files.rs"]
mod files;
#[path = "deploy/monitoring.rs"]
mod monitoring;
#[path = "deploy/pod_security.rs"]
mod pod_security;
#[path = "deploy/pods.rs"]
mod pods;
#[path = "deploy/workloads.rs"]
mod workloads;
