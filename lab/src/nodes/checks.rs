//! What must be true of an initialised Node, and what is wrong with one of which it is not.

use std::collections::BTreeMap;
use std::net::IpAddr;

use k8s_openapi::api::core::v1::{Node, NodeAddress};
use packet_api_server::Device;
use serde::Serialize;

use crate::cli::Provider;
use crate::nodes::fleet::Member;

/// The taint of a Node that waits for a cloud controller manager (Kubernetes `cloud-provider`).
pub(crate) const UNINITIALIZED_TAINT: &str = "node.cloudprovider.kubernetes.io/uninitialized";
const INSTANCE_TYPE_LABELS: [&str; 2] = ["node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type"];
const REGION_LABELS: [&str; 2] = ["topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region"];

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Aspect {
    /// Whether it is there at all.
    There,
    /// The uninitialized taint.
    Untainted,
    /// `spec.providerID`.
    ProviderId,
    /// `status.addresses`.
    Addresses,
    /// The labels of instance type and region.
    Labels,
    /// The taints that are somebody else's.
    OtherTaints,
    /// All of the above, in the instant in which the taint went.
    CompleteAtOnce,
}

impl Aspect {
    /// All of them, in the order in which they are shown.
    pub(crate) const ALL: [Self; 7] = [
        Self::There,
        Self::Untainted,
        Self::ProviderId,
        Self::Addresses,
        Self::Labels,
        Self::OtherTaints,
        Self::CompleteAtOnce,
    ];

    /// What holds where the check passes.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::There => "still there",
            Self::Untainted => "no longer uninitialized",
            Self::ProviderId => "provider ID is its own device's",
            Self::Addresses => "addresses are its device's, in order",
            Self::Labels => "labels tell instance type and region",
            Self::OtherTaints => "other taints kept",
            Self::CompleteAtOnce => "complete the moment the taint went",
        }
    }
}

/// Something wrong with a Node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault {
    /// What it is about.
    pub(crate) aspect: Aspect,
    /// What is there, and what should be.
    pub(crate) text: String,
}

/// Whether the Node waits for a cloud controller manager.
pub(crate) fn is_uninitialized(node: &Node) -> bool {
    let taints = node.spec.as_ref().and_then(|spec| spec.taints.as_ref());
    taints.into_iter().flatten().any(|taint| taint.key == UNINITIALIZED_TAINT)
}

/// What the program is to write about a device, worked out anew from what there is in the simulated API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expected {
    /// `spec.providerID`.
    pub(crate) provider_id: String,
    /// `status.addresses`: type and address.
    pub(crate) addresses: Vec<(&'static str, String)>,
    /// Labels that must be there.
    pub(crate) labels: BTreeMap<&'static str, String>,
}

impl Expected {
    /// What is expected of the Node of `device`.
    pub(crate) fn of(provider: Provider, device: &Device) -> Self {
        let region = match provider {
            Provider::Packet => &device.facility,
            Provider::EquinixMetal => &device.metro,
        };
        let label = |names: [&'static str; 2], value: &Option<String>| {
            let value = value.clone();
            names.into_iter().filter_map(move |name| Some((name, value.clone()?)))
        };
        Self {
            provider_id: format!("{}://{}", provider.name(), device.id),
            addresses: addresses(provider, device),
            labels: label(INSTANCE_TYPE_LABELS, &device.plan).chain(label(REGION_LABELS, region)).collect(),
        }
    }

    /// Makes the Node as it is expected to be.
    pub(crate) fn put_into(self, node: &mut Node) {
        let spec = node.spec.get_or_insert_default();
        spec.provider_id = Some(self.provider_id);
        if let Some(taints) = &mut spec.taints {
            taints.retain(|taint| taint.key != UNINITIALIZED_TAINT);
        }
        let address = |(kind, address): (&str, String)| NodeAddress { type_: kind.to_owned(), address };
        node.status.get_or_insert_default().addresses = Some(self.addresses.into_iter().map(address).collect());
        let labels = self.labels.into_iter().map(|(label, value)| (label.to_owned(), value));
        node.metadata.labels.get_or_insert_default().extend(labels);
    }
}

