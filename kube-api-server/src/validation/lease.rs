//! Rules on Leases.

use serde_json::Value;

use crate::status::Cause;

pub(super) fn spec(lease: &Value, causes: &mut Vec<Cause>) {
    let number = |field: &str| lease.pointer(&format!("/spec/{field}")).and_then(Value::as_i64);
    if let Some(seconds) = number("leaseDurationSeconds")
        && seconds <= 0
    {
        causes.push(Cause::invalid("spec.leaseDurationSeconds", &seconds.to_string(), "must be greater than 0"));
    }
    if let Some(transitions) = number("leaseTransitions")
        && transitions < 0
    {
        let shown = transitions.to_string();
        causes.push(Cause::invalid("spec.leaseTransitions", &shown, "must be greater than or equal to 0"));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_lease_lasts_some_time() {
        let mut causes = Vec::new();
        spec(&json!({ "spec": { "leaseDurationSeconds": 15, "leaseTransitions": 0 } }), &mut causes);
        assert!(causes.is_empty());
        spec(&json!({ "spec": { "leaseDurationSeconds": 0, "leaseTransitions": -1 } }), &mut causes);
        assert_eq!(causes.len(), 2);
    }
}
