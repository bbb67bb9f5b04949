//! Where a device stands: facilities (data centres) and the metros they lie in.

use smol_str::SmolStr;

/// How an answer points at a facility or metro: with its code, or only with the id that its `href` ends in.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PlaceRef {
    /// The short code that labels show: `ewr1`, `ny`.
    Code(SmolStr),
    /// The id, where the answer held nothing but an `href`.
    Id(Box<str>),
}

impl PlaceRef {
    /// The code, where the answer told it.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Code(code) => Some(code),
            Self::Id(_) => None,
        }
    }
}

/// A facility of the API, with the metro it lies in where the API tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facility {
    /// The facility's id.
    pub id: Box<str>,
    /// The facility's code, e.g. `ewr1`.
    pub code: SmolStr,
    /// The metro it lies in; answers from before there were metros have none.
    pub metro: Option<PlaceRef>,
}

/// A metro of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metro {
    /// The metro's id.
    pub id: Box<str>,
    /// The metro's code, e.g. `ny`.
    pub code: SmolStr,
}
