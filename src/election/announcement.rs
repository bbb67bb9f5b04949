//! The Events on the Lease that tell who leads, in client-go's words. At best they come about; nothing waits for them long.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Event, ObjectReference};
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::PostParams;
use kube::core::ObjectMeta;
use tokio::time::timeout;

use super::gate::Gate;
use super::identity::Identity;
use super::lease::Lease;
use crate::kubernetes::client_error::shown;
use crate::kubernetes::event::Reason;

/// What Events tell of a candidate.
#[derive(Debug, Clone, Copy)]
pub(super) enum Turn {
    Became,
    Stopped,
}

/// Tells it, while the gate is open.
pub(super) async fn announce(
    client: kube::Client,
    gate: Gate,
    (lease, identity): (&Lease, &Identity),
    turn: Turn,
    patience: Duration,
) {
    let event = event(lease, identity, turn, Timestamp::now());
    let namespace = event.metadata.namespace.clone().unwrap_or_default();
    let events: Api<Event> = Api::namespaced(client, &namespace);
    match gate.pass(timeout(patience, events.create(&PostParams::default(), &event))).await {
        Ok(Ok(Ok(_))) => {}
        Ok(Ok(Err(error))) => tracing::debug!(error = shown(&error), ?turn, "an Event on the Lease was not taken"),
        Ok(Err(_)) | Err(_) => tracing::debug!(?turn, "an Event on the Lease was given up"),
    }
}

fn event(lease: &Lease, identity: &Identity, turn: Turn, now: Timestamp) -> Event {
    let (about, reason) = (lease.metadata(), Reason::LeaderElection);
    let turn = match turn {
        Turn::Became => "became leader",
        Turn::Stopped => "stopped leading",
    };
    Event {
        metadata: ObjectMeta {
            name: about.name.as_ref().map(|name| format!("{name}.{:x}", now.as_nanosecond())),
            namespace: about.namespace.clone(),
            ..ObjectMeta::default()
        },
        involved_object: ObjectReference {
            api_version: Some("coordination.k8s.io/v1".to_owned()),
            kind: Some(reason.object().to_owned()),
            name: about.name.clone(),
            namespace: about.namespace.clone(),
            uid: about.uid.clone(),
            resource_version: about.resource_version.clone(),
            ..ObjectReference::default()
        },
        message: Some(format!("{identity} {turn}")),
        ..reason.event(now)
    }
}
