//! Watches: what has changed since a version, then every change as it comes, as one JSON object per line.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use futures::Stream;
use serde_json::{Value, json};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until};
use tokio_util::sync::CancellationToken;

use super::query::ListOptions;
use super::table;
use crate::decode;
use crate::resource::Resource;
use crate::selector::Selection;
use crate::status::ApiError;
use crate::store::change::{EventType, write_event};
use crate::store::record::Record;
use crate::store::{Store, TooOld};

/// How long a watch lasts whose client does not say: kube-apiserver ends it after 30 to 60 minutes.
const LONGEST: Duration = Duration::from_mins(45);
/// The longest that a client can ask for: a real one takes any number, and no watch lives to see the difference.
const MOST: Duration = Duration::from_hours(24 * 365);
/// How many events are written at once: some hundred kilobytes of realistic Nodes.
const BATCH: usize = 64;
/// Marks the end of the initial events for those who asked for a bookmark there.
const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

/// How the events of a watch are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Object,
    Table(table::IncludeObject),
}

/// What ends watches from outside, and how often they say that they are alive.
#[derive(Debug, Clone)]
pub(crate) struct Surroundings {
    pub(crate) stopping: CancellationToken,
    pub(crate) bookmark_interval: Duration,
}

struct Watch {
    store: Store,
    resource: Resource,
    selection: Selection,
    form: Form,
    /// The client has all changes up to here.
    position: u64,
    bookmarks: bool,
    /// The column definitions of a table go with the first event only.
    first: bool,
    /// How often watches had been cut when it was opened.
    cuts: u64,
    stopping: CancellationToken,
    deadline: Instant,
    ticks: Interval,
    beginning: Beginning,
    over: bool,
}

/// What is sent before the changes.
#[derive(Debug, Default)]
struct Beginning {
    /// The last first.
    records: Vec<Arc<Record>>,
    /// Whether their end is to be marked.
    marks_end: bool,
}

/// Opens a watch. Only what is wrong with the request itself is an error; a version that is too old is an event.
pub(crate) fn open(
    store: &Store,
    resource: Resource,
    namespace: &str,
    options: &ListOptions,
    form: Form,
    surroundings: &Surroundings,
) -> Result<Body, ApiError> {
    let mut selection = Selection::parse(resource, &options.labels, &options.fields)?;
    namespace.clone_into(&mut selection.namespace);
    let period = surroundings.bookmark_interval;
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut watch = Watch {
        store: store.clone(),
        resource,
        selection,
        form,
        position: 0,
        bookmarks: options.bookmarks,
        first: true,
        cuts: store.cuts().get(),
        stopping: surroundings.stopping.clone(),
        deadline: Instant::now() + options.timeout.map_or(LONGEST, |timeout| timeout.min(MOST)),
        ticks,
        beginning: Beginning::default(),
        over: false,
    };
    watch.start(options);
    Ok(Body::from_stream(stream(watch)))
}

impl Watch {
    fn start(&mut self, options: &ListOptions) {
        let unset = options.resource_version.is_none_or(|version| version == 0);
        // Without a version a watch starts with what is there; a client may ask for that in so many words.
        let with_state = options.send_initial_events.unwrap_or(unset);
        let asked = options.resource_version.unwrap_or(0);
        if !with_state && !unset {
            self.position = asked;
            return;
        }
        let (version, records) = self.store.list(self.resource, &self.selection);
        self.position = version.max(asked);
        if !with_state {
            return;
        }
        self.beginning = Beginning { records, marks_end: self.bookmarks };
        self.beginning.records.reverse();
    }

    fn write(&mut self, event: EventType, record: &Record, out: &mut Vec<u8>) {
        match self.form {
            Form::Object => write_event(event, record, out),
            Form::Table(include) => {
                out.extend_from_slice(&self.table_event(event.name(), &record.to_value(), include));
            }
        }
    }

