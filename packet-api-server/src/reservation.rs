//! A reservation: a block of addresses that a project holds, and that its devices can be assigned addresses from.

use crate::addresses::Block;
use serde_json::{Map, Value};
use std::net::IpAddr;
use uuid::Uuid;

/// What kind of block it is, as the API spells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the API's own words")]
pub enum ReservationKind {
    GlobalIpv4,
    PrivateIpv4,
    PublicIpv4,
    PublicIpv6,
}

impl ReservationKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::GlobalIpv4, Self::PrivateIpv4, Self::PublicIpv4, Self::PublicIpv6];

    /// The kind as the API spells it, say `public_ipv4`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::GlobalIpv4 => "global_ipv4",
            Self::PrivateIpv4 => "private_ipv4",
            Self::PublicIpv4 => "public_ipv4",
            Self::PublicIpv6 => "public_ipv6",
        }
    }

    /// The kind that is spelt so, if one is.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    pub(crate) const fn is_public(self) -> bool {
        !matches!(self, Self::PrivateIpv4)
    }

    pub(crate) const fn is_global(self) -> bool {
        matches!(self, Self::GlobalIpv4)
    }

    pub(crate) const fn is_ipv6(self) -> bool {
        matches!(self, Self::PublicIpv6)
    }
}

/// A reservation in the store.
#[derive(Debug, Clone, PartialEq)]
pub struct Reservation {
    /// The reservation's id, as `/ips/{id}` knows it.
    pub id: Uuid,
    /// The project that holds it.
    pub project: Uuid,
    /// What kind of block it is.
    pub kind: ReservationKind,
    /// Its first address.
    pub network: IpAddr,
    /// Its length in bits.
    pub cidr: u8,
    /// The code of the facility that announces it, if one does; a global block is announced everywhere.
    pub facility: Option<String>,
    /// The code of the metro that announces it, if one does.
    pub metro: Option<String>,
    /// When it was created, RFC 3339.
    pub created_at: String,
    /// Further fields of the API's reservation, served as they are: `details`, `tags`, `customdata`.
    pub attributes: Map<String, Value>,
}

impl Reservation {
    pub(crate) fn block(&self) -> Block {
        Block::around(self.network, self.cidr)
    }
}
