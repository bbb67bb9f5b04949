//! Identifiers and numbers that look random and are the same in every run with the same seed.

use uuid::Uuid;

/// The finaliser of splitmix64 (Steele, Lea, Flood 2014): cheap, and a bijection, so distinct inputs stay distinct.
pub(crate) const fn mix(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What an identifier is for. Each kind draws from its own sequence.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    Address = 1,
    BondPort,
    Device,
    Event,
    Facility,
    FirstPort,
    HardwareReservation,
    Metro,
    OperatingSystem,
    Organization,
    Plan,
    Reservation,
    SecondPort,
    SshKey,
    Street,
    Switch,
    User,
    // Added later and so at the end: what came before keeps its numbers, and everybody's ids stay what they were.
    Bulk,
    Nobody,
}

/// The version 4 UUID that is number `n` of its kind under this seed.
pub(crate) fn numbered(seed: u64, kind: Kind, n: u64) -> Uuid {
    let stream = mix(seed ^ ((kind as u64) << 56));
    let high = mix(stream.wrapping_add(n));
    let low = mix(high ^ stream.rotate_left(32) ^ n);
    uuid::Builder::from_random_bytes(Uuid::from_u64_pair(high, low).into_bytes()).into_uuid()
}

/// The version 4 UUID of the `n`th thing of this kind that belongs to `owner`, say an address of a device.
pub(crate) fn of(owner: Uuid, kind: Kind, n: u64) -> Uuid {
    let (high, low) = owner.as_u64_pair();
    numbered(mix(high) ^ low, kind, n)
}

/// The version 4 UUID of a thing of this kind that is known by a name, say a facility by its code.
pub(crate) fn named(kind: Kind, name: &str) -> Uuid {
    // FNV-1a: the names are short, few and our own, so nobody crafts collisions.
    let hash = name
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    numbered(hash, kind, 0)
}

/// The part of an id before its first dash, as the API's `short_id`.
pub(crate) fn short(id: Uuid) -> String {
    let mut text = id.to_string();
    text.truncate(8);
    text
}

#[cfg(test)]
mod tests {
    use super::{Kind, numbered};
    use std::collections::HashSet;

    #[test]
    fn the_same_seed_gives_the_same_ids() {
        assert_eq!(numbered(7, Kind::Device, 3), numbered(7, Kind::Device, 3));
        assert_ne!(numbered(7, Kind::Device, 3), numbered(8, Kind::Device, 3));
        assert_ne!(numbered(7, Kind::Device, 3), numbered(7, Kind::Address, 3));
    }

    #[test]
    fn a_hundred_thousand_ids_are_distinct_version_4_uuids() {
        let ids: HashSet<_> = (0..100_000).map(|n| numbered(0, Kind::Device, n)).collect();
        assert_eq!(ids.len(), 100_000);
        assert!(ids.iter().all(|id| id.get_version_num() == 4));
    }
}
