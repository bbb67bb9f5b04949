//! Writes: from what a client asks for to what the store keeps, in the steps and the order of kube-apiserver.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::ownership::Writer;
use crate::patch::{json_patch, strategic};
use crate::resource::Resource;
use crate::status::{ApiError, Cause, quoted};
use crate::store::record::Stored;
use crate::store::{Decision, Store};
use crate::validation::{self, Door, text};
use crate::{admission, clock, decode};

/// How often a write starts over because somebody else wrote in between.
const MOST_RACES: usize = 1_000;

/// What to do with fields that no type declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    Ignore,
    Warn,
    Strict,
}

/// Which object is written, by whom and how.
#[derive(Debug, Clone)]
pub(crate) struct Write {
    pub(crate) resource: Resource,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) door: Door,
    pub(crate) manager: String,
    pub(crate) dry_run: bool,
    pub(crate) field_validation: FieldValidation,
}

/// A write that was done, or would have been in a dry run.
#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) object: Value,
    pub(crate) created: bool,
    pub(crate) warnings: Vec<String>,
}

/// The four kinds of patch.
#[derive(Debug)]
pub(crate) enum Patch {
    Json(Value),
    Merge(Value),
    Strategic(Value),
    Apply { config: Value, force: bool },
}

/// What a client wants of a deletion.
#[derive(Debug, Clone, Default)]
pub(crate) struct Delete {
    pub(crate) uid: Option<String>,
    pub(crate) resource_version: Option<String>,
}

/// What became of an object that was to be deleted.
#[derive(Debug)]
pub(crate) enum Deleted {
    /// It is gone.
    Gone { uid: String },
    /// It waits for its finalizers.
    Waiting(Value),
}

impl Write {
    pub(crate) fn new(resource: Resource, namespace: &str, name: &str) -> Write {
        Write {
            resource,
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            door: Door::Main,
            manager: "unknown".to_owned(),
            dry_run: false,
            field_validation: FieldValidation::Ignore,
        }
    }

    fn not_found(&self) -> ApiError {
        ApiError::not_found(self.resource.plural(), self.resource.group(), &self.name)
    }

    fn conflict(&self, why: &str) -> ApiError {
        ApiError::conflict(self.resource.plural(), self.resource.group(), &self.name, why)
    }

    fn modified(&self) -> ApiError {
        ApiError::modified(self.resource.plural(), self.resource.group(), &self.name)
    }

