//! What the program serves over HTTPS: health, metrics, settings and status, for probes, for Prometheus and for people.

pub mod local;
mod routes;

pub use routes::{Inquiry, SettingsInUse, Sources, router};
