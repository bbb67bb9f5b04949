//! What the API answers when it says no: a `Status` object, worded as kube-apiserver words it.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

/// A refusal, to be answered as a `Status` object.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ApiError {
    pub(crate) code: u16,
    reason: &'static str,
    message: String,
    /// `None` leaves `details` out, as kube-apiserver does for errors that it did not foresee.
    details: Option<Box<Value>>,
    /// A token to go on with, in `metadata`.
    resume: Option<String>,
    /// What the server warned of before it refused.
    warnings: Vec<String>,
}

/// One entry of `details.causes`: what is wrong with which field.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Cause {
    reason: &'static str,
    field: String,
    message: String,
}

impl Cause {
    pub(crate) fn invalid(field: impl Into<String>, value: &str, why: &str) -> Cause {
        Cause { reason: "FieldValueInvalid", field: field.into(), message: format!("Invalid value: {value}: {why}") }
    }

    /// Like [`Cause::invalid`], the value being a string, which is shown in quotes.
    pub(crate) fn invalid_text(field: impl Into<String>, value: &str, why: &str) -> Cause {
        Cause::invalid(field, &quoted(value), why)
    }

    pub(crate) fn required(field: impl Into<String>, why: &str) -> Cause {
        let message = if why.is_empty() { "Required value".to_owned() } else { format!("Required value: {why}") };
        Cause { reason: "FieldValueRequired", field: field.into(), message }
    }

    pub(crate) fn unsupported(field: impl Into<String>, value: &str, supported: &[&str]) -> Cause {
        let supported: Vec<String> = supported.iter().map(|one| quoted(one)).collect();
        Cause {
            reason: "FieldValueNotSupported",
            field: field.into(),
            message: format!("Unsupported value: {value}: supported values: {}", supported.join(", ")),
        }
    }

    pub(crate) fn forbidden(field: impl Into<String>, why: &str) -> Cause {
        Cause { reason: "FieldValueForbidden", field: field.into(), message: format!("Forbidden: {why}") }
    }

    pub(crate) fn duplicate(field: impl Into<String>, value: &str) -> Cause {
        Cause { reason: "FieldValueDuplicate", field: field.into(), message: format!("Duplicate value: {value}") }
    }

    pub(crate) fn too_long(field: impl Into<String>, limit: usize) -> Cause {
        Cause {
            reason: "FieldValueTooLong",
            field: field.into(),
            message: format!("Too long: may not be more than {limit} bytes"),
        }
    }

    pub(crate) fn conflict(manager: &str, field: String) -> Cause {
        Cause { reason: "FieldManagerConflict", field, message: format!("conflict with {manager}") }
    }

    fn to_json(&self) -> Value {
        json!({ "reason": self.reason, "message": self.message, "field": self.field })
    }

    fn sentence(&self) -> String {
        format!("{}: {}", self.field, self.message)
    }
}

/// A string as Go's `%q` shows it; JSON's quoting agrees for what occurs in names and values here.
pub(crate) fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn object_details(name: &str, group: &str, kind: &str) -> Map<String, Value> {
    let mut details = Map::new();
    for (key, value) in [("name", name), ("group", group), ("kind", kind)] {
        if !value.is_empty() {
            details.insert(key.to_owned(), value.into());
        }
    }
    details
}

fn qualified(what: &str, group: &str) -> String {
    if group.is_empty() { what.to_owned() } else { format!("{what}.{group}") }
}

