//! What the API told not long ago: devices by id and hostname, hostnames that nobody has, facilities and metros.
//!
//! Every entry remembers when the API was asked, so that each question can say how old its answer may be, and the newest
//! that is known decides. A list of all devices that was read whole is kept as one, which takes a tenth of the memory that
//! an entry for each of its devices would. The numbers of devices are bounded; moka keeps those that are used.

use std::sync::Arc;
use std::time::Duration;

use moka::{future, sync};
use prometheus_client::metrics::counter::Counter;
use tokio::time::Instant;

use crate::config::CacheSettings;
use crate::packet::{
    Answer, Device, DeviceId, Error, Facility, Hostname, Inventory, LookupError, Metro, PlaceRef, Question,
};

/// An answer, and when the API was asked for it.
#[derive(Debug, Clone)]
struct Told<T> {
    asked_at: Instant,
    what: T,
}

/// The caches of the `PacketApi` actor.
pub(super) struct Cache {
    /// Devices that were asked for by themselves, or shown by a list that may lack some.
    devices: sync::Cache<DeviceId, Told<Arc<Device>>>,
    /// Hostnames that were asked for by themselves; `None` where several devices have it.
    hostnames: sync::Cache<Hostname, Told<Option<DeviceId>>>,
    /// The last list of all devices that was read whole.
    list: sync::Cache<(), Told<Arc<Inventory>>>,
    /// What the API did not have. Kept for as long as anything older that says otherwise may be.
    absent: sync::Cache<Question, Told<()>>,
    /// For how long what was told of a device is an answer, from when the API was asked. moka forgets it later: it counts from
    /// when it came, and a long list is some time on its way.
    device: Duration,
    /// For how long an absence is an answer.
    not_found: Duration,
    pub(super) facilities: Places<Facility>,
    pub(super) metros: Places<Metro>,
    lookups: Lookups,
}

/// How often questions about devices were answered from what is kept, and how often not.
#[derive(Debug, Clone, Default)]
pub(super) struct Lookups {
    pub(super) hits: Counter,
    pub(super) misses: Counter,
}

/// What the cache holds about a question.
pub(super) enum Cached {
    Found(Arc<Device>),
    Absent,
}

impl Cached {
    /// What is answered to `question`.
    pub(super) fn answer(self, question: Question) -> Answer {
        match (self, question) {
            (Self::Found(device), _) => Ok(device),
            (Self::Absent, Question::ById(id)) => Err(LookupError::NoSuchId(id)),
            (Self::Absent, Question::ByHostname(hostname)) => Err(LookupError::NoSuchHostname(hostname)),
        }
    }
}

impl Cache {
    pub(super) fn new(settings: CacheSettings, lookups: Lookups) -> Self {
        let most = settings.max_devices.get();
        let devices =
            |(): &(), told: &Told<Arc<Inventory>>| u32::try_from(told.what.devices().len()).unwrap_or(u32::MAX);
        let absent = settings.not_found.max(settings.device);
        Self {
            devices: sync::Cache::builder().max_capacity(most).time_to_live(settings.device).build(),
            hostnames: sync::Cache::builder().max_capacity(most).time_to_live(settings.device).build(),
            list: sync::Cache::builder().max_capacity(most).weigher(devices).time_to_live(settings.device).build(),
            absent: sync::Cache::builder().max_capacity(most).time_to_live(absent).build(),
            device: settings.device,
            not_found: settings.not_found,
            facilities: Places::new(settings.facility, settings.not_found),
            metros: Places::new(settings.metro, settings.not_found),
            lookups,
        }
    }

    /// A cache of other settings that has the list of all devices already, as far as that is still believed. The rest is asked
    /// for again when it is needed.
    pub(super) fn with(&self, settings: CacheSettings) -> Self {
        let cache = Self::new(settings, self.lookups.clone());
        if let Some(list) = self.list.get(&()) {
            cache.list.insert((), list);
        }
        cache
    }

    /// How much is kept, by kind.
    pub(super) fn kept(&self) -> Vec<(&'static str, u64)> {
        let listed = self.list.get(&()).map_or(0, |list| list.what.devices().len() as u64);
        vec![
            ("device", self.devices.entry_count()),
            ("listed_device", listed),
            ("hostname", self.hostnames.entry_count()),
            ("absent", self.absent.entry_count()),
        ]
    }