    fn writer<'a>(&self, store: &'a Store) -> Writer<'a> {
        Writer {
            resource: self.resource,
            shape: store.schema().of(self.resource),
            manager: self.manager.clone(),
            subresource: if self.door == Door::Status { "status" } else { "" },
            now: clock::now(),
        }
    }

    /// Decodes an object that came as a whole; the error is 400.
    fn decode(&self, store: &Store, body: &Value, warnings: &mut Vec<String>) -> Result<Value, ApiError> {
        self.check_type(body)?;
        let kind = self.resource.kind();
        let refuse =
            |why: &str| ApiError::bad_request(format!("{kind} in version \"v1\" cannot be handled as a {kind}: {why}"));
        let decoded = decode::decode(store.schema().of(self.resource), body).map_err(|why| refuse(&why))?;
        self.judge_unknown(&decoded.unknown, warnings).map_err(|why| refuse(&why))?;
        Ok(self.completed(decoded.value))
    }

    /// A decoded object without its type, with what follows from its fields.
    fn completed(&self, decoded: Value) -> Value {
        let mut object = without_type(decoded);
        admission::on_decoding(self.resource, &mut object);
        object
    }

    fn judge_unknown(&self, unknown: &[String], warnings: &mut Vec<String>) -> Result<(), String> {
        let sentences: Vec<String> = unknown.iter().map(|path| format!("unknown field {}", quoted(path))).collect();
        match self.field_validation {
            FieldValidation::Ignore => {}
            FieldValidation::Warn => warnings.extend(sentences),
            FieldValidation::Strict if sentences.is_empty() => {}
            FieldValidation::Strict => return Err(format!("strict decoding error: {}", sentences.join(", "))),
        }
        Ok(())
    }

    /// `kind` and `apiVersion` may be left out, but may not be another's.
    fn check_type(&self, body: &Value) -> Result<(), ApiError> {
        let wanted = self.resource.kind();
        if !body.is_object() {
            let message =
                format!("the object provided is unrecognized (must be of type {wanted}): couldn't get version/kind");
            return Err(ApiError::bad_request(message));
        }
        let kind = body.get("kind").and_then(Value::as_str).unwrap_or(wanted);
        let version = body.get("apiVersion").and_then(Value::as_str).unwrap_or(self.resource.api_version());
        let kind = if kind.is_empty() { wanted } else { kind };
        let version = if version.is_empty() { self.resource.api_version() } else { version };
        if kind == wanted && version == self.resource.api_version() {
            return Ok(());
        }
        let short = version.rsplit('/').next().unwrap_or(version);
        let known = version == "v1"
            && matches!(kind, "Node" | "Event" | "Namespace" | "Pod" | "ConfigMap" | "Secret" | "Service");
        let why = if known {
            format!("converting (v1.{kind}) to (core.{wanted}): unknown conversion")
        } else {
            format!(
                "no kind {} is registered for version {} in scheme \"pkg/runtime/scheme.go:111\"",
                quoted(kind),
                quoted(version)
            )
        };
        Err(ApiError::bad_request(format!(
            "{kind} in version {} cannot be handled as a {wanted}: {why}",
            quoted(short)
        )))
    }

    /// The name and namespace in the object are those of the address, which fills them in.
    fn check_address(&self, object: &mut Value) -> Result<(), ApiError> {
        let name = text(object, "/metadata/name").to_owned();
        if !self.name.is_empty() {
            if name.is_empty() {
                object["metadata"]["name"] = self.name.clone().into();
            } else if name != self.name {
                let message =
                    format!("the name of the object ({name}) does not match the name on the URL ({})", self.name);
                return Err(ApiError::bad_request(message));
            }
        }
        self.check_namespace(object)
    }

    fn check_namespace(&self, object: &mut Value) -> Result<(), ApiError> {
        let namespace = text(object, "/metadata/namespace").to_owned();
        if !namespace.is_empty() && namespace != self.namespace {
            let why = "the namespace of the provided object does not match the namespace sent on the request";
            return Err(ApiError::bad_request(why));
        }
        if !self.namespace.is_empty() {
            object["metadata"]["namespace"] = self.namespace.clone().into();
        }
        Ok(())
    }

    fn check_namespace_exists(&self, store: &Store) -> Result<(), ApiError> {
        if self.namespace.is_empty() {
            return Ok(());
        }
        let Some(namespace) = store.get(Resource::Namespaces, "", &self.namespace) else {
            return Err(ApiError::not_found("namespaces", "", &self.namespace));
        };
        if text(&namespace.value, "/status/phase") == "Terminating" {
            let why =
                format!("unable to create new content in namespace {} because it is being terminated", self.namespace);
            return Err(ApiError::forbidden(self.resource.plural(), self.resource.group(), &self.name, &why));
        }
        Ok(())
    }
}

fn without_type(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.remove("kind");
        fields.remove("apiVersion");
    }
    object
}

fn with_type(resource: Resource, object: &Value) -> Value {
    let mut out = object.clone();
    if let Some(fields) = out.as_object_mut() {
        fields.insert("kind".to_owned(), resource.kind().into());
        fields.insert("apiVersion".to_owned(), resource.api_version().into());
    }
    out
}

fn metadata(object: &mut Value) -> Option<&mut Map<String, Value>> {
    object.get_mut("metadata").and_then(Value::as_object_mut)
}

