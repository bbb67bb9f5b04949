//! Reading lists of devices: as often as it takes to have one that did not shift meanwhile.

use tokio::time::Instant;

use super::cache::Cache;
use crate::packet::{Budget, Client, Error, Hostname, Inventory, Sweep, retry, sweep};

/// How often a list that shifts is read before whoever waits is told so.
const READINGS: u32 = 3;

/// What was read of a list.
pub(super) struct Reading {
    pub(super) inventory: Inventory,
    /// When the API was asked for it.
    pub(super) asked_at: Instant,
    /// How many pages came.
    pub(super) pages: usize,
    /// Why it proves nothing about devices that it does not show, and about hostnames that it shows once.
    pub(super) flaw: Option<Error>,
}

/// Reads every device of the project, or every one whose hostname contains `hostname`, and keeps what it tells.
///
/// Devices move from page to page when others come and go while the list is read, so that one may be missed. A list whose
/// entries are not as many as it says itself is read again; if it then is the same, that is how the API counts.
pub(super) async fn read(
    client: &Client,
    budget: &Budget,
    cache: &Cache,
    hostname: Option<&Hostname>,
) -> Result<Reading, Error> {
    let mut before: Option<Inventory> = None;
    let mut attempts = 0;
    loop {
        attempts += 1;
        let asked_at = Instant::now();
        let page = |number| retry::through(budget, move || client.devices(hostname, number));
        let Sweep { pages, failure } = sweep::sweep(page).await?;
        let count = pages.len();
        let inventory: Inventory = pages.into_iter().collect();
        let settled = inventory.is_whole() || before.as_ref().is_some_and(|before| before.shows_the_same(&inventory));
        if failure.is_none() && !settled && attempts < READINGS {
            before = Some(inventory);
            continue;
        }
        let shifting = || Error::Shifting { request: "GET projects/…/devices".into(), attempts };
        let flaw = failure.or_else(|| (!settled).then(shifting));
        if flaw.is_none() {
            cache.put_inventory(&inventory, asked_at);
        } else {
            cache.put_devices(&inventory, asked_at);
        }
        return Ok(Reading { inventory, asked_at, pages: count, flaw });
    }
}
