//! Rules on core/v1 Events: the lenient ones for events of the old style, more for those that have an `eventTime`.

use serde_json::Value;

use super::{names, text};
use crate::status::Cause;

/// Where an Event about an object without a namespace may be.
const DEFAULT_NAMESPACE: &str = "default";

pub(super) fn creation(event: &Value, causes: &mut Vec<Cause>) {
    let involved = text(event, "/involvedObject/namespace");
    let own = text(event, "/metadata/namespace");
    let fits = if involved.is_empty() { own == DEFAULT_NAMESPACE || own.is_empty() } else { involved == own };
    if !fits {
        causes.push(Cause::invalid_text("involvedObject.namespace", involved, "does not match event.namespace"));
    }
    if text(event, "/eventTime").is_empty() {
        return;
    }
    let controller = text(event, "/reportingComponent");
    if controller.is_empty() {
        causes.push(Cause::required("reportingComponent", ""));
    }
    causes.extend(
        names::qualified(controller).iter().map(|why| Cause::invalid_text("reportingComponent", controller, why)),
    );
    for (field, longest) in [("reportingInstance", 128), ("action", 128), ("reason", 128)] {
        let value = text(event, &format!("/{field}"));
        if value.is_empty() {
            causes.push(Cause::required(field, ""));
        } else if value.len() > longest {
            causes.push(Cause::invalid_text(field, value, &format!("can have at most {longest} characters")));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(event: &Value) -> usize {
        let mut causes = Vec::new();
        creation(event, &mut causes);
        causes.len()
    }

    #[test]
    fn an_event_about_a_node_is_in_the_default_namespace() {
        let event =
            |namespace: &str| json!({ "metadata": { "namespace": namespace }, "involvedObject": { "kind": "Node" } });
        assert_eq!(problems(&event("default")), 0);
        assert_eq!(problems(&event("kube-system")), 1);
    }

    #[test]
    fn an_event_with_a_time_of_its_own_says_who_reports() {
        let event = json!({ "metadata": { "namespace": "default" }, "eventTime": "2026-01-01T00:00:00.000000Z" });
        assert!(problems(&event) >= 4);
    }
}
