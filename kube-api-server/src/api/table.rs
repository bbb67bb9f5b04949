//! Tables: the columns that `kubectl get` prints, made by the server.

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use crate::clock;
use crate::resource::Resource;
use crate::validation::text;

const NONE: &str = "<none>";
const UNKNOWN: &str = "<unknown>";
const ROLE_PREFIX: &str = "node-role.kubernetes.io/";
const ROLE_LABEL: &str = "kubernetes.io/role";

/// How much of each object goes along with its row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IncludeObject {
    None,
    Metadata,
    Object,
}

impl IncludeObject {
    /// Reads the `includeObject` parameter; without it the metadata goes along.
    pub(crate) fn parse(text: &str) -> IncludeObject {
        match text {
            "None" => IncludeObject::None,
            "Object" => IncludeObject::Object,
            _ => IncludeObject::Metadata,
        }
    }
}

struct Column {
    name: &'static str,
    format: &'static str,
    description: &'static str,
    /// 0 is always shown, 1 only in wide output.
    priority: u8,
}

const fn column(name: &'static str, description: &'static str, priority: u8) -> Column {
    Column { name, format: "", description, priority }
}

const NAME: Column = Column {
    name: "Name",
    format: "name",
    description: "The object's name, unique within its namespace.",
    priority: 0,
};
const AGE: Column = column("Age", "How long ago the object was created.", 0);

const NODE: &[Column] = &[
    NAME,
    column("Status", "Whether the node is ready and schedulable.", 0),
    column("Roles", "The roles that the node's labels name.", 0),
    AGE,
    column("Version", "The version of the kubelet.", 0),
    column("Internal-IP", "The first address of type InternalIP.", 1),
    column("External-IP", "The first address of type ExternalIP.", 1),
    column("OS-Image", "The operating system that the kubelet reports.", 1),
    column("Kernel-Version", "The kernel that the kubelet reports.", 1),
    column("Container-Runtime", "The container runtime that the kubelet reports.", 1),
];
const NAMESPACE: &[Column] = &[NAME, column("Status", "Whether the namespace is active or terminating.", 0), AGE];
const LEASE: &[Column] = &[NAME, column("Holder", "The identity of the current holder.", 0), AGE];
const EVENT: &[Column] = &[
    column("Last Seen", "When the event was last seen.", 0),
    column("Type", "Normal or Warning.", 0),
    column("Reason", "Why it happened, in one word.", 0),
    column("Object", "What it is about.", 0),
    column("Subobject", "The part of the object that it is about.", 1),
    column("Source", "Who reported it.", 1),
    column("Message", "What happened.", 0),
    column("First Seen", "When the event was first seen.", 1),
    column("Count", "How often it was seen.", 1),
    Column { name: "Name", format: "name", description: "The event's own name.", priority: 1 },
];

fn columns(resource: Resource) -> &'static [Column] {
    match resource {
        Resource::Nodes => NODE,
        Resource::Namespaces => NAMESPACE,
        Resource::Leases => LEASE,
        Resource::Events => EVENT,
    }
}

/// A table of many objects; `metadata` is that of the list.
pub(crate) fn of_many(
    resource: Resource,
    metadata: Map<String, Value>,
    objects: &[Value],
    include: IncludeObject,
    now: Timestamp,
) -> Value {
    let rows: Vec<Value> = objects.iter().map(|object| row(resource, object, include, now)).collect();
    table(&metadata.into(), &definitions(resource), &rows)
}

/// A table of one object; an event of a watch but the first leaves out the column definitions.
pub(crate) fn of_one(
    resource: Resource,
    object: &Value,
    include: IncludeObject,
    with_columns: bool,
    now: Timestamp,
) -> Value {
    let metadata = json!({ "resourceVersion": text(object, "/metadata/resourceVersion") });
    let columns = if with_columns { definitions(resource) } else { Value::Null };
    table(&metadata, &columns, &[row(resource, object, include, now)])
}

fn table(metadata: &Value, columns: &Value, rows: &[Value]) -> Value {
    json!({
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": metadata,
        "columnDefinitions": columns,
        "rows": rows,
    })
}

fn definitions(resource: Resource) -> Value {
    columns(resource)
        .iter()
        .map(|column| {
            json!({
                "name": column.name,
                "type": "string",
                "format": column.format,
                "description": column.description,
                "priority": column.priority,
            })
        })
        .collect()
}

fn row(resource: Resource, object: &Value, include: IncludeObject, now: Timestamp) -> Value {
    let cells = match resource {
        Resource::Nodes => node(object, now),
        Resource::Namespaces => {
            vec![text(object, "/metadata/name").into(), text(object, "/status/phase").into(), age(object, now)]
        }
        Resource::Leases => {
            vec![text(object, "/metadata/name").into(), text(object, "/spec/holderIdentity").into(), age(object, now)]
        }
        Resource::Events => event(object, now),
    };
    let shown = match include {
        IncludeObject::None => Value::Null,
        IncludeObject::Object => object.clone(),
        IncludeObject::Metadata => partial(object),
    };
    json!({ "cells": cells, "object": shown })
}

/// An object of which only the metadata is shown.
pub(crate) fn partial(object: &Value) -> Value {
    json!({ "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"] })
}

