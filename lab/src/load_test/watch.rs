//! One watch of a run's Nodes: it measures, and tells those of the lab's own clients that want to know.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use futures::StreamExt;
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt, watcher as watch_nodes};
use kube::{Api, Client};
use tokio::sync::{mpsc, watch};
use tokio::task::AbortHandle;

use super::look::Look;
use super::waits::{Counts, Wait, Waits};
use crate::error::LabError;

/// How long the watch may take to open.
const OPEN_TIMEOUT: Duration = Duration::from_secs(30);

/// The watch and what it has seen. It ends when this is dropped.
pub(crate) struct NodeWatch {
    shared: Arc<Shared>,
    counts: watch::Receiver<Counts>,
    watching: AbortHandle,
}

struct Shared {
    seen: Mutex<Seen>,
    counts: watch::Sender<Counts>,
}

#[derive(Default)]
struct Seen {
    waits: Waits,
    /// Who wants to know of every state of a Node.
    listeners: Vec<mpsc::UnboundedSender<Look>>,
}

impl NodeWatch {
    /// Watches the Nodes that `selector` selects. Returns when the watch is open, so that nothing is missed.
    ///
    /// # Errors
    /// When it does not open in time.
    pub(crate) async fn start(client: Client, selector: &str) -> Result<Self, LabError> {
        let (sender, counts) = watch::channel(Counts::default());
        let shared = Arc::new(Shared { seen: Mutex::default(), counts: sender });
        let (opened, mut open) = watch::channel(false);
        let config = watcher::Config::default().labels(selector);
        let mut events = watch_nodes(Api::<Look>::all(client), config).default_backoff().boxed();
        let record = Arc::clone(&shared);
        let task = tokio::spawn(async move {
            while let Some(event) = events.next().await {
                match event {
                    Ok(Event::Apply(look) | Event::InitApply(look)) => record.change(|seen| seen.tell(look)),
                    Ok(Event::Delete(look)) => record.change(|seen| seen.waits.gone(&look)),
                    Ok(Event::InitDone) => drop(opened.send(true)),
                    // It tries again by itself; what was missed comes with the next list.
                    Ok(Event::Init) | Err(_) => {}
                }
            }
        });
        let watch = Self { shared, counts, watching: task.abort_handle() };
        match tokio::time::timeout(OPEN_TIMEOUT, open.wait_for(|open| *open)).await {
            Ok(Ok(_)) => Ok(watch),
            _ => Err(LabError::Wait { what: "the watch of the Nodes", after: OPEN_TIMEOUT }),
        }
    }

    /// How far the Nodes are.
    pub(crate) fn counts(&self) -> Counts {
        *self.counts.borrow()
    }

    /// Waits until the counts are as wanted.
    pub(crate) async fn until(&self, wanted: impl FnMut(&Counts) -> bool) {
        // The sender lives as long as this value.
        let _ = self.counts.clone().wait_for(wanted).await;
    }

    /// A kubelet has registered this Node with the taint, or put the taint on again, in this version or a newer one.
    pub(crate) fn begins(&self, name: &str, since: Instant, version: u64) {
        self.shared.change(|seen| seen.waits.begins(name, since, version));
    }

    /// The lab is about to remove this Node. Returns its uid, where it is there.
    pub(crate) fn leaves(&self, name: &str) -> Option<String> {
        self.shared.lock().waits.leaves(name)
    }

    /// The lab has not found these Nodes where they should be; were they `to_wait`, they will do so in vain.
    pub(crate) fn missing(&self, names: &[String], to_wait: bool) {
        self.shared.change(|seen| names.iter().for_each(|name| seen.waits.missing(name, to_wait)));
    }

    /// The waits that are over, and when each wait began.
    pub(crate) fn waits(&self) -> (Vec<Wait>, Vec<Instant>) {
        let seen = self.shared.lock();
        (seen.waits.over().to_vec(), seen.waits.began().to_vec())
    }

    /// Every Node that has the taint now, and from now on every state of every Node.
    pub(crate) fn listen(&self) -> mpsc::UnboundedReceiver<Look> {
        let (sender, receiver) = mpsc::unbounded_channel();
        let mut seen = self.shared.lock();
        for look in seen.waits.tainted() {
            // The receiver is in this function's hand.
            let _ = sender.send(look.clone());
        }
        seen.listeners.push(sender);
        receiver
    }
}

impl Drop for NodeWatch {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

impl Shared {
    fn change(&self, change: impl FnOnce(&mut Seen)) {
        let mut seen = self.lock();
        change(&mut seen);
        let counts = seen.waits.counts();
        drop(seen);
        self.counts.send_if_modified(|known| {
            let changed = *known != counts;
            *known = counts;
            changed
        });
    }

    fn lock(&self) -> MutexGuard<'_, Seen> {
        // Nothing that runs under it can leave it half done.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seen {
    fn tell(&mut self, look: Look) {
        // One that no longer listens has ended.
        self.listeners.retain(|listener| listener.send(look.clone()).is_ok());
        self.waits.seen(look, Instant::now());
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::nodes::fleet::{Fleet, Ground, Wanted};

    #[tokio::test]
    async fn who_listens_is_told_of_the_nodes_that_wait_already_and_of_those_that_come() {
        let packet = packet_api_server::Server::start().await.unwrap();
        let server = kube_api_server::Server::start().await.unwrap();
        let client = Client::try_from(kube::Config::new(server.url().parse().unwrap())).unwrap();
        let fleet =
            Fleet::found(Wanted { nodes: 2, missing: 0, others: 0, ..Wanted::default() }, Ground::Own, packet.store());
        let register = |number: usize| {
            let node = fleet.registration(&fleet.members()[number]).unwrap();
            server.store().create_node(serde_json::to_value(node).unwrap()).unwrap();
        };
        register(0);
        let watch = NodeWatch::start(client, &fleet.selector()).await.unwrap();
        watch.until(|counts| counts.seen == 1).await;
        let mut listener = watch.listen();
        register(1);
        for member in fleet.members() {
            assert_eq!(listener.recv().await.unwrap().name(), member.name);
        }
    }
}
