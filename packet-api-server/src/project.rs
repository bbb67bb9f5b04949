//! A project: what the token is for, and what devices and reservations belong to.

use crate::ids::{self, Kind};
use serde_json::{Map, Value};
use uuid::Uuid;

/// A project in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Project {
    /// The project's id.
    pub id: Uuid,
    /// Its name, 1 to 80 characters.
    pub name: String,
    /// When it was created, RFC 3339.
    pub created_at: String,
    /// When it last changed, RFC 3339.
    pub updated_at: String,
    /// Further fields of the API's project, served as they are.
    pub attributes: Map<String, Value>,
}

impl Project {
    /// A project of this id and name.
    #[must_use]
    pub fn new(id: Uuid, name: impl Into<String>) -> Self {
        Self {
            id,
            name: name.into(),
            created_at: "2021-01-04T09:00:00Z".into(),
            updated_at: "2021-01-04T09:00:00Z".into(),
            attributes: Map::new(),
        }
    }

    /// The user that everything in the project was created by.
    pub(crate) fn user(&self) -> Uuid {
        ids::of(self.id, Kind::User, 0)
    }

    /// The organization that pays for it.
    pub(crate) fn organization(&self) -> Uuid {
        ids::of(self.id, Kind::Organization, 0)
    }

    /// The key that its devices let in.
    pub(crate) fn ssh_key(&self) -> Uuid {
        ids::of(self.id, Kind::SshKey, 0)
    }
}
