//! The API server's audit log: who asked for what, when, by the API server's own clock.

use std::fs;
use std::path::Path;

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use crate::Error;

/// The log, in the control plane's folder.
const LOG: &str = "audit.log";
const POLICY_FILE: &str = "audit-policy.yaml";

/// Requests once they are answered, watches also when they begin: writes of Nodes, Events and Leases whoever sent them, of
/// Leases also what they say; and all that a `ServiceAccount` asks for.
const POLICY: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: RequestResponse
  verbs: [create, update, patch, delete]
  resources: [{group: coordination.k8s.io, resources: [leases]}]
- level: Metadata
  verbs: [create, update, patch, delete]
  resources: [{group: \"\", resources: [nodes, nodes/status, events]}]
- level: Metadata
  userGroups: [\"system:serviceaccounts\"]
- level: None
";

/// A request, as it was answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedRequest {
    /// Who sent it, such as `system:serviceaccount:kube-system:cloud-controller-manager`.
    pub user: String,
    /// As a role has it: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete` or `deletecollection`; of what is no
    /// resource, the method in small letters.
    pub verb: String,
    /// The API group, such as `coordination.k8s.io`; empty for the core group, and where the request is for no resource.
    pub group: String,
    /// Of what, such as `nodes` or `nodes/status`; empty where the request is for no resource.
    pub resource: String,
    /// In which namespace; empty where the resource has none, or all are asked for.
    pub namespace: String,
    /// The name of the object, where the request has it.
    pub name: String,
    /// What was asked for, as the request has it, for example `/api/v1/nodes?limit=500`.
    pub uri: String,
    /// When the API server had received the request.
    pub received: Timestamp,
    /// When it had answered.
    pub answered: Timestamp,
    /// The HTTP status code of the answer.
    pub code: u16,
    /// The object that was answered, for writes of Leases.
    pub object: Value,
}

impl AuditedRequest {
    /// Whether it came about.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        (200..300).contains(&self.code)
    }

    /// Whether it was to change a Node, an Event or a Lease.
    fn is_write(&self) -> bool {
        let is_watched = ["nodes", "nodes/status", "events", "leases"].contains(&self.resource.as_str());
        is_watched && ["create", "update", "patch", "delete"].contains(&self.verb.as_str())
    }
}

/// Writes the policy, and answers the flags that have it followed.
pub(crate) fn prepare(folder: &Path) -> Result<Vec<String>, Error> {
    let path = folder.join(POLICY_FILE);
    fs::write(&path, POLICY).map_err(Error::io(format!("writing {}", path.display())))?;
    Ok(vec![format!("--audit-policy-file={POLICY_FILE}"), format!("--audit-log-path={LOG}")])
}

/// The writes of Nodes, Events and Leases so far.
pub(crate) fn writes(folder: &Path) -> Result<Vec<AuditedRequest>, Error> {
    let mut requests = read(folder)?;
    requests.retain(AuditedRequest::is_write);
    Ok(requests)
}

/// The requests of this user so far.
pub(crate) fn of_user(folder: &Path, user: &str) -> Result<Vec<AuditedRequest>, Error> {
    let mut requests = read(folder)?;
    requests.retain(|request| request.user == user);
    Ok(requests)
}

/// What the log says so far.
fn read(folder: &Path) -> Result<Vec<AuditedRequest>, Error> {
    let path = folder.join(LOG);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        text => text.map_err(Error::io(format!("reading {}", path.display())))?,
    };
    // The last line may be half written.
    Ok(text.lines().filter_map(|line| request_of(&serde_json::from_str(line).ok()?)).collect())
}

fn request_of(event: &Value) -> Option<AuditedRequest> {
    let text = |path: &str| event.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let resource = match event.pointer("/objectRef/subresource").and_then(Value::as_str) {
        Some(subresource) => format!("{}/{subresource}", text("/objectRef/resource")),
        None => text("/objectRef/resource"),
    };
    Some(AuditedRequest {
        user: text("/user/username"),
        verb: text("/verb"),
        group: text("/objectRef/apiGroup"),
        resource,
        namespace: text("/objectRef/namespace"),
        name: text("/objectRef/name"),
        uri: text("/requestURI"),
        received: text("/requestReceivedTimestamp").parse().ok()?,
        answered: text("/stageTimestamp").parse().ok()?,
        code: event.pointer("/responseStatus/code").and_then(Value::as_u64)?.try_into().ok()?,
        object: event.get("responseObject").cloned().unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

    use super::*;

    const LINE: &str = r#"{"verb":"patch","user":{"username":"u"},"objectRef":{"resource":"nodes","subresource":"status","name":"n"},"requestURI":"/api/v1/nodes/n/status","responseStatus":{"code":200},"requestReceivedTimestamp":"2024-01-01T00:00:00.000001Z","stageTimestamp":"2024-01-01T00:00:00.000002Z"}"#;

    #[test]
    fn a_half_written_line_is_left_for_later() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()).unwrap(), []);
        fs::write(folder.path().join(LOG), format!("{LINE}\n{}", &LINE[..40])).unwrap();
        let requests = read(folder.path()).unwrap();
        assert_eq!(requests.len(), 1);
        assert_eq!(
            (requests[0].resource.as_str(), requests[0].user.as_str(), requests[0].succeeded()),
            ("nodes/status", "u", true)
        );
        assert!(requests[0].received < requests[0].answered);
    }

    #[test]
    fn what_only_reads_is_no_write_and_neither_is_what_writes_something_else() {
        let folder = tempfile::tempdir().unwrap();
        let others = [LINE.replace("patch", "get"), LINE.replace("nodes", "tokenreviews")];
        fs::write(folder.path().join(LOG), format!("{LINE}\n{}\n", others.join("\n"))).unwrap();
        assert_eq!(writes(folder.path()).unwrap(), of_user(folder.path(), "u").unwrap()[..1]);
        assert_eq!(of_user(folder.path(), "u").unwrap().len(), 3);
        assert_eq!(of_user(folder.path(), "somebody").unwrap(), []);
    }
}
