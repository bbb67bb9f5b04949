//! Nodes: pure functions on taints, labels, addresses, provider IDs and patches, and the slim Node type.
//!
//! Nothing here knows an actor, a connection or a clock.

pub mod addresses;
pub mod event;
pub mod instance;
pub mod labels;
pub mod names;
pub mod need;
pub mod node;
pub mod patches;
pub mod provider;
pub mod provider_id;

pub use addresses::{AddressError, AddressPolicy, AddressType, NodeAddress};
pub use instance::Instance;
pub use labels::{LabelError, Zone};
pub use need::Need;
pub use node::{Node, NodeName, NodeObject, Taint};
pub use patches::Desired;
pub use provider::{Provider, Topology};
pub use provider_id::ProviderIdError;
