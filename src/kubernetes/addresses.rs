//! `status.addresses`: which addresses of a device its Node shows, and in which order.

use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};
use smol_str::{SmolStr, ToSmolStr};

use super::provider::Provider;
use crate::packet::{Address, Device};

/// The kind of an address (Kubernetes core/v1 `NodeAddressType`). Kinds that we do not write are kept as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "SmolStr", into = "SmolStr")]
pub enum AddressType {
    /// The name that the device has.
    Hostname,
    /// An address that is reachable from within.
    InternalIp,
    /// An address that is reachable from the internet.
    ExternalIp,
    /// Any other, e.g. `InternalDNS`.
    Other(SmolStr),
}

impl From<SmolStr> for AddressType {
    fn from(word: SmolStr) -> Self {
        match word.as_str() {
            "Hostname" => Self::Hostname,
            "InternalIP" => Self::InternalIp,
            "ExternalIP" => Self::ExternalIp,
            _ => Self::Other(word),
        }
    }
}

impl From<AddressType> for SmolStr {
    fn from(kind: AddressType) -> Self {
        match kind {
            AddressType::Hostname => Self::new_static("Hostname"),
            AddressType::InternalIp => Self::new_static("InternalIP"),
            AddressType::ExternalIp => Self::new_static("ExternalIP"),
            AddressType::Other(word) => word,
        }
    }
}

/// An entry of `status.addresses`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NodeAddress {
    /// Its kind.
    #[serde(rename = "type")]
    pub kind: AddressType,
    /// The address.
    pub address: SmolStr,
}

/// What the settings say about addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AddressPolicy {
    /// Which program's order is kept.
    pub provider: Provider,
    /// Whether IPv6 addresses are shown.
    pub ipv6: bool,
    /// Whether a device without a public IPv4 address is an error.
    pub require_public_ip: bool,
}

/// Why the addresses of a device cannot be shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Pods could not reach the Node.
    #[error("could not get at least one private ip")]
    NoPrivate,
    /// The compatibility modes want one.
    #[error("could not get at least one public ip; set requirePublicIP to false if the device is meant to have none")]
    NoPublic,
    /// The API's entry cannot be used.
    #[error("device field ip_addresses[{index}].{field} is `{found}`, expected {expected}")]
    Malformed {
        /// The place of the entry, from 0.
        index: u32,
        /// The field at fault.
        field: &'static str,
        /// What it holds.
        found: Box<str>,
        /// What it should hold.
        expected: &'static str,
    },
    /// The annotation's value cannot be used.
    #[error("annotation alpha.kubernetes.io/provided-node-ip is `{found}`: {reason}; correct the kubelet's --node-ip")]
    ProvidedNodeIp {
        /// The value.
        found: String,
        /// What is wrong with it.
        reason: ProvidedNodeIpFault,
    },
}

/// What is wrong with the annotation of provided node IPs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProvidedNodeIpFault {
    /// A part of it is no IP address.
    NoIp,
    /// It names two addresses of one family.
    OneFamily,
    /// It names more than two addresses.
    TooMany,
}

impl fmt::Display for ProvidedNodeIpFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoIp => "not an IP address",
            Self::OneFamily => "two IP addresses of one family",
            Self::TooMany => "more than two IP addresses",
        })
    }
}

/// The addresses that the Node of `device` shows; `provided` is its annotation of provided node IPs.
///
/// # Errors
/// See [`AddressError`]. The Node then keeps the addresses it has.
pub fn node_addresses(
    policy: AddressPolicy,
    device: &Device,
    provided: Option<&str>,
) -> Result<Vec<NodeAddress>, AddressError> {
    let provided = provided.map(provided_ips).transpose()?.unwrap_or_default();
    let known = known_ips(policy, device)?;
    if !known.iter().any(|ip| ip.is_ipv4() && !ip.public) {
        return Err(AddressError::NoPrivate);
    }
    if policy.require_public_ip && !known.iter().any(|ip| ip.is_ipv4() && ip.public) {
        return Err(AddressError::NoPublic);
    }
    let named: Vec<KnownIp> =
        provided.iter().map(|ip| KnownIp { ip: *ip, public: named_is_public(policy, &known, *ip) }).collect();
    let mut shown = Vec::with_capacity(known.len() + named.len());
    shown.extend(named.iter().copied().map(KnownIp::to_node_address));
    shown.push(NodeAddress { kind: AddressType::Hostname, address: device.hostname.as_str().into() });
    let rest = shown_ips(policy, &known);
    shown.extend(
        rest.into_iter()
            .filter(|ip| named.iter().all(|named| named.public != ip.public && named.ip != ip.ip))
            .map(KnownIp::to_node_address),
    );
    Ok(shown)
}

/// An address of the device, in the API's order and without repetition.
#[derive(Debug, Clone, Copy)]
struct KnownIp {
    ip: IpAddr,
    public: bool,
}

impl KnownIp {
    fn is_ipv4(self) -> bool {
        self.ip.is_ipv4()
    }