impl ApiError {
    fn new(code: u16, reason: &'static str, message: impl Into<String>, details: Option<Value>) -> ApiError {
        ApiError {
            code,
            reason,
            message: message.into(),
            details: details.map(Box::new),
            resume: None,
            warnings: Vec::new(),
        }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> ApiError {
        ApiError::new(400, "BadRequest", message, None)
    }

    /// What an unforeseen Go error becomes: 500 without a reason.
    pub(crate) fn internal(message: impl Into<String>) -> ApiError {
        ApiError::new(500, "", message, None)
    }

    pub(crate) fn not_found(resource: &str, group: &str, name: &str) -> ApiError {
        let message = format!("{} {} not found", qualified(resource, group), quoted(name));
        ApiError::new(404, "NotFound", message, Some(object_details(name, group, resource).into()))
    }

    pub(crate) fn no_such_resource() -> ApiError {
        ApiError::new(404, "NotFound", "the server could not find the requested resource", Some(json!({})))
    }

    pub(crate) fn method_not_allowed() -> ApiError {
        let message = "the server does not allow this method on the requested resource";
        ApiError::new(405, "MethodNotAllowed", message, Some(json!({})))
    }

    pub(crate) fn unsupported_media_type() -> ApiError {
        ApiError::new(415, "UnsupportedMediaType", "415: Unsupported Media Type", Some(json!({})))
    }

    pub(crate) fn not_acceptable() -> ApiError {
        let message = "406: Not Acceptable\n\nAvailable representations: application/json";
        ApiError::new(406, "NotAcceptable", message, Some(json!({})))
    }

    pub(crate) fn already_exists(resource: &str, group: &str, name: &str) -> ApiError {
        let message = format!("{} {} already exists", qualified(resource, group), quoted(name));
        ApiError::new(409, "AlreadyExists", message, Some(object_details(name, group, resource).into()))
    }

    /// `what` is the resource or, for a delete precondition, the kind: kube-apiserver names either.
    pub(crate) fn conflict(what: &str, group: &str, name: &str, why: &str) -> ApiError {
        let message = format!("Operation cannot be fulfilled on {} {}: {why}", qualified(what, group), quoted(name));
        ApiError::new(409, "Conflict", message, Some(object_details(name, group, what).into()))
    }

    pub(crate) fn modified(resource: &str, group: &str, name: &str) -> ApiError {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        ApiError::conflict(resource, group, name, why)
    }

    pub(crate) fn apply_conflict(message: String, causes: &[Cause]) -> ApiError {
        let causes: Vec<Value> = causes.iter().map(Cause::to_json).collect();
        ApiError::new(409, "Conflict", message, Some(json!({ "causes": causes })))
    }

    /// A write into a namespace that is being deleted.
    pub(crate) fn namespace_terminating(resource: &str, group: &str, name: &str, namespace: &str) -> ApiError {
        let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
        let mut error = ApiError::forbidden(resource, group, name, &why);
        let cause = json!({
            "reason": "NamespaceTerminating",
            "message": format!("namespace {namespace} is being terminated"),
            "field": "metadata.namespace",
        });
        if let Some(details) = error.details.as_mut() {
            details["causes"] = json!([cause]);
        }
        error
    }

    pub(crate) fn forbidden(resource: &str, group: &str, name: &str, why: &str) -> ApiError {
        let message = format!("{} {} is forbidden: {why}", qualified(resource, group), quoted(name));
        ApiError::new(403, "Forbidden", message, Some(object_details(name, group, resource).into()))
    }

    pub(crate) fn invalid(kind: &str, group: &str, name: &str, causes: &[Cause]) -> ApiError {
        let mut sentences: Vec<String> = Vec::new();
        for cause in causes {
            let sentence = cause.sentence();
            // The message names each problem once, even where `causes` repeats it.
            if !sentences.contains(&sentence) {
                sentences.push(sentence);
            }
        }
        let sentences =
            if let [only] = sentences.as_slice() { only.clone() } else { format!("[{}]", sentences.join(", ")) };
        let message = format!("{} {} is invalid: {sentences}", qualified(kind, group), quoted(name));
        let mut details = object_details(name, group, kind);
        details.insert("causes".to_owned(), causes.iter().map(Cause::to_json).collect());
        ApiError::new(422, "Invalid", message, Some(details.into()))
    }

    pub(crate) fn too_large(message: impl Into<String>) -> ApiError {
        ApiError::new(413, "RequestEntityTooLarge", message, None)
    }

    /// A JSON Patch that could not be applied, a failing `test` among them: kube-apiserver says no more than this.
    pub(crate) fn unprocessable() -> ApiError {
        ApiError::new(422, "Invalid", "the server rejected our request due to an error in our request", Some(json!({})))
    }

    pub(crate) fn expired(message: impl Into<String>) -> ApiError {
        ApiError::new(410, "Expired", message, None)
    }

    /// 410 in the middle of a paged list; `resume` is a token that goes on without a snapshot.
    pub(crate) fn continue_expired(resume: &str) -> ApiError {
        let message = "The provided continue parameter is too old to display a consistent list result. You can start a new \
            list without the continue parameter, or use the continue token in this response to retrieve the remainder of the \
            results. Continuing with the provided token results in an inconsistent list - objects that were created, \
            modified, or deleted between the time the first chunk was returned and now may show up in the list.";
        ApiError { resume: Some(resume.to_owned()), ..ApiError::expired(message) }
    }

    pub(crate) fn too_large_resource_version(asked: u64, current: u64) -> ApiError {
        let details = json!({
            "causes": [{ "reason": "ResourceVersionTooLarge", "message": "Too large resource version" }],
            "retryAfterSeconds": 1,
        });
        let message = format!("Too large resource version: {asked}, current: {current}");
        ApiError::new(504, "Timeout", format!("Timeout: {message}"), Some(details))
    }

    /// What an injected fault answers: any code, with the reason kube-apiserver gives that code.
    pub(crate) fn injected(code: u16, retry_after_seconds: Option<u64>) -> ApiError {
        let (reason, message) = match code {
            401 => ("Unauthorized", "Unauthorized"),
            403 => ("Forbidden", "forbidden: injected by a test"),
            404 => ("NotFound", "the server could not find the requested resource"),
            409 => (
                "Conflict",
                "the object has been modified; please apply your changes to the latest version and try again",
            ),
            410 => ("Expired", "too old resource version: injected by a test"),
            429 => ("TooManyRequests", "too many requests, please try again later"),
            503 => ("ServiceUnavailable", "the server is currently unable to handle the request"),
            504 => ("Timeout", "the server was unable to return a response in the time allotted"),
            500 => ("InternalError", "Internal error occurred: injected by a test"),
            _ => ("", "injected by a test"),
        };
        let details = retry_after_seconds.map(|seconds| json!({ "retryAfterSeconds": seconds }));
        ApiError::new(code, reason, message, details)
    }

    /// The same refusal, with what the server had to say before it came to it.
    pub(crate) fn after_warnings(mut self, warnings: Vec<String>) -> ApiError {
        self.warnings = warnings;
        self
    }

    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// What the `Retry-After` header says, in seconds, where there is one.
    pub(crate) fn retry_after_seconds(&self) -> Option<u64> {
        self.details.as_ref()?.get("retryAfterSeconds")?.as_u64()
    }

    pub(crate) fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    pub(crate) fn to_json(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "code": self.code,
        });
        if let Some(fields) = status.as_object_mut() {
            if !self.reason.is_empty() {
                fields.insert("reason".to_owned(), self.reason.into());
            }
            if let Some(details) = &self.details {
                fields.insert("details".to_owned(), (**details).clone());
            }
            if let Some(resume) = &self.resume {
                fields.insert("metadata".to_owned(), json!({ "continue": resume }));
            }
        }
        status
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{} {}: {}", self.code, self.reason, self.message)
    }
}

impl std::error::Error for ApiError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_cause_stands_alone_and_several_stand_in_brackets() {
        let one = Cause::required("metadata.name", "name or generateName is required");
        let error = ApiError::invalid("Node", "", "", std::slice::from_ref(&one));
        assert_eq!(
            error.to_json()["message"],
            "Node \"\" is invalid: metadata.name: Required value: name or generateName is required"
        );
        let error = ApiError::invalid("Node", "", "n", &[one.clone(), Cause::required("spec.x", "")]);
        let message = error.to_json()["message"].as_str().unwrap_or_default().to_owned();
        assert!(message.ends_with("is required, spec.x: Required value]"), "{message}");
    }

    #[test]
    fn a_group_qualifies_the_resource() {
        let error = ApiError::not_found("leases", "coordination.k8s.io", "l").to_json();
        assert_eq!(error["message"], "leases.coordination.k8s.io \"l\" not found");
        assert_eq!(error["details"], json!({ "name": "l", "group": "coordination.k8s.io", "kind": "leases" }));
    }
}
