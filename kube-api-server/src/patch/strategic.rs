//! Strategic merge patch: merge patch that knows which lists merge by key, and has directives.

use serde_json::{Map, Value};

use crate::schema::{PatchStrategy, Shape};
use crate::status::{ApiError, Cause};

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList/";
const SET_ORDER: &str = "$setElementOrder/";

/// Applies the patch to an object of that shape.
pub(crate) fn apply(shape: &Shape, target: &Value, patch: &Value) -> Result<Value, ApiError> {
    let what = match patch {
        Value::Object(_) => "",
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Bool(_) => "bool",
        Value::Null => return Ok(target.clone()),
    };
    let (Some(target), Some(patch)) = (target.as_object(), patch.as_object()) else {
        let message = format!("json: cannot unmarshal {what} into Go value of type map[string]interface {{}}");
        return Err(ApiError::bad_request(message));
    };
    merge_object(Some(shape), target, patch).map(Value::Object)
}

fn merge_object(
    shape: Option<&Shape>,
    target: &Map<String, Value>,
    patch: &Map<String, Value>,
) -> Result<Map<String, Value>, ApiError> {
    match patch.get(DIRECTIVE).map(directive_name) {
        None => {}
        Some("replace") => {
            return Ok(patch
                .iter()
                .filter(|(name, _)| *name != DIRECTIVE)
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect());
        }
        Some("delete") => return Ok(Map::new()),
        Some(other) => {
            return Err(ApiError::internal(format!("unknown patch type: {other} in map: {}", go_map(patch))));
        }
    }
    let mut out = target.clone();
    retain_keys(&mut out, patch)?;
    for (name, value) in patch {
        if name == DIRECTIVE || name == RETAIN_KEYS || name.starts_with(SET_ORDER) {
            continue;
        }
        if let Some(list) = name.strip_prefix(DELETE_FROM) {
            delete_values(&mut out, list, value)?;
            continue;
        }
        let field = shape.and_then(|shape| shape.field(name));
        merge_field(&mut out, field, name, value, patch)?;
    }
    for (name, order) in patch {
        if let Some(list) = name.strip_prefix(SET_ORDER)
            && !patch.contains_key(list)
        {
            reorder(&mut out, shape, list, order);
        }
    }
    Ok(out)
}

fn merge_field(
    out: &mut Map<String, Value>,
    shape: Option<&Shape>,
    name: &str,
    value: &Value,
    patch: &Map<String, Value>,
) -> Result<(), ApiError> {
    if value.is_null() {
        out.remove(name);
        return Ok(());
    }
    let merged = match (shape, out.get(name), value) {
        (_, Some(Value::Object(target)), Value::Object(patch)) => merge_object(shape, target, patch)?.into(),
        (Some(Shape::List { .. }), _, Value::Object(_) | Value::String(_) | Value::Number(_) | Value::Bool(_)) => {
            let kind = match value {
                Value::String(_) => "string",
                Value::Bool(_) => "bool",
                Value::Number(_) => "int64",
                _ => "map",
            };
            let cause = Cause::invalid(
                "patch",
                &format!("\"{}\"", go_value(value)),
                &format!("cannot restore slice from {kind}"),
            );
            return Err(ApiError::invalid("", "", "", &[cause]));
        }
        (Some(Shape::List { item, strategy, .. }), Some(Value::Array(target)), Value::Array(items)) => {
            let order = patch.get(&format!("{SET_ORDER}{name}")).and_then(Value::as_array);
            merge_list(item, strategy, target, items, order)?.into()
        }
        // There is nothing to merge with: what the patch says is taken, but for what a directive is about.
        _ => {
            let Some(value) = taken(value) else {
                out.remove(name);
                return Ok(());
            };
            value
        }
    };
    out.insert(name.to_owned(), merged);
    Ok(())
}

/// A value without its nulls and without the parts that carry a directive.
fn taken(value: &Value) -> Option<Value> {
    match value {
        Value::Object(fields) if fields.contains_key(DIRECTIVE) => None,
        Value::Object(fields) => {
            let kept = fields.iter().filter(|(_, value)| !value.is_null());
            Some(kept.filter_map(|(name, value)| Some((name.clone(), taken(value)?))).collect::<Map<_, _>>().into())
        }
        Value::Array(items) => Some(items.iter().filter_map(taken).collect()),
        other => Some(other.clone()),
    }
}

