//! The parts of a Node that are kept apart from the rest: those that are large and that most writes leave alone.

use axum::body::Bytes;

/// A part of a Node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Annotations,
    Labels,
    /// Who owns which field.
    Owners,
    Allocatable,
    Capacity,
    Conditions,
    Images,
}

/// The parts that there are, as JSON, in the order of [`Part::ALL`]. An object that is no Node has none.
pub(crate) type Apart = [Option<Bytes>; Part::ALL.len()];

impl Part {
    /// In the order in which they stand in a Node.
    pub(crate) const ALL: [Part; 7] = [
        Part::Annotations,
        Part::Labels,
        Part::Owners,
        Part::Allocatable,
        Part::Capacity,
        Part::Conditions,
        Part::Images,
    ];

    /// The two fields that lead to it.
    pub(crate) fn path(self) -> [&'static str; 2] {
        match self {
            Part::Annotations => ["metadata", "annotations"],
            Part::Labels => ["metadata", "labels"],
            Part::Owners => ["metadata", "managedFields"],
            Part::Allocatable => ["status", "allocatable"],
            Part::Capacity => ["status", "capacity"],
            Part::Conditions => ["status", "conditions"],
            Part::Images => ["status", "images"],
        }
    }
}
