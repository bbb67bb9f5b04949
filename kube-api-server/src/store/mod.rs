//! The objects that the server serves, and what a test may do to them behind its back.

pub(crate) mod change;
mod given;
mod holes;
pub(crate) mod part;
pub(crate) mod record;
mod rising;
mod seeding;
mod state;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::node_spec::NewNode;
use crate::resource::Resource;
use crate::schema::{Schema, SchemaError};
use crate::selector::Selection;
use crate::status::ApiError;
use crate::wall_clock::WallClock;
use crate::write::{self, Delete, Write};
use change::Change;
use given::Given;
use record::{Draft, Record, key_of};
use rising::Rising;
use state::State;
pub(crate) use state::TooOld;

/// Namespaces that every cluster has.
const NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];
/// The field manager of what a test writes through the store.
const TEST_MANAGER: &str = "test";
/// The field manager of what kubelets write.
const KUBELET: &str = "kubelet";
const NODE_NAMESPACE: &str = "";

/// The cluster's objects: shared, cheap to clone, and the same that is served over HTTP.
///
/// Writes through it go through the validation, admission and versioning that HTTP writes go through, and every watch
/// sees them.
#[derive(Clone)]
pub struct Store {
    inner: Arc<Inner>,
}

struct Inner {
    schema: Schema,
    state: Mutex<State>,
    /// The newest version; a watch waits for it to rise.
    newest: Rising,
    /// How often all watches were cut.
    cuts: Rising,
    given: Given,
    clock: WallClock,
    on_one_thread: bool,
}

/// What makes one store differ from another that sees the same writes.
#[derive(Debug, Clone)]
pub(crate) struct Nature {
    /// How many changes of each resource are remembered.
    pub(crate) history: usize,
    /// What uids and generated names are drawn from.
    pub(crate) seed: u64,
    pub(crate) clock: WallClock,
    /// Whether all work is done on the caller's thread, however much it is.
    pub(crate) on_one_thread: bool,
}

/// A write through the [`Store`] that the API would have refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("the API refuses the write: {0}; change what the test writes")]
pub struct Refused(ApiError);

impl Refused {
    /// The HTTP status code that a client would have got.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.0.code
    }

    /// The `Status` object that a client would have got.
    #[must_use]
    pub fn status(&self) -> Value {
        self.0.to_json()
    }
}

/// What a writer decided for an object while nobody else could write.
pub(crate) enum Decision {
    Put(Draft),
    /// Delete; the draft is how the object was at the end.
    Remove(Draft),
    Leave,
}

/// What became of an object that a writer decided on.
#[derive(Debug)]
pub(crate) struct Decided {
    /// The object as it is now, if it is there.
    pub(crate) now: Option<Arc<Record>>,
    /// What was done; nothing where it was left as it is.
    pub(crate) step: Option<Step>,
}

/// A step from one version of an object to the next: into being, on, or out.
#[derive(Debug)]
pub(crate) struct Step {
    pub(crate) before: Option<Arc<Record>>,
    pub(crate) after: Option<Arc<Record>>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Store").field("resource_version", &self.resource_version()).finish_non_exhaustive()
    }
}

impl Store {
    /// An empty cluster with the four usual namespaces.
    pub(crate) fn new(nature: Nature) -> Result<Store, SchemaError> {
        let state = State::new(nature.history);
        let store = Store {
            inner: Arc::new(Inner {
                schema: Schema::embedded()?,
                newest: Rising::from(state.version),
                state: Mutex::new(state),
                cuts: Rising::from(0),
                given: Given::from_seed(nature.seed),
                clock: nature.clock,
                on_one_thread: nature.on_one_thread,
            }),
        };
        for name in NAMESPACES {
            let namespace = serde_json::json!({ "metadata": { "name": name } });
            let write = Write::new(Resource::Namespaces, "", name).by("kube-apiserver");
            // The names are valid, and nothing is there yet.
            let _created = write::create(&store, &write, namespace);
        }
        Ok(store)
    }

