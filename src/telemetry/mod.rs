//! What the program tells of itself.

pub mod health;
pub mod logging;
pub mod metrics;
pub mod status;
mod status_page;
