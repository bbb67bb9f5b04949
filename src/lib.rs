//! A Kubernetes cloud controller manager for Packet (Equinix Metal), built on actors.
//!
//! Data flows one way: a Node change comes in, becomes a question about a device, then a zone, then one write.
//! [`actors`] holds that flow, [`messages`] what the actors say to one another, [`kubernetes`] and [`packet`] the pure
//! thinking about Nodes and about the Packet API, [`election`] who of several processes writes, [`serving`] what is served over
//! HTTPS, [`config`] the settings, [`telemetry`] logs and metrics.

#![forbid(unsafe_code)]

pub mod actors;
pub mod config;
pub mod election;
pub mod kubernetes;
pub mod messages;
pub mod packet;
pub mod serving;
pub mod telemetry;
