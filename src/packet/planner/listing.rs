//! Reading a list of devices: which page to ask for next, and what to make of those that came.
//!
//! Pages go out side by side as far as the API tells how many there are. A page that times out is asked again in
//! parts, for it is the large answers that an API in trouble does not get done; so is one that fails over and over, for one
//! entry on it may be what the API cannot show. Devices move from page to page when others
//! come and go meanwhile: one that is seen twice is one device, and a list whose entries are not as many as it says
//! itself is read again.

use std::time::Duration;

use tokio::time::Instant;

use super::sizes;
use crate::packet::error::Error;
use crate::packet::identity::Hostname;
use crate::packet::inventory::Inventory;
use crate::packet::page::{DevicePage, Following};
use crate::packet::request::PageRequest;

/// Pages asked for side by side, whatever the budget allows: it bounds the memory of those on their way, and what a
/// promise of pages that are not there can cost.
const SIDE_BY_SIDE: u32 = 32;
/// More pages than any true list has (OpenAPI: `page` is 100,000 at most).
const MOST_PAGES: u32 = 100_000;
/// How often a list that shifts is read before whoever waits is told so.
const READINGS: u32 = 3;
/// How often the first page, or one that the API cannot be reached for, is sent before the list is given up.
const ATTEMPTS: u32 = 4;

/// A page, or a part of one, that is to be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) number: u32,
    pub(super) size: u32,
    /// How often it has failed.
    failures: u32,
    /// Not to be asked for before then.
    rests_until: Option<Instant>,
}

impl Part {
    fn new(number: u32, size: u32) -> Self {
        Self { number, size, failures: 0, rests_until: None }
    }
}

/// A list that is being read.
#[derive(Debug)]
pub(super) struct Listing {
    hostname: Option<Hostname>,
    /// When its first page was asked for: what the list says of hostnames is true of no later moment.
    started: Instant,
    /// The size that is asked for.
    size: u32,
    /// The size from which it grew to this one.
    grown_from: Option<u32>,
    /// A size that smaller ones grew to, and that then did not come in time.
    too_large: Option<u32>,
    /// How many entries the API puts on such a page, once that is known.
    granted: u32,
    /// The next page to ask for.
    next: u32,
    /// The last page, as far as is known.
    last: u32,
    /// Whether the list has been seen to end, whatever is promised.
    ended: bool,
    /// Parts to be asked for once more.
    again: Vec<Part>,
    /// The first page, where it fails and the second is asked for to learn how many entries it would have.
    spoiled_first: Option<Part>,
    in_flight: u32,
    /// Pages of `size` that came.
    pages: u32,
    /// Entries on them.
    entries: usize,
    /// How many entries there are, where the first page told.
    total: Option<u64>,
    inventory: Inventory,
    readings: u32,
    before: Option<Inventory>,
    /// Why a part of the list could not be had.
    lacks: Option<Error>,
}

/// What was read of a list.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) inventory: Inventory,
    /// When the API was asked for its first page.
    pub(super) started: Instant,
    /// Pages that it has.
    pub(super) pages: u32,
    /// The size that was asked for.
    pub(super) size: u32,
    /// A size that turned out to be too large.
    pub(super) too_large: Option<u32>,
    /// Why it proves nothing about devices that it does not show, and about hostnames that it shows once.
    pub(super) flaw: Option<Error>,
}

/// Where a list stands after an answer.
#[derive(Debug)]
pub(super) enum Progress {
    /// More pages are to come.
    UnderWay,
    /// All of it is read.
    Read(Reading),
    /// It cannot be read.
    Failed(Error),
}

impl Listing {
    /// The list of all devices, or of those whose hostname contains `hostname`, to be read from now on.
    pub(super) fn new(hostname: Option<Hostname>, size: u32, now: Instant) -> Self {
        Self {
            hostname,
            started: now,
            size,
            grown_from: None,
            too_large: None,
            granted: size,
            next: 1,
            last: 1,
            ended: false,
            again: Vec::new(),
            spoiled_first: None,
            in_flight: 0,
            pages: 0,
            entries: 0,
            total: None,
            inventory: Inventory::default(),
            readings: 1,
            before: None,
            lacks: None,
        }
    }

