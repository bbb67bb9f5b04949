//! What the API told not long ago: devices by id and hostname, hostnames that nobody has, facilities and metros.
//!
//! Every entry remembers when the API was asked, so that each question can say how old its answer may be. The numbers
//! of entries are bounded; moka keeps those that are used.

use std::sync::Arc;
use std::time::Duration;

use moka::{future, sync};
use tokio::time::Instant;

use crate::config::CacheTimes;
use crate::packet::{Device, DeviceId, Error, Facility, Hostname, Inventory, Metro, PlaceRef, Question};

/// More devices than the largest project seen; some 400 bytes each.
const MOST_DEVICES: u64 = 200_000;
/// Hostnames and ids that nobody has: Nodes that are not the project's, and mistakes.
const MOST_ABSENT: u64 = 10_000;

/// An answer, and when the API was asked for it.
#[derive(Debug, Clone)]
struct Told<T> {
    asked_at: Instant,
    what: T,
}

/// The caches of the `PacketApi` actor.
pub(super) struct Cache {
    devices: sync::Cache<DeviceId, Told<Arc<Device>>>,
    hostnames: sync::Cache<Hostname, Told<DeviceId>>,
    absent: sync::Cache<Question, Told<()>>,
    not_found: Duration,
    pub(super) facilities: Places<Facility>,
    pub(super) metros: Places<Metro>,
}

/// What the cache holds about a question.
pub(super) enum Cached {
    Found(Arc<Device>),
    Absent,
}

impl Cache {
    pub(super) fn new(times: CacheTimes) -> Self {
        let devices = || sync::Cache::builder().max_capacity(MOST_DEVICES).time_to_live(times.device);
        Self {
            devices: devices().build(),
            hostnames: sync::Cache::builder().max_capacity(MOST_DEVICES).time_to_live(times.device).build(),
            absent: sync::Cache::builder().max_capacity(MOST_ABSENT).time_to_live(times.not_found).build(),
            not_found: times.not_found,
            facilities: Places::new(times.facility),
            metros: Places::new(times.facility),
        }
    }

    /// The answer to a question that was asked of the API at `not_before` or later.
    pub(super) fn get(&self, question: &Question, not_before: Option<Instant>) -> Option<Cached> {
        let fresh = |asked_at: Instant| not_before.is_none_or(|not_before| asked_at >= not_before);
        let device = |id: &DeviceId| self.devices.get(id).filter(|told| fresh(told.asked_at)).map(|told| told.what);
        let found = match question {
            Question::ById(id) => device(id),
            Question::ByHostname(hostname) => {
                let told = self.hostnames.get(hostname).filter(|told| fresh(told.asked_at));
                // It may have been renamed since, and be known under its id only.
                told.and_then(|told| device(&told.what)).filter(|device| device.hostname == *hostname)
            }
        };
        let absent = || self.absent.get(question).filter(|told| fresh(told.asked_at)).map(|_| Cached::Absent);
        found.map(Cached::Found).or_else(absent)
    }

    /// Takes in a device that was asked for by its id.
    pub(super) fn put_device(&self, device: Arc<Device>, asked_at: Instant) {
        self.absent.invalidate(&Question::ById(device.id.clone()));
        self.devices.insert(device.id.clone(), Told { asked_at, what: device });
    }

    /// Takes in the devices of a list that may lack some, and so tells nothing about hostnames.
    pub(super) fn put_devices(&self, inventory: &Inventory, asked_at: Instant) {
        for device in inventory.devices() {
            self.put_device(Arc::clone(device), asked_at);
        }
    }

    /// Takes in a list of devices: of all, or of all that have a hostname. A hostname that several have is forgotten.
    pub(super) fn put_inventory(&self, inventory: &Inventory, asked_at: Instant) {
        self.put_devices(inventory, asked_at);
        for (hostname, ids) in inventory.hostnames() {
            self.absent.invalidate(&Question::ByHostname(hostname.clone()));
            match ids {
                [id] => self.hostnames.insert(hostname.clone(), Told { asked_at, what: id.clone() }),
                _ => self.hostnames.invalidate(hostname),
            }
        }
    }

    /// Takes in that there is no such device.
    pub(super) fn put_absent(&self, question: &Question, asked_at: Instant) {
        match question {
            Question::ById(id) => self.devices.invalidate(id),
            Question::ByHostname(hostname) => self.hostnames.invalidate(hostname),
        }
        self.absent.insert(question.clone(), Told { asked_at, what: () });
    }

    /// How long it is believed that something does not exist.
    pub(super) fn not_found_time(&self) -> Duration {
        self.not_found
    }
}

/// A list of places, read whole when the first of them is asked for.
pub(super) struct Places<P> {
    list: future::Cache<(), Told<Arc<[Arc<P>]>>>,
}

/// What a place is called, by which it is found in its list.
pub(super) trait Place: Send + Sync + 'static {
    fn is(&self, reference: &PlaceRef) -> bool;
}

impl Place for Facility {
    fn is(&self, reference: &PlaceRef) -> bool {
        match reference {
            PlaceRef::Code(code) => self.code == *code,
            PlaceRef::Id(id) => self.id == *id,
        }
    }
}

impl Place for Metro {
    fn is(&self, reference: &PlaceRef) -> bool {
        match reference {
            PlaceRef::Code(code) => self.code == *code,
            PlaceRef::Id(id) => self.id == *id,
        }
    }
}

