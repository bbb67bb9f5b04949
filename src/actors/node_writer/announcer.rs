//! Events on their way out, one after the other, behind the writes of the Nodes: each takes a place among them, and takes it
//! after those that queue already. So a burst of Nodes is initialised first and told of then.

use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use k8s_openapi::api::core::v1::Event;
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::PostParams;
use tokio::sync::{Semaphore, mpsc, oneshot};

use super::door::{Door, Errand};
use super::notices::{Notices, Verdict};
use crate::kubernetes::event;
use crate::messages::writes::{Announce, WriteError};
use crate::telemetry::metrics::{Outcome, Word, WriteMetrics};

/// Events that may wait: one of each Node of the largest cluster, and as many again. A burst of more is told of in part; the
/// Nodes themselves are not affected.
const MOST_WAITING: usize = 200_000;
/// An Event may take that long before the next one's turn comes.
const CREATE: Errand =
    Errand { kind: "event", what: "create an Event about what becomes", timeout: Duration::from_secs(10) };
/// How often an Event is sent again that was not taken, a second and two later.
const RETRIES: usize = 2;

/// The queue of Events.
#[derive(Clone)]
pub(super) struct Announcer {
    queue: mpsc::Sender<Work>,
    notices: Arc<Notices>,
    metrics: WriteMetrics,
}

enum Work {
    Announce(Announce),
    Finish(oneshot::Sender<()>),
}

impl Announcer {
    /// Starts sending what is announced, each in one of the `places` of writes.
    pub(super) fn start(client: kube::Client, door: Door, places: Arc<Semaphore>) -> Self {
        let (queue, mut work) = mpsc::channel(MOST_WAITING);
        let events: Api<Event> = Api::namespaced(client, event::NAMESPACE);
        let metrics = door.metrics().clone();
        tokio::spawn(async move {
            while let Some(work) = work.recv().await {
                match work {
                    Work::Announce(announcement) => {
                        send(&events, &announcement, &places, &door).await;
                    }
                    Work::Finish(finished) => {
                        // Whoever asked may have stopped waiting.
                        let _ = finished.send(());
                    }
                }
            }
        });
        Self { queue, notices: Arc::default(), metrics }
    }

    /// Takes in an announcement, unless the same was told not long ago, or too many like it. Where too many wait it is dropped,
    /// which the log tells.
    pub(super) fn announce(&self, announcement: Announce) {
        let result = match self.notices.judge(&announcement) {
            Verdict::Send => None,
            Verdict::Repeated => Some("repeated"),
            Verdict::OverLimit => Some("over_limit"),
        };
        if let Some(result) = result {
            self.metrics.events.get_or_create(&Outcome { result: Word(result) }).inc();
            return tracing::trace!(node = %announcement.node.name, result, "no Event");
        }
        if let Err(mpsc::error::TrySendError::Full(Work::Announce(announcement))) =
            self.queue.try_send(Work::Announce(announcement))
        {
            self.notices.forget(&announcement);
            self.metrics.events.get_or_create(&Outcome { result: Word("dropped") }).inc();
            tracing::warn!(node = %announcement.node.name, "too many Events wait; this one is dropped");
        }
    }

    /// Waits until everything announced so far is sent.
    pub(super) async fn finish(&self) {
        let (finished, is_finished) = oneshot::channel();
        if self.queue.send(Work::Finish(finished)).await.is_ok() {
            // An error means that the queue is gone, and nothing waits in it.
            let _ = is_finished.await;
        }
    }
}

/// Sends an Event. It holds a place only while it is on its way, so that waiting to try again holds up no write.
async fn send(events: &Api<Event>, Announce { node, notice }: &Announce, places: &Semaphore, door: &Door) {
    let event = notice.to_event(node, Timestamp::now());
    let params = PostParams::default();
    let create = || async {
        // An error would mean that the places are no more, and nothing is written; they are never closed.
        let _place = places.acquire().await;
        door.send(CREATE, node, events.create(&params, &event)).await
    };
    let waits = ExponentialBuilder::default().with_max_times(RETRIES).with_jitter();
    let created = create.retry(waits).sleep(tokio::time::sleep).when(|error| !is_for_good(error)).await;
    let result = Word(if created.is_ok() { "created" } else { "failed" });
    door.metrics().events.get_or_create(&Outcome { result }).inc();
    match created {
        Ok(_) | Err(WriteError::NotLeading) => {}
        Err(error) => tracing::warn!(node = %node.name, %error, "the Event is not told"),
    }
}

/// Whether it would be refused again.
fn is_for_good(error: &WriteError) -> bool {
    match error {
        WriteError::Refused { code, .. } => (400..500).contains(code) && *code != 429,
        error => *error == WriteError::NotLeading,
    }
}
