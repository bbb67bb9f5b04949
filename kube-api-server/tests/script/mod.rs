//! The script: what is asked of both servers, chapter by chapter.

mod admission;
mod apply;
mod concurrency;
mod deleting;
mod discovery;
mod events;
mod leases;
mod lists;
mod namespaces;
mod patches;
mod strategic;
mod tables;
mod watches;

use std::fmt;

use serde_json::Value;

pub(crate) const JSON: &str = "application/json";
pub(crate) const JSON_PATCH: &str = "application/json-patch+json";
pub(crate) const MERGE: &str = "application/merge-patch+json";
pub(crate) const STRATEGIC: &str = "application/strategic-merge-patch+json";
pub(crate) const APPLY: &str = "application/apply-patch+yaml";
pub(crate) const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

/// How closely two answers must agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Compare {
    Whole,
    /// All but the words of a refusal, where those quote Go's JSON decoder or the whole object.
    RefusalsByReason,
}

#[derive(Debug, Clone)]
pub(crate) enum Action {
    Request {
        method: &'static str,
        path: String,
        body: Option<String>,
        content_type: &'static str,
        accept: &'static str,
    },
    /// Forget all history up to the newest version that was seen.
    Compact,
}

/// One request to both servers.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) action: Action,
    pub(crate) compare: Compare,
}

impl Step {
    fn request(
        method: &'static str,
        path: impl Into<String>,
        body: Option<String>,
        content_type: &'static str,
    ) -> Step {
        let action = Action::Request { method, path: path.into(), body, content_type, accept: JSON };
        Step { action, compare: Compare::Whole }
    }

    /// Compares the refusal's code and reason only.
    pub(crate) fn by_reason(mut self) -> Step {
        self.compare = Compare::RefusalsByReason;
        self
    }

    pub(crate) fn accepting(mut self, media_type: &'static str) -> Step {
        if let Action::Request { accept, .. } = &mut self.action {
            *accept = media_type;
        }
        self
    }
}

pub(crate) fn get(path: impl Into<String>) -> Step {
    Step::request("GET", path, None, JSON)
}

pub(crate) fn post(path: impl Into<String>, body: Value) -> Step {
    Step::request("POST", path, Some(body.to_string()), JSON)
}

pub(crate) fn post_text(path: impl Into<String>, body: &str) -> Step {
    Step::request("POST", path, Some(body.to_owned()), JSON)
}

pub(crate) fn put(path: impl Into<String>, body: Value) -> Step {
    Step::request("PUT", path, Some(body.to_string()), JSON)
}

pub(crate) fn patch(content_type: &'static str, path: impl Into<String>, body: Value) -> Step {
    Step::request("PATCH", path, Some(body.to_string()), content_type)
}

pub(crate) fn patch_text(content_type: &'static str, path: impl Into<String>, body: &str) -> Step {
    Step::request("PATCH", path, Some(body.to_owned()), content_type)
}

pub(crate) fn delete(path: impl Into<String>) -> Step {
    Step::request("DELETE", path, None, JSON)
}

pub(crate) fn delete_with(path: impl Into<String>, options: Value) -> Step {
    Step::request("DELETE", path, Some(options.to_string()), JSON)
}

pub(crate) fn compact() -> Step {
    Step { action: Action::Compact, compare: Compare::Whole }
}

impl fmt::Display for Step {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.action {
            Action::Compact => formatter.write_str("(compaction)"),
            Action::Request { method, path, body, .. } => {
                write!(formatter, "{method} {path} {}", body.as_deref().unwrap_or_default())
            }
        }
    }
}

/// All chapters, in their order. Each leaves nothing behind that a later one sees.
pub(crate) fn chapters() -> Vec<(&'static str, Vec<Step>)> {
    vec![
        ("discovery", discovery::steps()),
        ("admission", admission::steps()),
        ("concurrency", concurrency::steps()),
        ("patches", patches::steps()),
        ("strategic merge patches", strategic::steps()),
        ("server-side apply", apply::steps()),
        ("deleting", deleting::steps()),
        ("lists", lists::steps()),
        ("watches", watches::steps()),
        ("tables", tables::steps()),
        ("events", events::steps()),
        ("leases", leases::steps()),
        ("namespaces", namespaces::steps()),
    ]
}
