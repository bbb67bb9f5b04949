//! Metros, facilities, plans and operating systems as JSON.

use super::{href, path};
use crate::catalogue::{Catalogue, Facility, Metro, OperatingSystem, Plan};
use crate::ids::{self, Kind};
use crate::selection::Selection;
use serde_json::{Value, json};

pub(crate) fn metro(metro: &Metro) -> Value {
    json!({
        "id": metro.id,
        "href": path("locations/metros", metro.id),
        "code": metro.code,
        "name": metro.name,
        "country": metro.country,
    })
}

/// A facility; its metro comes in full, its address as a reference, unless asked otherwise.
pub(crate) fn facility(catalogue: &Catalogue, facility: &Facility, selection: &Selection) -> Value {
    let mut json = json!({
        "id": facility.id,
        "href": path("facilities", facility.id),
        "code": facility.code,
        "name": facility.name,
        "features": facility.features,
        "ip_ranges": facility.ip_ranges,
        "address": if selection.shows("address", false) {
            Value::Object(facility.address.clone())
        } else {
            // An address has no page of its own, so the real API refers to it by a bare fragment.
            json!({"href": format!("#{}", ids::of(facility.id, Kind::Street, 0))})
        },
    });
    if let Some(code) = &facility.metro {
        json["metro"] = metro_named(catalogue, code, selection.shows("metro", true));
    }
    json
}

/// The metro of this code, in full or as a reference. A code that the catalogue lacks still makes a metro: somebody put it
/// on a device on purpose.
pub(super) fn metro_named(catalogue: &Catalogue, code: &str, full: bool) -> Value {
    match (catalogue.metro(code), full) {
        (Some(found), true) => metro(found),
        (Some(found), false) => href("locations/metros", found.id),
        (None, true) => metro(&Metro::new(code, code, "US")),
        (None, false) => href("locations/metros", Metro::new(code, code, "US").id),
    }
}

/// The facility of this code, likewise.
pub(super) fn facility_named(catalogue: &Catalogue, code: &str, full: bool, selection: &Selection) -> Value {
    match (catalogue.facility(code), full) {
        (Some(found), true) => facility(catalogue, found, selection),
        (Some(found), false) => href("facilities", found.id),
        (None, true) => facility(catalogue, &Facility::new(code, code, None), selection),
        (None, false) => href("facilities", Facility::new(code, code, None).id),
    }
}

/// A plan; the places that have it come as references, unless asked otherwise.
pub(crate) fn plan(catalogue: &Catalogue, plan: &Plan, selection: &Selection) -> Value {
    let price = |mut place: Value| {
        place["price"] = json!({"hour": plan.hourly});
        place
    };
    let facilities = plan.available_in.iter().map(|code| {
        price(facility_named(catalogue, code, selection.shows("available_in", false), selection.of("available_in")))
    });
    let metros = plan.available_in_metros.iter();
    let metros = metros.map(|code| price(metro_named(catalogue, code, selection.shows("available_in_metros", false))));
    let mut json = json!({
        "id": plan.id,
        "href": path("plans", plan.id),
        "slug": plan.slug,
        "name": plan.name,
        "type": plan.kind,
        "categories": plan.categories,
        "pricing": {"hour": plan.hourly},
        "available_in": facilities.collect::<Vec<_>>(),
        "available_in_metros": metros.collect::<Vec<_>>(),
    });
    if let Value::Object(json) = &mut json {
        json.extend(plan.attributes.clone());
    }
    json
}

/// The plan of this slug, likewise.
pub(super) fn plan_named(catalogue: &Catalogue, slug: &str, full: bool, selection: &Selection) -> Value {
    match (catalogue.plan(slug), full) {
        (Some(found), true) => plan(catalogue, found, selection),
        (Some(found), false) => href("plans", found.id),
        (None, true) => plan(catalogue, &Plan::new(slug), selection),
        (None, false) => href("plans", Plan::new(slug).id),
    }
}

/// The operating system of this slug, likewise.
pub(super) fn operating_system_named(catalogue: &Catalogue, slug: &str, full: bool) -> Value {
    let unknown = || OperatingSystem::new(slug, slug, slug, "1");
    let system = catalogue.operating_system(slug).cloned().unwrap_or_else(unknown);
    if !full {
        return href("operating-systems", system.id);
    }
    let plans: Vec<&str> = catalogue.plans.iter().map(|plan| plan.slug.as_str()).collect();
    json!({
        "id": system.id,
        "href": path("operating-systems", system.id),
        "slug": system.slug,
        "name": system.name,
        "distro": system.distro,
        "distro_label": system.distro,
        "version": system.version,
        "preinstallable": true,
        "licensed": false,
        "provisionable_on": plans,
        "pricing": {},
    })
}
