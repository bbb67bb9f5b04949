//! What Kubernetes tells of a Node: provider ID, annotation and the whole object; and the patches that are made of it.
//!
//! An input is three lines and a Node. The lines are a provider ID, an annotation of provided node IPs, and the addresses of a
//! device with spaces between them, the public ones with a `+` in front.

#![no_main]

use std::collections::HashSet;
use std::net::IpAddr;

use libfuzzer_sys::fuzz_target;
use packet_cloud_controller_manager::kubernetes::addresses::node_addresses;
use packet_cloud_controller_manager::kubernetes::labels::{Zone, instance_labels};
use packet_cloud_controller_manager::kubernetes::names::{
    LABEL_TWINS, REGION_LABEL, SHUTDOWN_TAINT, UNINITIALIZED_TAINT,
};
use packet_cloud_controller_manager::kubernetes::{
    AddressPolicy, Desired, Instance, Need, Node, NodeAddress, NodeObject, Provider, patches, provider_id,
};
use packet_cloud_controller_manager::packet::{Address, Device, DeviceId, DeviceState, Hostname, IpField};
use serde::Deserialize;
use serde_json::{Value, json};

fuzz_target!(|input: &[u8]| {
    let mut parts = input.splitn(4, |byte| *byte == b'\n');
    let [id, annotation, addresses] =
        std::array::from_fn(|_| String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned());
    names_the_same_device_in_every_form(&id);
    let device = device(&id, &addresses);
    let policies = Provider::ALL.map(|provider| AddressPolicy { provider, ipv6: true, require_public_ip: false });
    for policy in policies {
        shows_what_was_named_first(policy, &device, &annotation);
    }

    let object = parts.next().unwrap_or_default();
    let Ok(node) = serde_json::from_slice::<NodeObject>(object).map(Node::from) else { return };
    // Of what is passed over, not everything fits into a tree of values.
    let Ok(object) = serde_json::from_slice::<Value>(object) else { return };
    assert_eq!(node, read(&object), "read from a tree");
    needs_what_its_taints_and_labels_say(&node, &object);
    let wishes = policies.into_iter().filter_map(|policy| wish(policy, &device, &node));
    let wishes: Vec<Desired> = any_wishes(&id, &annotation).chain(wishes).collect();
    if let Some(object) = as_the_api_server_has_it(&object, &node) {
        for desired in &wishes {
            assert!(changes_what_is_ours_and_nothing_else(&object, desired).is_some(), "{desired:?} is refused");
        }
    }
    for desired in &wishes {
        changes_what_is_ours_and_nothing_else(&object, desired);
    }
});

fn names_the_same_device_in_every_form(text: &str) {
    let Ok(id) = provider_id::parse(text) else { return };
    for provider in Provider::ALL {
        assert_eq!(provider_id::parse(&provider_id::format(provider, &id)), Ok(id.clone()));
    }
}

fn device(id: &str, addresses: &str) -> Device {
    let addresses = addresses.split(' ').zip(0..).map(|(word, index)| {
        let public = word.starts_with('+');
        word.trim_start_matches('+').parse().map_or_else(
            |_| Address::Malformed { ipv6: word.contains(':'), index, field: IpField::Address, found: word.into() },
            |ip| Address::Usable { ip, public },
        )
    });
    Device {
        id: provider_id::parse(id).unwrap_or_else(|_| DeviceId::parse("e781ae1b").expect("an id")),
        hostname: Hostname::new("node-1"),
        state: DeviceState::Active,
        plan: Some("c3.small.x86".into()),
        facility: None,
        metro: None,
        addresses: addresses.collect(),
    }
}

/// The addresses of the annotation come first and in its order, and nothing is shown twice.
fn shows_what_was_named_first(policy: AddressPolicy, device: &Device, annotation: &str) {
    let Ok(shown) = node_addresses(policy, device, Some(annotation)) else { return };
    let named: Vec<IpAddr> = annotation.split(',').map(|ip| ip.trim().parse().expect("an IP address")).collect();
    assert!(shown.iter().zip(&named).all(|(shown, named)| shown.address.parse() == Ok(*named)), "{shown:?}");
    let mut once = HashSet::new();
    assert!(shown.iter().all(|shown| once.insert(&shown.address)), "{shown:?}");
}

fn read(object: &Value) -> Node {
    NodeObject::deserialize(object).expect("a Node that was one before").into()
}

fn needs_what_its_taints_and_labels_say(node: &Node, object: &Value) {
    let names_no_device = node.provider_id.as_deref().is_some_and(|id| provider_id::parse(id).is_err());
    match Need::of(node) {
        Need::Nothing => assert!(!names_no_device && (node.being_deleted || !node.is_uninitialized())),
        Need::Initialise => assert!(!names_no_device && !node.being_deleted && node.is_uninitialized()),
        Need::LeaveAlone(_) => assert!(names_no_device),
        Need::RestoreLabels(labels) => {
            assert!(!names_no_device && node.provider_id.is_some());
            let restored = changes_what_is_ours_and_nothing_else(object, &Desired { labels, ..Desired::default() });
            assert!(restored.is_none_or(|object| Need::of(&read(&object)) == Need::Nothing));
        }
    }
}