    fn to_node_address(self) -> NodeAddress {
        let kind = if self.public { AddressType::ExternalIp } else { AddressType::InternalIp };
        NodeAddress { kind, address: self.ip.to_smolstr() }
    }
}

/// Every address of the device once. A malformed entry of a family that is not shown harms nobody.
fn known_ips(policy: AddressPolicy, device: &Device) -> Result<Vec<KnownIp>, AddressError> {
    let mut known: Vec<KnownIp> = Vec::with_capacity(device.addresses.len());
    for address in &device.addresses {
        match address {
            Address::Usable { ip, public } if known.iter().all(|earlier| earlier.ip != *ip) => {
                known.push(KnownIp { ip: *ip, public: *public });
            }
            Address::Usable { .. } => {}
            Address::Malformed { ipv6: true, .. } if !policy.ipv6 => {}
            Address::Malformed { index, field, found, .. } => {
                let expected = match field {
                    crate::packet::IpField::Address => "an IP address",
                    crate::packet::IpField::Public => "true or false",
                };
                return Err(AddressError::Malformed {
                    index: *index,
                    field: field.name(),
                    found: found.clone(),
                    expected,
                });
            }
        }
    }
    Ok(known)
}

/// The addresses to show where none is named: IPv4, then IPv6 where it is shown, each in the order of the provider.
fn shown_ips(policy: AddressPolicy, known: &[KnownIp]) -> Vec<KnownIp> {
    let family = |ipv4: bool| known.iter().filter(move |ip| ip.is_ipv4() == ipv4);
    match policy.provider {
        Provider::EquinixMetal => family(true).chain(family(false).filter(|_| policy.ipv6)).copied().collect(),
        // One InternalIP, then one ExternalIP: the last of its kind, as the original took them.
        Provider::Packet => [false, true]
            .into_iter()
            .flat_map(|public| {
                let last = |ipv4: bool| family(ipv4).rfind(|ip| ip.public == public);
                [last(true), last(false).filter(|_| policy.ipv6)]
            })
            .flatten()
            .copied()
            .collect(),
    }
}

/// Whether a named address is an ExternalIP: never in `equinixmetal` mode, where running clusters have them as
/// InternalIP whatever the API says; as the API says in `packet` mode.
fn named_is_public(policy: AddressPolicy, known: &[KnownIp], named: IpAddr) -> bool {
    match policy.provider {
        Provider::EquinixMetal => false,
        Provider::Packet => known.iter().any(|ip| ip.ip == named && ip.public),
    }
}