    /// The same with pages smaller than `too_large`, which is known not to come in time.
    pub(super) fn below(self, too_large: Option<u32>) -> Self {
        let size = too_large.map_or(self.size, |too_large| self.size.min(sizes::smaller(too_large)));
        Self { too_large, ..Self::new(self.hostname, size, self.started) }
    }

    pub(super) fn started(&self) -> Instant {
        self.started
    }

    /// How many requests it is sure to cost still.
    pub(super) fn remaining(&self) -> usize {
        self.again.len() + (self.last + 1).saturating_sub(self.next) as usize
    }

    /// Whether its first page has come, which tells how many there are, and nothing more is on its way.
    pub(super) fn has_only_begun(&self) -> bool {
        self.pages == 1 && self.in_flight == 0 && self.again.is_empty() && self.readings == 1
    }

    /// Whether there is a part that can be asked for now.
    pub(super) fn is_ready(&self, now: Instant) -> bool {
        self.in_flight < SIDE_BY_SIDE && (self.next <= self.last || self.rested(now).is_some())
    }

    /// When the first of the parts that rest can be asked for again.
    pub(super) fn rests_until(&self) -> Option<Instant> {
        self.again.iter().filter_map(|part| part.rests_until).min()
    }

    /// Which of the parts to be asked for again is next.
    fn rested(&self, now: Instant) -> Option<usize> {
        self.again.iter().rposition(|part| part.rests_until.is_none_or(|until| until <= now))
    }

    /// Asks for the next part.
    pub(super) fn take(&mut self, now: Instant) -> Option<(Part, PageRequest)> {
        if !self.is_ready(now) {
            return None;
        }
        let part = if let Some(again) = self.rested(now) {
            self.again.remove(again)
        } else {
            self.next += 1;
            Part::new(self.next - 1, self.size)
        };
        if self.pages == 0 && part.number == 1 {
            self.started = now;
        }
        self.in_flight += 1;
        let request = PageRequest { hostname: self.hostname.clone(), number: part.number, size: part.size };
        Some((part, request))
    }

    /// A part has come.
    pub(super) fn came(&mut self, part: Part, page: DevicePage) -> Progress {
        self.in_flight -= 1;
        let entries = page.entries();
        if part.size == self.size {
            let following = page.meta.following(part.number, entries, self.entries + entries);
            if self.pages == 0 {
                self.total = page.meta.total();
                let granted = granted(part.number, entries, following, self.total);
                self.granted = u32::try_from(granted).unwrap_or(u32::MAX).clamp(1, self.size);
            }
            self.pages += 1;
            self.entries += entries;
            self.follow(part.number, following, entries);
            if let Some(spoiled) = self.spoiled_first.take() {
                self.split(spoiled);
            }
        }
        self.inventory.add(page);
        self.proceed()
    }

    /// A part has not come. Where the very same is asked for again, it rests until `rest_end`.
    pub(super) fn failed(&mut self, part: Part, error: Error, rest_end: impl FnOnce(u32) -> Instant) -> Progress {
        self.in_flight -= 1;
        let failures = part.failures + 1;
        let has_begun = self.pages > 0;
        let is_too_much = matches!(error, Error::Timeout { .. } | Error::TooLarge { .. });
        // An answer that breaks off twice, or an error twice, may be the fault of one entry.
        let is_spoiled = matches!(error, Error::Server { .. } | Error::CutOff { .. }) && failures > 1;
        if is_too_much
            && !has_begun
            && let Some(size) = self.grown_from
        {
            self.too_large = Some(part.size);
            self.begin_anew(size, 0);
        } else if is_too_much && !has_begun && failures < ATTEMPTS {
            self.begin_anew(sizes::smaller(part.size), failures);
        } else if is_spoiled && part.number == 1 && !has_begun {
            self.spoiled_first = Some(part);
            (self.next, self.last) = (2, 2);
        } else if has_begun && (is_too_much || is_spoiled) {
            if part.size > 1 {
                self.split(part);
            } else if self.total.is_none_or(|total| u64::from(part.number) <= total) {
                self.inventory.add_unread();
                self.lacks = Some(error);
            }
        } else if error.is_passing() && failures < ATTEMPTS {
            self.again.push(Part { failures, rests_until: Some(rest_end(failures)), ..part });
        } else if error.is_passing() && has_begun {
            self.lacks = Some(error);
        } else {
            return Progress::Failed(error);
        }
        self.proceed()
    }

