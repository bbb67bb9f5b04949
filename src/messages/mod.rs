//! What the actors say to one another, one file per conversation: plain data, no behaviour.

pub mod devices;
pub mod initialise;
pub mod lifecycle;
pub mod places;
pub mod report;
pub mod settings;
pub mod watch;
pub mod writes;
