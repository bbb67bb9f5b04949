//! What makes devices of the real API as large as they are, made up from a device's id so that nothing of it is kept.

use crate::device::Device;
use crate::ids::mix;
use serde_json::{Map, Value, json};
use std::sync::LazyLock;

/// The most of each that a device has. Together with what every device shows they come to some 20 KB.
const MOST_KEYS: u64 = 24;
const MOST_EVENTS: u64 = 30;
const MOST_LABELS: u64 = 24;
const MOST_USERDATA: u64 = 8_192;

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
pub(super) struct Bulk {
    pub(super) userdata: &'static str,
    pub(super) customdata: Map<String, Value>,
    /// How many keys, besides the project's own.
    pub(super) keys: u64,
    /// How many events, besides those of its provisioning.
    pub(super) events: u64,
}

impl Bulk {
    pub(super) fn of(device: &Device) -> Self {
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
        let labels = next(MOST_LABELS);
        Self {
            userdata: SCRIPT.get(..userdata).unwrap_or_default(),
            customdata: (0..labels).map(|n| label(device, n)).collect(),
            keys: next(MOST_KEYS),
            events: next(MOST_EVENTS),
        }
    }
}

fn label(device: &Device, n: u64) -> (String, Value) {
    let value =
        json!({"owner": format!("team-{}", n % 7), "note": format!("set by provisioning on {}", device.created_at)});
    (format!("example.org/label-{n}"), value)
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
        let bulk = Bulk::of(&store.create_device(DeviceSpec::new("plain")));
        assert!(bulk.userdata.is_empty() && bulk.customdata.is_empty() && bulk.keys == 0 && bulk.events == 0);
    }
}
