//! What the program tells of itself.

pub mod logging;
pub mod metrics;
