//! The bond of a device and its two ports.

use super::reference::{Either, Href, Path};
use crate::device::Device;
use crate::ids::{self, Kind};
use serde::Serialize;
use uuid::Uuid;

#[derive(Serialize)]
pub(super) struct PortJson {
    id: Uuid,
    href: Path,
    #[serde(rename = "type")]
    kind: &'static str,
    name: &'static str,
    data: Data,
    disbond_operation_supported: bool,
    virtual_networks: [(); 0],
    #[serde(skip_serializing_if = "Option::is_none")]
    network_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bond: Option<Bond>,
}

#[derive(Serialize)]
struct Data {
    bonded: bool,
    mac: String,
}

#[derive(Serialize)]
struct Bond {
    id: Uuid,
    name: &'static str,
}

/// The bond first, as the API has it.
pub(super) fn ports(device: &Device, full: bool) -> [Either<PortJson>; 3] {
    let id = |kind| ids::of(device.id, kind, 0);
    let bond = id(Kind::BondPort);
    let [bond_mac, first_mac, second_mac] = device.mac_addresses();
    let port = |name, id: Uuid, mac| {
        if !full {
            return Either::Href(Href::new("ports", id));
        }
        let is_bond = id == bond;
        Either::Full(PortJson {
            id,
            href: Path::new("ports", id),
            kind: if is_bond { "NetworkBondPort" } else { "NetworkPort" },
            name,
            data: Data { bonded: true, mac },
            disbond_operation_supported: !is_bond,
            virtual_networks: [],
            network_type: is_bond.then_some("layer3"),
            bond: (!is_bond).then_some(Bond { id: bond, name: "bond0" }),
        })
    };
    [
        port("bond0", bond, bond_mac),
        port("eth0", id(Kind::FirstPort), first_mac),
        port("eth1", id(Kind::SecondPort), second_mac),
    ]
}
