//! What makes devices of the real API as large as they are, made up from a device's id so that nothing of it is kept.

use crate::device::Device;
use crate::ids::mix;
use serde::{Serialize, Serializer};
use std::sync::LazyLock;

/// The most of each that a device has. Together with what every device shows they come to some 20 KB.
const MOST_KEYS: u64 = 16;
const MOST_REBOOTS: u64 = 16;
const MOST_LABELS: u64 = 16;
const MOST_USERDATA: u64 = 6_144;

/// A line of a cloud-init script; many of them are user data as it is seen in the wild.
const LINES: [&str; 8] = [
    "apt-get update && apt-get install -y --no-install-recommends containerd kubelet kubeadm\n",
    "sysctl --system\n",
    "systemctl enable --now containerd kubelet\n",
    "echo 'net.ipv4.ip_forward = 1' > /etc/sysctl.d/99-kubernetes.conf\n",
    "modprobe br_netfilter\n",
    "curl -fsSL https://example.org/bootstrap.sh | bash -s -- --cloud-provider=external\n",
    "mkdir -p /etc/kubernetes/manifests /var/lib/kubelet\n",
    "ip route add 10.0.0.0/8 via \"$(ip -4 route show dev bond0 | awk '/via/ {print $3; exit}')\" dev bond0\n",
];

/// Everybody's user data is the beginning of this.
static SCRIPT: LazyLock<String> = LazyLock::new(|| {
    let most = usize::try_from(MOST_USERDATA).unwrap_or_default();
    let mut script = String::from("#!/bin/bash\nset -euo pipefail\n");
    while script.len() < most {
        script.extend(LINES);
    }
    script
});

/// What one device has beyond what every device shows.
#[derive(Debug, Default)]
pub(super) struct Bulk<'d> {
    pub(super) userdata: &'static str,
    pub(super) customdata: Labels<'d>,
    /// How many keys, besides the project's own.
    pub(super) keys: u64,
    /// How often it was started again.
    pub(super) reboots: u64,
}

/// Custom data as tools leave it behind: notes under names.
#[derive(Debug, Default)]
pub(super) struct Labels<'d> {
    count: u64,
    created_at: &'d str,
}

impl<'d> Bulk<'d> {
    pub(super) fn of(device: &'d Device) -> Self {
        if !device.realistic_size {
            return Self::default();
        }
        let mut roll = device.id.as_u64_pair().1;
        // Up to a bound, but small more often than large, as sizes are: half of all are below an eighth of it.
        let mut next = |most: u64| {
            roll = mix(roll);
            let part = u128::from(roll >> 32);
            u64::try_from((u128::from(most + 1) * part * part * part) >> 96).unwrap_or_default()
        };
        let userdata = usize::try_from(next(MOST_USERDATA)).unwrap_or_default();
        Self {
            userdata: SCRIPT.get(..userdata).unwrap_or_default(),
            customdata: Labels { count: next(MOST_LABELS), created_at: &device.created_at },
            keys: next(MOST_KEYS),
            reboots: next(MOST_REBOOTS),
        }
    }
}

/// One of them.
#[derive(Serialize)]
struct Label<'d> {
    owner: &'static str,
    #[serde(rename = "provisioned-at")]
    provisioned_at: &'d str,
    note: &'static str,
}

impl Serialize for Labels<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let label = Label {
            owner: "infrastructure",
            provisioned_at: self.created_at,
            note: "set by provisioning; do not edit by hand",
        };
        serializer.collect_map((0..self.count).map(|n| (Name(n), &label)))
    }
}

/// The name of a label.
struct Name(u64);

impl Serialize for Name {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("example.org/label-{}", self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::Bulk;
    use crate::device::DeviceSpec;
    use crate::store::Store;
    use uuid::Uuid;

    #[test]
    fn every_device_has_its_own_amount_and_always_the_same() {
        let store = Store::new(0, "token".into(), Uuid::nil());
        let (one, other) = (DeviceSpec::new("one").realistic_size(true), DeviceSpec::new("other").realistic_size(true));
        let (one, other) = (store.create_device(one), store.create_device(other));
        assert_eq!(Bulk::of(&one).userdata, Bulk::of(&one).userdata);
        assert_ne!(Bulk::of(&one).userdata.len(), Bulk::of(&other).userdata.len());
    }

    #[test]
    fn a_device_that_need_not_be_of_realistic_size_has_nothing_more() {
        let store = Store::new(0, "token".into(), Uuid::nil());
        let device = store.create_device(DeviceSpec::new("plain"));
        let bulk = Bulk::of(&device);
        assert!(bulk.userdata.is_empty() && bulk.customdata.count == 0 && bulk.keys == 0 && bulk.reboots == 0);
    }
}
