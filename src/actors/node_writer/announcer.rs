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

use super::Pace;
use crate::election::{Closed, Gate};
use crate::kubernetes::event;
use crate::messages::writes::Announce;

/// Events that may wait: one of each Node of the largest cluster, and as many again. A burst of more is told of in part; the
/// Nodes themselves are not affected.
const MOST_WAITING: usize = 200_000;
/// How long an Event may take before the next one's turn comes.
const TIMEOUT: Duration = Duration::from_secs(10);
/// How often an Event is sent again that was not taken, a second and two later.
const RETRIES: usize = 2;

/// The queue of Events.
#[derive(Clone)]
pub(super) struct Announcer {
    queue: mpsc::Sender<Work>,
}

enum Work {
    Announce(Announce),
    Finish(oneshot::Sender<()>),
}

impl Announcer {
    /// Starts sending what is announced, each in one of the `places` of writes.
    pub(super) fn start(client: kube::Client, pace: Pace, gate: Gate, places: Arc<Semaphore>) -> Self {
        let (queue, mut work) = mpsc::channel(MOST_WAITING);
        let events: Api<Event> = Api::namespaced(client, event::NAMESPACE);
        tokio::spawn(async move {
            while let Some(work) = work.recv().await {
                match work {
                    Work::Announce(announcement) => {
                        send(&events, &announcement, &places, &pace, &gate).await;
                    }
                    Work::Finish(finished) => {
                        // Whoever asked may have stopped waiting.
                        let _ = finished.send(());
                    }
                }
            }
        });
        Self { queue }
    }

    /// Takes in an announcement. Where too many wait it is dropped, which the log tells.
    pub(super) fn announce(&self, announcement: Announce) {
        if let Err(mpsc::error::TrySendError::Full(Work::Announce(announcement))) =
            self.queue.try_send(Work::Announce(announcement))
        {
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
async fn send(events: &Api<Event>, Announce { node, notice }: &Announce, places: &Semaphore, pace: &Pace, gate: &Gate) {
    let event = notice.to_event(node, Timestamp::now());
    let params = PostParams::default();
    let create = || async {
        // An error would mean that the places are no more, and nothing is written; they are never closed.
        let _place = places.acquire().await;
        pace.keep().await;
        match gate.pass(tokio::time::timeout(TIMEOUT, events.create(&params, &event))).await {
            Ok(Ok(created)) => created.map(drop).map_err(|error| NotTaken::of(&error)),
            Ok(Err(_)) => {
                Err(NotTaken { reason: format!("no answer within {} s", TIMEOUT.as_secs()), for_good: false })
            }
            Err(Closed) => Err(NotTaken { reason: "another process leads".to_owned(), for_good: true }),
        }
    };
    let waits = ExponentialBuilder::default().with_max_times(RETRIES).with_jitter();
    let created = create.retry(waits).sleep(tokio::time::sleep).when(|error| !error.for_good).await;
    if let Err(NotTaken { reason, .. }) = created {
        tracing::warn!(node = %node.name, error = reason, "cannot create an Event; does the ClusterRole grant it?");
    }
}

/// Why an Event was not taken.
struct NotTaken {
    reason: String,
    /// Whether it would be refused again.
    for_good: bool,
}

impl NotTaken {
    fn of(error: &kube::Error) -> Self {
        let for_good =
            matches!(error, kube::Error::Api(status) if (400..500).contains(&status.code) && status.code != 429);
        Self { reason: error.to_string(), for_good }
    }
}
