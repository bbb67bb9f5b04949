//! The `ZoneResolver` asks the `PacketApi` actor for facilities and metros.

use std::sync::Arc;

use actix::Message;

use crate::packet::{Error, Facility, Metro, PlaceRef};

/// Which facility is it? `None` where the API's list does not have it.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Option<Arc<Facility>>, Error>")]
pub struct FindFacility(pub PlaceRef);

/// Which metro is it? `None` where the API's list does not have it.
#[derive(Debug, Clone, Message)]
#[rtype(result = "Result<Option<Arc<Metro>>, Error>")]
pub struct FindMetro(pub PlaceRef);