    /// The next of what is sent before the changes; `None` where there is no more.
    fn beginning(&mut self) -> Option<Bytes> {
        let records = &mut self.beginning.records;
        if records.is_empty() {
            return std::mem::take(&mut self.beginning.marks_end).then(|| self.bookmark(true));
        }
        let mut out = Vec::new();
        for record in records.split_off(records.len().saturating_sub(BATCH)).iter().rev() {
            self.write(EventType::Added, record, &mut out);
        }
        Some(out.into())
    }

    fn table_event(&mut self, event: &str, object: &Value, include: table::IncludeObject) -> Bytes {
        let table = table::of_one(
            self.resource,
            object,
            include,
            std::mem::take(&mut self.first),
            self.store.clock().timestamp(),
        );
        line(&json!({ "type": event, "object": table }))
    }

    fn bookmark(&mut self, end_of_initial: bool) -> Bytes {
        let mut object = decode::empty(self.store.schema().of(self.resource));
        object["kind"] = self.resource.kind().into();
        object["apiVersion"] = self.resource.api_version().into();
        object["metadata"] = json!({ "resourceVersion": self.position.to_string() });
        if end_of_initial {
            object["metadata"]["annotations"] = json!({ INITIAL_EVENTS_END: "true" });
        }
        match self.form {
            Form::Object => line(&json!({ "type": "BOOKMARK", "object": object })),
            Form::Table(include) => self.table_event("BOOKMARK", &object, include),
        }
    }

    /// The next changes for this client, joined; `None` where there are none yet.
    fn changes(&mut self) -> Option<Bytes> {
        loop {
            let changes = match self.store.changes_after(self.resource, self.position, BATCH) {
                Ok(changes) => changes,
                Err(TooOld { oldest }) => {
                    self.over = true;
                    let message = format!("too old resource version: {} ({oldest})", self.position);
                    return Some(line(&json!({ "type": "ERROR", "object": ApiError::expired(message).to_json() })));
                }
            };
            self.position = changes.last()?.record.version;
            let mut out = Vec::new();
            for change in changes {
                if let Some(event) = change.seen_by(&self.selection) {
                    self.write(event, &change.shown(event), &mut out);
                }
            }
            if !out.is_empty() {
                return Some(out.into());
            }
        }
    }

    async fn next(&mut self) -> Option<io::Result<Bytes>> {
        loop {
            if self.over {
                return None;
            }
            if self.store.cuts().get() > self.cuts {
                self.over = true;
                return Some(Err(io::Error::new(io::ErrorKind::ConnectionReset, "the watch was cut")));
            }
            if let Some(bytes) = self.beginning() {
                return Some(Ok(bytes));
            }
            // Before the look: whatever changes after it wakes us.
            let newest = self.store.newest().get();
            if let Some(bytes) = self.changes() {
                return Some(Ok(bytes));
            }
            tokio::select! {
                biased;
                () = self.store.cuts().reaches(self.cuts + 1) => {
                    self.over = true;
                    return Some(Err(io::Error::new(io::ErrorKind::ConnectionReset, "the watch was cut")));
                }
                () = self.stopping.cancelled() => return None,
                () = sleep_until(self.deadline) => return None,
                () = self.store.newest().reaches(newest + 1) => {}
                _ = self.ticks.tick(), if self.bookmarks => {
                    // The version is read first: whatever came up to it is in the changes that are looked for next, and
                    // if there are none, the client is as good as at that version.
                    let version = self.store.newest().get();
                    if let Some(bytes) = self.changes() {
                        return Some(Ok(bytes));
                    }
                    self.position = self.position.max(version);
                    return Some(Ok(self.bookmark(false)));
                }
            }
        }
    }
}

fn stream(watch: Watch) -> impl Stream<Item = io::Result<Bytes>> {
    futures::stream::unfold(watch, |mut watch| async move {
        let item = watch.next().await?;
        Some((item, watch))
    })
}

fn line(event: &Value) -> Bytes {
    let mut text = event.to_string();
    text.push('\n');
    text.into()
}