    /// A store for a unit test.
    #[cfg(test)]
    pub(crate) fn with_history(history: usize) -> Result<Store, SchemaError> {
        Store::new(Nature { history, seed: 0, clock: WallClock::default(), on_one_thread: false })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // A panic while it was held is a test's own (in `update_node`), and leaves the state whole.
        self.inner.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn schema(&self) -> &Schema {
        &self.inner.schema
    }

    pub(crate) fn clock(&self) -> &WallClock {
        &self.inner.clock
    }

    /// Whether all work is done on the caller's thread.
    pub(crate) fn is_on_one_thread(&self) -> bool {
        self.inner.on_one_thread
    }

    /// A uid for a new object.
    pub(crate) fn new_uid(&self) -> String {
        self.inner.given.uid()
    }

    /// The end of a new object's name, of which the client gave only the beginning.
    pub(crate) fn new_name_suffix(&self) -> String {
        self.inner.given.name_suffix()
    }

    pub(crate) fn get(&self, resource: Resource, namespace: &str, name: &str) -> Option<Arc<Record>> {
        self.state().get(resource, &key_of(namespace, name)).cloned()
    }

    /// The present version and all objects that are selected, in the order of their keys.
    pub(crate) fn list(&self, resource: Resource, selection: &Selection) -> (u64, Vec<Arc<Record>>) {
        let state = self.state();
        let records = state.all(resource).filter(|record| selection.matches(record));
        (state.version, records.cloned().collect())
    }

    /// The objects after a key as they were at a version, or as they are, in the order of their keys, until `wanted` says
    /// to stop. Answers with that version and with how many objects there are now.
    ///
    /// Nobody can write meanwhile, and `wanted` must not call the store.
    pub(crate) fn snapshot(
        &self,
        resource: Resource,
        version: Option<u64>,
        after: &str,
        wanted: impl FnMut(&Arc<Record>) -> bool,
    ) -> Result<(u64, usize), TooOld> {
        let state = self.state();
        let version = version.unwrap_or(state.version);
        state.snapshot(resource, version, after, wanted)?;
        Ok((version, state.count(resource)))
    }

    pub(crate) fn changes_after(
        &self,
        resource: Resource,
        version: u64,
        limit: usize,
    ) -> Result<Vec<Arc<Change>>, TooOld> {
        self.state().changes_after(resource, version, limit)
    }

    /// Lets `decide` see the object as it is, and does what it says before anybody else can write.
    ///
    /// It must not call the store.
    pub(crate) fn decide<E>(
        &self,
        resource: Resource,
        namespace: &str,
        name: &str,
        decide: impl FnOnce(Option<&Arc<Record>>) -> Result<Decision, E>,
    ) -> Result<Decided, E> {
        let mut state = self.state();
        let key = key_of(namespace, name);
        let current = state.get(resource, &key).cloned();
        let after = match decide(current.as_ref())? {
            Decision::Put(draft) => Some(state.put(resource, draft)),
            Decision::Remove(last) => {
                state.remove(resource, &key, last);
                None
            }
            Decision::Leave => return Ok(Decided { now: current, step: None }),
        };
        let version = state.version;
        drop(state);
        // Two writers may come here in the other order; the one with the newer version speaks for both.
        self.inner.newest.raise_to(version);
        Ok(Decided { now: after.clone(), step: Some(Step { before: current, after }) })
    }

    /// The newest version: rises with every change.
    pub(crate) fn newest(&self) -> &Rising {
        &self.inner.newest
    }

    /// How often all watches were cut: rises when they are to be cut again.
    pub(crate) fn cuts(&self) -> &Rising {
        &self.inner.cuts
    }

    /// Registers a Node, given as a [`NodeSpec`](crate::NodeSpec) or as JSON, and returns it as it is now.
    pub fn create_node(&self, node: impl Into<NewNode>) -> Result<Value, Refused> {
        let write = Write::new(Resource::Nodes, NODE_NAMESPACE, "").by(TEST_MANAGER);
        let node = match node.into() {
            NewNode::Spec(spec) => spec.into_value_at(self.clock().now()),
            NewNode::Json(node) => node,
        };
        write::create(self, &write, node).map(|outcome| outcome.object.to_value()).map_err(Refused)
    }

    /// The Node of that name, with `kind` and `apiVersion`.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<Value> {
        self.get(Resource::Nodes, NODE_NAMESPACE, name).map(|record| record.to_value())
    }

    /// All Nodes, by name.
    #[must_use]
    pub fn nodes(&self) -> Vec<Value> {
        self.values(Resource::Nodes)
    }

    /// All Events of all namespaces, by namespace and name.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        self.values(Resource::Events)
    }

    /// All Leases of all namespaces, by namespace and name.
    #[must_use]
    pub fn leases(&self) -> Vec<Value> {
        self.values(Resource::Leases)
    }

    fn values(&self, resource: Resource) -> Vec<Value> {
        self.list(resource, &Selection::all()).1.iter().map(|record| record.to_value()).collect()
    }

    /// Changes a Node as another writer would, spec and status alike, and returns it as it is then.
    ///
    /// Nobody else can write while `change` runs, so it must not call the store. A change of the resource version in it
    /// has no meaning and is dropped.
    pub fn update_node(&self, name: &str, change: impl FnOnce(&mut Value)) -> Result<Value, Refused> {
        let write = Write::new(Resource::Nodes, NODE_NAMESPACE, name).by(TEST_MANAGER);
        write::update_in_place(self, &write, change).map(|record| record.to_value()).map_err(Refused)
    }

    /// Deletes a Node.
    pub fn delete_node(&self, name: &str) -> Result<(), Refused> {
        let write = Write::new(Resource::Nodes, NODE_NAMESPACE, name);
        write::delete(self, &write, &Delete::default()).map(drop).map_err(Refused)
    }

    /// The version of the newest write. It counts all resources together, starting a little above zero.
    #[must_use]
    pub fn resource_version(&self) -> u64 {
        self.state().version
    }

    /// Forgets all history, as etcd's compaction does: a watch or a page that starts at an older version is answered
    /// 410 Gone. Open watches go on if they are up to date.
    pub fn compact(&self) {
        self.state().compact();
    }

    /// Cuts every watch connection that is open, in the middle of its response, as a network failure would.
    pub fn drop_watches(&self) {
        self.inner.cuts.raise();
    }
}
