//! Events on their way out: one after the other, behind the Nodes, and never in their way.

use std::time::Duration;

use k8s_openapi::api::core::v1::Event;
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::PostParams;
use tokio::sync::{mpsc, oneshot};

use super::Pace;
use crate::kubernetes::event;
use crate::messages::writes::Announce;

/// Events that may wait. A burst of more Nodes than this is told of in part; the Nodes themselves are not affected.
const MOST_WAITING: usize = 10_000;
/// How long an Event may take before the next one's turn comes.
const TIMEOUT: Duration = Duration::from_secs(10);

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
    /// Starts sending what is announced.
    pub(super) fn start(client: kube::Client, pace: Pace) -> Self {
        let (queue, mut work) = mpsc::channel(MOST_WAITING);
        let events: Api<Event> = Api::namespaced(client, event::NAMESPACE);
        tokio::spawn(async move {
            while let Some(work) = work.recv().await {
                match work {
                    Work::Announce(announcement) => {
                        pace.keep().await;
                        send(&events, &announcement).await;
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
            tracing::debug!(node = %announcement.node.name, "too many Events wait; this one is dropped");
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

async fn send(events: &Api<Event>, Announce { node, notice }: &Announce) {
    let event = notice.to_event(node, Timestamp::now());
    match tokio::time::timeout(TIMEOUT, events.create(&PostParams::default(), &event)).await {
        Ok(Ok(_)) => {}
        Ok(Err(error)) => tracing::warn!(node = %node.name, %error, "cannot create an Event"),
        Err(_) => {
            tracing::warn!(node = %node.name, timeout_s = TIMEOUT.as_secs(), "cannot create an Event: no answer in time");
        }
    }
}
