//! The `Ready` condition: all that a Node says of whether its machine is well.

use std::fmt;

use serde::de::{IgnoredAny, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use smol_str::SmolStr;

/// Whether a Node is Ready, and since when by its own word.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readiness {
    /// Whether the condition is `True`; `False`, `Unknown` and absent are not.
    pub is_ready: bool,
    /// `lastTransitionTime`, as it is written. It is never reckoned with, for clocks differ and step; but where it is another
    /// than before, the Node has been Ready or not Ready in between.
    pub since: Option<SmolStr>,
}

/// A condition, as far as it is looked at.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Condition {
    #[serde(rename = "type", default)]
    kind: Option<SmolStr>,
    #[serde(default)]
    status: Option<SmolStr>,
    #[serde(default)]
    last_transition_time: Option<SmolStr>,
}

impl<'de> Deserialize<'de> for Readiness {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Conditions)
    }
}

/// Reads the list of conditions, or the `null` that a Go program leaves in its place.
struct Conditions;

impl<'de> Visitor<'de> for Conditions {
    type Value = Readiness;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of conditions")
    }

    fn visit_unit<E>(self) -> Result<Readiness, E> {
        Ok(Readiness::default())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Readiness, A::Error> {
        while let Some(condition) = list.next_element::<Condition>()? {
            if condition.kind.as_deref() == Some("Ready") {
                while list.next_element::<IgnoredAny>()?.is_some() {}
                let is_ready = condition.status.as_deref() == Some("True");
                return Ok(Readiness { is_ready, since: condition.last_transition_time });
            }
        }
        Ok(Readiness::default())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use serde_json::{Value, json};

    fn readiness(conditions: Value) -> Readiness {
        serde_json::from_value(conditions).unwrap()
    }

    #[test]
    fn only_true_is_ready() {
        for (status, is_ready) in [("True", true), ("False", false), ("Unknown", false), ("true", false), ("", false)] {
            let others =
                json!({"type": "DiskPressure", "status": "True", "lastTransitionTime": "2026-01-01T00:00:00Z"});
            let ready = json!({"type": "Ready", "status": status, "lastTransitionTime": "2026-01-02T00:00:00Z"});
            let seen = readiness(json!([others, ready, others]));
            assert_eq!((seen.is_ready, seen.since.as_deref()), (is_ready, Some("2026-01-02T00:00:00Z")), "{status}");
        }
    }

    #[test]
    fn a_node_that_says_nothing_is_not_ready() {
        for nothing in [json!(null), json!([]), json!([{"type": "Ready"}]), json!([{"status": "True"}])] {
            assert_eq!(readiness(nothing), Readiness::default());
        }
    }
}
