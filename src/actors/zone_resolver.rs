//! `ZoneResolver` turns a device into the region and zone of its Node.

use actix::{Actor, Context, Handler, MailboxError, Recipient, ResponseFuture};

use crate::kubernetes::{Desired, Topology, Zone, labels};
use crate::messages::initialise::{Failure, Outcome, ResolveZone};
use crate::messages::places::{FindFacility, FindMetro};
use crate::messages::writes::{WriteError, WriteNode};
use crate::packet::{Device, Error, PlaceRef};

/// The actor that finds zones.
pub struct ZoneResolver {
    topology: Topology,
    places: Places,
    writer: Recipient<WriteNode>,
}

/// Where facilities and metros are asked for.
#[derive(Clone)]
struct Places {
    facilities: Recipient<FindFacility>,
    metros: Recipient<FindMetro>,
}

impl ZoneResolver {
    /// The actor, not yet started.
    #[must_use]
    pub fn new(
        topology: Topology,
        facilities: Recipient<FindFacility>,
        metros: Recipient<FindMetro>,
        writer: Recipient<WriteNode>,
    ) -> Self {
        Self { topology, places: Places { facilities, metros }, writer }
    }
}

impl Actor for ZoneResolver {
    type Context = Context<Self>;
}

impl Handler<ResolveZone> for ZoneResolver {
    type Result = ResponseFuture<Result<Outcome, Failure>>;

    fn handle(&mut self, ResolveZone { node, device, instance }: ResolveZone, _: &mut Self::Context) -> Self::Result {
        let (topology, places, writer) = (self.topology, self.places.clone(), self.writer.clone());
        Box::pin(async move {
            let zone = places.zone_of(topology, &device).await?;
            let desired = Desired {
                addresses: Some(instance.addresses),
                labels: labels::instance_labels(instance.instance_type.as_deref(), &zone)?,
                provider_id: Some(instance.provider_id),
                initialised: true,
                shut_down: None,
            };
            Ok(writer.send(WriteNode { node, desired }).await.unwrap_or(Err(WriteError::Stopping))?)
        })
    }
}

impl Places {
    /// Where a device stands, as `topology` shows it. The API is asked only where the device does not tell; what the
    /// API does not tell either is left out.
    async fn zone_of(&self, topology: Topology, device: &Device) -> Result<Zone, Failure> {
        let facility = if topology.needs_facility() { self.facility_code(device).await? } else { None };
        let metro = if topology.needs_metro() { self.metro_code(device).await? } else { None };
        Ok(match topology {
            Topology::FacilityRegion => Zone { region: facility, zone: None },
            Topology::MetroRegion => Zone { region: metro, zone: None },
            Topology::MetroFacility => Zone { region: metro, zone: facility },
        })
    }

    async fn facility_code(&self, device: &Device) -> Result<Option<String>, Failure> {
        let Some(reference) = &device.facility else { return Ok(None) };
        if let Some(code) = reference.code() {
            return Ok(Some(code.to_owned()));
        }
        let facility = answer(self.facilities.send(FindFacility(reference.clone())).await)?;
        Ok(facility.map(|facility| facility.code.to_string()))
    }

    async fn metro_code(&self, device: &Device) -> Result<Option<String>, Failure> {
        let reference = match (&device.metro, &device.facility) {
            (Some(metro), _) => Some(metro.clone()),
            (None, Some(facility)) => self.metro_of(facility).await?,
            (None, None) => None,
        };
        let Some(reference) = reference else { return Ok(None) };
        if let Some(code) = reference.code() {
            return Ok(Some(code.to_owned()));
        }
        let metro = answer(self.metros.send(FindMetro(reference)).await)?;
        Ok(metro.map(|metro| metro.code.to_string()))
    }

    async fn metro_of(&self, facility: &PlaceRef) -> Result<Option<PlaceRef>, Failure> {
        let facility = answer(self.facilities.send(FindFacility(facility.clone())).await)?;
        Ok(facility.and_then(|facility| facility.metro.clone()))
    }
}

fn answer<T>(sent: Result<Result<T, Error>, MailboxError>) -> Result<T, Failure> {
    sent.map_err(|_| Failure::Stopping)?.map_err(Failure::Place)
}
