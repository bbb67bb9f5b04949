//! What becomes of Nodes that are not Ready: deleted where their device is gone, marked where it is switched off, left alone
//! where it is anything else or cannot be asked for.
//!
//! [`Monitor`] is a pure state machine: rolls of the Nodes, answers about devices, the time and the ends of writes go in;
//! questions and what is to be done come out. [`Guard`] bounds how many Nodes are deleted, whatever the answers are.

mod action;
mod guard;
mod held;
mod monitor;
mod roll;
mod share;
mod standing;
mod stop_record;
#[cfg(test)]
mod tests;
mod told;
mod verdict;
mod watched;

pub use action::{Action, Counts, Query, Setback};
pub use guard::{DeletionLimits, Guard, MassDisappearance, Recalled};
pub use held::Held;
pub use monitor::Monitor;
pub use roll::Roll;
pub use share::Share;
pub use standing::Standing;
pub use verdict::Verdict;
