//! What the Events of Nodes say: why a Node is not initialised stands there.

use std::collections::HashMap;

use k8s_openapi::api::core::v1::Event;
use kube::api::ListParams;
use kube::{Api, Client};

use crate::error::LabError;
use crate::nodes::fleet::Fleet;

/// Events of Nodes lie in this namespace (client-go `record`).
const NAMESPACE: &str = "default";

/// The Events of the fleet's Nodes, oldest first, by Node.
///
/// # Errors
/// When they cannot be listed.
pub(crate) async fn of(client: Client, fleet: &Fleet) -> Result<HashMap<String, Vec<Event>>, LabError> {
    let about_nodes = ListParams::default().fields("involvedObject.kind=Node");
    let listed = Api::<Event>::namespaced(client, NAMESPACE).list(&about_nodes).await;
    let listed = listed.map_err(LabError::kubernetes("listing the Events of Nodes"))?;
    let mut by_node: HashMap<String, Vec<Event>> =
        fleet.members().iter().map(|member| (member.name.clone(), Vec::new())).collect();
    for event in listed.items {
        if let Some(events) = event.involved_object.name.as_ref().and_then(|name| by_node.get_mut(name)) {
            events.push(event);
        }
    }
    for events in by_node.values_mut() {
        events.sort_by_key(|event| event.last_timestamp.as_ref().map(|time| time.0));
    }
    Ok(by_node)
}

/// An Event in one line.
pub(crate) fn told(event: &Event) -> String {
    let part = |text: &Option<String>| text.clone().unwrap_or_default();
    format!("{}: {}", part(&event.reason), part(&event.message))
}
