//! Who leads: of several processes only one writes, the one that holds the Lease.

mod gate;

pub use gate::{Closed, Gate, Gatekeeper};
