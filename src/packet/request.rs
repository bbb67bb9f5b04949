//! The requests that this program sends to the API, and their replies.

use std::sync::Arc;

use super::device::Device;
use super::identity::{DeviceId, Hostname};
use super::page::DevicePage;
use super::place::{Facility, Metro};

/// One HTTP request.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Request {
    /// `GET /devices/{id}`.
    Device(DeviceId),
    /// One page of `GET /projects/{id}/devices`.
    Page(PageRequest),
    /// A list or a fact about the project that is asked for by itself.
    Plain(Plain),
}

impl Request {
    /// What is asked for, in one word.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Device(_) => "device",
            Self::Page(PageRequest { hostname: None, .. }) => "devices",
            Self::Page(PageRequest { hostname: Some(_), .. }) => "devices_of_hostname",
            Self::Plain(Plain::Project) => "project",
            Self::Plain(Plain::Facilities) => "facilities",
            Self::Plain(Plain::Metros) => "metros",
        }
    }
}

/// One page of the project's devices.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct PageRequest {
    /// Only devices whose hostname *contains* this.
    pub hostname: Option<Hostname>,
    /// The number of the page, from 1.
    pub number: u32,
    /// How many devices are wished for on a page. The API may put fewer on it.
    pub size: u32,
}

/// What is asked for by itself and whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Plain {
    /// `GET /projects/{id}`: whether the credentials read the project.
    Project,
    /// `GET /projects/{id}/facilities`: the facilities that the project can see, with their metros.
    Facilities,
    /// `GET /locations/metros`.
    Metros,
}

/// What a request brought.
#[derive(Debug)]
pub enum Reply {
    /// A device.
    Device(Arc<Device>),
    /// A page of devices.
    Page(DevicePage),
    /// What was asked for by itself.
    Plain(PlainReply),
}

/// What was asked for by itself.
#[derive(Debug, Clone)]
pub enum PlainReply {
    /// The id of the project, as the API writes it.
    Project(Arc<str>),
    /// All facilities.
    Facilities(Arc<[Arc<Facility>]>),
    /// All metros.
    Metros(Arc<[Arc<Metro>]>),
}