/// Reads the annotation: one IP address, or two of different families with a comma between (Kubernetes
/// `component-helpers`, `ParseNodeIPAnnotation`).
fn provided_ips(annotation: &str) -> Result<Vec<IpAddr>, AddressError> {
    let fault = |reason| AddressError::ProvidedNodeIp { found: annotation.to_owned(), reason };
    let ips: Vec<IpAddr> = annotation
        .split(',')
        .map(|part| part.trim().parse())
        .collect::<Result<_, _>>()
        .map_err(|_| fault(ProvidedNodeIpFault::NoIp))?;
    match ips[..] {
        [first, second] if first.is_ipv4() == second.is_ipv4() => Err(fault(ProvidedNodeIpFault::OneFamily)),
        [_] | [_, _] => Ok(ips),
        _ => Err(fault(ProvidedNodeIpFault::TooMany)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::packet::IpField;

    const PACKET: AddressPolicy = AddressPolicy { provider: Provider::Packet, ipv6: false, require_public_ip: true };
    const METAL: AddressPolicy = AddressPolicy { provider: Provider::EquinixMetal, ..PACKET };

    fn device(addresses: &[(&str, bool)]) -> Device {
        let usable = |(ip, public): &(&str, bool)| Address::Usable { ip: ip.parse().unwrap(), public: *public };
        Device { addresses: addresses.iter().map(usable).collect(), ..Device::named("d", "host") }
    }

    /// Three IPv4 of each kind would be rare; two are common (an elastic IP), and IPv6 is the default.
    fn usual() -> Device {
        device(&[
            ("147.75.1.1", true),
            ("2604::1", true),
            ("10.0.0.1", false),
            ("147.75.1.2", true),
            ("10.0.0.2", false),
        ])
    }

    fn shown(policy: AddressPolicy, device: &Device, provided: Option<&str>) -> String {
        let letter = |kind: &AddressType| match kind {
            AddressType::Hostname => "H",
            AddressType::InternalIp => "I",
            AddressType::ExternalIp => "E",
            AddressType::Other(_) => "?",
        };
        let addresses = node_addresses(policy, device, provided).unwrap();
        addresses.iter().map(|a| format!("{} {}", letter(&a.kind), a.address)).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn packet_shows_the_last_of_each_kind() {
        assert_eq!(shown(PACKET, &usual(), None), "H host, I 10.0.0.2, E 147.75.1.2");
    }

    #[test]
    fn equinixmetal_shows_every_ipv4_in_the_apis_order() {
        assert_eq!(shown(METAL, &usual(), None), "H host, E 147.75.1.1, I 10.0.0.1, E 147.75.1.2, I 10.0.0.2");
    }

    #[test]
    fn ipv6_comes_after_the_ipv4_of_its_kind_where_it_is_wanted() {
        let (packet, metal) = (AddressPolicy { ipv6: true, ..PACKET }, AddressPolicy { ipv6: true, ..METAL });
        let device = device(&[
            ("2604::1", true),
            ("fd00::1", false),
            ("147.75.1.1", true),
            ("10.0.0.1", false),
            ("2604::2", true),
        ]);
        assert_eq!(shown(packet, &device, None), "H host, I 10.0.0.1, I fd00::1, E 147.75.1.1, E 2604::2");
        assert_eq!(shown(metal, &device, None), "H host, E 147.75.1.1, I 10.0.0.1, E 2604::1, I fd00::1, E 2604::2");
    }

    #[test]
    fn an_address_that_is_told_twice_is_shown_once() {
        let device = device(&[("147.75.1.1", true), ("10.0.0.1", false), ("147.75.1.1", true), ("10.0.0.1", false)]);
        assert_eq!(shown(METAL, &device, None), "H host, E 147.75.1.1, I 10.0.0.1");
    }

    #[test]
    fn a_named_ip_comes_first_and_drops_the_others_of_its_kind() {
        assert_eq!(shown(METAL, &usual(), Some("10.0.0.1")), "I 10.0.0.1, H host, E 147.75.1.1, E 147.75.1.2");
        assert_eq!(shown(PACKET, &usual(), Some("10.0.0.1")), "I 10.0.0.1, H host, E 147.75.1.2");
    }

    #[test]
    fn a_named_public_ip_is_internal_for_equinixmetal_and_external_for_packet() {
        assert_eq!(shown(METAL, &usual(), Some("147.75.1.1")), "I 147.75.1.1, H host, E 147.75.1.2");
        assert_eq!(shown(PACKET, &usual(), Some("147.75.1.1")), "E 147.75.1.1, H host, I 10.0.0.2");
    }

    #[test]
    fn a_named_ip_that_the_api_does_not_know_is_internal() {
        assert_eq!(shown(METAL, &usual(), Some("192.168.0.9")), "I 192.168.0.9, H host, E 147.75.1.1, E 147.75.1.2");
        assert_eq!(shown(PACKET, &usual(), Some("192.168.0.9")), "I 192.168.0.9, H host, E 147.75.1.2");
    }

    #[test]
    fn two_named_ips_of_different_families_come_first_in_their_order() {
        assert_eq!(
            shown(METAL, &usual(), Some("fd00::9, 10.0.0.2")),
            "I fd00::9, I 10.0.0.2, H host, E 147.75.1.1, E 147.75.1.2"
        );
        assert_eq!(shown(PACKET, &usual(), Some("10.0.0.1,2604::1")), "I 10.0.0.1, E 2604::1, H host");
    }

    #[test]
    fn an_annotation_that_is_no_ip_says_so() {
        for (found, reason) in [
            ("", ProvidedNodeIpFault::NoIp),
            ("eth0", ProvidedNodeIpFault::NoIp),
            ("10.0.0.1,", ProvidedNodeIpFault::NoIp),
            ("10.0.0.1/24", ProvidedNodeIpFault::NoIp),
            ("10.0.0.1,10.0.0.2", ProvidedNodeIpFault::OneFamily),
            ("10.0.0.1,fd00::1,10.0.0.2", ProvidedNodeIpFault::TooMany),
        ] {
            let error = node_addresses(METAL, &usual(), Some(found)).unwrap_err();
            assert_eq!(error, AddressError::ProvidedNodeIp { found: found.to_owned(), reason });
        }
    }

    #[test]
    fn a_device_needs_a_private_ipv4_and_by_default_a_public_one() {
        let lenient = AddressPolicy { require_public_ip: false, ..PACKET };
        let private_only = device(&[("10.0.0.1", false)]);
        assert_eq!(node_addresses(PACKET, &private_only, None), Err(AddressError::NoPublic));
        assert_eq!(shown(lenient, &private_only, None), "H host, I 10.0.0.1");
        let public_only = device(&[("147.75.1.1", true), ("fd00::1", false)]);
        assert_eq!(node_addresses(lenient, &public_only, None), Err(AddressError::NoPrivate));
    }

    #[test]
    fn a_malformed_entry_is_an_error_only_where_it_would_be_shown() {
        let mut device = usual();
        let malformed = Address::Malformed { ipv6: true, index: 5, field: IpField::Address, found: "2604:::::".into() };
        device.addresses = device.addresses.into_iter().chain([malformed]).collect();
        assert!(node_addresses(METAL, &device, None).is_ok());
        let error = node_addresses(AddressPolicy { ipv6: true, ..METAL }, &device, None).unwrap_err();
        assert_eq!(error.to_string(), "device field ip_addresses[5].address is `2604:::::`, expected an IP address");
    }
}
