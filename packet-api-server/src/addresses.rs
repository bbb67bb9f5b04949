//! Where addresses come from: device number n gets the nth pair of each address space, so no two devices ever share one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Public IPv4 space, as (first address, how many /31 pairs). The first four are blocks that Packet announced; whoever
/// needs more than their 131,072 pairs gets the reserved class E (RFC 1112 §4), which nobody can mistake for a host.
const PUBLIC_V4: [(Ipv4Addr, u64); 5] = [
    (Ipv4Addr::new(147, 75, 0, 0), 32_768),
    (Ipv4Addr::new(139, 178, 0, 0), 32_768),
    (Ipv4Addr::new(136, 144, 0, 0), 32_768),
    (Ipv4Addr::new(145, 40, 0, 0), 32_768),
    (Ipv4Addr::new(240, 0, 0, 0), 1 << 27),
];
/// Private IPv4 space: 10.0.0.0/8 holds 8,388,608 pairs.
const PRIVATE_V4: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 0);
const PRIVATE_V4_PAIRS: u64 = 1 << 23;
/// Packet's IPv6 allocation.
const PUBLIC_V6: Ipv6Addr = Ipv6Addr::new(0x2604, 0x1380, 0, 0, 0, 0, 0, 0);

/// The upper address of the nth public IPv4 pair.
pub(crate) fn public_v4(n: u64) -> IpAddr {
    let mut left = n;
    for (first, pairs) in PUBLIC_V4 {
        if left < pairs {
            return upper_v4(first, left);
        }
        left -= pairs;
    }
    upper_v4(PUBLIC_V4[4].0, left % PUBLIC_V4[4].1)
}

/// The upper address of the nth private IPv4 pair.
pub(crate) fn private_v4(n: u64) -> IpAddr {
    upper_v4(PRIVATE_V4, n % PRIVATE_V4_PAIRS)
}

/// The upper address of the nth public IPv6 pair.
pub(crate) fn public_v6(n: u64) -> IpAddr {
    IpAddr::V6(Ipv6Addr::from(u128::from(PUBLIC_V6) + (u128::from(n) << 1) + 1))
}

fn upper_v4(first: Ipv4Addr, pair: u64) -> IpAddr {
    let offset = u32::try_from(pair << 1).unwrap_or(u32::MAX - 1);
    IpAddr::V4(Ipv4Addr::from(u32::from(first).saturating_add(offset | 1)))
}

/// An address block as the API spells it: its first address, its mask, its length in bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Block {
    pub(crate) network: IpAddr,
    pub(crate) netmask: IpAddr,
    pub(crate) cidr: u8,
}

impl Block {
    /// The block of `cidr` bits around an address. More bits than the family has count as all of them.
    pub(crate) fn around(address: IpAddr, cidr: u8) -> Self {
        match address {
            IpAddr::V4(address) => {
                let cidr = cidr.min(32);
                let mask = u32::MAX.checked_shl(32 - u32::from(cidr)).unwrap_or(0);
                Self {
                    network: IpAddr::V4(Ipv4Addr::from(u32::from(address) & mask)),
                    netmask: IpAddr::V4(Ipv4Addr::from(mask)),
                    cidr,
                }
            }
            IpAddr::V6(address) => {
                let cidr = cidr.min(128);
                let mask = u128::MAX.checked_shl(128 - u32::from(cidr)).unwrap_or(0);
                Self {
                    network: IpAddr::V6(Ipv6Addr::from(u128::from(address) & mask)),
                    netmask: IpAddr::V6(Ipv6Addr::from(mask)),
                    cidr,
                }
            }
        }
    }

    /// The router's address: the first one, or the one after it where the block is large enough to have a network address.
    pub(crate) fn gateway(&self) -> IpAddr {
        match self.network {
            IpAddr::V4(first) if self.cidr < 31 => IpAddr::V4(Ipv4Addr::from(u32::from(first).saturating_add(1))),
            IpAddr::V6(first) if self.cidr < 127 => IpAddr::V6(Ipv6Addr::from(u128::from(first).saturating_add(1))),
            first => first,
        }
    }

    /// Whether the address lies in this block.
    pub(crate) fn holds(&self, address: IpAddr) -> bool {
        address.is_ipv4() == self.network.is_ipv4() && Self::around(address, self.cidr).network == self.network
    }
}

/// The block of a device's own address: a pair, as Packet routes its hosts.
pub(crate) const fn pair_length(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 31,
        IpAddr::V6(_) => 127,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::{Block, private_v4, public_v4, public_v6};
    use std::collections::HashSet;

    #[test]
    fn three_hundred_thousand_addresses_are_distinct() {
        let all: HashSet<_> = (0..150_000).flat_map(|n| [public_v4(n), private_v4(n), public_v6(n)]).collect();
        assert_eq!(all.len(), 450_000);
    }

    #[test]
    fn a_pair_is_routed_by_its_lower_address() {
        let block = Block::around("147.75.1.3".parse().unwrap(), 31);
        assert_eq!(block.network.to_string(), "147.75.1.2");
        assert_eq!(block.netmask.to_string(), "255.255.255.254");
        assert_eq!(block.gateway(), block.network);
        let block = Block::around("2604:1380::3".parse().unwrap(), 127);
        assert_eq!(block.network.to_string(), "2604:1380::2");
    }

    #[test]
    fn a_larger_block_is_routed_by_its_second_address() {
        let block = Block::around("147.75.1.77".parse().unwrap(), 28);
        assert_eq!(block.gateway().to_string(), "147.75.1.65");
        assert!(block.holds("147.75.1.79".parse().unwrap()));
        assert!(!block.holds("147.75.1.80".parse().unwrap()));
        assert!(!block.holds("::1".parse().unwrap()));
    }

    #[test]
    fn a_block_of_no_bits_holds_everything() {
        assert!(Block::around("10.0.0.1".parse().unwrap(), 0).holds("192.0.2.1".parse().unwrap()));
    }
}
