//! Which devices of a project a list is about.

use crate::answer::Refusal;
use crate::catalogue::Catalogue;
use crate::device::Device;
use crate::query::Query;
use crate::store::{Body, Entry};
use serde_json::Value;

/// The API's plan categories.
pub(crate) const CATEGORIES: [&str; 5] = ["compute", "storage", "vmce", "legacy_gen", "current_gen"];

/// The filters of one request; what is not asked lets everything through.
#[derive(Debug, Default)]
pub(crate) struct DeviceFilter<'q> {
    hostname: Option<&'q str>,
    /// In lower case.
    search: Option<String>,
    facility: Option<&'q str>,
    metro: Option<&'q str>,
    tag: Option<&'q str>,
    instance_type: Option<&'q str>,
    mac_address: Option<String>,
    reserved: Option<bool>,
    has_termination_time: Option<bool>,
    categories: Vec<&'q str>,
}

impl<'q> DeviceFilter<'q> {
    /// The filters in a query string.
    pub(crate) fn of(query: &'q Query) -> Result<Self, Refusal> {
        Ok(Self {
            hostname: query.text("hostname")?,
            search: query.text("search")?.map(str::to_lowercase),
            facility: query.text("facility")?,
            metro: query.text("metro")?,
            tag: query.text("tag")?,
            instance_type: query.text("type")?,
            mac_address: query.text("mac_address")?.map(str::to_lowercase),
            reserved: query.flag("reserved")?,
            has_termination_time: query.flag("has_termination_time")?,
            categories: query.words("categories", &CATEGORIES)?,
        })
    }

    /// The part of a hostname that is looked for; everything has the empty one in it.
    pub(crate) fn hostname(&self) -> &str {
        self.hostname.unwrap_or_default()
    }

    /// Whether the hostname is all that is asked, if anything is: then the devices themselves need not be looked at.
    pub(crate) fn is_by_hostname_only(&self) -> bool {
        self.search.is_none()
            && self.facility.is_none()
            && self.metro.is_none()
            && self.tag.is_none()
            && self.instance_type.is_none()
            && self.mac_address.is_none()
            && self.reserved.is_none()
            && self.has_termination_time.is_none()
            && self.categories.is_empty()
    }

    /// Whether a device passes everything but the hostname.
    pub(crate) fn passes(&self, entry: &Entry, catalogue: &Catalogue) -> bool {
        if self.is_by_hostname_only() {
            return true;
        }
        match &entry.body {
            Body::Device(device) => self.passes_device(device, catalogue),
            Body::Raw(raw) => self.passes_raw(raw),
        }
    }

    fn passes_device(&self, device: &Device, catalogue: &Catalogue) -> bool {
        let plan = device.plan.as_deref().and_then(|slug| catalogue.plan(slug));
        equal(self.facility, device.facility.as_deref())
            && equal(self.metro, device.metro.as_deref())
            && self.tag.is_none_or(|tag| device.tags.iter().any(|there| there == tag))
            && equal(self.instance_type, Some(device.instance_type()))
            && self.mac_address.as_ref().is_none_or(|mac| device.mac_addresses().contains(mac))
            && self.reserved.is_none_or(|reserved| reserved == device.hardware_reservation.is_some())
            && self.has_termination_time.is_none_or(|has| has == device.attributes.contains_key("termination_time"))
            && (self.categories.is_empty()
                || plan
                    .is_some_and(|plan| self.categories.iter().any(|c| plan.categories.iter().any(|there| there == c))))
            && self.search.as_ref().is_none_or(|text| found_in(device, catalogue, text))
    }

    /// A raw device passes by what its text shows; what it does not show does not pass.
    fn passes_raw(&self, raw: &Value) -> bool {
        let at = |pointer| raw.pointer(pointer).and_then(Value::as_str);
        let tags = raw.get("tags").and_then(Value::as_array);
        equal(self.facility, at("/facility/code"))
            && equal(self.metro, at("/metro/code"))
            && self.tag.is_none_or(|tag| tags.is_some_and(|tags| tags.iter().any(|there| there == tag)))
            && self.reserved.is_none_or(|reserved| reserved == raw.get("hardware_reservation").is_some())
            && self.has_termination_time.is_none_or(|has| has == raw.get("termination_time").is_some())
            && self.instance_type.is_none()
            && self.mac_address.is_none()
            && self.categories.is_empty()
            && self.search.as_ref().is_none_or(|text| raw.to_string().to_lowercase().contains(text))
    }
}

fn equal(wanted: Option<&str>, there: Option<&str>) -> bool {
    wanted.is_none_or(|wanted| there == Some(wanted))
}

/// Whether one of the fields that the API's `search` looks at contains this text, which is in lower case.
fn found_in(device: &Device, catalogue: &Catalogue, text: &str) -> bool {
    let holds = |field: &str| field.to_lowercase().contains(text);
    let attribute = |name| device.attributes.get(name).and_then(Value::as_str).is_some_and(holds);
    let facility = device.facility.as_deref();
    let system = catalogue.operating_system(&device.operating_system);
    holds(&device.hostname)
        || attribute("description")
        || holds(&device.short_id())
        || device.hardware_reservation.is_some_and(|id| holds(&crate::ids::short(id)))
        || device.tags.iter().any(|tag| holds(tag))
        || device
            .plan
            .as_deref()
            .is_some_and(|slug| holds(slug) || catalogue.plan(slug).is_some_and(|plan| holds(&plan.name)))
        || facility
            .is_some_and(|code| holds(code) || catalogue.facility(code).is_some_and(|facility| holds(&facility.name)))
        || holds(&device.operating_system)
        || system.is_some_and(|system| holds(&system.name))
        || device.ip_addresses.iter().any(|address| holds(&address.address.to_string()))
}
