//! The types of the four resources, read from kube-apiserver's own OpenAPI document.
//!
//! `kubernetes.json` is the part of `/openapi/v3/api/v1` and `/openapi/v3/apis/coordination.k8s.io/v1` of
//! kube-apiserver 1.36 that the four kinds reach, without the descriptions. It says which fields there are, which are
//! always written, how lists merge, and what server-side apply treats as one piece.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::decode;
use crate::resource::Resource;

const DOCUMENT: &str = include_str!("kubernetes.json");

/// How server-side apply sees a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ListType {
    /// Owned and replaced as one.
    Atomic,
    /// Owned value by value.
    Set,
    /// Owned item by item, told apart by these fields.
    Map(Vec<String>),
}

/// How a strategic merge patch sees a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum PatchStrategy {
    Replace,
    /// Merged value by value.
    MergeValues,
    /// Merged item by item, told apart by this field.
    MergeBy(String),
}

#[derive(Debug)]
pub(crate) enum Shape {
    Text,
    Integer {
        bits: u8,
    },
    Boolean,
    Time,
    MicroTime,
    Quantity,
    /// Kept as it came (`fieldsV1`).
    Opaque,
    Map(Box<Shape>),
    List {
        item: Box<Shape>,
        list_type: ListType,
        strategy: PatchStrategy,
    },
    Struct(Arc<StructShape>),
}

#[derive(Debug)]
pub(crate) struct StructShape {
    /// The Go type's name, for error messages.
    pub(crate) name: String,
    pub(crate) properties: BTreeMap<String, Property>,
    /// Whether server-side apply owns it as one piece.
    pub(crate) atomic: bool,
}

#[derive(Debug)]
pub(crate) struct Property {
    pub(crate) shape: Shape,
    pub(crate) presence: Presence,
}

/// When a field is written.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Presence {
    /// Also when it is empty, then with this value.
    Always(Value),
    /// Where the client gave it, empty or not: a pointer in Go.
    IfGiven,
    /// Where it is not empty.
    IfNotEmpty,
}

/// All types, by resource.
#[derive(Debug)]
pub(crate) struct Schema {
    roots: BTreeMap<Resource, Shape>,
    /// An object of each with nothing in it.
    empty: BTreeMap<Resource, Value>,
    document: Value,
}

/// The embedded document is not what this program can read; only a change to the file can cause it.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// The file is not JSON.
    #[error("reading the embedded OpenAPI document: {0}; regenerate src/schema/kubernetes.json")]
    Json(#[from] serde_json::Error),
    /// A type is named that the file does not hold, or is of a form unknown here.
    #[error("the embedded OpenAPI document does not describe {0}; regenerate src/schema/kubernetes.json")]
    Unknown(String),
}

impl Schema {
    /// Reads the embedded document.
    pub(crate) fn embedded() -> Result<Schema, SchemaError> {
        let document: Value = serde_json::from_str(DOCUMENT)?;
        let mut roots = BTreeMap::new();
        for resource in Resource::ALL {
            roots.insert(resource, named(&document, resource.schema_name())?);
        }
        let empty = roots.iter().map(|(resource, shape)| (*resource, decode::empty(shape))).collect();
        Ok(Schema { roots, empty, document })
    }

    pub(crate) fn of(&self, resource: Resource) -> &Shape {
        // `embedded` has put every resource in; a missing one would decode to nothing at all.
        self.roots.get(&resource).unwrap_or(&Shape::Opaque)
    }

    /// An object with nothing in it, defaults aside: what the first write of one is compared with.
    pub(crate) fn empty(&self, resource: Resource) -> &Value {
        self.empty.get(&resource).unwrap_or(&Value::Null)
    }

    /// The document itself, to be served: type name to OpenAPI schema.
    pub(crate) fn document(&self) -> &Value {
        &self.document
    }
}

/// Pointers to scalars in the Go types. OpenAPI does not tell them from plain optional fields, but they are written when
/// given, even if zero.
fn is_pointer(type_name: &str, field: &str) -> bool {
    matches!(
        (type_name, field),
        ("LeaseSpec" | "NodeRuntimeHandlerFeatures" | "NodeFeatures", _)
            | ("ObjectMeta", "deletionGracePeriodSeconds")
            | ("OwnerReference", "controller" | "blockOwnerDeletion")
            | ("NodeSwapStatus", "capacity")
    )
}

/// What Go writes as `null` when it is unset: times that are not pointers, and a list without `omitempty`.
fn is_null_when_unset(type_name: &str, field: &str) -> bool {
    matches!(
        (type_name, field),
        ("NodeCondition", "lastHeartbeatTime" | "lastTransitionTime")
            | ("NamespaceCondition", "lastTransitionTime")
            | ("ContainerImage", "names")
            | ("Event", "firstTimestamp" | "lastTimestamp" | "eventTime")
    )
}

