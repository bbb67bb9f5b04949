//! What the processes before this one have deleted, read back from their Events.

use std::time::Duration;

use actix::{Message, Recipient};
use backon::{BackoffBuilder, ExponentialBuilder};
use k8s_openapi::api::core::v1::Event;
use kube::Api;
use kube::api::ListParams;

use crate::kubernetes::event;
use crate::kubernetes::lifecycle::Recalled;

/// The longest wait between two attempts.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// How long one request may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Events on a page of the list.
const PAGE: u32 = 500;

/// The Events could not be read, and this is why; it is tried again.
#[derive(Message)]
#[rtype(result = "()")]
pub(super) struct NotRead(pub(super) String);

/// Reads until it has read; `told` hears of the first failure.
pub(super) async fn until_read(client: kube::Client, told: Recipient<NotRead>) -> Recalled {
    let events = Api::namespaced(client, event::NAMESPACE);
    let waits = ExponentialBuilder::default().with_min_delay(Duration::from_secs(1)).with_max_delay(LONGEST_WAIT);
    let mut waits = waits.with_jitter().without_max_times().build();
    let mut is_told = false;
    loop {
        match read(&events).await {
            Ok(recalled) => return recalled,
            Err(error) if !std::mem::replace(&mut is_told, true) => told.do_send(NotRead(error)),
            Err(error) => tracing::debug!(error, "still cannot read back what was deleted"),
        }
        tokio::time::sleep(waits.next().unwrap_or(LONGEST_WAIT)).await;
    }
}

/// Every Event counts, whoever wrote it and however old it says it is: clocks differ and step, and the programs that this one
/// replaces tell of their deletions in the same words.
async fn read(events: &Api<Event>) -> Result<Recalled, String> {
    let deletions = list(events, event::DELETING).await?.into_iter().map(uid);
    let deletions = deletions.collect();
    let stopped_at = list(events, event::HELD_BACK).await?.iter().filter_map(stopped_at).min();
    Ok(Recalled { deletions, stopped_at })
}

/// The uid of the Node that is told of; where the Event does not say, one that no Node has.
fn uid(event: Event) -> String {
    let own = event.metadata.uid.unwrap_or_default();
    event.involved_object.uid.filter(|uid| !uid.is_empty()).unwrap_or(own)
}

fn stopped_at(event: &Event) -> Option<usize> {
    event.metadata.annotations.as_ref()?.get(event::STOPPED_AT_ANNOTATION)?.parse().ok()
}

async fn list(events: &Api<Event>, reason: &str) -> Result<Vec<Event>, String> {
    let mut params = ListParams::default().fields(&format!("involvedObject.kind=Node,reason={reason}")).limit(PAGE);
    let mut read = Vec::new();
    loop {
        let page = tokio::time::timeout(TIMEOUT, events.list(&params)).await;
        let page = page.map_err(|_| format!("no answer within {} s", TIMEOUT.as_secs()))?;
        let page = page.map_err(|error| error.to_string())?;
        read.extend(page.items);
        match page.metadata.continue_.filter(|next| !next.is_empty()) {
            Some(next) => params = params.continue_token(&next),
            None => return Ok(read),
        }
    }
}
