//! `InstanceResolver` turns a Node into its device, and the device into an instance.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use actix::{Actor, AsyncContext, Context, Handler, Message, Recipient};

use crate::kubernetes::{AddressPolicy, Desired, Instance, Node, ProviderIdError, provider_id};
use crate::messages::devices::{Asking, DeviceFound, FindDevice};
use crate::messages::initialise::{Failure, Outcome, Purpose, ResolveInstance, ResolveZone, Resolved};
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
    devices: Recipient<FindDevice>,
    onward: Onward,
    /// The Nodes whose device is looked for.
    looking: HashMap<Asking, ResolveInstance>,
    last_asking: u64,
    /// The Nodes whose device is found and that wait until fewer are in hand.
    found: VecDeque<(ResolveInstance, Arc<Device>)>,
    in_hand: usize,
}

/// Where a Node goes once its device is known.
#[derive(Clone)]
struct Onward {
    zones: Recipient<ResolveZone>,
    writer: Recipient<WriteNode>,
}

/// A Node is in hand no more.
#[derive(Message)]
#[rtype(result = "()")]
struct Done;

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
        Self {
            policy,
            refresh_age: refresh_period / 2,
            devices,
            onward: Onward { zones, writer },
            looking: HashMap::new(),
            last_asking: 0,
            found: VecDeque::new(),
            in_hand: 0,
        }
    }

    /// Sends on the Nodes whose device is known, as many as may be in hand.
    fn proceed(&mut self, ctx: &mut Context<Self>) {
        while self.in_hand < IN_HAND
            && let Some((sent, device)) = self.found.pop_front()
        {
            self.in_hand += 1;
            let (policy, onward, to) = (self.policy, self.onward.clone(), ctx.address());
            actix::spawn(async move {
                let result = onward.send(policy, &sent, device).await;
                report(sent, result);
                to.do_send(Done);
            });
        }
    }
}

/// Whose device it is: by the provider ID where the Node has one, else by the hostname that is its name.
fn question_of(node: &Node) -> Result<Question, ProviderIdError> {
    Ok(match &node.provider_id {
        Some(id) => Question::ById(provider_id::parse(id)?),
        None => Question::ByHostname(Hostname::new(node.name.as_str())),
    })
}

fn report(ResolveInstance { node, purpose, ticket, report_to }: ResolveInstance, result: Result<Outcome, Failure>) {
    report_to.do_send(Resolved { node, purpose, ticket, result });
}

impl Onward {
    async fn send(
        self,
        policy: AddressPolicy,
        ResolveInstance { node, purpose, .. }: &ResolveInstance,
        device: Arc<Device>,
    ) -> Result<Outcome, Failure> {
        let (node, instance) = (Arc::clone(node), Instance::of(policy, &device, node)?);
        match purpose {
            Purpose::Initialise => {
                let answer = self.zones.send(ResolveZone { node, device, instance }).await;
                answer.unwrap_or(Err(Failure::Stopping))
            }
            Purpose::Refresh => {
                let desired = Desired { addresses: Some(instance.addresses), ..Desired::default() };
                let answer = self.writer.send(WriteNode { node, desired }).await;
                Ok(answer.unwrap_or(Err(WriteError::Stopping))?)
            }
        }
    }
}

impl Actor for InstanceResolver {
    type Context = Context<Self>;
}

impl Handler<ResolveInstance> for InstanceResolver {
    type Result = ();

    fn handle(&mut self, sent: ResolveInstance, ctx: &mut Context<Self>) {
        let question = match question_of(&sent.node) {
            Ok(question) => question,
            Err(error) => return report(sent, Err(error.into())),
        };
        let (max_age, urgency) = match sent.purpose {
            Purpose::Initialise => (INITIALISE_AGE, Urgency::Urgent),
            Purpose::Refresh => (self.refresh_age, Urgency::Periodic),
        };
        self.last_asking += 1;
        let asking = Asking(self.last_asking);
        self.looking.insert(asking, sent);
        let answer_to = ctx.address().recipient();
        self.devices.do_send(FindDevice { question, max_age, urgency, asking, answer_to });
    }
}

impl Handler<DeviceFound> for InstanceResolver {
    type Result = ();

    fn handle(&mut self, DeviceFound { asking, answer }: DeviceFound, ctx: &mut Context<Self>) {
        let Some(sent) = self.looking.remove(&asking) else { return };
        match answer {
            Ok(device) => {
                self.found.push_back((sent, device));
                self.proceed(ctx);
            }
            Err(error) => report(sent, Err(error.into())),
        }
    }
}

impl Handler<Done> for InstanceResolver {
    type Result = ();

    fn handle(&mut self, Done: Done, ctx: &mut Context<Self>) {
        self.in_hand -= 1;
        self.proceed(ctx);
    }
}
