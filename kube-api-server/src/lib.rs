//! A simulated Kubernetes API, just enough for Nodes.
//!
//! It serves Nodes, Events, Namespaces and Leases over plain HTTP on loopback as kube-apiserver 1.36 serves them: lists
//! with pages, watches with bookmarks and 410 Gone, the four kinds of patch, server-side apply with field owners,
//! validation, optimistic concurrency, tables and discovery. Objects are in memory. A test starts as many servers as it
//! likes, seeds and inspects the [`Store`], reads the [`RequestLog`] and injects [`Fault`]s:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use kube_api_server::{NodeSpec, Server};
//!
//! let server = Server::start().await?;
//! server.store().create_node(NodeSpec::new("node-0001"))?;
//! let nodes = format!("{}/api/v1/nodes", server.url());
//! # let _ = nodes;
//! assert_eq!(server.store().nodes().len(), 1);
//! server.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! Started with [`start_in_process`](ServerBuilder::start_in_process) it needs no port and no thread, and under tokio's paused
//! clock it takes the same course in every run.
//!
//! Where it knowingly differs from the real thing is in this crate's README.

#![forbid(unsafe_code)]

mod admission;
mod api;
mod clock;
mod connection;
mod decode;
mod drawn;
mod hooks;
mod node_spec;
mod ownership;
mod patch;
mod quantity;
mod request_log;
mod resource;
mod schema;
mod selector;
mod server;
mod status;
mod store;
mod validation;
mod wall_clock;
mod weather;
mod write;

pub use hooks::AppliedWrite;
pub use in_process;
pub use node_spec::{NewNode, NodeSpec};
pub use request_log::{RequestCount, RequestLog, RequestRecord, RequestSummary, SecondCount};
pub use schema::SchemaError;
pub use server::{ServeError, Server, ServerBuilder};
pub use store::{Refused, Store};
pub use weather::fault_text::FaultError;
pub use weather::faults::{Fault, FaultKind, Faults};
pub use weather::latency::{Latency, LatencyError};
pub use weather::limit::{RequestLimit, RequestLimitError};
