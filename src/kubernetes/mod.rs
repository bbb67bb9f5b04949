//! Nodes: pure functions on taints, labels, addresses, provider IDs and patches, and the slim Node type.
//!
//! Nothing here knows an actor, a connection or a clock; what passes with time is told the time.

pub mod addresses;
pub mod client_error;
pub mod event;
pub mod instance;
pub mod labels;
pub mod lifecycle;
pub mod names;
pub mod need;
pub mod node;
mod node_labels;
mod node_object;
pub mod patches;
mod picked;
pub mod provider;
pub mod provider_id;
mod readiness;
#[cfg(test)]
mod reference;
mod taint;

pub use addresses::{AddressError, AddressPolicy, AddressType, NodeAddress};
pub use instance::Instance;
pub use labels::{LabelError, Zone};
pub use need::Need;
pub use node::{Node, NodeName};
pub use node_labels::NodeLabels;
pub use node_object::NodeObject;
pub use patches::Desired;
pub use provider::{Provider, Topology};
pub use provider_id::ProviderIdError;
pub use readiness::Readiness;
pub use taint::Taint;
