//! Server-side apply's two edits of an object: laying a configuration over it, and taking paths out of it.

use std::collections::VecDeque;

use serde_json::{Map, Value};

use super::field_set::FieldSet;
use super::walk::{Parts, element_of, items_of, parts};
use crate::schema::{ListType, Shape};

/// The configuration laid over the object: fields side by side, lists item by item, pieces replaced whole.
pub(crate) fn merge(shape: &Shape, live: &Value, config: &Value) -> Value {
    match (parts(shape), live, config) {
        (_, live, Value::Null) => live.clone(),
        (Parts::Fields, Value::Object(live), Value::Object(config)) => {
            let mut out = live.clone();
            for (name, value) in config {
                let merged = match (shape.field(name), live.get(name)) {
                    (Some(shape), Some(live)) => merge(shape, live, value),
                    _ => value.clone(),
                };
                out.insert(name.clone(), merged);
            }
            out.into()
        }
        (Parts::Items(item, list_type), Value::Array(live), Value::Array(config)) => {
            merge_items(item, list_type, live, config).into()
        }
        _ => config.clone(),
    }
}

/// Items only the object has stay where they are; those of the configuration come in its order, the shared ones among
/// them marking where.
fn merge_items(shape: &Shape, list_type: &ListType, live: &[Value], config: &[Value]) -> Vec<Value> {
    let live_items = items_of(list_type, live);
    let mut wanted: VecDeque<(String, Value)> = VecDeque::with_capacity(config.len());
    for item in config {
        let element = element_of(list_type, item);
        let same = live_items.iter().find(|(known, _)| *known == element).map(|(_, same)| same.as_slice());
        let merged = match same {
            Some([only]) => merge(shape, only, item),
            // There is none, or there are several that cannot be told apart.
            _ => item.clone(),
        };
        wanted.push_back((element, merged));
    }
    let configured: Vec<String> = wanted.iter().map(|(element, _)| element.clone()).collect();
    let is_live = |element: &String| live_items.iter().any(|(known, _)| known == element);
    let mut out = Vec::with_capacity(live.len() + config.len());
    for item in live {
        let element = element_of(list_type, item);
        if !configured.contains(&element) {
            out.push(item.clone());
        } else if wanted.iter().find(|(next, _)| is_live(next)).is_some_and(|(next, _)| *next == element) {
            // Its turn among the shared ones: what the configuration puts before it goes first.
            while let Some((next, merged)) = wanted.pop_front() {
                out.push(merged);
                if next == element {
                    break;
                }
            }
        }
    }
    out.extend(wanted.into_iter().map(|(_, merged)| merged));
    out
}

/// The object without the paths in the set; containers that become empty go too.
pub(crate) fn remove(shape: &Shape, value: &Value, set: &FieldSet) -> Value {
    match (parts(shape), value) {
        (Parts::Fields, Value::Object(fields)) => {
            let mut out = Map::new();
            for (name, value) in fields {
                let element = format!("f:{name}");
                if set.contains(&element) {
                    continue;
                }
                let kept = match (shape.field(name), set.child(&element)) {
                    (Some(shape), Some(below)) => remove(shape, value, below),
                    _ => value.clone(),
                };
                out.insert(name.clone(), kept);
            }
            if out.is_empty() && !fields.is_empty() { Value::Null } else { out.into() }
        }
        (Parts::Items(item_shape, list_type), Value::Array(items)) => {
            let mut out = Vec::new();
            for item in items {
                let element = element_of(list_type, item);
                if set.contains(&element) {
                    continue;
                }
                match set.child(&element) {
                    Some(below) => out.push(remove(item_shape, item, below)),
                    None => out.push(item.clone()),
                }
            }
            if out.is_empty() && !items.is_empty() { Value::Null } else { out.into() }
        }
        _ => value.clone(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use serde_json::json;

    use super::*;
    use crate::resource::Resource;
    use crate::schema::Schema;

    fn conditions(types: &[&str]) -> Value {
        let items: Vec<Value> = types.iter().map(|name| json!({ "type": name, "status": "True" })).collect();
        json!({ "status": { "conditions": items } })
    }

    fn types(node: &Value) -> Vec<&str> {
        node["status"]["conditions"].as_array().unwrap().iter().map(|one| one["type"].as_str().unwrap()).collect()
    }

    #[test]
    fn items_of_the_configuration_come_in_its_order() {
        let schema = Schema::embedded().unwrap();
        let shape = schema.of(Resource::Nodes);
        let merged = merge(shape, &conditions(&["A", "B", "C"]), &conditions(&["C", "N", "A"]));
        assert_eq!(types(&merged), ["B", "C", "N", "A"]);
        let merged = merge(shape, &conditions(&["A"]), &conditions(&["N"]));
        assert_eq!(types(&merged), ["A", "N"]);
    }

    #[test]
    fn taints_are_replaced_whole() {
        let schema = Schema::embedded().unwrap();
        let live = json!({ "spec": { "taints": [{ "key": "a", "effect": "NoSchedule" }], "podCIDR": "10.0.0.0/8" } });
        let config = json!({ "spec": { "taints": [{ "key": "b", "effect": "NoSchedule" }] } });
        let merged = merge(schema.of(Resource::Nodes), &live, &config);
        assert_eq!(merged["spec"]["taints"], config["spec"]["taints"]);
        assert_eq!(merged["spec"]["podCIDR"], "10.0.0.0/8");
    }

    #[test]
    fn a_removed_last_label_takes_the_map_along() {
        let schema = Schema::embedded().unwrap();
        let node = json!({ "metadata": { "name": "n", "labels": { "a": "1" } } });
        let set = FieldSet::of(&[&["f:metadata", "f:labels", "f:a"]]);
        let left = remove(schema.of(Resource::Nodes), &node, &set);
        assert_eq!(left["metadata"]["labels"], Value::Null);
        assert_eq!(left["metadata"]["name"], "n");
    }
}
