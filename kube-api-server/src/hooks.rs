//! What a test does at the instant before a write, or hears of at the instant after it.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::Value;

use crate::store::record::Record;
use crate::store::{Step, Store};

/// A write of a client that has been applied.
#[derive(Debug, Clone, PartialEq)]
pub struct AppliedWrite<'a> {
    /// "POST", "PUT", "PATCH" or "DELETE".
    pub method: &'a str,
    /// The path that was asked for, without the query: of the object, or of the collection that it was created in or that
    /// was deleted.
    pub path: &'a str,
    /// The `User-Agent` header, empty where there was none.
    pub user_agent: &'a str,
    /// The object as it was, with `kind` and `apiVersion`; nothing where the write created it.
    pub before: Option<Value>,
    /// The object as it is now, with `kind` and `apiVersion`; nothing where the write made it go.
    pub after: Option<Value>,
}

type BeforeWrite = dyn Fn(&str, &str, &Store) + Send + Sync;
type AfterWrite = dyn Fn(&AppliedWrite<'_>) + Send + Sync;

/// What runs before and after each write of a client.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    before_write: Arc<Mutex<Vec<Arc<BeforeWrite>>>>,
    after_write: Arc<Mutex<Vec<Arc<AfterWrite>>>>,
}

impl fmt::Debug for Hooks {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Hooks").finish_non_exhaustive()
    }
}

impl Hooks {
    pub(crate) fn add_before(&self, hook: Arc<BeforeWrite>) {
        self.before_write.lock().unwrap_or_else(PoisonError::into_inner).push(hook);
    }

    pub(crate) fn add_after(&self, hook: Arc<AfterWrite>) {
        self.after_write.lock().unwrap_or_else(PoisonError::into_inner).push(hook);
    }

    pub(crate) fn run_before(&self, method: &str, path: &str, store: &Store) {
        for hook in all(&self.before_write) {
            hook(method, path, store);
        }
    }

    pub(crate) fn run_after(&self, method: &str, path: &str, user_agent: &str, step: &Step) {
        let hooks = all(&self.after_write);
        if hooks.is_empty() {
            return;
        }
        let value = |record: &Option<Arc<Record>>| record.as_ref().map(|record| record.to_value());
        let (before, after) = (value(&step.before), value(&step.after));
        let write = AppliedWrite { method, path, user_agent, before, after };
        for hook in hooks {
            hook(&write);
        }
    }
}

/// Taken out of the lock, so that a hook may add another.
fn all<H: ?Sized>(hooks: &Mutex<Vec<Arc<H>>>) -> Vec<Arc<H>> {
    hooks.lock().unwrap_or_else(PoisonError::into_inner).clone()
}
