//! JSON Patch as kube-apiserver applies it, which is not RFC 6902 to the letter: a `test` of an absent member against
//! `null` passes, `replace` of an absent member adds it, a negative index counts from the end, a value left out is
//! `null`, and a path need not begin with its slash.

use serde_json::Value;

use crate::status::ApiError;

/// The most operations that one patch may hold.
const MOST_OPERATIONS: usize = 10_000;

/// Applies the patch, all of it or nothing: where it fails, nothing is left of the target.
pub(crate) fn apply(mut target: Value, patch: &Value) -> Result<Value, ApiError> {
    let operations = patch.as_array().ok_or_else(|| {
        let what = match patch {
            Value::Object(_) => "object",
            Value::String(_) => "string",
            Value::Number(_) => "number",
            Value::Bool(_) => "bool",
            Value::Null | Value::Array(_) => "array",
        };
        ApiError::bad_request(format!(
            "error decoding patch: json: cannot unmarshal {what} into Go value of type []handlers.jsonPatchOp"
        ))
    })?;
    if operations.len() > MOST_OPERATIONS {
        let message =
            format!("The allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, got {}", operations.len());
        return Err(ApiError::too_large(message));
    }
    for operation in operations {
        step(&mut target, operation).ok_or_else(ApiError::unprocessable)?;
    }
    Ok(target)
}

fn step(target: &mut Value, operation: &Value) -> Option<()> {
    let text = |field: &str| operation.get(field).and_then(Value::as_str);
    // A value left out is null.
    let value = || operation.get("value").cloned().unwrap_or_default();
    let path = pointer(text("path")?)?;
    match text("op")? {
        "add" => add(target, &path, value()),
        "replace" => replace(target, &path, value()),
        "remove" => remove(target, &path).map(drop),
        "test" => test(target, &path, &value()),
        "move" => {
            let value = remove(target, &pointer(text("from")?)?)?;
            add(target, &path, value)
        }
        "copy" => {
            let value = get(target, &pointer(text("from")?)?)?.clone();
            add(target, &path, value)
        }
        _ => None,
    }
}

/// The paths that a patch reads and writes, token by token. What makes no sense has none.
pub(crate) fn paths(patch: &Value) -> Vec<Vec<String>> {
    let operations = patch.as_array().into_iter().flatten();
    let texts = operations.flat_map(|operation| ["path", "from"].map(|field| operation.get(field)?.as_str()));
    texts.flatten().filter_map(pointer).collect()
}

/// Whether a path leads to those fields, above them or below them.
pub(crate) fn meets(path: &[String], fields: &[&str]) -> bool {
    path.iter().zip(fields).all(|(token, name)| token == name)
}

/// The tokens of a path. Whatever stands before the first slash counts for nothing.
fn pointer(text: &str) -> Option<Vec<String>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    let (_, tokens) = text.split_once('/')?;
    Some(tokens.split('/').map(unescaped).collect())
}

fn unescaped(token: &str) -> String {
    if token.contains('~') { token.replace("~1", "/").replace("~0", "~") } else { token.to_owned() }
}

/// Where a token points in a list of that length. With `end`, one past the last is allowed.
fn index(token: &str, length: usize, end: bool) -> Option<usize> {
    let number: i64 = token.parse().ok()?;
    let at = if number < 0 {
        usize::try_from(i64::try_from(length).ok()? + number).ok()?
    } else {
        usize::try_from(number).ok()?
    };
    (at < length || (end && at == length)).then_some(at)
}

fn get<'a>(target: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(target, |value, token| match value {
        Value::Object(fields) => fields.get(token),
        Value::Array(items) => items.get(index(token, items.len(), false)?),
        _ => None,
    })
}

fn get_mut<'a>(target: &'a mut Value, path: &[String]) -> Option<&'a mut Value> {
    path.iter().try_fold(target, |value, token| match value {
        Value::Object(fields) => fields.get_mut(token),
        Value::Array(items) => {
            let at = index(token, items.len(), false)?;
            items.get_mut(at)
        }
        _ => None,
    })
}

fn add(target: &mut Value, path: &[String], value: Value) -> Option<()> {
    let (last, parent) = path.split_last()?;
    match get_mut(target, parent)? {
        Value::Object(fields) => {
            fields.insert(last.clone(), value);
        }
        Value::Array(items) if last == "-" => items.push(value),
        Value::Array(items) => {
            // Counted from the end, an index means where the item stands afterwards.
            let length = if last.starts_with('-') { items.len() + 1 } else { items.len() };
            let at = index(last, length, true)?;
            items.insert(at.min(items.len()), value);
        }
        _ => return None,
    }
    Some(())
}