/// Kubernetes' alphabet for generated names: no vowels, and nothing that reads as something else.
fn generated_suffix() -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    const LENGTH: usize = 5;
    Uuid::new_v4()
        .as_bytes()
        .iter()
        .take(LENGTH)
        .map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]))
        .collect()
}

/// Creates an object.
pub(crate) fn create(store: &Store, write: &Write, body: &Value) -> Result<Outcome, ApiError> {
    let mut warnings = Vec::new();
    let mut object = write.decode(store, body, &mut warnings)?;
    write.check_namespace(&mut object)?;
    wipe_system_fields(&mut object);
    object = write.writer(store).update(None, object);
    let object = insert(store, write, object)?;
    Ok(Outcome { object, created: true, warnings })
}

/// What only the server sets; a client that creates an object may send it, in vain.
fn wipe_system_fields(object: &mut Value) {
    if let Some(metadata) = metadata(object) {
        for field in ["creationTimestamp", "uid", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
            metadata.remove(field);
        }
    }
}

/// Completes, checks and keeps a new object.
fn insert(store: &Store, write: &Write, mut object: Value) -> Result<Value, ApiError> {
    if !text(&object, "/metadata/resourceVersion").is_empty() {
        return Err(ApiError::internal("resourceVersion should not be set on objects to be created"));
    }
    let prefix = text(&object, "/metadata/generateName").to_owned();
    if let Some(metadata) = metadata(&mut object) {
        metadata.insert("uid".to_owned(), Uuid::new_v4().to_string().into());
        metadata.insert("creationTimestamp".to_owned(), clock::now().into());
        let unnamed = metadata.get("name").and_then(Value::as_str).is_none_or(str::is_empty);
        if unnamed && !prefix.is_empty() {
            metadata.insert("name".to_owned(), format!("{prefix}{}", generated_suffix()).into());
        }
    }
    write.check_namespace_exists(store)?;
    admission::on_creation(write.resource, &mut object);
    validation::creation(write.resource, &object)?;
    let name = text(&object, "/metadata/name").to_owned();
    let stored = store.decide(write.resource, &write.namespace, &name, |current| {
        if current.is_some() {
            return Err(ApiError::already_exists(write.resource.plural(), write.resource.group(), &name));
        }
        Ok(if write.dry_run { Decision::Leave } else { Decision::Put(object.clone()) })
    })?;
    Ok(with_type(write.resource, stored.as_ref().map_or(&object, |stored| &stored.value)))
}

/// Replaces an object.
pub(crate) fn replace(store: &Store, write: &Write, body: &Value) -> Result<Outcome, ApiError> {
    let mut warnings = Vec::new();
    let mut object = write.decode(store, body, &mut warnings)?;
    write.check_address(&mut object)?;
    if store.get(write.resource, &write.namespace, &write.name).is_none() && write.resource.created_by_update() {
        metadata(&mut object).map(|metadata| metadata.remove("resourceVersion"));
        wipe_system_fields(&mut object);
        let object = write.writer(store).update(None, object);
        return Ok(Outcome { object: insert(store, write, object)?, created: true, warnings });
    }
    let uid = text(&object, "/metadata/uid").to_owned();
    change(store, write, |current| {
        let known = text(&current.value, "/metadata/uid");
        if !uid.is_empty() && uid != known {
            let key = if write.resource == Resource::Nodes { "minions" } else { write.resource.plural() };
            let key = format!("/registry/{key}/{}", current.record.key);
            return Err(write.conflict(&format!(
                "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: \
                 Precondition failed: UID in precondition: {uid}, UID in object meta: {known}"
            )));
        }
        Ok(write.writer(store).update(Some(&current.value), object.clone()))
    })
    .map(|object| Outcome { object, created: false, warnings })
}

