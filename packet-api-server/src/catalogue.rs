//! What can be had and where: metros, facilities, plans and operating systems.

use crate::ids::{self, Kind};
use serde_json::{Map, Value, json};
use uuid::Uuid;

mod stock;

/// A metropolitan area.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metro {
    /// The metro's id.
    pub id: Uuid,
    /// Its code, say `ny`.
    pub code: String,
    /// Its name, say `New York`.
    pub name: String,
    /// ISO 3166-1 alpha-2.
    pub country: String,
}

impl Metro {
    /// A metro whose id follows from its code.
    #[must_use]
    pub fn new(code: impl Into<String>, name: impl Into<String>, country: impl Into<String>) -> Self {
        let code = code.into();
        Self { id: ids::named(Kind::Metro, &code), code, name: name.into(), country: country.into() }
    }
}

/// A datacentre.
#[derive(Debug, Clone, PartialEq)]
pub struct Facility {
    /// The facility's id.
    pub id: Uuid,
    /// Its code, say `ny5`.
    pub code: String,
    /// Its name, say `New York`.
    pub name: String,
    /// The code of the metro that it is in; facilities from before metros have none.
    pub metro: Option<String>,
    /// What it offers, in the API's words.
    pub features: Vec<String>,
    /// The address blocks that it announces.
    pub ip_ranges: Vec<String>,
    /// Its street address, as the API's `Address`.
    pub address: Map<String, Value>,
}

impl Facility {
    /// A facility with the usual features whose id follows from its code.
    #[must_use]
    pub fn new<'a>(code: impl Into<String>, name: impl Into<String>, metro: impl Into<Option<&'a str>>) -> Self {
        let (code, name) = (code.into(), name.into());
        let mut address = Map::new();
        address.insert("address".into(), json!(format!("1 {name} Way")));
        address.insert("city".into(), json!(name));
        address.insert("zip_code".into(), json!("00000"));
        address.insert("country".into(), json!("US"));
        address.insert("coordinates".into(), json!({"latitude": "40.0", "longitude": "-74.0"}));
        Self {
            id: ids::named(Kind::Facility, &code),
            code,
            name,
            metro: metro.into().map(Into::into),
            features: ["baremetal", "backend_transfer", "layer_2", "global_ipv4"].map(Into::into).to_vec(),
            ip_ranges: vec!["2604:1380::/36".into(), "147.75.0.0/16".into()],
            address,
        }
    }
}

/// A server configuration that can be had.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The plan's id.
    pub id: Uuid,
    /// Its slug, say `c3.small.x86`; the instance type in Kubernetes.
    pub slug: String,
    /// Its name as people read it.
    pub name: String,
    /// `standard`, `workload_optimized` or `custom`.
    pub kind: String,
    /// `compute`, `storage`, `vmce`, `legacy_gen`, `current_gen`.
    pub categories: Vec<String>,
    /// The codes of the facilities that have it.
    pub available_in: Vec<String>,
    /// The codes of the metros that have it.
    pub available_in_metros: Vec<String>,
    /// The price in US dollars an hour.
    pub hourly: f64,
    /// The rest of the API's plan, served as it is: `description`, `specs`, `class`, `line`, ….
    pub attributes: Map<String, Value>,
}

impl Plan {
    /// A standard compute plan that is available nowhere yet and whose id follows from its slug.
    #[must_use]
    pub fn new(slug: impl Into<String>) -> Self {
        let slug = slug.into();
        let mut attributes = Map::new();
        attributes.insert("class".into(), json!(slug));
        attributes.insert("line".into(), json!("baremetal"));
        attributes.insert("legacy".into(), json!(false));
        attributes.insert("deployment_types".into(), json!(["on_demand", "spot_market"]));
        Self {
            id: ids::named(Kind::Plan, &slug),
            name: slug.clone(),
            slug,
            kind: "standard".into(),
            categories: vec!["compute".into(), "current_gen".into()],
            available_in: Vec::new(),
            available_in_metros: Vec::new(),
            hourly: 0.5,
            attributes,
        }
    }
}

/// An operating system that a device can be installed with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OperatingSystem {
    /// The operating system's id.
    pub id: Uuid,
    /// Its slug, say `ubuntu_22_04`.
    pub slug: String,
    /// Its name, say `Ubuntu 22.04 LTS`.
    pub name: String,
    /// Its distribution, say `ubuntu`.
    pub distro: String,
    /// Its version, say `22.04`.
    pub version: String,
}

impl OperatingSystem {
    /// An operating system whose id follows from its slug.
    #[must_use]
    pub fn new(
        slug: impl Into<String>,
        name: impl Into<String>,
        distro: impl Into<String>,
        version: impl Into<String>,
    ) -> Self {
        let slug = slug.into();
        Self {
            id: ids::named(Kind::OperatingSystem, &slug),
            slug,
            name: name.into(),
            distro: distro.into(),
            version: version.into(),
        }
    }
}

/// What can be had, in the order in which the API lists it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalogue {
    pub(crate) metros: Vec<Metro>,
    pub(crate) facilities: Vec<Facility>,
    pub(crate) plans: Vec<Plan>,
    pub(crate) operating_systems: Vec<OperatingSystem>,
}

impl Catalogue {
    pub(crate) fn metro(&self, code: &str) -> Option<&Metro> {
        self.metros.iter().find(|metro| metro.code == code)
    }

    pub(crate) fn facility(&self, code: &str) -> Option<&Facility> {
        self.facilities.iter().find(|facility| facility.code == code)
    }

    pub(crate) fn plan(&self, slug: &str) -> Option<&Plan> {
        self.plans.iter().find(|plan| plan.slug == slug)
    }

    pub(crate) fn operating_system(&self, slug: &str) -> Option<&OperatingSystem> {
        self.operating_systems.iter().find(|system| system.slug == slug)
    }

    /// The first facility of a metro, where a device that was asked for by metro ends up.
    pub(crate) fn facility_in(&self, metro: &str) -> Option<&Facility> {
        self.facilities.iter().find(|facility| facility.metro.as_deref() == Some(metro))
    }
}
