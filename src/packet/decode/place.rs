//! Facilities and metros on the wire: in full, or only as an `href`.

use serde::Deserialize;

use super::{Fault, Text, non_empty, parse};
use crate::packet::place::{Facility, Metro, PlaceRef};

#[derive(Deserialize)]
pub(super) struct WirePlace<'a> {
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    code: Option<Text<'a>>,
    #[serde(borrow, default)]
    href: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct WireFacility<'a> {
    #[serde(borrow, default)]
    id: Option<Text<'a>>,
    #[serde(borrow, default)]
    code: Option<Text<'a>>,
    #[serde(borrow, default)]
    href: Option<Text<'a>>,
    #[serde(borrow, default)]
    metro: Option<WirePlace<'a>>,
}

#[derive(Deserialize)]
struct WireFacilityList<'a> {
    #[serde(borrow)]
    facilities: Vec<WireFacility<'a>>,
}

#[derive(Deserialize)]
struct WireMetroList<'a> {
    #[serde(borrow)]
    metros: Vec<WirePlace<'a>>,
}

/// Reads the list of facilities. One without id or code cannot be pointed at, and is left out.
pub(in crate::packet) fn facilities(body: &[u8]) -> Result<Vec<Facility>, Fault> {
    let wire: WireFacilityList<'_> = parse(body)?;
    let facility = |wire: WireFacility<'_>| {
        let metro = wire.metro.and_then(WirePlace::reference);
        Some(Facility { id: non_empty(wire.id)?.as_str().into(), code: non_empty(wire.code)?, metro })
    };
    Ok(wire.facilities.into_iter().filter_map(facility).collect())
}

/// Reads the list of metros. One without id or code cannot be pointed at, and is left out.
pub(in crate::packet) fn metros(body: &[u8]) -> Result<Vec<Metro>, Fault> {
    let wire: WireMetroList<'_> = parse(body)?;
    let metro =
        |wire: WirePlace<'_>| Some(Metro { id: non_empty(wire.id)?.as_str().into(), code: non_empty(wire.code)? });
    Ok(wire.metros.into_iter().filter_map(metro).collect())
}

impl WireFacility<'_> {
    /// The facility itself, and the metro that its entry names.
    pub(super) fn references(self) -> (Option<PlaceRef>, Option<PlaceRef>) {
        let metro = self.metro.and_then(WirePlace::reference);
        (WirePlace { id: self.id, code: self.code, href: self.href }.reference(), metro)
    }
}

impl WirePlace<'_> {
    pub(super) fn reference(self) -> Option<PlaceRef> {
        let by_code = non_empty(self.code).map(PlaceRef::Code);
        by_code.or_else(|| non_empty(self.id).map(|id| PlaceRef::Id(id.as_str().into()))).or_else(|| {
            let href = self.href?;
            let id = href.0.trim_end_matches('/').rsplit('/').next().filter(|id| !id.is_empty())?;
            Some(PlaceRef::Id(id.into()))
        })
    }
}