/// Whatever can be wanted of a Node at once.
fn any_wishes(id: &str, text: &str) -> impl Iterator<Item = Desired> {
    let address = serde_json::from_value::<NodeAddress>(json!({ "type": id, "address": text })).expect("texts");
    let whole = Desired {
        addresses: Some(vec![address]),
        labels: vec![(REGION_LABEL, text.to_owned())],
        provider_id: Some(id.to_owned()).filter(|id| !id.is_empty()),
        ..Desired::default()
    };
    let marks = [None, Some(true), Some(false)].into_iter();
    let taints = marks.flat_map(|shut_down| [(false, shut_down), (true, shut_down)]);
    taints.flat_map(move |(initialised, shut_down)| {
        [Desired { initialised, shut_down, ..whole.clone() }, Desired { initialised, shut_down, ..Desired::default() }]
    })
}

/// What is wanted of the Node of a device, as the resolvers put it together.
fn wish(policy: AddressPolicy, device: &Device, node: &Node) -> Option<Desired> {
    let instance = Instance::of(policy, device, node).ok()?;
    let zone = Zone { region: Some(policy.provider.name().to_owned()), zone: None };
    Some(Desired {
        addresses: Some(instance.addresses),
        labels: instance_labels(instance.instance_type.as_deref(), &zone).ok()?,
        provider_id: Some(instance.provider_id),
        initialised: true,
        shut_down: None,
    })
}

/// The object as an API server has it, which refuses no patch. What is absent is `null` here, for to the API server's `test` both
/// are the same.
fn as_the_api_server_has_it(object: &Value, node: &Node) -> Option<Value> {
    let mut object = object.clone();
    object.get_mut("status")?.as_object_mut()?;
    let metadata = object.get_mut("metadata")?.as_object_mut()?;
    metadata.insert("uid".to_owned(), json!(node.uid));
    metadata.insert("resourceVersion".to_owned(), json!(node.resource_version.map(|version| version.to_string())));
    if node.labels.is_empty() {
        metadata.insert("labels".to_owned(), Value::Null);
    }
    let spec = object.get_mut("spec")?.as_object_mut()?;
    let taints = if node.taints.is_empty() { Value::Null } else { json!(node.taints) };
    spec.insert("taints".to_owned(), taints);
    spec.insert("providerID".to_owned(), json!(node.provider_id));
    Some(object)
}

/// Applies both patches to the object that they are made of. `None` where one is refused.
fn changes_what_is_ours_and_nothing_else(object: &Value, desired: &Desired) -> Option<Value> {
    let node = read(object);
    let mut after = object.clone();
    for patch in [patches::of_status(&node, desired), patches::of_node(&node, desired)].into_iter().flatten() {
        json_patch::patch(&mut after, &patch).ok()?;
    }
    assert_eq!(others(object), others(&after), "what is not ours");
    let provider_id = &object["spec"]["providerID"];
    assert!(provider_id.as_str().is_none_or(str::is_empty) || after["spec"]["providerID"] == *provider_id);
    let left = read(&after);
    assert!(!(desired.initialised && left.is_uninitialized()), "the taint is gone");
    assert!(desired.shut_down.is_none_or(|shut_down| left.is_marked_shut_down() == shut_down), "the mark is right");
    assert_eq!(patches::of_status(&left, desired), None, "the Node is as it should be");
    assert_eq!(patches::of_node(&left, desired), None, "the Node is as it should be");
    Some(after)
}

/// All of a Node but the places that are ours: every other writer's taints among the rest, in their order.
fn others(object: &Value) -> Value {
    let mut object = object.clone();
    let is_shutdown = |taint: &Value| taint["key"] == SHUTDOWN_TAINT && taint["effect"] == "NoSchedule";
    let ours = |label: &str| LABEL_TWINS.iter().any(|(today, beta)| label == *today || label == *beta);
    if let Some(labels) = object.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.retain(|label, _| !ours(label));
    }
    if let Some(taints) = object.pointer_mut("/spec/taints").and_then(Value::as_array_mut) {
        taints.retain(|taint| taint["key"] != UNINITIALIZED_TAINT && !is_shutdown(taint));
    }
    let mut take_out = |parent: &str, field: &str, is_it: fn(&Value) -> bool| {
        if let Some(parent) = object.pointer_mut(parent).and_then(Value::as_object_mut)
            && parent.get(field).is_some_and(is_it)
        {
            parent.remove(field);
        }
    };
    // What has nothing of others in it may have been made for what is ours.
    let is_empty = |value: &Value| [Value::Null, json!({}), json!([])].contains(value);
    take_out("/metadata", "labels", is_empty);
    take_out("/spec", "taints", is_empty);
    take_out("/spec", "providerID", |_| true);
    take_out("/status", "addresses", |_| true);
    object
}
