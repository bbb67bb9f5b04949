//! The API server's audit log: who wrote what, when, by the API server's own clock.

use std::fs;
use std::path::Path;

use k8s_openapi::jiff::Timestamp;
use serde_json::Value;

use crate::Error;

/// The log, in the control plane's folder.
const LOG: &str = "audit.log";
const POLICY_FILE: &str = "audit-policy.yaml";

/// Writes only, once they are answered; of Leases also what they say.
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
- level: None
";

/// A request that was to change something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditedWrite {
    /// Who sent it, such as `system:serviceaccount:kube-system:cloud-controller-manager`.
    pub user: String,
    /// `create`, `update`, `patch` or `delete`.
    pub verb: String,
    /// Of what, such as `nodes` or `nodes/status`.
    pub resource: String,
    /// The name of the object, where the request has it.
    pub name: String,
    /// When the API server had received the request.
    pub received: Timestamp,
    /// When it had answered.
    pub answered: Timestamp,
    /// The HTTP status code of the answer.
    pub code: u16,
    /// The object that was answered, for Leases.
    pub object: Value,
}

impl AuditedWrite {
    /// Whether it came about.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        (200..300).contains(&self.code)
    }
}

/// Writes the policy, and answers the flags that have it followed.
pub(crate) fn prepare(folder: &Path) -> Result<Vec<String>, Error> {
    let path = folder.join(POLICY_FILE);
    fs::write(&path, POLICY).map_err(Error::io(format!("writing {}", path.display())))?;
    Ok(vec![format!("--audit-policy-file={POLICY_FILE}"), format!("--audit-log-path={LOG}")])
}

/// What the log says so far.
pub(crate) fn read(folder: &Path) -> Result<Vec<AuditedWrite>, Error> {
    let path = folder.join(LOG);
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        text => text.map_err(Error::io(format!("reading {}", path.display())))?,
    };
    // The last line may be half written.
    Ok(text.lines().filter_map(|line| write_of(&serde_json::from_str(line).ok()?)).collect())
}

fn write_of(event: &Value) -> Option<AuditedWrite> {
    let text = |path: &str| event.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned();
    let resource = match event.pointer("/objectRef/subresource").and_then(Value::as_str) {
        Some(subresource) => format!("{}/{subresource}", text("/objectRef/resource")),
        None => text("/objectRef/resource"),
    };
    Some(AuditedWrite {
        user: text("/user/username"),
        verb: text("/verb"),
        resource,
        name: text("/objectRef/name"),
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

    #[test]
    fn a_half_written_line_is_left_for_later() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(read(folder.path()).unwrap(), []);
        let line = r#"{"verb":"patch","user":{"username":"u"},"objectRef":{"resource":"nodes","subresource":"status","name":"n"},"responseStatus":{"code":200},"requestReceivedTimestamp":"2024-01-01T00:00:00.000001Z","stageTimestamp":"2024-01-01T00:00:00.000002Z"}"#;
        fs::write(folder.path().join(LOG), format!("{line}\n{}", &line[..40])).unwrap();
        let writes = read(folder.path()).unwrap();
        assert_eq!(writes.len(), 1);
        assert_eq!(
            (writes[0].resource.as_str(), writes[0].user.as_str(), writes[0].succeeded()),
            ("nodes/status", "u", true)
        );
        assert!(writes[0].received < writes[0].answered);
    }
}