impl<P: Place> Places<P> {
    fn new(time_to_live: Duration) -> Self {
        Self { list: future::Cache::builder().max_capacity(1).time_to_live(time_to_live).build() }
    }

    /// Finds a place, reading the list through `read` where there is none. Questions that come while the list is being
    /// read wait for it. A place that a list older than `not_found` does not have may be new: the list is read again.
    pub(super) async fn find<F>(
        &self,
        reference: &PlaceRef,
        not_found: Duration,
        read: impl Fn() -> F,
    ) -> Result<Option<Arc<P>>, Error>
    where
        F: Future<Output = Result<Vec<P>, Error>>,
    {
        let list = || async {
            let asked_at = Instant::now();
            let what = read().await?.into_iter().map(Arc::new).collect();
            Ok::<_, Error>(Told { asked_at, what })
        };
        let find = |told: &Told<Arc<[Arc<P>]>>| told.what.iter().find(|place| place.is(reference)).cloned();
        let told = self.list.try_get_with((), list()).await.map_err(|error| (*error).clone())?;
        if let Some(place) = find(&told) {
            return Ok(Some(place));
        }
        if told.asked_at.elapsed() < not_found {
            return Ok(None);
        }
        self.list.invalidate(&()).await;
        let told = self.list.try_get_with((), list()).await.map_err(|error| (*error).clone())?;
        Ok(find(&told))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::packet::DevicePage;
    use std::cell::Cell;

    const TIMES: CacheTimes = CacheTimes {
        device: Duration::from_mins(1),
        facility: Duration::from_hours(1),
        not_found: Duration::from_secs(15),
    };

    fn inventory(devices: Vec<Device>) -> Inventory {
        [DevicePage { devices, ..DevicePage::default() }].into_iter().collect()
    }

    fn found(cached: Option<Cached>) -> Option<String> {
        match cached? {
            Cached::Found(device) => Some(device.id.to_string()),
            Cached::Absent => Some("none".to_owned()),
        }
    }

    #[test]
    fn an_answer_older_than_asked_for_is_none() {
        let cache = Cache::new(TIMES);
        let asked_at = Instant::now();
        cache.put_inventory(&inventory(vec![Device::named("d", "a")]), asked_at);
        cache.put_absent(&Question::ByHostname(Hostname::new("b")), asked_at);
        let later = asked_at + Duration::from_millis(1);
        for (question, answer) in [
            (Question::ById(DeviceId::parse("d").unwrap()), "d"),
            (Question::ByHostname(Hostname::new("a")), "d"),
            (Question::ByHostname(Hostname::new("b")), "none"),
        ] {
            assert_eq!(found(cache.get(&question, None)).as_deref(), Some(answer));
            assert_eq!(found(cache.get(&question, Some(asked_at))).as_deref(), Some(answer));
            assert_eq!(found(cache.get(&question, Some(later))), None);
        }
    }

    #[test]
    fn a_renamed_device_does_not_answer_to_its_old_name() {
        let cache = Cache::new(TIMES);
        cache.put_inventory(&inventory(vec![Device::named("d", "old")]), Instant::now());
        cache.put_device(Arc::new(Device::named("d", "new")), Instant::now());
        assert_eq!(found(cache.get(&Question::ByHostname(Hostname::new("old")), None)), None);
    }

    #[test]
    fn a_device_that_is_gone_is_forgotten_and_one_that_is_back_is_found() {
        let cache = Cache::new(TIMES);
        let question = Question::ById(DeviceId::parse("d").unwrap());
        cache.put_device(Arc::new(Device::named("d", "a")), Instant::now());
        cache.put_absent(&question, Instant::now());
        assert_eq!(found(cache.get(&question, None)).as_deref(), Some("none"));
        cache.put_device(Arc::new(Device::named("d", "a")), Instant::now());
        assert_eq!(found(cache.get(&question, None)).as_deref(), Some("d"));
    }

    #[test]
    fn a_hostname_that_a_second_device_takes_is_forgotten() {
        let cache = Cache::new(TIMES);
        let question = Question::ByHostname(Hostname::new("a"));
        cache.put_inventory(&inventory(vec![Device::named("d1", "a")]), Instant::now());
        cache.put_inventory(&inventory(vec![Device::named("d1", "a"), Device::named("d2", "a")]), Instant::now());
        assert_eq!(found(cache.get(&question, None)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_list_of_places_is_read_once_and_again_for_a_place_it_did_not_have() {
        let places = Places::new(TIMES.facility);
        let reads = Cell::new(0);
        let read = || {
            reads.set(reads.get() + 1);
            let code = if reads.get() == 1 { "ny" } else { "sv" };
            std::future::ready(Ok(vec![Metro { id: "m".into(), code: code.into() }]))
        };
        let (ny, sv) = (PlaceRef::Code("ny".into()), PlaceRef::Code("sv".into()));
        assert!(places.find(&ny, TIMES.not_found, read).await.unwrap().is_some());
        assert!(places.find(&sv, TIMES.not_found, read).await.unwrap().is_none());
        assert_eq!(reads.get(), 1);
        tokio::time::advance(TIMES.not_found).await;
        assert!(places.find(&sv, TIMES.not_found, read).await.unwrap().is_some());
        assert_eq!(reads.get(), 2);
    }
}
