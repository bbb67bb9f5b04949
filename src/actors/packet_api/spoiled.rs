//! What the log tells of entries of the device list that cannot be used: each once in a while, however often the list is read.

use std::time::Duration;

use moka::sync::Cache;

use crate::packet::{DeviceId, DevicePage, Hostname};

/// How long an entry that was told of is not told of again.
const QUIET: Duration = Duration::from_hours(1);
/// Of how many entries that is remembered. An API that spoils more is told of more often.
const MOST: u64 = 1_000;

/// What tells one entry from others, as far as it could be read.
type Known = (Option<DeviceId>, Option<Hostname>, Box<str>);

/// The entries that were told of.
pub(super) struct Spoiled {
    told: Cache<Known, ()>,
}

impl Default for Spoiled {
    fn default() -> Self {
        Self { told: Cache::builder().max_capacity(MOST).time_to_live(QUIET).build() }
    }
}

impl Spoiled {
    /// Tells of the entries of a page that cannot be used, but for those that it has told of.
    pub(super) fn report(&self, page: &DevicePage) {
        for spoiled in &page.spoiled {
            let known = (spoiled.id.clone(), spoiled.hostname.clone(), spoiled.field.clone());
            if !self.told.entry(known).or_insert(()).is_fresh() {
                continue;
            }
            tracing::warn!(
                id = spoiled.id.as_ref().map(tracing::field::debug),
                hostname = spoiled.hostname.as_ref().map(tracing::field::debug),
                field = &*spoiled.field,
                reason = &*spoiled.reason,
                "an entry of the Packet API's device list cannot be used; the others can"
            );
        }
    }
}
