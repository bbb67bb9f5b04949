//! The watch itself: kube's watcher, which pages the list, resumes by bookmarks, and lists anew on 410.

use actix::Recipient;
use futures::StreamExt;
use kube::Api;
use kube::runtime::{WatchStreamExt, watcher};

use crate::kubernetes::{Node, NodeName, NodeObject};
use crate::messages::watch::NodeEvent;

/// Watches all Nodes and tells `listener`, until nobody listens any more. It runs beside the actors, so that decoding
/// thousands of Nodes holds up no mailbox, and waits where the listener's mailbox is full.
pub(super) fn watch(client: kube::Client, listener: Recipient<NodeEvent>) {
    let nodes: Api<NodeObject> = Api::all(client);
    tokio::spawn(async move {
        let mut events = watcher(nodes, watcher::Config::default()).default_backoff().boxed();
        while let Some(event) = events.next().await {
            let event = match event {
                Ok(event) => told(event),
                Err(error) => {
                    tracing::warn!(error = %summary(&error), "the watch of Nodes failed and is started again");
                    continue;
                }
            };
            if listener.send(event).await.is_err() {
                return;
            }
        }
    });
}

fn told(event: watcher::Event<NodeObject>) -> NodeEvent {
    match event {
        watcher::Event::Init => NodeEvent::ListBegins,
        watcher::Event::InitApply(object) => NodeEvent::Listed(object.into()),
        watcher::Event::InitDone => NodeEvent::ListEnds,
        watcher::Event::Apply(object) => NodeEvent::Changed(object.into()),
        watcher::Event::Delete(object) => NodeEvent::Deleted(NodeName::clone(&Node::from(object).name)),
    }
}

/// The error with what an operator can do about the usual ones.
fn summary(error: &watcher::Error) -> String {
    use watcher::Error::{InitialListFailed, WatchFailed, WatchStartFailed};
    let advice = match error {
        InitialListFailed(kube::Error::Api(status)) | WatchStartFailed(kube::Error::Api(status)) => match status.code {
            401 => "; check the kubeconfig or the ServiceAccount's token",
            403 => "; check that the ClusterRole grants list and watch on nodes",
            _ => "",
        },
        InitialListFailed(_) | WatchStartFailed(_) | WatchFailed(_) => "; is the Kubernetes API reachable?",
        _ => "",
    };
    format!("{error}{advice}")
}