/// The hostname, then the IPv4 addresses: all of them in the API's order, or for `packet` the last of each kind.
fn addresses(provider: Provider, device: &Device) -> Vec<(&'static str, String)> {
    let kind = |public: bool| if public { "ExternalIP" } else { "InternalIP" };
    let ipv4: Vec<(bool, IpAddr)> = device
        .ip_addresses
        .iter()
        .filter(|ip| ip.address.is_ipv4())
        .map(|address| (address.public, address.address))
        .collect();
    let shown: Vec<(bool, IpAddr)> = match provider {
        Provider::EquinixMetal => ipv4,
        Provider::Packet => [false, true]
            .into_iter()
            .filter_map(|public| ipv4.iter().rfind(|(is_public, _)| *is_public == public).copied())
            .collect(),
    };
    let ips = shown.into_iter().map(|(public, ip)| (kind(public), ip.to_string()));
    std::iter::once(("Hostname", device.hostname.clone())).chain(ips).collect()
}

/// Everything that is wrong with the Node as it is.
pub(crate) fn faults(member: &Member, provider: Provider, node: &Node) -> Vec<Fault> {
    let mut faults = Vec::new();
    let mut fault = |aspect, text: String| faults.push(Fault { aspect, text });
    if is_uninitialized(node) {
        fault(Aspect::Untainted, "still has the uninitialized taint".to_owned());
    }
    let Some(expected) = member.device.as_ref().map(|device| Expected::of(provider, device)) else {
        fault(Aspect::ProviderId, "was left without a device (--missing-devices)".to_owned());
        return faults;
    };
    let provider_id = node.spec.as_ref().and_then(|spec| spec.provider_id.as_deref()).unwrap_or_default();
    if provider_id != expected.provider_id {
        fault(Aspect::ProviderId, format!("provider ID is `{provider_id}`, expected `{}`", expected.provider_id));
    }
    let addresses: Vec<(&str, &str)> = node
        .status
        .iter()
        .flat_map(|status| status.addresses.iter().flatten())
        .map(|address| (address.type_.as_str(), address.address.as_str()))
        .collect();
    if addresses != expected.addresses.iter().map(|(kind, ip)| (*kind, ip.as_str())).collect::<Vec<_>>() {
        fault(Aspect::Addresses, format!("addresses are {}, expected {}", list(&addresses), list(&expected.addresses)));
    }
    let labels = node.metadata.labels.as_ref();
    for (label, value) in &expected.labels {
        let there = labels.and_then(|labels| labels.get(*label)).map_or("", String::as_str);
        if there != value {
            fault(Aspect::Labels, format!("label {label} is `{there}`, expected `{value}`"));
        }
    }
    let taints: Vec<_> = node.spec.iter().flat_map(|spec| spec.taints.iter().flatten()).collect();
    for (key, value, effect) in &member.taints {
        let same = |taint: &&k8s_openapi::api::core::v1::Taint| {
            taint.key == *key && taint.effect == *effect && taint.value.as_deref() == Some(value)
        };
        if !taints.iter().any(same) {
            fault(Aspect::OtherTaints, format!("taint {key}={value}:{effect} is lost"));
        }
    }
    faults
}

