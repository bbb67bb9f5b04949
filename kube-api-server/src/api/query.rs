//! What a request asks for in its query string, checked as kube-apiserver checks it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::status::{ApiError, Cause, quoted};
use crate::write::FieldValidation;

/// The longest name of a field manager, in bytes.
const LONGEST_MANAGER: usize = 128;

/// The parameters of a query string.
#[derive(Debug, Default)]
pub(crate) struct Query {
    values: BTreeMap<String, Vec<String>>,
}

/// How the resource version of a list is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Matching {
    /// That version for a page, any that is not older for a whole list.
    Unset,
    Exact,
    NotOlderThan,
}

/// The options of a list or a watch.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ListOptions {
    pub(crate) watch: bool,
    pub(crate) labels: String,
    pub(crate) fields: String,
    /// Nothing for "the newest".
    pub(crate) resource_version: Option<u64>,
    pub(crate) matching: Matching,
    pub(crate) limit: usize,
    pub(crate) continue_from: String,
    pub(crate) bookmarks: bool,
    pub(crate) send_initial_events: Option<bool>,
    pub(crate) timeout: Option<Duration>,
}

/// The options of a write.
#[derive(Debug, Clone)]
pub(crate) struct WriteOptions {
    pub(crate) dry_run: bool,
    pub(crate) manager: Option<String>,
    pub(crate) field_validation: FieldValidation,
    pub(crate) force: Option<bool>,
}

impl Query {
    pub(crate) fn parse(text: &str) -> Query {
        let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            values.entry(unescaped(key)).or_default().push(unescaped(value));
        }
        Query { values }
    }

    pub(crate) fn get(&self, name: &str) -> &str {
        self.values.get(name).and_then(|all| all.first()).map_or("", String::as_str)
    }

    fn flag(&self, name: &str) -> Option<bool> {
        // Kubernetes takes anything but a plain no for a yes.
        self.values
            .get(name)
            .and_then(|all| all.first())
            .map(|value| !matches!(value.to_lowercase().as_str(), "false" | "0"))
    }

    fn number(&self, name: &str) -> Result<Option<i64>, ApiError> {
        match self.get(name) {
            "" => Ok(None),
            text => text.parse().map(Some).map_err(|_| {
                ApiError::bad_request(format!("strconv.ParseInt: parsing {}: invalid syntax", quoted(text)))
            }),
        }
    }

    pub(crate) fn list_options(&self) -> Result<ListOptions, ApiError> {
        let watch = self.flag("watch").unwrap_or(false);
        let limit = self.number("limit")?.unwrap_or(0);
        let timeout = self.number("timeoutSeconds")?;
        let version = self.get("resourceVersion");
        let matching = self.get("resourceVersionMatch");
        let send_initial_events = self.flag("sendInitialEvents");
        let continue_from = self.get("continue").to_owned();
        let causes = version_causes(watch, version, matching, send_initial_events, !continue_from.is_empty());
        if !causes.is_empty() {
            return Err(ApiError::invalid("ListOptions", "meta.k8s.io", "", &causes));
        }
        let resource_version = match version {
            "" => None,
            text => Some(text.parse().map_err(|_| {
                let why = format!(
                    "resourceVersion: Invalid value: {}: strconv.ParseUint: parsing {}: invalid syntax",
                    quoted(text),
                    quoted(text)
                );
                if watch {
                    ApiError::internal(why)
                } else {
                    ApiError::bad_request(format!("invalid resource version: {why}"))
                }
            })?),
        };
        Ok(ListOptions {
            watch,
            labels: self.get("labelSelector").to_owned(),
            fields: self.get("fieldSelector").to_owned(),
            resource_version,
            matching: match matching {
                "Exact" => Matching::Exact,
                "NotOlderThan" => Matching::NotOlderThan,
                _ => Matching::Unset,
            },
            limit: usize::try_from(limit).unwrap_or(0),
            continue_from,
            bookmarks: self.flag("allowWatchBookmarks").unwrap_or(false),
            send_initial_events,
            timeout: timeout
                .and_then(|seconds| u64::try_from(seconds).ok())
                .filter(|seconds| *seconds > 0)
                .map(Duration::from_secs),
        })
    }

    /// The options of a write; `kind` is what refusals call them, such as `CreateOptions`.
    pub(crate) fn write_options(&self, kind: &str, apply: bool) -> Result<WriteOptions, ApiError> {
        let mut causes = Vec::new();
        let dry_run = self.values.get("dryRun").map(Vec::as_slice).unwrap_or_default();
        if dry_run.iter().any(|value| value != "All") {
            let shown: Vec<String> = dry_run.iter().map(|value| quoted(value)).collect();
            causes.push(Cause::unsupported("dryRun", &format!("[{}]", shown.join(",")), &["All"]));
        }
        let force = self.flag("force");
        let manager = self.get("fieldManager");
        if kind == "PatchOptions" {
            if apply && manager.is_empty() {
                causes.push(Cause::required("fieldManager", "is required for apply patch"));
            }
            if !apply && force.is_some() {
                causes.push(Cause::forbidden("force", "may not be specified for non-apply patch"));
            }
        }
        if manager.len() > LONGEST_MANAGER {
            causes.push(Cause::too_long("fieldManager", LONGEST_MANAGER));
        }
        let field_validation = match self.get("fieldValidation") {
            "Ignore" => FieldValidation::Ignore,
            "" | "Warn" => FieldValidation::Warn,
            "Strict" => FieldValidation::Strict,
            other => {
                causes.push(Cause::unsupported("fieldValidation", &quoted(other), &["", "Ignore", "Strict", "Warn"]));
                FieldValidation::Ignore
            }
        };
        if !causes.is_empty() {
            return Err(ApiError::invalid(kind, "meta.k8s.io", "", &causes));
        }
        let manager = (!manager.is_empty()).then(|| manager.to_owned());
        Ok(WriteOptions { dry_run: !dry_run.is_empty(), manager, field_validation, force })
    }
}

