//! What an object holds and how two of them differ, as sets of field paths.

use serde_json::{Map, Value};

use super::field_set::FieldSet;
use crate::schema::{ListType, Shape};

/// The paths that changed from one object to the next.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    pub(crate) added: FieldSet,
    pub(crate) modified: FieldSet,
    pub(crate) removed: FieldSet,
}

impl Comparison {
    pub(crate) fn is_empty(&self) -> bool {
        self.added.is_empty() && self.modified.is_empty() && self.removed.is_empty()
    }
}

/// How a value is taken apart.
pub(crate) enum Parts<'a> {
    /// Owned as one piece.
    Whole,
    /// Fields of a struct or entries of a map.
    Fields,
    /// Items of a list, each with its path element.
    Items(&'a Shape, &'a ListType),
}

/// How server-side apply takes apart a value of that shape.
pub(crate) fn parts(shape: &Shape) -> Parts<'_> {
    match shape {
        Shape::Struct(shape) if !shape.atomic => Parts::Fields,
        Shape::Map(_) => Parts::Fields,
        Shape::List { item, list_type: list_type @ (ListType::Set | ListType::Map(_)), .. } => {
            Parts::Items(item, list_type)
        }
        _ => Parts::Whole,
    }
}

/// The path element of a list item.
pub(crate) fn element_of(list_type: &ListType, item: &Value) -> String {
    match list_type {
        ListType::Map(keys) => {
            let keys: Map<String, Value> =
                keys.iter().filter_map(|key| Some((key.clone(), item.get(key)?.clone()))).collect();
            format!("k:{}", Value::Object(keys))
        }
        ListType::Set | ListType::Atomic => format!("v:{item}"),
    }
}

/// A list's items by path element, in order. Items that share an element, which only a list written by other means
/// than apply can hold, stand together.
pub(crate) fn items_of<'a>(list_type: &ListType, items: &'a [Value]) -> Vec<(String, Vec<&'a Value>)> {
    let mut out: Vec<(String, Vec<&Value>)> = Vec::new();
    for item in items {
        let element = element_of(list_type, item);
        match out.iter_mut().find(|(known, _)| *known == element) {
            Some((_, same)) => same.push(item),
            None => out.push((element, vec![item])),
        }
    }
    out
}

/// Everything that an object sets.
pub(crate) fn fields_of(shape: &Shape, value: &Value) -> FieldSet {
    let mut set = FieldSet::default();
    collect(shape, value, &mut Vec::new(), &mut set);
    set
}

fn collect(shape: &Shape, value: &Value, path: &mut Vec<String>, set: &mut FieldSet) {
    match (parts(shape), value) {
        (Parts::Fields, Value::Object(fields)) if !fields.is_empty() => {
            for (name, value) in fields {
                if let Some(shape) = shape.field(name) {
                    path.push(format!("f:{name}"));
                    collect(shape, value, path, set);
                    path.pop();
                }
            }
        }
        (Parts::Items(item_shape, list_type), Value::Array(items)) if !items.is_empty() => {
            for (element, same) in items_of(list_type, items) {
                path.push(element);
                set.insert(path);
                if let [item] = same.as_slice()
                    && matches!(list_type, ListType::Map(_))
                {
                    collect(item_shape, item, path, set);
                }
                path.pop();
            }
        }
        _ if path.is_empty() => {}
        _ => set.insert(path),
    }
}

/// How `new` differs from `old`.
pub(crate) fn compare(shape: &Shape, old: &Value, new: &Value) -> Comparison {
    let mut out = Comparison::default();
    differ(shape, Some(old), Some(new), &mut Vec::new(), &mut out);
    out
}

fn differ(shape: &Shape, old: Option<&Value>, new: Option<&Value>, path: &mut Vec<String>, out: &mut Comparison) {
    match (old, new) {
        (None, None) => return,
        (None, Some(_)) if !path.is_empty() => out.added.insert(path),
        (Some(_), None) if !path.is_empty() => out.removed.insert(path),
        (Some(old), Some(new)) if old == new => return,
        _ => {}
    }
    match parts(shape) {
        Parts::Fields => {
            let (old_fields, new_fields) = (fields(old), fields(new));
            for name in names(old_fields, new_fields) {
                let Some(shape) = shape.field(name) else { continue };
                let (old, new) = (old_fields.and_then(|all| all.get(name)), new_fields.and_then(|all| all.get(name)));
                // Most are the same, and their path need not be written for that.
                if old != new {
                    path.push(format!("f:{name}"));
                    differ(shape, old, new, path, out);
                    path.pop();
                }
            }
        }
        Parts::Items(item_shape, list_type) => differ_in_items(item_shape, list_type, old, new, path, out),
        Parts::Whole => {
            if old.is_some() && new.is_some() {
                out.modified.insert(path);
            }
        }
    }
}