    /// The page size with which the rest is better read, where that is worth beginning anew; the first page has taken `took`.
    pub(super) fn better_size(&self, took: Duration, requests_per_second: f64) -> Option<u32> {
        let total = self.total.filter(|_| self.has_only_begun() && self.granted == self.size)?;
        sizes::better(self.size, self.too_large, total, took, requests_per_second)
    }

    /// Reads the list from its first page on with pages of this size.
    pub(super) fn resize(&mut self, size: u32) {
        let grown_from = Some(self.size);
        self.begin_anew(size, 0);
        self.grown_from = grown_from;
    }

    fn begin_anew(&mut self, size: u32, failures: u32) {
        *self = Self {
            readings: self.readings,
            before: self.before.take(),
            too_large: self.too_large,
            ..Self::new(self.hostname.take(), size, self.started)
        };
        if failures > 0 {
            self.next = 2;
            self.again.push(Part { failures, ..Part::new(1, size) });
        }
    }

    /// Asks for a page in parts.
    fn split(&mut self, part: Part) {
        let entries = if part.size == self.size { self.granted } else { part.size };
        let size = sizes::part_of(entries);
        let first = (part.number - 1) * (entries / size) + 1;
        let parts = (first..first + entries / size).rev();
        self.again.extend(parts.map(|number| Part::new(number, size)));
    }

    /// Takes in what a page says of those that follow.
    fn follow(&mut self, number: u32, following: Following, entries: usize) {
        if entries == 0 && number > 1 {
            // However many pages are promised, an empty one ends the list.
            self.ended = true;
            self.last = self.last.min(number - 1);
        }
        if self.ended {
            return;
        }
        match following {
            // One more than there can be, so that the promise is found out.
            Following::UpTo(last) => self.last = self.last.max(last.min(MOST_PAGES + 1)),
            Following::More if number == self.last => self.last += 1,
            Following::More | Following::Nothing => {}
        }
    }

    fn proceed(&mut self) -> Progress {
        if self.next > MOST_PAGES {
            return Progress::Failed(Error::Endless { request: "GET projects/…/devices".into(), pages: MOST_PAGES });
        }
        if self.in_flight > 0 || self.remaining() > 0 {
            return Progress::UnderWay;
        }
        let inventory = std::mem::take(&mut self.inventory);
        // If the list is the same a second time, that is how the API counts.
        let same = |before: &Inventory| before.shows_the_same(&inventory);
        let settled = inventory.is_whole() || self.before.as_ref().is_some_and(same);
        if self.lacks.is_none() && !settled && self.readings < READINGS {
            self.readings += 1;
            self.before = Some(inventory);
            self.begin_anew(self.size, 0);
            return Progress::UnderWay;
        }
        let shifting = || Error::Shifting { request: "GET projects/…/devices".into(), attempts: self.readings };
        let flaw = self.lacks.take().or_else(|| (!settled).then(shifting));
        Progress::Read(Reading {
            inventory,
            started: self.started,
            pages: self.pages,
            size: self.size,
            too_large: self.too_large,
            flaw,
        })
    }
}

