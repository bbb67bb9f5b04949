//! The actors, one file or folder each: a mailbox, its state, its timing. The thinking is in the pure rooms.
//!
//! ```text
//!              watch                                                         patch, delete, Event
//! Kubernetes ───────▶ NodeWatcher ──▶ InstanceResolver ──▶ ZoneResolver ──▶ NodeWriter ───▶ Kubernetes
//!                          │                 │                  │               ▲
//!                          └──▶ Lifecycle ───┼──────────────────┼───────────────┘
//!                                   └────────┴──────────────────┴──▶ PacketApi ──▶ Packet API
//! ```

pub mod instance_resolver;
pub mod kubernetes_connection;
pub mod lifecycle;
pub mod node_watcher;
pub mod node_writer;
pub mod packet_api;
mod pulse;
pub mod supervisor;
pub mod zone_resolver;
