//! What the processes before this one have deleted, read back from their Events.

use std::time::Duration;

use actix::{Message, Recipient};
use backon::{BackoffBuilder, ExponentialBuilder};
use k8s_openapi::api::core::v1::Event;
use kube::Api;
use kube::api::ListParams;

use crate::kubernetes::client_error::shown;
use crate::kubernetes::event::{self, Reason};
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

/// Reads until it has read; `told` hears of each new failure.
pub(super) async fn until_read(client: kube::Client, told: Recipient<NotRead>) -> Recalled {
    let events = Api::namespaced(client, event::NAMESPACE);
    let waits = ExponentialBuilder::default().with_min_delay(Duration::from_secs(1)).with_max_delay(LONGEST_WAIT);
    let mut waits = waits.with_jitter().without_max_times().build();
    let mut last = None;
    loop {
        match read(&events).await {
            Ok(recalled) => return recalled,
            Err(error) if last.as_ref() != Some(&error) => {
                last = Some(error.clone());
                told.do_send(NotRead(error));
            }
            Err(error) => tracing::debug!(error, "still cannot read back what was deleted"),
        }
        tokio::time::sleep(waits.next().unwrap_or(LONGEST_WAIT)).await;
    }
}

/// Every Event counts, whoever wrote it and however old it says it is: clocks differ and step, and the programs that this one
/// replaces tell of their deletions in the same words.
async fn read(events: &Api<Event>) -> Result<Recalled, String> {
    let mut deletions = Vec::new();
    each(events, Reason::DeletingNode, |event| deletions.push(uid(&event))).await?;
    // The API server's own count of its changes tells which came last; a clock may have been set.
    let mut last = (0, None);
    let mut take_in = |event: Event, stopped_at: Option<usize>| {
        let version = event.metadata.resource_version.and_then(|version| version.parse().ok()).unwrap_or_default();
        last = last.max((version, stopped_at));
    };
    each(events, Reason::DeletionStopped, |event| {
        let stopped_at = stopped_at(&event);
        take_in(event, stopped_at);
    })
    .await?;
    each(events, Reason::DeletionResumed, |event| take_in(event, None)).await?;
    Ok(Recalled { deletions, stopped_at: last.1 })
}

/// The uid of the Node that is told of; where the Event does not say, one that no Node has.
fn uid(event: &Event) -> Box<str> {
    let own = event.metadata.uid.as_deref().unwrap_or_default();
    event.involved_object.uid.as_deref().filter(|uid| !uid.is_empty()).unwrap_or(own).into()
}

fn stopped_at(event: &Event) -> Option<usize> {
    event.metadata.annotations.as_ref()?.get(event::STOPPED_AT_ANNOTATION)?.parse().ok()
}

/// Takes in each Event of a reason, one page after the other.
async fn each(events: &Api<Event>, reason: Reason, mut take_in: impl FnMut(Event)) -> Result<(), String> {
    let wanted = format!("involvedObject.kind={},reason={}", reason.object(), reason.word());
    let mut params = ListParams::default().fields(&wanted).limit(PAGE);
    loop {
        let page = tokio::time::timeout(TIMEOUT, events.list(&params)).await;
        let page = page.map_err(|_| format!("no answer within {} s", TIMEOUT.as_secs()))?;
        let page = page.map_err(|error| advised(&error))?;
        page.items.into_iter().for_each(&mut take_in);
        match page.metadata.continue_.filter(|next| !next.is_empty()) {
            Some(next) => params = params.continue_token(&next),
            None => return Ok(()),
        }
    }
}

fn advised(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if status.code == 403 => {
            format!("{error}; grant list on events in the namespace {}", event::NAMESPACE)
        }
        error => shown(error),
    }
}