/// Patches an object; an apply may also create it.
pub(crate) fn patch(store: &Store, write: &Write, patch: &Patch) -> Result<Outcome, ApiError> {
    let shape = store.schema().of(write.resource);
    if let Patch::Apply { config, force } = patch {
        return apply(store, write, config, *force);
    }
    let mut warnings = Vec::new();
    let object = change(store, write, |current| {
        let live = with_type(write.resource, &current.value);
        let patched = match patch {
            Patch::Json(operations) => json_patch::apply(&live, operations)?,
            Patch::Strategic(patch) => strategic::apply(shape, &live, patch)?,
            Patch::Merge(patch) | Patch::Apply { config: patch, .. } => merge_patch(&live, patch)?,
        };
        let unprocessable = |why: &str| {
            let cause = Cause::invalid_text("patch", &patched.to_string(), why);
            ApiError::invalid("", "", "", &[cause])
        };
        check_kept_type(write.resource, &patched).map_err(|why| unprocessable(&why))?;
        let decoded = decode::decode(shape, &patched).map_err(|why| unprocessable(&why))?;
        warnings.clear();
        write.judge_unknown(&decoded.unknown, &mut warnings).map_err(|why| unprocessable(&why))?;
        let mut object = write.completed(decoded.value);
        write.check_address(&mut object)?;
        // The server's reading of a list that a patch has emptied is a wish to forget who owns what.
        let emptied = patched.pointer("/metadata/managedFields").and_then(Value::as_array).is_some_and(Vec::is_empty);
        if emptied {
            object["metadata"]["managedFields"] = json!([]);
        }
        Ok(write.writer(store).update(Some(&current.value), object))
    })?;
    Ok(Outcome { object, created: false, warnings })
}

fn merge_patch(live: &Value, patch: &Value) -> Result<Value, ApiError> {
    if !patch.is_object() {
        return Err(ApiError::bad_request("error decoding patch: Invalid JSON Patch"));
    }
    let mut out = live.clone();
    ::json_patch::merge(&mut out, patch);
    Ok(out)
}

fn check_kept_type(resource: Resource, patched: &Value) -> Result<(), String> {
    let (kind, version) = (text(patched, "/kind"), text(patched, "/apiVersion"));
    if kind == resource.kind() && version == resource.api_version() {
        return Ok(());
    }
    Err(format!(
        "no kind {} is registered for version {} in scheme \"pkg/runtime/scheme.go:111\"",
        quoted(kind),
        quoted(version)
    ))
}

