//! Who leads: of several processes only one writes, the one that holds the Lease.
//!
//! The thinking is in `candidate`, which knows neither clock nor network, and what a Lease says in `lease`. An [`Elector`] is
//! the task that lets a candidate take part, and the [`Gate`] what all writes pass.

mod announcement;
mod candidate;
mod elector;
mod fence;
mod gate;
mod identity;
mod lease;
mod lock;
#[cfg(test)]
mod simulation;
mod standing;
mod trouble;

pub use elector::Elector;
pub use fence::Fence;
pub use gate::{Closed, Gate, Gatekeeper};
pub use identity::Identity;
pub use standing::{Loss, Standing};
pub use trouble::Trouble;
