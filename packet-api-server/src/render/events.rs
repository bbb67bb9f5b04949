//! What a device went through.

use super::reference::{Either, Href, Path};
use crate::device::Device;
use crate::ids::{self, Kind};
use serde::Serialize;
use uuid::Uuid;

/// While it was provisioned, as (type, text).
const PROVISIONING: [(&str, &str); 4] = [
    ("provisioning.101", "Device details stored and device is being assigned to hardware"),
    ("provisioning.102", "Network addresses assigned"),
    ("provisioning.106", "Operating system packages are being installed"),
    ("provisioning.109", "Installation finished, rebooting into the operating system"),
];
/// Whenever it was started again.
const REBOOT: (&str, &str) = ("instance.reboot", "The device was rebooted");

#[derive(Serialize)]
pub(super) struct EventJson<'d> {
    id: Uuid,
    href: Path,
    #[serde(rename = "type")]
    kind: &'static str,
    body: &'static str,
    interpolated: &'static str,
    state: &'static str,
    created_at: &'d str,
    relationships: [Href; 1],
}

/// The events of a device, which was rebooted so often.
pub(super) fn events(device: &Device, reboots: u64, full: bool) -> Vec<Either<EventJson<'_>>> {
    let json = |(n, (kind, text))| {
        let id = ids::of(device.id, Kind::Event, n);
        if !full {
            return Either::Href(Href::new("events", id));
        }
        Either::Full(EventJson {
            id,
            href: Path::new("events", id),
            kind,
            body: text,
            interpolated: text,
            state: "public",
            created_at: &device.created_at,
            relationships: [Href::new("devices", device.id)],
        })
    };
    let reboots = (0..reboots).map(|_| REBOOT);
    (0..).zip(PROVISIONING.into_iter().chain(reboots)).map(json).collect()
}