fn named(document: &Value, name: &str) -> Result<Shape, SchemaError> {
    let schema = document.get(name).ok_or_else(|| SchemaError::Unknown(name.to_owned()))?;
    let short = name.rsplit('.').next().unwrap_or(name);
    match short {
        "Time" => return Ok(Shape::Time),
        "MicroTime" => return Ok(Shape::MicroTime),
        "Quantity" => return Ok(Shape::Quantity),
        "FieldsV1" => return Ok(Shape::Opaque),
        _ => {}
    }
    let Some(described) = schema.get("properties").and_then(Value::as_object) else {
        return Err(SchemaError::Unknown(name.to_owned()));
    };
    let mut properties = BTreeMap::new();
    for (field, schema) in described {
        let shape = shape(document, schema, &format!("{name}.{field}"))?;
        let presence = match schema.get("default") {
            Some(default) => Presence::Always(default.clone()),
            None if is_null_when_unset(short, field) => Presence::Always(Value::Null),
            None if is_pointer(short, field) => Presence::IfGiven,
            None => match shape {
                // A struct without a default is a pointer in Go, and so is a time.
                Shape::Struct(_) | Shape::Opaque => Presence::IfGiven,
                _ => Presence::IfNotEmpty,
            },
        };
        properties.insert(field.clone(), Property { shape, presence });
    }
    let atomic = schema.get("x-kubernetes-map-type").and_then(Value::as_str) == Some("atomic");
    Ok(Shape::Struct(Arc::new(StructShape { name: short.to_owned(), properties, atomic })))
}

fn shape(document: &Value, schema: &Value, what: &str) -> Result<Shape, SchemaError> {
    let unknown = || SchemaError::Unknown(what.to_owned());
    let reference = schema
        .get("$ref")
        .or_else(|| schema.get("allOf").and_then(|all| all.get(0)).and_then(|one| one.get("$ref")))
        .and_then(Value::as_str);
    if let Some(reference) = reference {
        return named(document, reference.rsplit('/').next().unwrap_or(reference));
    }
    match schema.get("type").and_then(Value::as_str).ok_or_else(unknown)? {
        "string" => Ok(Shape::Text),
        "boolean" => Ok(Shape::Boolean),
        "integer" => {
            let bits = if schema.get("format").and_then(Value::as_str) == Some("int32") { 32 } else { 64 };
            Ok(Shape::Integer { bits })
        }
        "object" => {
            let values = schema.get("additionalProperties").ok_or_else(unknown)?;
            Ok(Shape::Map(Box::new(self::shape(document, values, what)?)))
        }
        "array" => {
            let item = self::shape(document, schema.get("items").ok_or_else(unknown)?, what)?;
            Ok(Shape::List { item: Box::new(item), list_type: list_type(schema), strategy: strategy(schema) })
        }
        _ => Err(unknown()),
    }
}

fn list_type(schema: &Value) -> ListType {
    match schema.get("x-kubernetes-list-type").and_then(Value::as_str) {
        Some("set") => ListType::Set,
        Some("map") => {
            let keys = schema.get("x-kubernetes-list-map-keys").and_then(Value::as_array);
            ListType::Map(keys.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect())
        }
        _ => ListType::Atomic,
    }
}

fn strategy(schema: &Value) -> PatchStrategy {
    if schema.get("x-kubernetes-patch-strategy").and_then(Value::as_str) != Some("merge") {
        return PatchStrategy::Replace;
    }
    match schema.get("x-kubernetes-patch-merge-key").and_then(Value::as_str) {
        Some(key) => PatchStrategy::MergeBy(key.to_owned()),
        None => PatchStrategy::MergeValues,
    }
}

impl Shape {
    /// The shape of a field, if this is a struct or map that has it.
    pub(crate) fn field(&self, name: &str) -> Option<&Shape> {
        match self {
            Shape::Struct(shape) => shape.properties.get(name).map(|property| &property.shape),
            Shape::Map(values) => Some(values),
            _ => None,
        }
    }

    /// How Go names the type, for "cannot unmarshal … into Go struct field … of type …".
    pub(crate) fn go_type(&self) -> String {
        match self {
            Shape::Text => "string".to_owned(),
            Shape::Integer { bits } => format!("int{bits}"),
            Shape::Boolean => "bool".to_owned(),
            Shape::Time => "v1.Time".to_owned(),
            Shape::MicroTime => "v1.MicroTime".to_owned(),
            Shape::Quantity => "resource.Quantity".to_owned(),
            Shape::Opaque => "v1.FieldsV1".to_owned(),
            Shape::Map(values) => format!("map[string]{}", values.go_type()),
            Shape::List { item, .. } => format!("[]{}", item.go_type()),
            Shape::Struct(shape) => format!("v1.{}", shape.name),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;

    fn at<'a>(schema: &'a Schema, resource: Resource, path: &[&str]) -> &'a Shape {
        path.iter().fold(schema.of(resource), |shape, field| shape.field(field).unwrap())
    }

    #[test]
    fn taints_are_one_piece_and_conditions_merge_by_type() {
        let schema = Schema::embedded().unwrap();
        let Shape::List { list_type, strategy, .. } = at(&schema, Resource::Nodes, &["spec", "taints"]) else {
            panic!()
        };
        assert_eq!((list_type, strategy), (&ListType::Atomic, &PatchStrategy::Replace));
        let Shape::List { list_type, strategy, .. } = at(&schema, Resource::Nodes, &["status", "conditions"]) else {
            panic!()
        };
        assert_eq!(list_type, &ListType::Map(vec!["type".to_owned()]));
        assert_eq!(strategy, &PatchStrategy::MergeBy("type".to_owned()));
    }

    #[test]
    fn every_resource_has_its_metadata() {
        let schema = Schema::embedded().unwrap();
        for resource in Resource::ALL {
            assert!(matches!(at(&schema, resource, &["metadata", "labels"]), Shape::Map(_)), "{resource:?}");
        }
    }
}