fn list<T: AsRef<str>>(addresses: &[(&str, T)]) -> String {
    if addresses.is_empty() {
        return "none".to_owned();
    }
    addresses.iter().map(|(kind, ip)| format!("{kind} {}", ip.as_ref())).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::nodes::fleet::TENTH_TAINT;
    use packet_api_server::{DeviceSpec, IpSpec, Server};
    use serde_json::{Value, json};

    /// A device with two public and two private IPv4 addresses and an IPv6 one.
    async fn member() -> Member {
        let server = Server::start().await.unwrap();
        let spec = DeviceSpec::new("n").facility("ewr1").plan("c3.small.x86").ips(vec![
            IpSpec::public_v4([147, 75, 0, 1].into()),
            IpSpec::public_v6("2604::1".parse().unwrap()),
            IpSpec::private_v4([10, 0, 0, 1].into()),
            IpSpec::public_v4([147, 75, 0, 2].into()),
            IpSpec::private_v4([10, 0, 0, 2].into()),
        ]);
        let device = server.store().create_device(spec);
        Member { name: "n".into(), device: Some(device), taints: vec![TENTH_TAINT] }
    }

    fn initialised(member: &Member) -> Value {
        json!({
            "metadata": {"name": "n", "labels": {
                "node.kubernetes.io/instance-type": "c3.small.x86", "beta.kubernetes.io/instance-type": "c3.small.x86",
                "topology.kubernetes.io/region": "ny", "failure-domain.beta.kubernetes.io/region": "ny",
            }},
            "spec": {
                "providerID": format!("equinixmetal://{}", member.device.as_ref().unwrap().id),
                "taints": [{"key": TENTH_TAINT.0, "value": TENTH_TAINT.1, "effect": TENTH_TAINT.2}],
            },
            "status": {"addresses": [
                {"type": "Hostname", "address": "n"}, {"type": "ExternalIP", "address": "147.75.0.1"},
                {"type": "InternalIP", "address": "10.0.0.1"}, {"type": "ExternalIP", "address": "147.75.0.2"},
                {"type": "InternalIP", "address": "10.0.0.2"},
            ]},
        })
    }

    fn found(member: &Member, node: Value) -> Vec<Fault> {
        faults(member, Provider::EquinixMetal, &serde_json::from_value(node).unwrap())
    }

    #[tokio::test]
    async fn a_node_that_is_as_it_should_be_has_no_fault() {
        let member = member().await;
        assert_eq!(found(&member, initialised(&member)), []);
    }

    #[tokio::test]
    async fn packet_shows_the_facility_and_the_last_address_of_each_kind() {
        let member = member().await;
        let expected = Expected::of(Provider::Packet, member.device.as_ref().unwrap());
        let addresses = [("Hostname", "n"), ("InternalIP", "10.0.0.2"), ("ExternalIP", "147.75.0.2")];
        assert_eq!(expected.addresses, addresses.map(|(kind, ip)| (kind, ip.to_owned())));
        assert_eq!(expected.labels["topology.kubernetes.io/region"], "ewr1");
        assert!(expected.provider_id.starts_with("packet://"));
    }

    #[tokio::test]
    async fn each_thing_that_is_wrong_is_found_and_said() {
        let member = member().await;
        let wrong: [(&str, Value, Aspect, &str); 5] = [
            ("/spec/providerID", json!("equinixmetal://other"), Aspect::ProviderId, "`equinixmetal://other`, expected"),
            ("/status/addresses", json!([]), Aspect::Addresses, "addresses are none, expected Hostname n, "),
            ("/metadata/labels/topology.kubernetes.io~1region", json!("sv"), Aspect::Labels, "is `sv`, expected `ny`"),
            ("/spec/taints/0/effect", json!("NoSchedule"), Aspect::OtherTaints, "is lost"),
            ("/spec/taints/0/key", json!(UNINITIALIZED_TAINT), Aspect::Untainted, "still has the uninitialized taint"),
        ];
        for (pointer, value, aspect, text) in wrong {
            let mut node = initialised(&member);
            *node.pointer_mut(pointer).unwrap() = value;
            let faults = found(&member, node);
            assert_eq!(faults[0].aspect, aspect, "{faults:?}");
            assert!(faults[0].text.contains(text), "{faults:?}");
        }
    }

    #[tokio::test]
    async fn addresses_in_another_order_are_a_fault() {
        let member = member().await;
        let mut node = initialised(&member);
        node["status"]["addresses"].as_array_mut().unwrap().swap(1, 2);
        assert_eq!(found(&member, node)[0].aspect, Aspect::Addresses);
    }

    #[tokio::test]
    async fn a_node_without_a_device_never_passes() {
        let mut member = member().await;
        let node = initialised(&member);
        member.device = None;
        assert_eq!(found(&member, node)[0].aspect, Aspect::ProviderId);
    }
}