fn apply(store: &Store, write: &Write, config: &Value, force: bool) -> Result<Outcome, ApiError> {
    let shape = store.schema().of(write.resource);
    let kind = config.get("kind").and_then(Value::as_str).unwrap_or_default();
    let version = config.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
    if kind != write.resource.kind() || version != write.resource.api_version() {
        let (group, version) = version.split_once('/').unwrap_or(("", version));
        return Err(ApiError::bad_request(format!("invalid object type: {group}/{version}, Kind={kind}")));
    }
    if !config.pointer("/metadata/managedFields").is_none_or(Value::is_null) {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    let decoded = decode::decode(shape, config).map_err(|why| {
        ApiError::internal(format!("failed to create typed patch object ({}): {why}", describe(write)))
    })?;
    if let Some(unknown) = decoded.unknown.first() {
        let message = format!(
            "failed to create typed patch object ({}): .{unknown}: field not declared in schema",
            describe(write)
        );
        return Err(ApiError::internal(message));
    }
    // Ownership follows what the client wrote, not what decoding adds to it.
    let mut config = without_type(config.clone());
    write.check_address(&mut config)?;
    if store.get(write.resource, &write.namespace, &write.name).is_none() {
        if write.door == Door::Status {
            return Err(write.not_found());
        }
        let uid = text(&config, "/metadata/uid");
        if !uid.is_empty() {
            let why =
                format!("uid mismatch: the provided object specified uid {uid}, and no existing object was found");
            return Err(write.conflict(&why));
        }
        let applied = write.writer(store).apply(None, &config, force)?;
        let object = normal(store, write.resource, &applied)?;
        return Ok(Outcome { object: insert(store, write, object)?, created: true, warnings: Vec::new() });
    }
    let object = change(store, write, |current| {
        let applied = write.writer(store).apply(Some(&current.value), &config, force)?;
        let mut object = normal(store, write.resource, &applied)?;
        write.check_address(&mut object)?;
        Ok(object)
    })?;
    Ok(Outcome { object, created: false, warnings: Vec::new() })
}

fn describe(write: &Write) -> String {
    let (group, version) = write.resource.api_version().split_once('/').unwrap_or(("", write.resource.api_version()));
    format!("{}/{}; {group}/{version}, Kind={}", write.namespace, write.name, write.resource.kind())
}

/// The object as Go would read and write it.
fn normal(store: &Store, resource: Resource, object: &Value) -> Result<Value, ApiError> {
    let decoded = decode::decode(store.schema().of(resource), object).map_err(ApiError::internal)?;
    let mut object = without_type(decoded.value);
    admission::on_decoding(resource, &mut object);
    Ok(object)
}

/// Changes an object that is there: whoever computes the new one sees the newest, and nobody writes in between.
fn change(
    store: &Store,
    write: &Write,
    mut compute: impl FnMut(&Stored) -> Result<Value, ApiError>,
) -> Result<Value, ApiError> {
    for _ in 0..MOST_RACES {
        let current = store.get(write.resource, &write.namespace, &write.name).ok_or_else(|| write.not_found())?;
        let new = settle(store, write, &current, compute(&current)?)?;
        let mut raced = false;
        let stored = store.decide(write.resource, &write.namespace, &write.name, |now| -> Result<_, ApiError> {
            raced = now.is_none_or(|now| now.record.version != current.record.version);
            Ok(if raced || write.dry_run { Decision::Leave } else { decision(&current.value, &new) })
        })?;
        if raced {
            continue;
        }
        let answer = match (write.dry_run, &stored) {
            (true, _) | (false, None) => &new,
            (false, Some(stored)) => &*stored.value,
        };
        return Ok(with_type(write.resource, answer));
    }
    Err(write.modified())
}

/// An unchanged object is not written, and one that is being deleted and has no finalizer left goes.
fn decision(current: &Value, new: &Value) -> Decision {
    let finalizers = |object: &Value| object.pointer("/metadata/finalizers").is_some();
    if current == new {
        Decision::Leave
    } else if new.pointer("/metadata/deletionTimestamp").is_some() && !finalizers(new) && finalizers(current) {
        Decision::Remove(new.clone())
    } else {
        Decision::Put(new.clone())
    }
}

/// Preconditions, what the door does not let through, and validation.
fn settle(store: &Store, write: &Write, current: &Stored, mut new: Value) -> Result<Value, ApiError> {
    let version = text(&new, "/metadata/resourceVersion");
    if !version.is_empty() && version != "0" {
        let asked: u64 = version.parse().map_err(|_| {
            ApiError::internal(format!("strconv.ParseUint: parsing {}: invalid syntax", quoted(version)))
        })?;
        if asked != current.record.version {
            return Err(write.modified());
        }
    }
    admission::on_update(write.resource, write.door, &current.value, &mut new);
    keep_identity(&current.value, &mut new);
    let new = normal(store, write.resource, &new)?;
    validation::update(write.resource, write.door, &current.value, &new)?;
    Ok(new)
}

/// What only the server sets stays as it is, whatever the client sent.
fn keep_identity(current: &Value, new: &mut Value) {
    let Some(metadata) = metadata(new) else { return };
    for field in [
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "resourceVersion",
        "selfLink",
        "generation",
    ] {
        match current.pointer(&format!("/metadata/{field}")) {
            Some(value) => metadata.insert(field.to_owned(), value.clone()),
            None => metadata.remove(field),
        };
    }
    // A uid left out means the one that is there.
    if metadata.get("uid").and_then(Value::as_str).is_none_or(str::is_empty)
        && let Some(uid) = current.pointer("/metadata/uid")
    {
        metadata.insert("uid".to_owned(), uid.clone());
    }
}

/// Lets a test change an object through both doors at once while nobody else can write.
pub(crate) fn update_in_place(
    store: &Store,
    write: &Write,
    change: impl FnOnce(&mut Value),
) -> Result<Value, ApiError> {
    let writer = write.writer(store);
    let stored = store.decide(write.resource, &write.namespace, &write.name, |current| {
        let current = current.ok_or_else(|| write.not_found())?;
        let mut wanted = with_type(write.resource, &current.value);
        change(&mut wanted);
        let mut ignored = Vec::new();
        let mut wanted = write.decode(store, &wanted, &mut ignored)?;
        write.check_address(&mut wanted)?;
        keep_identity(&current.value, &mut wanted);
        validation::update(write.resource, Door::Main, &current.value, &wanted)?;
        // One entry for each door, as two writes would have left.
        let status = Writer { subresource: "status", ..writer.clone() };
        let mut through_main = wanted.clone();
        through_main["status"] = current.value["status"].clone();
        let through_main = writer.update(Some(&current.value), through_main);
        wanted["metadata"]["managedFields"] = through_main["metadata"]["managedFields"].clone();
        let new = normal(store, write.resource, &status.update(Some(&through_main), wanted))?;
        Ok(decision(&current.value, &new))
    })?;
    stored.map(|stored| with_type(write.resource, &stored.value)).ok_or_else(|| write.not_found())
}

/// Deletes an object, or marks it where finalizers hold it.
pub(crate) fn delete(store: &Store, write: &Write, options: &Delete) -> Result<Deleted, ApiError> {
    if write.resource == Resource::Namespaces
        && matches!(write.name.as_str(), "default" | "kube-system" | "kube-public")
    {
        return Err(ApiError::forbidden("namespaces", "", &write.name, "this namespace may not be deleted"));
    }
    let mut uid = String::new();
    let stored = store.decide(write.resource, &write.namespace, &write.name, |current| {
        let current = current.ok_or_else(|| write.not_found())?;
        uid = text(&current.value, "/metadata/uid").to_owned();
        check_preconditions(write, options, &current.value)?;
        if write.dry_run {
            return Ok(Decision::Leave);
        }
        let held = current.value.pointer("/metadata/finalizers").is_some() || write.resource == Resource::Namespaces;
        if !held {
            return Ok(Decision::Remove((*current.value).clone()));
        }
        if current.value.pointer("/metadata/deletionTimestamp").is_some() {
            return Ok(Decision::Leave);
        }
        let mut marked = (*current.value).clone();
        marked["metadata"]["deletionTimestamp"] = clock::now().into();
        if write.resource == Resource::Namespaces {
            marked["status"]["phase"] = "Terminating".into();
        } else {
            marked["metadata"]["deletionGracePeriodSeconds"] = 0.into();
        }
        Ok(Decision::Put(marked))
    })?;
    Ok(match stored {
        Some(stored) if !write.dry_run => Deleted::Waiting(with_type(write.resource, &stored.value)),
        _ => Deleted::Gone { uid },
    })
}

fn check_preconditions(write: &Write, options: &Delete, object: &Value) -> Result<(), ApiError> {
    let (kind, group) = (write.resource.kind(), write.resource.group());
    if let Some(wanted) = &options.uid {
        let known = text(object, "/metadata/uid");
        if wanted != known {
            let why = format!(
                "the UID in the precondition ({wanted}) does not match the UID in record ({known}). The object might have \
                 been deleted and then recreated"
            );
            return Err(ApiError::conflict(kind, group, &write.name, &why));
        }
    }
    if let Some(wanted) = &options.resource_version {
        let known = text(object, "/metadata/resourceVersion");
        if wanted != known {
            let why = format!(
                "the ResourceVersion in the precondition ({wanted}) does not match the ResourceVersion in record ({known}). \
                 The object might have been modified"
            );
            return Err(ApiError::conflict(kind, group, &write.name, &why));
        }
    }
    Ok(())
}
