//! References to resources, written without an allocation: a page of devices has tens of thousands of them.

use crate::server::BASE_PATH;
use serde::{Serialize, Serializer};
use uuid::Uuid;

/// The path of a resource.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path {
    pub(super) resource: &'static str,
    pub(super) id: Uuid,
}

/// `{"href": …}`
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Href {
    href: Path,
}

impl Path {
    pub(super) const fn new(resource: &'static str, id: Uuid) -> Self {
        Self { resource, id }
    }
}

impl Href {
    pub(super) const fn new(resource: &'static str, id: Uuid) -> Self {
        Self { href: Path::new(resource, id) }
    }
}

impl Serialize for Path {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{BASE_PATH}/{}/{}", self.resource, self.id))
    }
}

/// Resources in full, or references to them.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Either<T> {
    Full(T),
    Href(Href),
}
