//! A simulated Packet (Equinix Metal) API over an in-memory store.
//!
//! Tests start a [`Server`], seed and inspect its [`Store`], read what was asked of it in its [`RequestLog`], and let it
//! misbehave through its [`Faults`]:
//!
//! ```
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), packet_api_server::ServeError> {
//! use packet_api_server::{DeviceSpec, Fault, FaultKind, Server};
//!
//! let server = Server::start().await?;
//! let device = server.store().create_device(DeviceSpec::new("node-0001").facility("ewr1"));
//! server.faults().push(Fault::new(FaultKind::Reset).path_prefix("/devices/").times(2));
//! assert_eq!(server.store().device(&device.id).map(|found| found.hostname), Some("node-0001".into()));
//! server.stop().await;
//! # Ok(())
//! # }
//! ```
//!
//! Started with [`start_in_process`](ServerBuilder::start_in_process) it needs no port and no thread, and under tokio's paused
//! clock it takes the same course in every run.
//!
//! The program of the same name serves the same store to anything that speaks HTTP.
#![forbid(unsafe_code)]

mod addresses;
mod admin;
mod answer;
mod auth;
mod body;
mod catalogue;
pub mod cli;
mod clock;
mod device;
mod dice;
mod fault;
mod faults;
mod filters;
mod fixtures;
mod fleet;
mod ids;
mod input;
mod latency;
mod limiter;
mod listener;
mod log;
mod outage;
mod paging;
mod project;
mod query;
mod rate_limit;
mod render;
mod reservation;
mod routes;
mod selection;
mod server;
mod store;
mod time;
mod transport;
mod weather;

pub use crate::catalogue::{Facility, Metro, OperatingSystem, Plan};
pub use crate::device::{Device, DeviceSpec, DeviceState, IpAddress, IpSpec};
pub use crate::fault::{Fault, FaultError, FaultKind};
pub use crate::faults::{FaultId, Faults};
pub use crate::fixtures::{Fixtures, FixturesError};
pub use crate::fleet::Fleet;
pub use crate::latency::{Latency, LatencyError};
pub use crate::log::{Exchange, RequestLog, RequestRecord, RequestSummary, Share};
pub use crate::outage::{Outage, OutageError, OutageKind};
pub use crate::project::Project;
pub use crate::rate_limit::{RateLimit, RateLimitError, RateLimitHeaders, RetryAfter};
pub use crate::reservation::{Reservation, ReservationKind};
pub use crate::server::{BASE_PATH, DEFAULT_PROJECT, DEFAULT_TOKEN, ServeError, Server, ServerBuilder};
pub use crate::store::{Access, Shifting, Store};
pub use in_process;
