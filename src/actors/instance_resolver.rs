//! `InstanceResolver` turns a Node into its device, and the device into an instance.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Context, Handler, Recipient, ResponseFuture};

use crate::kubernetes::{AddressPolicy, Desired, Instance, Node, provider_id};
use crate::messages::devices::{DeviceError, FindDevice, Freshness};
use crate::messages::initialise::{Failure, Outcome, Purpose, ResolveInstance, ResolveZone};
use crate::messages::writes::{WriteError, WriteNode};
use crate::packet::{Device, Hostname, Question};

/// The actor that finds devices.
pub struct InstanceResolver {
    policy: AddressPolicy,
    /// How old a device may be that a refresh compares with: half its period, so that no refresh sees what the one
    /// before it saw.
    refresh_age: Duration,
    devices: Recipient<FindDevice>,
    zones: Recipient<ResolveZone>,
    writer: Recipient<WriteNode>,
}

impl InstanceResolver {
    /// The actor, not yet started; Nodes are refreshed every `refresh_period`.
    #[must_use]
    pub fn new(
        policy: AddressPolicy,
        refresh_period: Duration,
        devices: Recipient<FindDevice>,
        zones: Recipient<ResolveZone>,
        writer: Recipient<WriteNode>,
    ) -> Self {
        Self { policy, refresh_age: refresh_period / 2, devices, zones, writer }
    }
}

impl Actor for InstanceResolver {
    type Context = Context<Self>;

    fn started(&mut self, ctx: &mut Self::Context) {
        ctx.set_mailbox_capacity(1024);
    }
}

impl Handler<ResolveInstance> for InstanceResolver {
    type Result = ResponseFuture<Result<Outcome, Failure>>;

    fn handle(&mut self, ResolveInstance { node, purpose }: ResolveInstance, _: &mut Self::Context) -> Self::Result {
        let (policy, devices) = (self.policy, self.devices.clone());
        let freshness = match purpose {
            Purpose::Initialise => Freshness::Cached,
            Purpose::Refresh => Freshness::NoOlderThan(self.refresh_age),
        };
        let (zones, writer) = (self.zones.clone(), self.writer.clone());
        Box::pin(async move {
            let device = device_of(&devices, &node, freshness).await?;
            let instance = Instance::of(policy, &device, &node)?;
            match purpose {
                Purpose::Initialise => {
                    let answer = zones.send(ResolveZone { node, device, instance }).await;
                    answer.unwrap_or(Err(Failure::Stopping))
                }
                Purpose::Refresh => {
                    let desired = Desired { addresses: Some(instance.addresses), ..Desired::default() };
                    let answer = writer.send(WriteNode { node, desired }).await;
                    Ok(answer.unwrap_or(Err(WriteError::Stopping))?)
                }
            }
        })
    }
}

/// The device of a Node: by its provider ID where it has one, else by the hostname that is its name.
async fn device_of(
    devices: &Recipient<FindDevice>,
    node: &Node,
    freshness: Freshness,
) -> Result<Arc<Device>, DeviceError> {
    let by_provider_id = node.provider_id.as_deref().and_then(|id| provider_id::parse(id).ok());
    let question = match by_provider_id {
        Some(id) => Question::ById(id),
        None => Question::ByHostname(Hostname::new(node.name.as_str())),
    };
    devices.send(FindDevice { question, freshness }).await.unwrap_or(Err(DeviceError::Stopping))
}
