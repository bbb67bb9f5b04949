//! The watch itself: kube's watcher, which pages the list, resumes by bookmarks, and lists anew on 410.

use std::pin::pin;

use actix::Recipient;
use futures::StreamExt;
use kube::Api;
use kube::runtime::{WatchStreamExt, watcher};

use crate::kubernetes::client_error::shown;
use crate::kubernetes::{Node, NodeName, NodeObject};
use crate::messages::watch::{NodeEvent, NodeEvents};

/// How many events are told at once, at most: as many as a page of a list has Nodes.
const AT_ONCE: usize = 500;

/// Watches all Nodes and tells `listener`, until nobody listens any more. It runs beside the actors, so that decoding
/// thousands of Nodes holds up no mailbox, and waits where the listener's mailbox is full.
pub(super) fn watch(client: kube::Client, listener: Recipient<NodeEvents>) {
    let nodes: Api<NodeObject> = Api::all(client);
    tokio::spawn(async move {
        // A page of a list comes at once, and so does what has happened while the listener was at work.
        let events = watcher(nodes, watcher::Config::default()).default_backoff().ready_chunks(AT_ONCE);
        let mut events = pin!(events);
        while let Some(events) = events.next().await {
            let events = events.into_iter().map(|event| match event {
                Ok(event) => told(event),
                Err(error) => NodeEvent::Failed(summary(&error)),
            });
            if listener.send(NodeEvents(events.collect())).await.is_err() {
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
    let cause = match error {
        InitialListFailed(error) | WatchStartFailed(error) | WatchFailed(error) => shown(error),
        error => error.to_string(),
    };
    format!("{cause}{advice}")
}