fn merge_list(
    item_shape: &Shape,
    strategy: &PatchStrategy,
    target: &[Value],
    patch: &[Value],
    order: Option<&Vec<Value>>,
) -> Result<Vec<Value>, ApiError> {
    match strategy {
        PatchStrategy::Replace => Ok(patch.to_vec()),
        PatchStrategy::MergeValues => {
            let mut out: Vec<Value> = patch.to_vec();
            out.extend(target.iter().filter(|value| !patch.contains(value)).cloned());
            Ok(ordered(out, order, Value::clone))
        }
        PatchStrategy::MergeBy(key) => merge_by_key(item_shape, key, target, patch, order),
    }
}

fn merge_by_key(
    item_shape: &Shape,
    key: &str,
    target: &[Value],
    patch: &[Value],
    order: Option<&Vec<Value>>,
) -> Result<Vec<Value>, ApiError> {
    let is_directive = |item: &Value, name: &str| item.get(DIRECTIVE).map(directive_name) == Some(name);
    if patch.iter().any(|item| is_directive(item, "replace")) {
        return Ok(patch.iter().filter(|item| item.get(DIRECTIVE).is_none()).cloned().collect());
    }
    let mut out: Vec<Value> = target.to_vec();
    let mut added: Vec<Value> = Vec::new();
    for item in patch {
        let fields =
            item.as_object().ok_or_else(|| ApiError::internal("expected a map in a list that merges by key"))?;
        let id = fields.get(key).ok_or_else(|| {
            ApiError::internal(format!("map: {} does not contain declared merge key: {key}", go_map(fields)))
        })?;
        if is_directive(item, "delete") {
            out.retain(|known| known.get(key) != Some(id));
            continue;
        }
        match out.iter_mut().find(|known| known.get(key) == Some(id)) {
            Some(known) => {
                let before = known.as_object().cloned().unwrap_or_default();
                *known = merge_object(Some(item_shape), &before, fields)?.into();
            }
            None => added.push(merge_object(Some(item_shape), &Map::new(), fields)?.into()),
        }
    }
    let named: Vec<Value> = match order {
        Some(order) => order.iter().filter_map(|one| one.get(key).cloned()).collect(),
        None => patch.iter().filter_map(|item| item.get(key).cloned()).collect(),
    };
    out.extend(added);
    Ok(in_patch_order(out, target, &named, key))
}

/// Items the patch names come in its order; the others keep their place relative to what stood before and after them.
fn in_patch_order(items: Vec<Value>, target: &[Value], named: &[Value], key: &str) -> Vec<Value> {
    let id = |item: &Value| item.get(key).cloned().unwrap_or_default();
    let position = |item: &Value| target.iter().position(|known| id(known) == id(item));
    let (mut patched, others): (Vec<Value>, Vec<Value>) = items.into_iter().partition(|item| named.contains(&id(item)));
    patched.sort_by_key(|item| named.iter().position(|one| *one == id(item)));
    let mut out = Vec::with_capacity(patched.len() + others.len());
    let (mut patched, mut others) = (patched.into_iter().peekable(), others.into_iter().peekable());
    loop {
        let take_patched = match (patched.peek(), others.peek()) {
            (None, None) => return out,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            // An item that is new to the list goes before what the patch does not name.
            (Some(mine), Some(other)) => match (position(mine), position(other)) {
                (Some(mine), Some(other)) => mine < other,
                _ => true,
            },
        };
        out.extend(if take_patched { patched.next() } else { others.next() });
    }
}

fn ordered(items: Vec<Value>, order: Option<&Vec<Value>>, id: impl Fn(&Value) -> Value) -> Vec<Value> {
    let Some(order) = order else { return items };
    let (mut named, rest): (Vec<Value>, Vec<Value>) = items.into_iter().partition(|item| order.contains(&id(item)));
    named.sort_by_key(|item| order.iter().position(|one| *one == id(item)));
    named.extend(rest);
    named
}

fn reorder(out: &mut Map<String, Value>, shape: Option<&Shape>, list: &str, order: &Value) {
    let Some(Shape::List { strategy, .. }) = shape.and_then(|shape| shape.field(list)) else { return };
    let (Some(Value::Array(items)), Some(order)) = (out.get(list), order.as_array()) else { return };
    let sorted = match strategy {
        PatchStrategy::MergeBy(key) => {
            let named: Vec<Value> = order.iter().filter_map(|one| one.get(key).cloned()).collect();
            in_patch_order(items.clone(), items, &named, key)
        }
        PatchStrategy::MergeValues => ordered(items.clone(), Some(order), Value::clone),
        PatchStrategy::Replace => return,
    };
    out.insert(list.to_owned(), sorted.into());
}

