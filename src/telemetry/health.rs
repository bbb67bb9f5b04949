//! How the program is: what each part says of itself, for probes and for people.
//!
//! Parts write, [`Health`] keeps, and whoever serves it reads; nobody waits for anybody.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What a check is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// Whether the process works at all; where not, only a new one helps.
    Live,
    /// Whether it does its work. Where not, it may well do so later.
    Ready,
}

/// One thing that is checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What it is about.
    pub scope: Scope,
    /// What there is to say: of the good state, or of what is wrong.
    pub state: Result<String, String>,
}

/// Every check. Clones share them.
#[derive(Debug, Clone, Default)]
pub struct Health(Arc<Mutex<BTreeMap<&'static str, Check>>>);

impl Health {
    /// Says how a part is, in place of what was said of it before.
    pub fn set(&self, name: &'static str, scope: Scope, state: Result<String, String>) {
        self.checks().insert(name, Check { scope, state });
    }

    /// What every part says, by name.
    #[must_use]
    pub fn all(&self) -> BTreeMap<&'static str, Check> {
        self.checks().clone()
    }

    fn checks(&self) -> MutexGuard<'_, BTreeMap<&'static str, Check>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
