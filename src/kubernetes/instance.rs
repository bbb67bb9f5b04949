//! An instance: a device as its Node shows it, but for where it stands.

use super::addresses::{AddressError, AddressPolicy, NodeAddress, node_addresses};
use super::node::Node;
use super::provider_id;
use crate::packet::Device;

/// What a device makes of its Node (Kubernetes `cloud-provider`, `InstanceMetadata`, but for zone and region).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// The provider ID that is written where the Node has none.
    pub provider_id: String,
    /// The slug of the plan; absent where the API does not tell.
    pub instance_type: Option<String>,
    /// `status.addresses`, whole.
    pub addresses: Vec<NodeAddress>,
}

impl Instance {
    /// The instance that `device` is for `node`.
    ///
    /// # Errors
    /// When the addresses of the device, or the Node's wish for some, make no sense: see [`AddressError`].
    pub fn of(policy: AddressPolicy, device: &Device, node: &Node) -> Result<Self, AddressError> {
        Ok(Self {
            provider_id: provider_id::format(policy.provider, &device.id),
            instance_type: device.plan.as_deref().map(str::to_owned),
            addresses: node_addresses(policy, device, node.provided_node_ip.as_deref())?,
        })
    }
}