fn replace(target: &mut Value, path: &[String], value: Value) -> Option<()> {
    let Some((last, parent)) = path.split_last() else {
        *target = value;
        return Some(());
    };
    match get_mut(target, parent)? {
        Value::Object(fields) => {
            fields.insert(last.clone(), value);
        }
        Value::Array(items) => {
            let at = index(last, items.len(), false)?;
            *items.get_mut(at)? = value;
        }
        _ => return None,
    }
    Some(())
}

fn remove(target: &mut Value, path: &[String]) -> Option<Value> {
    let (last, parent) = path.split_last()?;
    match get_mut(target, parent)? {
        Value::Object(fields) => fields.remove(last),
        Value::Array(items) => {
            let at = index(last, items.len(), false)?;
            Some(items.remove(at))
        }
        _ => None,
    }
}

fn test(target: &Value, path: &[String], expected: &Value) -> Option<()> {
    let Some((last, parent)) = path.split_last() else {
        return (target == expected).then_some(());
    };
    let found = match get(target, parent)? {
        Value::Object(fields) => fields.get(last),
        Value::Array(items) => Some(items.get(index(last, items.len(), false)?)?),
        _ => return None,
    };
    (found.unwrap_or(&Value::Null) == expected).then_some(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use serde_json::json;

    use super::*;

    fn node() -> Value {
        json!({ "metadata": { "labels": { "a/b": "1" } }, "spec": { "taints": [{ "key": "x" }, { "key": "y" }] } })
    }

    fn patched(patch: &Value) -> Result<Value, u16> {
        apply(node(), patch).map_err(|error| error.code)
    }

    #[test]
    fn a_test_of_an_absent_member_against_null_passes() {
        assert!(patched(&json!([{ "op": "test", "path": "/spec/providerID", "value": null }])).is_ok());
        assert!(patched(&json!([{ "op": "test", "path": "/spec/providerID" }])).is_ok());
    }

    #[test]
    fn a_test_below_an_absent_member_or_past_the_end_fails() {
        assert_eq!(patched(&json!([{ "op": "test", "path": "/spec/no/deep", "value": null }])), Err(422));
        assert_eq!(patched(&json!([{ "op": "test", "path": "/spec/taints/7", "value": null }])), Err(422));
    }

    #[test]
    fn a_patch_touches_what_it_names_and_what_is_above_and_below() {
        let meets_images = |patch: Value| paths(&patch).iter().any(|path| meets(path, &["status", "images"]));
        let touched = |path: &str| meets_images(json!([{ "op": "test", "path": path }]));
        assert!(touched("") && touched("/status") && touched("x/status/images") && touched("/status/images/0/names"));
        assert!(!touched("/status/addresses") && !touched("/spec/images") && !touched("no slash"));
        assert!(meets_images(json!([{ "op": "copy", "path": "/x", "from": "/status" }])));
    }

    #[test]
    fn a_failing_test_undoes_what_came_before_it() {
        let patch = json!([
            { "op": "remove", "path": "/spec/taints/0" },
            { "op": "test", "path": "/spec/taints/0/key", "value": "x" },
        ]);
        assert_eq!(patched(&patch), Err(422));
    }

    #[test]
    fn a_replace_of_an_absent_member_adds_it() {
        let patch = json!([{ "op": "replace", "path": "/metadata/labels/new", "value": "1" }]);
        assert_eq!(patched(&patch).unwrap()["metadata"]["labels"]["new"], "1");
    }

    #[test]
    fn a_negative_index_counts_from_the_end() {
        let left = patched(&json!([{ "op": "remove", "path": "/spec/taints/-1" }])).unwrap();
        assert_eq!(left["spec"]["taints"], json!([{ "key": "x" }]));
    }

    #[test]
    fn a_slash_in_a_name_is_escaped() {
        let left = patched(&json!([{ "op": "move", "from": "/metadata/labels/a~1b", "path": "/metadata/labels/c" }]));
        assert_eq!(left.unwrap()["metadata"]["labels"], json!({ "c": "1" }));
    }

    #[test]
    fn a_patch_that_is_no_list_is_a_bad_request() {
        assert_eq!(patched(&json!({})), Err(400));
        assert_eq!(patched(&json!([{ "op": "bogus", "path": "/spec" }])), Err(422));
    }
}