    /// The answer to a question that was asked of the API at `not_before` or later.
    pub(super) fn get(&self, question: &Question, not_before: Option<Instant>) -> Option<Cached> {
        let found = self.look_up(question, not_before);
        let counter = if found.is_some() { &self.lookups.hits } else { &self.lookups.misses };
        counter.inc();
        found
    }

    fn look_up(&self, question: &Question, not_before: Option<Instant>) -> Option<Cached> {
        let list = self.list.get(&());
        let found = match question {
            Question::ById(id) => self.by_id(id, list.as_ref()),
            Question::ByHostname(hostname) => self.by_hostname(hostname, list.as_ref()),
        };
        let absent = self.absent.get(question);
        let fresh = |asked_at: Instant| not_before.is_none_or(|not_before| asked_at >= not_before);
        match (found, absent) {
            (Some(found), Some(absent)) if found.asked_at >= absent.asked_at => Some(found),
            (found, None) => found,
            (_, Some(absent)) if absent.asked_at.elapsed() < self.not_found && fresh(absent.asked_at) => {
                return Some(Cached::Absent);
            }
            (_, Some(_)) => None,
        }
        .filter(|found| found.asked_at.elapsed() < self.device && fresh(found.asked_at))
        .map(|found| Cached::Found(found.what))
    }

    /// The newest that is known of a device.
    fn by_id(&self, id: &DeviceId, list: Option<&Told<Arc<Inventory>>>) -> Option<Told<Arc<Device>>> {
        let listed = list.and_then(|list| Some(Told { asked_at: list.asked_at, what: list.what.device(id)?.clone() }));
        newest([self.devices.get(id), listed])
    }

    /// The newest that is known of the one device of a hostname; nothing where there are several.
    fn by_hostname(&self, hostname: &Hostname, list: Option<&Told<Arc<Inventory>>>) -> Option<Told<Arc<Device>>> {
        let alone = self.hostnames.get(hostname);
        let listed = list.map(|list| {
            let id = if let [id] = list.what.ids(hostname) { Some(id.clone()) } else { None };
            Told { asked_at: list.asked_at, what: id }
        });
        let named = newest([alone, listed])?;
        let device = self.by_id(&named.what?, list)?;
        // It may have been renamed since. The hostname is as old as the list that showed it, whatever is known of the device.
        let asked_at = named.asked_at.min(device.asked_at);
        (device.what.hostname == *hostname).then_some(Told { asked_at, what: device.what })
    }

    /// Takes in a device. It tells nothing about hostnames: another may have the same.
    pub(super) fn put_device(&self, device: &Arc<Device>, asked_at: Instant) {
        keep_newest(&self.devices, device.id.clone(), Told { asked_at, what: Arc::clone(device) });
    }

    /// Takes in the list of all devices.
    pub(super) fn put_list(&self, inventory: Inventory, asked_at: Instant) {
        self.list.insert((), Told { asked_at, what: Arc::new(inventory) });
    }

    /// Takes in the list of all devices whose hostname contains what was asked for.
    pub(super) fn put_named(&self, inventory: &Inventory, asked_at: Instant) {
        self.put_shown(inventory, asked_at);
        for (hostname, ids) in inventory.hostnames() {
            let what = if let [id] = ids { Some(id.clone()) } else { None };
            keep_newest(&self.hostnames, hostname.clone(), Told { asked_at, what });
        }
    }

    /// Takes in the devices of a list that may lack some, and so tells nothing about hostnames.
    pub(super) fn put_shown(&self, inventory: &Inventory, asked_at: Instant) {
        for device in inventory.devices() {
            self.put_device(device, asked_at);
        }
    }

    /// Takes in that there is no such device.
    pub(super) fn put_absent(&self, question: &Question, asked_at: Instant) {
        keep_newest(&self.absent, question.clone(), Told { asked_at, what: () });
    }
}

/// Keeps an answer unless one is kept that was asked for later: of two requests side by side, the older may end last.
fn keep_newest<K, V>(cache: &sync::Cache<K, Told<V>>, key: K, told: Told<V>)
where
    K: Eq + std::hash::Hash + Send + Sync + 'static,
    V: Clone + Send + Sync + 'static,
{
    cache.entry(key).and_upsert_with(|kept| match kept.map(moka::Entry::into_value) {
        Some(kept) if kept.asked_at > told.asked_at => kept,
        _ => told,
    });
}

fn newest<T>(told: [Option<Told<T>>; 2]) -> Option<Told<T>> {
    told.into_iter().flatten().max_by_key(|told| told.asked_at)
}

