//! Which object is written, by whom and how, and what must hold of a body before anything is done with it.

use serde_json::Value;

use super::without_type;
use crate::ownership::Writer;
use crate::resource::Resource;
use crate::status::{ApiError, quoted};
use crate::store::Store;
use crate::validation::{Door, text};
use crate::{admission, decode};

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

    /// The same write in another field manager's name.
    pub(crate) fn by(mut self, manager: &str) -> Write {
        manager.clone_into(&mut self.manager);
        self
    }

    pub(super) fn not_found(&self) -> ApiError {
        ApiError::not_found(self.resource.plural(), self.resource.group(), &self.name)
    }

    pub(super) fn conflict(&self, why: &str) -> ApiError {
        ApiError::conflict(self.resource.plural(), self.resource.group(), &self.name, why)
    }

    pub(super) fn modified(&self) -> ApiError {
        ApiError::modified(self.resource.plural(), self.resource.group(), &self.name)
    }

    pub(super) fn writer<'a>(&self, store: &'a Store) -> Writer<'a> {
        Writer {
            resource: self.resource,
            shape: store.schema().of(self.resource),
            empty: store.schema().empty(self.resource),
            manager: self.manager.clone(),
            subresource: if self.door == Door::Status { "status" } else { "" },
            now: store.clock().seconds(),
        }
    }

    /// Decodes an object that came as a whole; the error is 400.
    pub(super) fn decode(&self, store: &Store, body: Value, warnings: &mut Vec<String>) -> Result<Value, ApiError> {
        self.check_type(&body)?;
        let kind = self.resource.kind();
        let refuse =
            |why: &str| ApiError::bad_request(format!("{kind} in version \"v1\" cannot be handled as a {kind}: {why}"));
        let decoded = decode::decode(store.schema().of(self.resource), body).map_err(|why| refuse(&why))?;
        self.judge_unknown(&decoded.unknown, warnings).map_err(|why| refuse(&why))?;
        Ok(self.completed(decoded.value))
    }

    /// A decoded object without its type, with what follows from its fields.
    pub(super) fn completed(&self, decoded: Value) -> Value {
        let mut object = without_type(decoded);
        admission::on_decoding(self.resource, &mut object);
        object
    }

    pub(super) fn judge_unknown(&self, unknown: &[String], warnings: &mut Vec<String>) -> Result<(), String> {
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
    pub(super) fn check_address(&self, object: &mut Value) -> Result<(), ApiError> {
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

    pub(super) fn check_namespace(&self, object: &mut Value) -> Result<(), ApiError> {
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

    pub(super) fn check_namespace_exists(&self, store: &Store, name: &str) -> Result<(), ApiError> {
        if self.namespace.is_empty() {
            return Ok(());
        }
        let Some(namespace) = store.get(Resource::Namespaces, "", &self.namespace) else {
            return Err(ApiError::not_found("namespaces", "", &self.namespace));
        };
        if text(&namespace.rest(&[]), "/status/phase") == "Terminating" {
            let (resource, group) = (self.resource.plural(), self.resource.group());
            return Err(ApiError::namespace_terminating(resource, group, name, &self.namespace));
        }
        Ok(())
    }
}
