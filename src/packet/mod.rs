//! The Packet (Equinix Metal) API as this program needs it: types, HTTP client, paging, errors, budget and planner.
//!
//! Nothing here knows an actor or Kubernetes.

pub mod absence;
pub mod budget;
pub mod client;
pub mod decode;
pub mod device;
pub mod error;
mod head;
pub mod identity;
pub mod inventory;
pub mod lookup;
pub mod page;
pub mod place;
pub mod planner;
pub mod request;
pub mod transport;

pub use absence::{Absence, NotGone};
pub use budget::{Budget, BudgetState, Limiter, Limits, NotYet, Permit, RateLimitWord, limiter, quota};
pub use client::{Client, Connection, Exchange};
pub use device::{Address, Device, DeviceState, IpField, SpoiledDevice};
pub use error::Error;
pub use identity::{DeviceId, Hostname};
pub use inventory::{Finding, Inventory};
pub use lookup::{Answer, LookupError, Question, Urgency};
pub use page::{DevicePage, Meta};
pub use place::{Facility, Metro, PlaceRef};
pub use planner::Planner;
pub use request::{PageRequest, Plain, PlainReply, Reply, Request};