/// A list of places, read whole when the first of them is asked for.
pub(super) struct Places<P> {
    list: future::Cache<(), Told<Arc<[Arc<P>]>>>,
    /// How long it is believed that a place does not exist.
    not_found: Duration,
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
    fn new(time_to_live: Duration, not_found: Duration) -> Self {
        Self { list: future::Cache::builder().max_capacity(1).time_to_live(time_to_live).build(), not_found }
    }

    /// Finds a place, reading the list through `read` where there is none. Questions that come while the list is being
    /// read wait for it. A place that a list does not have may be new: the list is read again, if it is not of just now.
    pub(super) async fn find<F>(&self, reference: &PlaceRef, read: impl Fn() -> F) -> Result<Option<Arc<P>>, Error>
    where
        F: Future<Output = Result<Arc<[Arc<P>]>, Error>>,
    {
        let list = || async {
            let asked_at = Instant::now();
            Ok::<_, Error>(Told { asked_at, what: read().await? })
        };
        let find = |told: &Told<Arc<[Arc<P>]>>| told.what.iter().find(|place| place.is(reference)).cloned();
        let told = self.list.try_get_with((), list()).await.map_err(|error| (*error).clone())?;
        if let Some(place) = find(&told) {
            return Ok(Some(place));
        }
        if told.asked_at.elapsed() < self.not_found {
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
    use std::num::NonZeroU64;

    const SETTINGS: CacheSettings = CacheSettings {
        device: Duration::from_mins(1),
        facility: Duration::from_hours(1),
        metro: Duration::from_hours(1),
        not_found: Duration::from_secs(15),
        max_devices: NonZeroU64::new(100).unwrap(),
    };

    fn inventory(devices: Vec<Device>) -> Inventory {
        let devices = devices.into_iter().map(Arc::new).collect();
        [DevicePage { devices, ..DevicePage::default() }].into_iter().collect()
    }

    /// Takes in a list of all devices.
    fn put(cache: &Cache, devices: Vec<Device>, asked_at: Instant) {
        cache.put_list(inventory(devices), asked_at);
    }

    fn found(cached: Option<Cached>) -> Option<String> {
        match cached? {
            Cached::Found(device) => Some(device.id.to_string()),
            Cached::Absent => Some("none".to_owned()),
        }
    }

    #[test]
    fn an_answer_older_than_asked_for_is_none() {
        let cache = Cache::new(SETTINGS, Lookups::default());
        let asked_at = Instant::now();
        put(&cache, vec![Device::named("d", "a")], asked_at);
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
    fn settings_that_change_keep_the_list() {
        let cache = Cache::new(SETTINGS, Lookups::default());
        put(&cache, vec![Device::named("d", "a")], Instant::now());
        let cache = cache.with(CacheSettings { device: Duration::from_hours(2), ..SETTINGS });
        assert_eq!(found(cache.get(&Question::ByHostname(Hostname::new("a")), None)).as_deref(), Some("d"));
        assert_eq!(cache.lookups.hits.get(), 1);
    }

    #[test]
    fn a_renamed_device_does_not_answer_to_its_old_name() {
        let cache = Cache::new(SETTINGS, Lookups::default());
        put(&cache, vec![Device::named("d", "old")], Instant::now());
        cache.put_device(&Arc::new(Device::named("d", "new")), Instant::now());
        assert_eq!(found(cache.get(&Question::ByHostname(Hostname::new("old")), None)), None);
    }

    #[test]
    fn a_device_that_is_gone_is_forgotten_and_one_that_is_back_is_found() {
        let cache = Cache::new(SETTINGS, Lookups::default());
        let question = Question::ById(DeviceId::parse("d").unwrap());
        cache.put_device(&Arc::new(Device::named("d", "a")), Instant::now());
        cache.put_absent(&question, Instant::now());
        assert_eq!(found(cache.get(&question, None)).as_deref(), Some("none"));
        cache.put_device(&Arc::new(Device::named("d", "a")), Instant::now());
        assert_eq!(found(cache.get(&question, None)).as_deref(), Some("d"));
    }

    #[test]
    fn a_hostname_that_a_second_device_takes_is_forgotten() {
        let cache = Cache::new(SETTINGS, Lookups::default());
        let question = Question::ByHostname(Hostname::new("a"));
        put(&cache, vec![Device::named("d1", "a")], Instant::now());
        put(&cache, vec![Device::named("d1", "a"), Device::named("d2", "a")], Instant::now());
        assert_eq!(found(cache.get(&question, None)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_gone_is_not_told_of_again_when_its_absence_is_no_answer_any_more() {
        let cache = Cache::new(SETTINGS, Lookups::default());
        let question = Question::ById(DeviceId::parse("d").unwrap());
        put(&cache, vec![Device::named("d", "a")], Instant::now());
        tokio::time::advance(Duration::from_secs(1)).await;
        cache.put_absent(&question, Instant::now());
        tokio::time::advance(SETTINGS.not_found).await;
        assert_eq!(found(cache.get(&question, None)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_to_live_counts_from_when_the_api_was_asked() {
        let cache = Cache::new(SETTINGS, Lookups::default());
        let asked_at = Instant::now();
        tokio::time::advance(SETTINGS.device.mul_f64(0.9)).await;
        put(&cache, vec![Device::named("d", "a")], asked_at);
        let question = Question::ByHostname(Hostname::new("a"));
        assert_eq!(found(cache.get(&question, None)).as_deref(), Some("d"));
        tokio::time::advance(SETTINGS.device.mul_f64(0.1)).await;
        assert_eq!(found(cache.get(&question, None)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn of_two_answers_the_one_that_was_asked_for_later_is_kept_whichever_comes_last() {
        let cache = Cache::new(SETTINGS, Lookups::default());
        let before = Instant::now();
        tokio::time::advance(Duration::from_secs(1)).await;
        let both = || vec![Device::named("d1", "a"), Device::named("d2", "a")];
        cache.put_named(&inventory(both()), Instant::now());
        cache.put_named(&inventory(vec![Device::named("d1", "a")]), before);
        assert_eq!(found(cache.get(&Question::ByHostname(Hostname::new("a")), None)), None);
        let id = DeviceId::parse("d1").unwrap();
        cache.put_device(&Arc::new(Device::named("d1", "old")), before);
        assert_eq!(cache.by_id(&id, None).unwrap().what.hostname, Hostname::new("a"));
    }

    #[tokio::test(start_paused = true)]
    async fn the_newest_decides_whether_it_came_alone_or_in_a_list() {
        let cache = Cache::new(SETTINGS, Lookups::default());
        let question = Question::ByHostname(Hostname::new("a"));
        cache.put_named(&inventory(vec![Device::named("d1", "a")]), Instant::now());
        tokio::time::advance(Duration::from_secs(1)).await;
        put(&cache, vec![Device::named("d2", "a")], Instant::now());
        assert_eq!(found(cache.get(&question, None)).as_deref(), Some("d2"));
        tokio::time::advance(Duration::from_secs(1)).await;
        cache.put_named(&inventory(vec![Device::named("d3", "a")]), Instant::now());
        assert_eq!(found(cache.get(&question, None)).as_deref(), Some("d3"));
        tokio::time::advance(Duration::from_secs(1)).await;
        put(&cache, vec![Device::named("d3", "b")], Instant::now());
        assert_eq!(found(cache.get(&question, None)), None, "nobody has the hostname any more");
    }

    #[test]
    fn a_list_of_more_devices_than_are_to_be_kept_is_not_kept() {
        let cache = Cache::new(CacheSettings { max_devices: NonZeroU64::MIN, ..SETTINGS }, Lookups::default());
        put(&cache, vec![Device::named("d1", "a"), Device::named("d2", "b")], Instant::now());
        cache.list.run_pending_tasks();
        assert_eq!(found(cache.get(&Question::ByHostname(Hostname::new("a")), None)), None);
    }

    #[tokio::test(start_paused = true)]
    async fn the_list_of_places_is_read_once_and_again_for_a_place_it_did_not_have() {
        let places = Places::new(SETTINGS.facility, SETTINGS.not_found);
        let reads = Cell::new(0);
        let read = || {
            reads.set(reads.get() + 1);
            let code = if reads.get() == 1 { "ny" } else { "sv" };
            std::future::ready(Ok(Arc::from([Arc::new(Metro { id: "m".into(), code: code.into() })])))
        };
        let (ny, sv) = (PlaceRef::Code("ny".into()), PlaceRef::Code("sv".into()));
        assert!(places.find(&ny, read).await.unwrap().is_some());
        assert!(places.find(&sv, read).await.unwrap().is_none());
        assert_eq!(reads.get(), 1);
        tokio::time::advance(SETTINGS.not_found).await;
        assert!(places.find(&sv, read).await.unwrap().is_some());
        assert_eq!(reads.get(), 2);
    }
}
