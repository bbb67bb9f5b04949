//! `InstanceResolver` turns a Node into its device, and the device into an instance.

use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, Context, Handler, Recipient, ResponseFuture};
use tokio::sync::Semaphore;

use crate::kubernetes::{AddressPolicy, Desired, Instance, Node, provider_id};
use crate::messages::devices::{DeviceError, FindDevice};
use crate::messages::initialise::{Failure, Outcome, Purpose, ResolveInstance, ResolveZone};
use crate::messages::writes::{WriteError, WriteNode};
use crate::packet::{Device, Hostname, Question, Urgency};

/// How old a device may be that a Node is initialised from, whatever the cache would allow: a provider ID is for good, so
/// a second device of the hostname, or a new one in place of an old, must not be missed for long.
const INITIALISE_AGE: Duration = Duration::from_secs(30);

/// Nodes whose device is known and that are on their way to their write, at most: more than are ever written at once, and
/// few beside the thousands that one sweep finds the devices of.
const IN_HAND: usize = 1_000;

/// The actor that finds devices.
pub struct InstanceResolver {
    policy: AddressPolicy,
    /// How old a device may be that a refresh compares with: half its period, so that no refresh sees what the one
    /// before it saw.
    refresh_age: Duration,
    in_hand: Arc<Semaphore>,
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
        let in_hand = Arc::new(Semaphore::new(IN_HAND));
        Self { policy, refresh_age: refresh_period / 2, in_hand, devices, zones, writer }
    }
}

impl Actor for InstanceResolver {
    type Context = Context<Self>;
}

impl Handler<ResolveInstance> for InstanceResolver {
    type Result = ResponseFuture<Result<Outcome, Failure>>;

    fn handle(&mut self, ResolveInstance { node, purpose }: ResolveInstance, _: &mut Self::Context) -> Self::Result {
        let (policy, devices) = (self.policy, self.devices.clone());
        let (max_age, urgency) = match purpose {
            Purpose::Initialise => (INITIALISE_AGE, Urgency::Urgent),
            Purpose::Refresh => (self.refresh_age, Urgency::Periodic),
        };
        let (zones, writer) = (self.zones.clone(), self.writer.clone());
        let in_hand = Arc::clone(&self.in_hand);
        Box::pin(async move {
            let device = device_of(&devices, &node, max_age, urgency).await?;
            // An error would mean that nothing more is to be done; the semaphore is never closed.
            let Ok(_in_hand) = in_hand.acquire().await else { return Err(Failure::Stopping) };
            // Boxed here, so that what the others hold meanwhile is small.
            Box::pin(async move {
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
            .await
        })
    }
}

/// The device of a Node: by its provider ID where it has one, else by the hostname that is its name.
async fn device_of(
    devices: &Recipient<FindDevice>,
    node: &Node,
    max_age: Duration,
    urgency: Urgency,
) -> Result<Arc<Device>, Failure> {
    let question = match &node.provider_id {
        Some(id) => Question::ById(provider_id::parse(id)?),
        None => Question::ByHostname(Hostname::new(node.name.as_str())),
    };
    Ok(devices.send(FindDevice { question, max_age, urgency }).await.unwrap_or(Err(DeviceError::Stopping))?)
}