fn since(at: &str, now: Timestamp) -> String {
    match at.parse::<Timestamp>() {
        Ok(at) => clock::age(now.as_second() - at.as_second()),
        Err(_) => UNKNOWN.to_owned(),
    }
}

fn age(object: &Value, now: Timestamp) -> Value {
    since(text(object, "/metadata/creationTimestamp"), now).into()
}

fn or<'a>(text: &'a str, otherwise: &'a str) -> &'a str {
    if text.is_empty() { otherwise } else { text }
}

fn node(node: &Value, now: Timestamp) -> Vec<Value> {
    let address = |kind: &str| {
        let addresses = node.pointer("/status/addresses").and_then(Value::as_array);
        let found = addresses.into_iter().flatten().find(|address| address["type"] == kind);
        found.map_or(NONE, |address| text(address, "/address")).to_owned()
    };
    let info = |field: &str| or(text(node, &format!("/status/nodeInfo/{field}")), UNKNOWN).to_owned();
    vec![
        text(node, "/metadata/name").into(),
        node_status(node).into(),
        node_roles(node).into(),
        age(node, now),
        text(node, "/status/nodeInfo/kubeletVersion").into(),
        address("InternalIP").into(),
        address("ExternalIP").into(),
        info("osImage").into(),
        info("kernelVersion").into(),
        info("containerRuntimeVersion").into(),
    ]
}

fn node_status(node: &Value) -> String {
    let conditions = node.pointer("/status/conditions").and_then(Value::as_array);
    let ready = conditions.into_iter().flatten().find(|condition| condition["type"] == "Ready");
    let mut status = match ready.map(|condition| text(condition, "/status")) {
        Some("True") => "Ready",
        Some(_) => "NotReady",
        None => "Unknown",
    }
    .to_owned();
    if node.pointer("/spec/unschedulable") == Some(&Value::Bool(true)) {
        status.push_str(",SchedulingDisabled");
    }
    status
}

fn node_roles(node: &Value) -> String {
    let labels = node.pointer("/metadata/labels").and_then(Value::as_object);
    let mut roles: Vec<&str> = labels
        .into_iter()
        .flatten()
        .filter_map(|(key, value)| match key.strip_prefix(ROLE_PREFIX) {
            Some(role) if !role.is_empty() => Some(role),
            _ if key == ROLE_LABEL => value.as_str().filter(|role| !role.is_empty()),
            _ => None,
        })
        .collect();
    roles.sort_unstable();
    roles.dedup();
    if roles.is_empty() { NONE.to_owned() } else { roles.join(",") }
}

fn event(event: &Value, now: Timestamp) -> Vec<Value> {
    let (first, last) = (text(event, "/firstTimestamp"), text(event, "/lastTimestamp"));
    let own = text(event, "/eventTime");
    let (first, last) = (or(first, own), or(last, or(own, first)));
    let series = text(event, "/series/lastObservedTime");
    let count = event.pointer("/series/count").or_else(|| event.get("count")).and_then(Value::as_i64).unwrap_or(0);
    // An event that says nothing of its count was seen once.
    let count = if count == 0 { 1 } else { count };
    let kind = text(event, "/involvedObject/kind").to_lowercase();
    let about = match text(event, "/involvedObject/name") {
        "" => kind,
        name => format!("{kind}/{name}"),
    };
    let (component, host) = (text(event, "/source/component"), text(event, "/source/host"));
    let component = or(component, text(event, "/reportingComponent"));
    let host = or(host, text(event, "/reportingInstance"));
    let source = if host.is_empty() { component.to_owned() } else { format!("{component}, {host}") };
    vec![
        since(or(series, last), now).into(),
        text(event, "/type").into(),
        text(event, "/reason").into(),
        about.into(),
        text(event, "/involvedObject/fieldPath").into(),
        source.into(),
        text(event, "/message").trim().into(),
        since(first, now).into(),
        count.into(),
        text(event, "/metadata/name").into(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_shows_status_roles_and_addresses() {
        let node = json!({
            "metadata": { "name": "n", "labels": { "node-role.kubernetes.io/worker": "", "kubernetes.io/role": "edge" } },
            "spec": { "unschedulable": true },
            "status": {
                "conditions": [{ "type": "Ready", "status": "Unknown" }],
                "addresses": [{ "type": "InternalIP", "address": "10.0.0.1" }],
            },
        });
        let cells =
            &of_one(Resource::Nodes, &node, IncludeObject::None, true, Timestamp::UNIX_EPOCH)["rows"][0]["cells"];
        assert_eq!(cells[1], "NotReady,SchedulingDisabled");
        assert_eq!(cells[2], "edge,worker");
        assert_eq!((&cells[5], &cells[6]), (&json!("10.0.0.1"), &json!(NONE)));
        assert_eq!(cells[3], UNKNOWN);
    }

    #[test]
    fn only_the_first_event_of_a_watch_has_the_columns() {
        let node = json!({ "metadata": { "name": "n" } });
        assert_eq!(
            of_one(Resource::Nodes, &node, IncludeObject::Metadata, false, Timestamp::UNIX_EPOCH)["columnDefinitions"],
            Value::Null
        );
    }
}