fn retain_keys(out: &mut Map<String, Value>, patch: &Map<String, Value>) -> Result<(), ApiError> {
    let Some(keys) = patch.get(RETAIN_KEYS) else { return Ok(()) };
    let malformed = || ApiError::bad_request("invalid patch format of retainKeys");
    let keys = keys.as_array().ok_or_else(malformed)?;
    let set = patch.iter().filter(|(name, value)| !name.starts_with('$') && !value.is_null());
    // What the patch sets must be among what it retains.
    if set.into_iter().any(|(name, _)| !keys.iter().any(|key| key == name)) {
        return Err(malformed());
    }
    out.retain(|name, _| keys.iter().any(|key| key == name));
    Ok(())
}

fn delete_values(out: &mut Map<String, Value>, list: &str, values: &Value) -> Result<(), ApiError> {
    let values =
        values.as_array().ok_or_else(|| ApiError::bad_request("invalid patch format of delete primitive list"))?;
    if let Some(Value::Array(items)) = out.get_mut(list) {
        items.retain(|item| !values.contains(item));
    }
    Ok(())
}

fn directive_name(value: &Value) -> &str {
    value.as_str().unwrap_or("")
}

/// A map as Go prints it, for messages.
fn go_map(fields: &Map<String, Value>) -> String {
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!("{name}:{}", go_value(value))).collect();
    format!("map[{}]", fields.join(" "))
}

fn go_value(value: &Value) -> String {
    match value {
        Value::Object(fields) => go_map(fields),
        Value::Array(items) => format!("[{}]", items.iter().map(go_value).collect::<Vec<_>>().join(" ")),
        Value::String(text) => text.clone(),
        Value::Null => "<nil>".to_owned(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use serde_json::json;

    use super::*;
    use crate::resource::Resource;
    use crate::schema::Schema;

    fn patched(target: &Value, patch: &Value) -> Result<Value, ApiError> {
        apply(Schema::embedded().unwrap().of(Resource::Nodes), target, patch)
    }

    fn conditions(names: &[&str]) -> Value {
        let items: Vec<Value> = names.iter().map(|name| json!({ "type": name })).collect();
        json!({ "status": { "conditions": items } })
    }

    fn names(node: &Value) -> Vec<&str> {
        node["status"]["conditions"].as_array().unwrap().iter().map(|one| one["type"].as_str().unwrap()).collect()
    }

    #[test]
    fn conditions_merge_by_type_and_new_ones_come_before_the_unnamed() {
        let patch = json!({ "status": { "conditions": [
            { "type": "Ready", "status": "False" }, { "type": "New", "status": "True" },
        ] } });
        let node = patched(&conditions(&["Ready", "MemoryPressure"]), &patch).unwrap();
        assert_eq!(names(&node), ["Ready", "New", "MemoryPressure"]);
        assert_eq!(node["status"]["conditions"][0]["status"], "False");
    }

    #[test]
    fn an_order_given_is_the_order_taken() {
        let patch = json!({ "status": {
            "$setElementOrder/conditions": [{ "type": "B" }, { "type": "C" }, { "type": "A" }],
            "conditions": [{ "type": "B", "status": "False" }],
        } });
        assert_eq!(names(&patched(&conditions(&["A", "B", "C"]), &patch).unwrap()), ["B", "C", "A"]);
    }

    #[test]
    fn a_delete_directive_takes_one_item_out() {
        let patch = json!({ "status": { "conditions": [{ "$patch": "delete", "type": "A" }] } });
        assert_eq!(names(&patched(&conditions(&["A", "B"]), &patch).unwrap()), ["B"]);
    }

    #[test]
    fn taints_are_replaced_whole() {
        let target = json!({ "spec": { "taints": [{ "key": "a", "effect": "NoSchedule" }] } });
        let patch = json!({ "spec": { "taints": [{ "key": "b", "effect": "NoSchedule" }] } });
        assert_eq!(patched(&target, &patch).unwrap(), patch);
    }

    #[test]
    fn finalizers_merge_with_the_new_in_front_and_can_be_deleted() {
        let target = json!({ "metadata": { "finalizers": ["a/a"] } });
        let node = patched(&target, &json!({ "metadata": { "finalizers": ["b/b"] } })).unwrap();
        assert_eq!(node["metadata"]["finalizers"], json!(["b/b", "a/a"]));
        let patch = json!({ "metadata": { "$deleteFromPrimitiveList/finalizers": ["a/a"] } });
        assert_eq!(patched(&node, &patch).unwrap()["metadata"]["finalizers"], json!(["b/b"]));
    }

    #[test]
    fn an_item_without_its_key_is_refused() {
        let error = patched(&conditions(&[]), &json!({ "status": { "conditions": [{ "status": "x" }] } })).unwrap_err();
        assert_eq!(error.to_json()["message"], "map: map[status:x] does not contain declared merge key: type");
    }
}