fn version_causes(watch: bool, version: &str, matching: &str, initial: Option<bool>, paging: bool) -> Vec<Cause> {
    const MATCH: &str = "resourceVersionMatch";
    let mut causes = Vec::new();
    if watch {
        match initial {
            None if !matching.is_empty() => {
                let why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
                causes.push(Cause::forbidden(MATCH, why));
            }
            Some(_) if matching != "NotOlderThan" => {
                let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
                causes.push(Cause::forbidden(MATCH, why));
                if !matching.is_empty() {
                    causes.push(Cause::unsupported(MATCH, &quoted(matching), &["NotOlderThan"]));
                }
            }
            _ => {}
        }
        return causes;
    }
    if initial.is_some() {
        causes.push(Cause::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
    }
    if matching.is_empty() {
        return causes;
    }
    if version.is_empty() {
        causes.push(Cause::forbidden(MATCH, "resourceVersionMatch is forbidden unless resourceVersion is provided"));
    }
    if paging {
        causes.push(Cause::forbidden(MATCH, "resourceVersionMatch is forbidden when continue is provided"));
    }
    if matching != "Exact" && matching != "NotOlderThan" {
        causes.push(Cause::unsupported(MATCH, &quoted(matching), &["Exact", "NotOlderThan", ""]));
    }
    if matching == "Exact" && version == "0" {
        let why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
        causes.push(Cause::forbidden(MATCH, why));
    }
    causes
}

/// A query component without its `%` escapes; what is no escape stays as it is.
fn unescaped(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let escape = text.get(at + 1..at + 3).filter(|_| byte == b'%');
        match (byte, escape.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (_, Some(value)) => {
                out.push(value);
                at += 3;
                continue;
            }
            (b'+', _) => out.push(b' '),
            (byte, None) => out.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;

    #[test]
    fn a_query_is_unescaped() {
        let query = Query::parse("labelSelector=a+in+%28b%2Cc%29&watch=1&limit=5");
        let options = query.list_options().unwrap();
        assert_eq!(options.labels, "a in (b,c)");
        assert_eq!((options.watch, options.limit), (true, 5));
        assert_eq!(Query::parse("a=%zz&b=100%").get("a"), "%zz");
    }

    #[test]
    fn a_match_without_a_version_is_refused() {
        let code = |query: &str| Query::parse(query).list_options().map_err(|error| error.code);
        assert_eq!(code("resourceVersionMatch=Exact"), Err(422));
        assert_eq!(code("watch=true&sendInitialEvents=true"), Err(422));
        assert_eq!(code("resourceVersion=x"), Err(400));
        assert_eq!(code("watch=true&resourceVersion=x"), Err(500));
        assert!(code("watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan").is_ok());
    }

    #[test]
    fn an_apply_has_a_manager_and_only_an_apply_may_force() {
        let code =
            |query: &str, apply| Query::parse(query).write_options("PatchOptions", apply).map_err(|error| error.code);
        assert_eq!(code("", true).unwrap_err(), 422);
        assert!(code("fieldManager=m&force=true", true).is_ok());
        assert_eq!(code("force=true", false).unwrap_err(), 422);
    }
}