/// How many entries the API puts on a page of the size asked for, told by the first page that came: it has so many `entries`,
/// and the list has `total`.
fn granted(number: u32, entries: usize, following: Following, total: Option<u64>) -> usize {
    match (following, total.and_then(|total| usize::try_from(total).ok())) {
        // The last page has what the others have left over.
        (Following::Nothing, Some(total)) if number > 1 => total.saturating_sub(entries) / (number as usize - 1),
        _ => entries,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may panic")]
    use super::*;
    use crate::packet::Device;
    use std::sync::Arc;

    /// A list of so many devices, as an API serves it that puts no more than `most` on a page.
    struct List {
        total: u32,
        most: u32,
        meta: fn(&PageRequest, u32, u32) -> serde_json::Value,
    }

    impl List {
        fn page(&self, request: &PageRequest) -> DevicePage {
            let size = request.size.min(self.most);
            let entries = ((request.number - 1) * size..(request.number * size).min(self.total))
                .map(|index| Arc::new(Device::named(&format!("d{index}"), "h")));
            let meta = (self.meta)(request, self.total, self.total.div_ceil(size));
            DevicePage { devices: entries.collect(), spoiled: vec![], meta: serde_json::from_value(meta).unwrap() }
        }
    }

    fn today(request: &PageRequest, total: u32, last: u32) -> serde_json::Value {
        serde_json::json!({"total": total, "current_page": request.number, "last_page": last})
    }

    fn timeout() -> Error {
        Error::Timeout { request: "GET".into(), after: Duration::from_secs(30) }
    }

    fn server_error() -> Error {
        Error::Server { request: "GET".into(), status: 500, said: "".into(), retry_after: None }
    }

    /// Reads a list to its end, so many pages side by side; `spoil` decides which requests go wrong.
    fn read(
        listing: &mut Listing,
        list: &List,
        side_by_side: usize,
        mut spoil: impl FnMut(&PageRequest) -> Option<Error>,
    ) -> (Progress, Vec<(u32, u32)>) {
        let (mut asked, mut in_flight) = (Vec::new(), std::collections::VecDeque::new());
        loop {
            while in_flight.len() < side_by_side
                && let Some((part, request)) = listing.take(Instant::now())
            {
                asked.push((request.number, request.size));
                in_flight.push_back((part, request));
            }
            let (part, request) = in_flight.pop_front().unwrap();
            let progress = match spoil(&request) {
                Some(error) => listing.failed(part, error, |_| Instant::now()),
                None => listing.came(part, list.page(&request)),
            };
            if !matches!(progress, Progress::UnderWay) {
                return (progress, asked);
            }
        }
    }

    fn whole(progress: Progress) -> usize {
        match progress {
            Progress::Read(Reading { inventory, flaw: None, .. }) => inventory.devices().count(),
            other => panic!("{other:?}"),
        }
    }

    fn listing(size: u32) -> Listing {
        Listing::new(None, size, Instant::now())
    }

    #[test]
    fn every_page_is_asked_for_once_whatever_meta_tells() {
        let metas: [fn(&PageRequest, u32, u32) -> serde_json::Value; 3] = [
            today,
            |request, total, _| serde_json::json!({"total": total, "current_page": request.number}),
            |_, total, _| serde_json::json!({"total": total}),
        ];
        for meta in metas {
            let (progress, asked) = read(&mut listing(25), &List { total: 60, most: 1000, meta }, 8, |_| None);
            assert_eq!((whole(progress), asked), (60, vec![(1, 25), (2, 25), (3, 25)]));
        }
        let only_next: fn(&PageRequest, u32, u32) -> serde_json::Value = |request, _, last| {
            if request.number < last { serde_json::json!({"next": {"href": "…"}}) } else { serde_json::json!({}) }
        };
        let (progress, asked) = read(&mut listing(25), &List { total: 60, most: 1000, meta: only_next }, 8, |_| None);
        assert_eq!((whole(progress), asked.len()), (60, 3));
        let (progress, asked) = read(&mut listing(25), &List { total: 0, most: 1000, meta: today }, 8, |_| None);
        assert_eq!((whole(progress), asked.len()), (0, 1));
    }

    #[test]
    fn a_page_that_is_smaller_than_wished_for_is_believed() {
        let (progress, asked) = read(&mut listing(250), &List { total: 95, most: 30, meta: today }, 8, |_| None);
        assert_eq!((whole(progress), asked.len()), (95, 4));
    }

    #[test]
    fn a_page_that_times_out_is_asked_for_in_parts_and_no_device_is_lost() {
        let list = List { total: 700, most: 1000, meta: today };
        let mut times = 0;
        let spoil = |request: &PageRequest| {
            let spoilt = (request.number, request.size) == (2, 250) || (request.number, request.size) == (4, 125);
            times += u32::from(spoilt);
            spoilt.then(timeout)
        };
        let (progress, asked) = read(&mut listing(250), &list, 4, spoil);
        assert_eq!(whole(progress), 700);
        assert_eq!(times, 2);
        // Two halves of the second page, and the fifths of the second half.
        assert_eq!(asked.iter().filter(|(_, size)| *size == 125).count(), 2, "{asked:?}");
        assert_eq!(
            asked.iter().filter(|(_, size)| *size == 25).map(|(number, _)| *number).collect::<Vec<_>>(),
            [16, 17, 18, 19, 20]
        );
    }

    #[test]
    fn the_parts_of_a_page_that_the_api_made_smaller_are_those_of_the_page_it_made() {
        let list = List { total: 290, most: 100, meta: today };
        let (progress, asked) = read(&mut listing(250), &list, 4, |r| ((r.number, r.size) == (2, 250)).then(timeout));
        assert_eq!(whole(progress), 290);
        assert!(asked.ends_with(&[(5, 25), (6, 25), (7, 25), (8, 25)]), "{asked:?}");
    }

    #[test]
    fn a_first_page_that_times_out_is_asked_for_smaller_and_in_the_end_given_up() {
        let list = List { total: 60, most: 1000, meta: today };
        let (progress, asked) = read(&mut listing(250), &list, 4, |request| (request.size > 25).then(timeout));
        assert_eq!(whole(progress), 60);
        assert_eq!(asked, [(1, 250), (1, 125), (1, 25), (2, 25), (3, 25)]);
        let (progress, asked) = read(&mut listing(250), &list, 4, |_| Some(timeout()));
        assert!(matches!(progress, Progress::Failed(Error::Timeout { .. })), "{progress:?}");
        assert_eq!(asked.len(), ATTEMPTS as usize);
    }

    #[test]
    fn one_entry_that_the_api_fails_to_show_spoils_that_entry_and_not_the_list() {
        let list = List { total: 600, most: 1000, meta: today };
        let bad = 299;
        let covers =
            |request: &PageRequest| ((request.number - 1) * request.size..request.number * request.size).contains(&bad);
        let (progress, asked) = read(&mut listing(250), &list, 4, |request| covers(request).then(server_error));
        let Progress::Read(reading) = progress else { panic!("{progress:?}") };
        assert_eq!((reading.inventory.devices().count(), reading.flaw), (599, Some(server_error())));
        assert!(asked.len() < 30, "{}", asked.len());
    }

    #[test]
    fn the_pages_that_came_are_not_lost_with_one_that_cannot_be_had() {
        let unreachable = Error::Unreachable { request: "GET".into(), reason: "refused".into() };
        let list = List { total: 700, most: 1000, meta: today };
        let (progress, _) = read(&mut listing(250), &list, 4, |r| (r.number == 2).then(|| unreachable.clone()));
        let Progress::Read(reading) = progress else { panic!("{progress:?}") };
        assert_eq!((reading.inventory.devices().count(), reading.flaw), (450, Some(unreachable)));
    }

    #[test]
    fn what_is_refused_is_not_asked_for_again() {
        let refusal = Error::Unauthorized { request: "GET".into(), said: "".into() };
        let list = List { total: 700, most: 1000, meta: today };
        let (progress, asked) = read(&mut listing(250), &list, 1, |r| (r.number == 2).then(|| refusal.clone()));
        assert!(matches!(progress, Progress::Failed(Error::Unauthorized { .. })), "{progress:?}");
        assert_eq!(asked.len(), 2);
    }

    #[test]
    fn a_list_that_shifts_is_read_again_and_three_times_at_most() {
        // One device fewer than the list says, each time another one.
        let short: fn(&PageRequest, u32, u32) -> serde_json::Value =
            |_, total, last| serde_json::json!({"total": total + 1, "last_page": last});
        let list = List { total: 60, most: 1000, meta: short };
        let (progress, asked) = read(&mut listing(25), &list, 8, |_| None);
        assert_eq!((whole(progress), asked.len()), (60, 6), "the same twice is how the API counts");
        let mut reading = 0;
        let mut listing = listing(25);
        let shifting = loop {
            let (part, request) = listing.take(Instant::now()).unwrap();
            reading += u32::from(request.number == 1);
            let moved = List { total: 60 - reading, ..list };
            match listing.came(part, moved.page(&request)) {
                Progress::UnderWay => {}
                other => break other,
            }
        };
        let Progress::Read(Reading { flaw: Some(Error::Shifting { attempts: 3, .. }), .. }) = shifting else {
            panic!("{shifting:?}")
        };
    }

    #[test]
    fn a_list_that_grows_while_it_is_read_is_read_to_its_end() {
        let growing: fn(&PageRequest, u32, u32) -> serde_json::Value =
            |request, _, last| serde_json::json!({"last_page": if request.number < 2 { 2 } else { last }});
        let (progress, asked) = read(&mut listing(25), &List { total: 60, most: 1000, meta: growing }, 8, |_| None);
        assert_eq!((whole(progress), asked.len()), (60, 3));
    }

    #[test]
    fn pages_that_are_promised_and_empty_are_not_asked_for_to_the_end() {
        let promising: fn(&PageRequest, u32, u32) -> serde_json::Value =
            |_, _, _| serde_json::json!({"last_page": 90_000});
        let (progress, asked) =
            read(&mut listing(25), &List { total: 60, most: 1000, meta: promising }, 1000, |_| None);
        assert_eq!(whole(progress), 60);
        assert!(asked.len() <= 3 + SIDE_BY_SIDE as usize, "{}", asked.len());
    }

    #[test]
    fn a_list_of_more_pages_than_there_can_be_is_an_error() {
        let endless: fn(&PageRequest, u32, u32) -> serde_json::Value =
            |_, _, _| serde_json::json!({"last_page": 4_000_000_000_u32});
        let (progress, _) =
            read(&mut listing(1), &List { total: u32::MAX / 2, most: 1000, meta: endless }, 32, |_| None);
        assert!(matches!(progress, Progress::Failed(Error::Endless { .. })), "{progress:?}");
    }

    #[test]
    fn one_entry_of_the_first_page_that_the_api_fails_to_show_spoils_that_entry_and_not_the_list() {
        for (total, most) in [(600, 1000), (600, 100), (150, 100), (60, 1000)] {
            let list = List { total, most, meta: today };
            let bad = 7;
            let covers = |request: &PageRequest| {
                let size = request.size.min(most);
                ((request.number - 1) * size..request.number * size).contains(&bad)
            };
            let (progress, asked) = read(&mut listing(250), &list, 4, |request| covers(request).then(server_error));
            let Progress::Read(reading) = progress else { panic!("{progress:?}") };
            assert_eq!(reading.inventory.devices().count(), total as usize - 1, "{total} {most}: {asked:?}");
            assert_eq!(reading.flaw, Some(server_error()));
            assert!(asked.len() < 50, "{}", asked.len());
        }
    }

    #[test]
    fn pages_that_grew_too_large_go_back_to_the_size_that_came_and_stay_there() {
        let list = List { total: 12_000, most: 1000, meta: today };
        let mut listing = listing(125);
        let (mut asked, mut took) = (Vec::new(), Duration::from_millis(100));
        let progress = loop {
            let (part, request) = listing.take(Instant::now()).unwrap();
            asked.push(request.size);
            let progress = if request.size > 125 {
                listing.failed(part, timeout(), |_| Instant::now())
            } else {
                listing.came(part, list.page(&request))
            };
            if let Some(size) = listing.better_size(std::mem::replace(&mut took, Duration::from_millis(100)), 10.0) {
                listing.resize(size);
            }
            if !matches!(progress, Progress::UnderWay) {
                break progress;
            }
        };
        assert_eq!(whole(progress), 12_000);
        assert_eq!(asked.len(), 1 + 2 + 2 + 96 - 1, "500 and 250 are tried once each: {asked:?}");
    }
}
