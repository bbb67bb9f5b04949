//! Rules on core/v1 Events: the lenient ones for events of the old style, more for those that have an `eventTime`.

use serde_json::Value;

use super::{names, text};
use crate::status::Cause;

const DEFAULT_NAMESPACE: &str = "default";
const SYSTEM_NAMESPACE: &str = "kube-system";
/// The longest reporting instance, action and reason, in bytes.
const LONGEST_WORD: usize = 128;
/// The longest message of an Event of the new style, in bytes.
const LONGEST_MESSAGE: usize = 1024;

pub(super) fn whole(event: &Value, causes: &mut Vec<Cause>) {
    let involved = text(event, "/involvedObject/namespace");
    let own = text(event, "/metadata/namespace");
    let new_style = !text(event, "/eventTime").is_empty();
    // An Event about an object without a namespace has to be somewhere.
    let fits = match (involved.is_empty(), new_style) {
        (true, false) => own == DEFAULT_NAMESPACE,
        (true, true) => own == DEFAULT_NAMESPACE || own == SYSTEM_NAMESPACE,
        (false, false) => involved == own,
        (false, true) => true,
    };
    if !fits {
        causes.push(Cause::invalid_text("involvedObject.namespace", involved, "does not match event.namespace"));
    }
    if new_style {
        details(event, causes);
    }
}

fn details(event: &Value, causes: &mut Vec<Cause>) {
    let too_long = |longest: usize| format!("can have at most {longest} characters");
    let controller = text(event, "/reportingComponent");
    if controller.is_empty() {
        causes.push(Cause::required("reportingComponent", ""));
    }
    causes.extend(
        names::qualified(controller).iter().map(|why| Cause::invalid_text("reportingComponent", controller, why)),
    );
    for field in ["reportingInstance", "action", "reason"] {
        let value = text(event, &format!("/{field}"));
        if value.is_empty() {
            causes.push(Cause::required(field, ""));
        } else if value.len() > LONGEST_WORD {
            causes.push(Cause::invalid_text(field, "", &too_long(LONGEST_WORD)));
        }
    }
    if text(event, "/message").len() > LONGEST_MESSAGE {
        causes.push(Cause::invalid_text("message", "", &too_long(LONGEST_MESSAGE)));
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(event: &Value) -> usize {
        let mut causes = Vec::new();
        whole(event, &mut causes);
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