fn differ_in_items(
    shape: &Shape,
    list_type: &ListType,
    old: Option<&Value>,
    new: Option<&Value>,
    path: &mut Vec<String>,
    out: &mut Comparison,
) {
    let list = |side: Option<&Value>| side.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default().to_vec();
    let (old, new) = (list(old), list(new));
    let (old, new) = (items_of(list_type, &old), items_of(list_type, &new));
    let mut elements: Vec<&String> = old.iter().map(|(element, _)| element).collect();
    elements.extend(
        new.iter().map(|(element, _)| element).filter(|element| !old.iter().any(|(known, _)| known == *element)),
    );
    for element in elements {
        let find = |side: &[(String, Vec<&Value>)]| -> Vec<Value> {
            side.iter()
                .find(|(known, _)| known == element)
                .map_or_else(Vec::new, |(_, same)| same.iter().map(|&item| item.clone()).collect())
        };
        let (before, after) = (find(&old), find(&new));
        path.push(element.clone());
        match (before.as_slice(), after.as_slice()) {
            (before, after) if before.len() < 2 && after.len() < 2 => {
                differ(shape, before.first(), after.first(), path, out);
            }
            (before, after) if before == after => {}
            // Items that cannot be told apart are owned as one, and what was owned inside is owned no more.
            (before, after) => {
                if let [only] = before {
                    differ(shape, Some(only), Some(&Value::Object(Map::new())), path, out);
                }
                if after.is_empty() {
                    out.removed.insert(path);
                } else if before.is_empty() {
                    out.added.insert(path);
                } else {
                    out.modified.insert(path);
                }
                if let [only] = after {
                    differ(shape, Some(&Value::Object(Map::new())), Some(only), path, out);
                }
            }
        }
        path.pop();
    }
}

fn fields(value: Option<&Value>) -> Option<&Map<String, Value>> {
    value.and_then(Value::as_object)
}

fn names<'a>(old: Option<&'a Map<String, Value>>, new: Option<&'a Map<String, Value>>) -> Vec<&'a String> {
    let mut names: Vec<&String> = old.into_iter().chain(new).flat_map(Map::keys).collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use serde_json::json;

    use super::*;
    use crate::resource::Resource;
    use crate::schema::Schema;

    #[test]
    fn a_new_label_map_is_added_with_its_labels() {
        let schema = Schema::embedded().unwrap();
        let old = json!({ "metadata": {} });
        let new = json!({ "metadata": { "labels": { "a": "1" } } });
        let comparison = compare(schema.of(Resource::Nodes), &old, &new);
        let expected = json!({ "f:metadata": { "f:labels": { ".": {}, "f:a": {} } } });
        assert_eq!(comparison.added.to_json(), expected);
        assert!(comparison.modified.is_empty() && comparison.removed.is_empty());
    }

    #[test]
    fn taints_change_as_one() {
        let schema = Schema::embedded().unwrap();
        let old = json!({ "spec": { "taints": [{ "key": "a", "effect": "NoSchedule" }] } });
        let new = json!({ "spec": { "taints": [] } });
        let comparison = compare(schema.of(Resource::Nodes), &old, &new);
        assert_eq!(comparison.modified.to_json(), json!({ "f:spec": { "f:taints": {} } }));
    }

    #[test]
    fn addresses_of_one_type_are_owned_as_one() {
        let schema = Schema::embedded().unwrap();
        let old = json!({ "status": { "addresses": [{ "type": "InternalIP", "address": "1" }] } });
        let new = json!({ "status": { "addresses": [
            { "type": "InternalIP", "address": "1" }, { "type": "InternalIP", "address": "2" },
        ] } });
        let comparison = compare(schema.of(Resource::Nodes), &old, &new);
        let path = |below: Value| json!({ "f:status": { "f:addresses": { "k:{\"type\":\"InternalIP\"}": below } } });
        assert_eq!(comparison.modified.to_json(), path(json!({})));
        assert_eq!(comparison.removed.to_json(), path(json!({ "f:address": {}, "f:type": {} })));
    }

    #[test]
    fn an_applied_configuration_owns_its_leaves_only() {
        let schema = Schema::embedded().unwrap();
        let config = json!({ "metadata": { "labels": { "a": "1" } }, "spec": { "taints": [] } });
        let expected = json!({ "f:metadata": { "f:labels": { "f:a": {} } }, "f:spec": { "f:taints": {} } });
        assert_eq!(fields_of(schema.of(Resource::Nodes), &config).to_json(), expected);
    }
}
