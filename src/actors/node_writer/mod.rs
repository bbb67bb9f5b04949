//! `NodeWriter`, the only door for writes to Kubernetes.
//!
//! It writes so many Nodes side by side and leaves the pace to the API server (429 and `Retry-After` of API Priority and
//! Fairness, which the client heeds) unless `--kube-api-qps` is given. Events go out one after the other, behind the Nodes
//! that wait to be written. Every request passes a gate that is open only while this process leads.

mod announcer;
mod deletion;
mod door;
mod notices;
mod write;

use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use actix::{Actor, Context, Handler, ResponseFuture};
use tokio::sync::{Semaphore, SemaphorePermit};

use self::announcer::Announcer;
use self::deletion::Deleter;
use self::door::Door;
use self::write::Writer;
use crate::config::WriteLimits;
use crate::election::Gate;
use crate::kubernetes::event::Notice;
use crate::messages::initialise::Outcome;
use crate::messages::writes::{Announce, DeleteNode, Drain, NotDeleted, Record, WriteError, WriteNode};
use crate::telemetry::metrics::WriteMetrics;

/// How long Events may take that wait when everything else is written.
const LAST_EVENTS: Duration = Duration::from_secs(1);

/// The places of those that write side by side.
#[derive(Clone)]
struct Places {
    places: Arc<Semaphore>,
    stopping: Arc<AtomicBool>,
}

impl Places {
    /// Waits for a place, behind those that wait already.
    async fn take(&self) -> Result<SemaphorePermit<'_>, WriteError> {
        let place = self.places.acquire().await;
        place.ok().filter(|_| !self.stopping.load(Ordering::Acquire)).ok_or(WriteError::Stopping)
    }
}

/// A Node that is being written or waits for its turn, as the metrics count it.
struct UnderWay(WriteMetrics);

impl UnderWay {
    fn begin(metrics: &WriteMetrics) -> Self {
        metrics.under_way.inc();
        Self(metrics.clone())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.under_way.dec();
    }
}

/// The actor that writes.
pub struct NodeWriter {
    writer: Writer,
    deleter: Deleter,
    announcer: Announcer,
    metrics: WriteMetrics,
    concurrency: NonZeroU16,
    places: Places,
}

impl NodeWriter {
    /// The actor, not yet started. It writes while the gate is open.
    #[must_use]
    pub fn new(client: kube::Client, limits: WriteLimits, gate: Gate, metrics: WriteMetrics) -> Self {
        let door = Door::new(limits.pace, gate, metrics.clone());
        let places = Arc::new(Semaphore::new(limits.concurrency.get().into()));
        Self {
            writer: Writer::new(client.clone(), door.clone()),
            deleter: Deleter::new(client.clone(), door.clone()),
            announcer: Announcer::start(client, door, Arc::clone(&places)),
            metrics,
            concurrency: limits.concurrency,
            places: Places { places, stopping: Arc::default() },
        }
    }
}

impl Actor for NodeWriter {
    type Context = Context<Self>;
}

impl Handler<WriteNode> for NodeWriter {
    type Result = ResponseFuture<Result<Outcome, WriteError>>;

    fn handle(&mut self, WriteNode { node, desired }: WriteNode, _: &mut Self::Context) -> Self::Result {
        let (writer, announcer, places) = (self.writer.clone(), self.announcer.clone(), self.places.clone());
        let under_way = UnderWay::begin(&self.metrics);
        Box::pin(async move {
            let _under_way = under_way;
            let _place = places.take().await?;
            // Boxed here, so that what the thousands that wait for a place hold meanwhile is small.
            let outcome = Box::pin(writer.write(Arc::clone(&node), &desired)).await?;
            if let (Outcome::Done(node), true) = (&outcome, desired.initialised) {
                announcer.announce(Announce { node: Arc::clone(node), notice: Notice::Synced });
            }
            Ok(outcome)
        })
    }
}

impl Handler<DeleteNode> for NodeWriter {
    type Result = ResponseFuture<Result<(), NotDeleted>>;

    fn handle(&mut self, deletion: DeleteNode, _: &mut Self::Context) -> Self::Result {
        let (deleter, places) = (self.deleter.clone(), self.places.clone());
        Box::pin(async move {
            let not_begun = |error| NotDeleted { error, is_told: !deletion.tell, is_asked: false };
            let _place = places.take().await.map_err(not_begun)?;
            deleter.delete(&deletion).await
        })
    }
}

impl Handler<Record> for NodeWriter {
    type Result = ResponseFuture<Result<(), WriteError>>;

    fn handle(&mut self, record: Record, _: &mut Self::Context) -> Self::Result {
        let (deleter, places) = (self.deleter.clone(), self.places.clone());
        Box::pin(async move {
            let _place = places.take().await?;
            deleter.keep(&record).await
        })
    }
}

impl Handler<Announce> for NodeWriter {
    type Result = ();

    fn handle(&mut self, announcement: Announce, _: &mut Self::Context) {
        self.announcer.announce(announcement);
    }
}

impl Handler<Drain> for NodeWriter {
    type Result = ResponseFuture<()>;

    fn handle(&mut self, Drain: Drain, _: &mut Self::Context) -> Self::Result {
        let (places, announcer) = (Arc::clone(&self.places.places), self.announcer.clone());
        // Those that queue for a place leave as soon as they have one; when all places are held, every write under way
        // has ended.
        self.places.stopping.store(true, Ordering::Release);
        let all = u32::from(self.concurrency.get());
        Box::pin(async move {
            drop(places.acquire_many(all).await);
            // Events tell of what is done already; a burst of them must not keep the next one from leading.
            if tokio::time::timeout(LAST_EVENTS, announcer.finish()).await.is_err() {
                tracing::warn!("stopping although Events are yet to be told");
            }
        })
    }
}
