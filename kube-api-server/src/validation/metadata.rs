//! Rules on `metadata`, the same for every kind but for the form of the name.

use serde_json::{Map, Value};

use super::{at, items, names, text};
use crate::status::Cause;

/// All annotations of an object together, keys and values.
const MOST_ANNOTATION_BYTES: usize = 256 * 1024;

fn map<'a>(object: &'a Value, path: &str) -> Option<&'a Map<String, Value>> {
    at(object, path).and_then(Value::as_object)
}

/// The form that a name must have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NameForm {
    Subdomain,
    Label,
    /// Anything that can stand between two slashes of an address.
    PathSegment,
}

impl NameForm {
    fn problems(self, name: &str) -> Vec<String> {
        match self {
            NameForm::Subdomain => names::subdomain(name),
            NameForm::Label => names::label(name),
            NameForm::PathSegment => names::path_segment(name),
        }
    }
}

/// What must hold of any object. What it shares with the one it replaces was looked at when that was written.
pub(super) fn whole(form: NameForm, old: Option<&Value>, object: &Value, causes: &mut Vec<Cause>) {
    let (name, prefix) = (text(object, "/metadata/name"), text(object, "/metadata/generateName"));
    if !prefix.is_empty() {
        // A prefix may end in a dash, which a name may not.
        let whole = prefix.strip_suffix('-').map_or_else(|| prefix.to_owned(), |rest| format!("{rest}a"));
        causes
            .extend(form.problems(&whole).iter().map(|why| Cause::invalid_text("metadata.generateName", prefix, why)));
    }
    if name.is_empty() {
        causes.push(Cause::required("metadata.name", "name or generateName is required"));
    } else {
        causes.extend(form.problems(name).iter().map(|why| Cause::invalid_text("metadata.name", name, why)));
    }
    labels(old, object, causes);
    annotations(old, object, causes);
    for finalizer in items(object, "/metadata/finalizers") {
        let finalizer = finalizer.as_str().unwrap_or_default();
        let wrong = names::qualified(finalizer);
        causes.extend(wrong.iter().map(|why| Cause::invalid_text("metadata.finalizers", finalizer, why)));
    }
}

/// The core group's own rule: a finalizer is one that Kubernetes knows, or says whose it is.
pub(super) fn finalizers(object: &Value, causes: &mut Vec<Cause>) {
    const STANDARD: [&str; 3] = ["kubernetes", "orphan", "foregroundDeletion"];
    for (index, finalizer) in items(object, "/metadata/finalizers").iter().enumerate() {
        let finalizer = finalizer.as_str().unwrap_or_default();
        if !finalizer.contains('/') && !STANDARD.contains(&finalizer) {
            let why = "name is neither a standard finalizer name nor is it fully qualified";
            causes.push(Cause::invalid_text(format!("metadata.finalizers[{index}]"), finalizer, why));
        }
    }
}

/// The entries of a map that another object does not have just so.
fn news<'a>(
    old: Option<&'a Value>,
    object: &'a Value,
    path: &'static str,
) -> impl Iterator<Item = (&'a String, &'a Value)> {
    let known = old.and_then(|old| map(old, path));
    let all = map(object, path).into_iter().flatten();
    all.filter(move |(key, value)| known.and_then(|known| known.get(*key)) != Some(*value))
}

fn labels(old: Option<&Value>, object: &Value, causes: &mut Vec<Cause>) {
    const FIELD: &str = "metadata.labels";
    for (key, value) in news(old, object, "/metadata/labels") {
        let value = value.as_str().unwrap_or_default();
        causes.extend(names::qualified(key).iter().map(|why| Cause::invalid_text(FIELD, key, why)));
        causes.extend(names::label_value(value).iter().map(|why| Cause::invalid_text(FIELD, value, why)));
    }
}

fn annotations(old: Option<&Value>, object: &Value, causes: &mut Vec<Cause>) {
    const PATH: &str = "/metadata/annotations";
    const FIELD: &str = "metadata.annotations";
    for (key, _) in news(old, object, PATH) {
        // Unlike a label's, an annotation's key may be in upper case.
        causes.extend(names::qualified(&key.to_lowercase()).iter().map(|why| Cause::invalid_text(FIELD, key, why)));
    }
    let all = map(object, PATH).into_iter().flatten();
    let bytes: usize = all.map(|(key, value)| key.len() + value.as_str().unwrap_or_default().len()).sum();
    if bytes > MOST_ANNOTATION_BYTES {
        causes.push(Cause::too_long(FIELD, MOST_ANNOTATION_BYTES));
    }
}

/// What may not change: which object it is, and what only deletion sets.
pub(super) fn changes(old: &Value, new: &Value, causes: &mut Vec<Cause>) {
    if at(old, "/metadata/deletionTimestamp").is_some() {
        let known = items(old, "/metadata/finalizers");
        let added: Vec<String> = items(new, "/metadata/finalizers")
            .iter()
            .filter(|finalizer| !known.contains(finalizer))
            .map(ToString::to_string)
            .collect();
        if !added.is_empty() {
            let why = format!(
                "no new finalizers can be added if the object is being deleted, found new finalizers []string{{{}}}",
                added.join(", ")
            );
            causes.push(Cause::forbidden("metadata.finalizers", &why));
        }
    }
    for field in ["name", "namespace", "uid"] {
        let pointer = format!("/metadata/{field}");
        let now = text(new, &pointer);
        if text(old, &pointer) != now {
            causes.push(Cause::invalid_text(format!("metadata.{field}"), now, "field is immutable"));
        }
    }
    labels(Some(old), new, causes);
    annotations(Some(old), new, causes);
}
