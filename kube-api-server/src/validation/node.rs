//! Rules on Nodes.

use std::net::IpAddr;

use serde_json::Value;

use super::{items, names, text};
use crate::status::{Cause, quoted};

const EFFECTS: [&str; 3] = ["NoSchedule", "PreferNoSchedule", "NoExecute"];
const SET_ONCE: &str = "node updates may not change podCIDR except from \"\" to valid";

pub(super) fn creation(node: &Value, causes: &mut Vec<Cause>) {
    taints(node, causes);
    resources(node, causes);
    pod_cidrs(node, causes);
}

pub(super) fn update(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    resources(new, causes);
    let addresses = items(new, "/status/addresses");
    for (index, address) in addresses.iter().enumerate() {
        if addresses[..index].contains(address) {
            let shown = format!(
                "{{\"Type\":{},\"Address\":{}}}",
                quoted(text(address, "/type")),
                quoted(text(address, "/address"))
            );
            causes.push(Cause::duplicate(format!("status.addresses[{index}]"), &shown));
        }
    }
    let (before, after) = (items(old, "/spec/podCIDRs"), items(new, "/spec/podCIDRs"));
    if !before.is_empty() {
        if before.len() == after.len() {
            let changed = before.iter().zip(after).filter(|(before, after)| before != after).count();
            causes.extend((0..changed).map(|_| Cause::forbidden("spec.podCIDRs", SET_ONCE)));
        } else {
            causes.push(Cause::forbidden("spec.podCIDRs", SET_ONCE));
        }
    }
    let before = text(old, "/spec/providerID");
    if !before.is_empty() && before != text(new, "/spec/providerID") {
        let why = "node updates may not change providerID except from \"\" to valid";
        causes.push(Cause::forbidden("spec.providerID", why));
    }
    taints(new, causes);
    if text(old, "/spec/externalID") != text(new, "/spec/externalID") {
        causes.push(Cause::forbidden("spec.externalID", "may not be updated"));
    }
}

fn taints(node: &Value, causes: &mut Vec<Cause>) {
    let taints = items(node, "/spec/taints");
    for (index, taint) in taints.iter().enumerate() {
        // Kubernetes names the field so, although the taints are in `spec`.
        let field = format!("metadata.taints[{index}]");
        let (key, value, effect) = (text(taint, "/key"), text(taint, "/value"), text(taint, "/effect"));
        causes.extend(names::qualified(key).iter().map(|why| Cause::invalid_text(format!("{field}.key"), key, why)));
        let wrong = names::label_value(value);
        if !wrong.is_empty() {
            causes.push(Cause::invalid_text(format!("{field}.value"), value, &wrong.join(";")));
        }
        if effect.is_empty() {
            causes.push(Cause::required(format!("{field}.effect"), ""));
        } else if !EFFECTS.contains(&effect) {
            causes.push(Cause::unsupported(format!("{field}.effect"), &quoted(effect), &EFFECTS));
        }
        let same = |other: &Value| text(other, "/key") == key && text(other, "/effect") == effect;
        if !effect.is_empty() && taints[..index].iter().any(same) {
            let added = taint.get("timeAdded").map_or_else(|| "null".to_owned(), ToString::to_string);
            let shown = format!(
                "{{\"Key\":{},\"Value\":{},\"Effect\":{},\"TimeAdded\":{added}}}: taints must be unique by key and effect pair",
                quoted(key),
                quoted(value),
                quoted(effect),
            );
            causes.push(Cause::duplicate(field, &shown));
        }
    }
}

fn resources(node: &Value, causes: &mut Vec<Cause>) {
    for list in ["capacity", "allocatable"] {
        let quantities = node.get("status").and_then(|status| status.get(list)).and_then(Value::as_object);
        for (name, quantity) in quantities.into_iter().flatten() {
            let quantity = quantity.as_str().unwrap_or_default();
            if quantity.starts_with('-') {
                let field = format!("status.{list}.{name}");
                causes.push(Cause::invalid_text(field, quantity, "must be greater than or equal to 0"));
            }
        }
    }
}

fn pod_cidrs(node: &Value, causes: &mut Vec<Cause>) {
    let cidrs = items(node, "/spec/podCIDRs");
    let mut families = Vec::new();
    for (index, cidr) in cidrs.iter().enumerate() {
        let cidr = cidr.as_str().unwrap_or_default();
        if let Some(family) = family(cidr) {
            families.push(family);
        } else {
            let why = "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)";
            causes.push(Cause::invalid_text(format!("spec.podCIDRs[{index}]"), cidr, why));
        }
    }
    let both = families.contains(&4) && families.contains(&6);
    if cidrs.len() > 1 && families.len() == cidrs.len() && (!both || cidrs.len() > 2) {
        let shown = Value::from(cidrs.to_vec()).to_string();
        causes.push(Cause::invalid("spec.podCIDRs", &shown, "may specify no more than one CIDR for each IP family"));
    }
}

fn family(cidr: &str) -> Option<u8> {
    let (address, length) = cidr.split_once('/')?;
    let length: u8 = length.parse().ok()?;
    match address.parse().ok()? {
        IpAddr::V4(_) if length <= 32 => Some(4),
        IpAddr::V6(_) if length <= 128 => Some(6),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(node: &Value) -> usize {
        let mut causes = Vec::new();
        creation(node, &mut causes);
        causes.len()
    }

    #[test]
    fn two_taints_of_one_key_differ_in_effect() {
        let taints = |second: &str| json!({ "spec": { "taints": [{ "key": "k", "effect": "NoSchedule" }, { "key": "k", "effect": second }] } });
        assert_eq!(problems(&taints("NoExecute")), 0);
        assert_eq!(problems(&taints("NoSchedule")), 1);
        assert_eq!(problems(&taints("Sometimes")), 1);
    }

    #[test]
    fn pod_cidrs_are_at_most_one_of_each_family() {
        let cidrs = |list: Value| json!({ "spec": { "podCIDRs": list } });
        assert_eq!(problems(&cidrs(json!(["10.0.0.0/24", "fd00::/64"]))), 0);
        assert_eq!(problems(&cidrs(json!(["10.0.0.0/24", "10.1.0.0/24"]))), 1);
        assert_eq!(problems(&cidrs(json!(["10.0.0.0/40"]))), 1);
    }

    #[test]
    fn a_provider_id_is_set_once() {
        let node = |id: &str| json!({ "spec": { "providerID": id } });
        let mut causes = Vec::new();
        update(&node(""), &node("packet://1"), &mut causes);
        assert!(causes.is_empty());
        update(&node("packet://1"), &node(""), &mut causes);
        assert_eq!(causes.len(), 1);
    }
}
