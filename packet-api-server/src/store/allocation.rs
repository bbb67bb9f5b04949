//! Address space for reservations, apart from what devices get by default, handed out in aligned blocks from the bottom up.

use crate::addresses::Block;
use crate::reservation::ReservationKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The benchmarking network (RFC 2544), for public and for global blocks, half each.
const PUBLIC_V4: (Ipv4Addr, u128) = (Ipv4Addr::new(198, 18, 0, 0), 1 << 16);
const GLOBAL_V4: (Ipv4Addr, u128) = (Ipv4Addr::new(198, 19, 0, 0), 1 << 16);
/// 172.16.0.0/12.
const PRIVATE_V4: (Ipv4Addr, u128) = (Ipv4Addr::new(172, 16, 0, 0), 1 << 20);
/// The upper half of Packet's allocation.
const PUBLIC_V6: (Ipv6Addr, u128) = (Ipv6Addr::new(0x2604, 0x1380, 0x8000, 0, 0, 0, 0, 0), 1 << 64);

/// How much of each space is gone.
#[derive(Debug, Default)]
pub(super) struct Allocation {
    used: [u128; 4],
}

impl Allocation {
    /// The next free block of at least so many addresses, or nothing when the space is used up.
    pub(super) fn block(&mut self, kind: ReservationKind, addresses: u32) -> Option<Block> {
        let size = u128::from(addresses.checked_next_power_of_two()?);
        let (slot, (first, space)) = match kind {
            ReservationKind::PublicIpv4 => (0, v4(PUBLIC_V4)),
            ReservationKind::GlobalIpv4 => (1, v4(GLOBAL_V4)),
            ReservationKind::PrivateIpv4 => (2, v4(PRIVATE_V4)),
            ReservationKind::PublicIpv6 => (3, (u128::from(PUBLIC_V6.0), PUBLIC_V6.1)),
        };
        let used = self.used.get_mut(slot)?;
        let start = used.next_multiple_of(size);
        if start + size > space {
            return None;
        }
        *used = start + size;
        let bits = u8::try_from(size.trailing_zeros()).ok()?;
        if kind.is_ipv6() {
            return Some(Block::around(IpAddr::V6(Ipv6Addr::from(first + start)), 128 - bits));
        }
        let network = Ipv4Addr::from(u32::try_from(first + start).ok()?);
        Some(Block::around(IpAddr::V4(network), 32 - bits))
    }
}

fn v4((first, space): (Ipv4Addr, u128)) -> (u128, u128) {
    (u128::from(u32::from(first)), space)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::Allocation;
    use crate::reservation::ReservationKind;

    #[test]
    fn blocks_are_aligned_and_do_not_overlap() {
        let mut allocation = Allocation::default();
        let mut next = |addresses| allocation.block(ReservationKind::PublicIpv4, addresses).unwrap();
        let (one, four, three) = (next(1), next(4), next(3));
        assert_eq!((one.network.to_string(), one.cidr), ("198.18.0.0".into(), 32));
        assert_eq!((four.network.to_string(), four.cidr), ("198.18.0.4".into(), 30));
        assert_eq!((three.network.to_string(), three.cidr), ("198.18.0.8".into(), 30));
    }

    #[test]
    fn a_space_that_is_used_up_gives_no_more() {
        let mut allocation = Allocation::default();
        assert!(allocation.block(ReservationKind::GlobalIpv4, 65_536).is_some());
        assert!(allocation.block(ReservationKind::GlobalIpv4, 1).is_none());
        assert!(allocation.block(ReservationKind::PublicIpv6, 16).is_some());
    }
}
