//! The state of every Node that is not Ready, and what is to be asked and done about it next.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::action::{Action, Counts, Query, Setback};
use super::guard::{DeletionLimits, Guard, Recalled};
use super::held::Held;
use super::roll::Roll;
use super::standing::Standing;
use super::stop_record::StopRecord;
use super::told::Told;
use super::verdict::Verdict;
use super::watched::{LONGEST_PAUSE, Watched};
use crate::kubernetes::event::Notice;
use crate::kubernetes::node::{Node, NodeName};
use crate::packet::{Absence, Answer, DeviceId, NotGone};

/// How old the first answer about a Node may be that is seen not Ready: one that has just been initialised, and whose network
/// is yet to come up, is known already.
const FIRST_AGE: Duration = Duration::from_secs(10);
/// How long a Node is left unasked that is not Ready for long, where it is one of few. Before, it is asked about more often.
const UNASKED: Duration = Duration::from_secs(30);
/// How far apart questions are on average where many Nodes are not Ready for long: 40 a minute, and with what refreshes ask
/// no more than 60.
const SPACING: Duration = Duration::from_millis(1_500);
/// How long a Node whose device is there is left unasked at most. Where more Nodes are not Ready than go into it one by one,
/// their questions are for the planner to answer with lists. No list answers for a device that is gone.
const LONGEST_THERE: Duration = Duration::from_secs(75);
/// From which part of the Nodes on, when so many are to be asked about, those that soon will be come along: one list answers
/// for all.
const WORTH_A_LIST: usize = 10;
/// Devices that are confirmed to be gone in one round, at most: few enough for the round to be short.
const CONFIRMED_AT_ONCE: usize = 10;

/// Looks after the Nodes that are not Ready.
#[derive(Debug)]
pub struct Monitor {
    guard: Guard,
    /// How often the roll is called.
    period: Duration,
    watched: BTreeMap<NodeName, Watched>,
    recovered: BTreeMap<NodeName, Arc<Node>>,
    left_alone: BTreeMap<NodeName, Arc<Node>>,
    /// The questions that are open, and whose they are.
    open: HashMap<u64, NodeName>,
    /// The Nodes whose taint is being written, or rests after that failed: until when, where it does.
    marking: BTreeMap<NodeName, Option<Instant>>,
    ours: usize,
    /// The Nodes whose devices are being confirmed to be gone, each in its spell.
    confirming: Option<BTreeMap<NodeName, u64>>,
    told: Told,
    stop_record: StopRecord,
    last_number: u64,
}

impl Monitor {
    /// A monitor that is told the roll every `period`, and knows nothing yet of what was deleted before `now`.
    #[must_use]
    pub fn new(limits: DeletionLimits, period: Duration, now: Instant) -> Self {
        Self {
            guard: Guard::new(limits, now),
            period,
            watched: BTreeMap::new(),
            recovered: BTreeMap::new(),
            left_alone: BTreeMap::new(),
            open: HashMap::new(),
            marking: BTreeMap::new(),
            ours: 0,
            confirming: None,
            told: Told::default(),
            stop_record: StopRecord::default(),
            last_number: 0,
        }
    }

    /// Takes in what was read back of the processes before this one, or why it could not be read so far.
    pub fn recalled(&mut self, recalled: Result<Recalled, String>, now: Instant) {
        match recalled {
            Ok(recalled) => {
                self.stop_record.recalled(recalled.stopped_at.is_some());
                self.guard.recall(recalled, now);
            }
            Err(why) => self.guard.cannot_recall(why),
        }
    }

    /// Goes by these settings from now on. Whether it has to be read back anew what was deleted.
    pub fn set_limits(&mut self, limits: DeletionLimits, now: Instant) -> bool {
        self.guard.set_limits(limits, now)
    }

    /// The settings that hold.
    #[must_use]
    pub fn limits(&self) -> &DeletionLimits {
        self.guard.limits()
    }

    /// Takes in how the Nodes stand now.
    pub fn called(&mut self, roll: &Roll, now: Instant) {
        self.ours = roll.ours;
        let mut before = std::mem::take(&mut self.watched);
        self.recovered.clear();
        self.left_alone.clear();
        for node in &roll.nodes {
            let name = node.name.clone();
            match Standing::of(node) {
                Standing::Well => {}
                Standing::Recovered => {
                    self.recovered.insert(name, Arc::clone(node));
                }
                Standing::LeftAlone(_) => {
                    self.left_alone.insert(name, Arc::clone(node));
                }
                Standing::NotReady(device) => {
                    let entry = match before.remove(&name).filter(|entry| node.is_in_same_spell_as(&entry.node)) {
                        Some(entry) => Watched { node: Arc::clone(node), ..entry },
                        None => Watched::new(Arc::clone(node), device, self.next_number(), now),
                    };
                    self.watched.insert(name, entry);
                }
            }
        }
    }

    /// What is to be asked now.
    pub fn questions(&mut self, now: Instant) -> Vec<Query> {
        let spaced = SPACING.saturating_mul(u32::try_from(self.watched.len()).unwrap_or(u32::MAX));
        let interval = |entry: &Watched| {
            let growing = self.period.saturating_mul(1 << entry.answers.min(8)).min(UNASKED);
            let spaced = if entry.looks_gone() { spaced } else { spaced.min(LONGEST_THERE) };
            spaced.max(growing).max(self.period)
        };
        let is_free = |entry: &Watched| {
            entry.question.is_none() && !entry.is_deleted(now) && !self.guard.is_under_way(&entry.node.uid)
        };
        let age = |entry: &Watched| now.saturating_duration_since(entry.answered_at);
        let is_due = |entry: &Watched| is_free(entry) && (entry.verdict.is_none() || age(entry) >= interval(entry));
        let due = self.watched.values().filter(|entry| is_due(entry)).count();
        let is_list = due > 0 && due * WORTH_A_LIST >= self.watched.len();
        let comes_along = |entry: &Watched| is_list && is_free(entry) && age(entry) >= interval(entry) / 2;
        let asked: Vec<_> = self
            .watched
            .iter()
            .filter(|(_, entry)| is_due(entry) || comes_along(entry))
            .map(|(name, entry)| {
                let max_age = if entry.verdict.is_none() { FIRST_AGE } else { interval(entry) / 2 };
                (name.clone(), entry.device.clone(), max_age)
            })
            .collect();
        let mut queries = Vec::with_capacity(asked.len());
        for (name, device, max_age) in asked {
            let number = self.next_number();
            if let Some(entry) = self.watched.get_mut(&name) {
                entry.question = Some(number);
                self.open.insert(number, name);
                queries.push(Query { number, device, max_age });
            }
        }
        queries
    }

    /// Takes in an answer. Whether there is no other question open, and so something may be decided.
    pub fn answered(&mut self, number: u64, answer: &Answer, now: Instant) -> bool {
        let asked = self.open.remove(&number).and_then(|name| self.watched.get_mut(&name));
        // Otherwise the Node is gone, or has been Ready since.
        if let Some(entry) = asked.filter(|entry| entry.question == Some(number)) {
            entry.question = None;
            entry.judge(Verdict::of(answer), now);
        }
        self.open.is_empty()
    }

    /// What is to be done now.
    pub fn decide(&mut self, now: Instant) -> Vec<Action> {
        let mut actions = self.marks(now);
        actions.extend(self.confirmation(now));
        actions.extend(self.notices(now));
        actions
    }

    fn marks(&mut self, now: Instant) -> Vec<Action> {
        self.marking.retain(|_, rests_until| rests_until.is_none_or(|until| now < until));
        let recovered = self.recovered.values().map(|node| (node, false));
        let shut_down = self.watched.values().filter(|entry| entry.verdict == Some(Verdict::ShutDown));
        let shut_down = shut_down.filter(|entry| !entry.node.is_marked_shut_down()).map(|entry| (&entry.node, true));
        let mut actions = Vec::new();
        for (node, shut_down) in recovered.chain(shut_down) {
            if let Entry::Vacant(place) = self.marking.entry(node.name.clone()) {
                place.insert(None);
                actions.push(Action::Mark { node: Arc::clone(node), shut_down });
            }
        }
        actions
    }

    /// Decides about the Nodes whose device looks gone: which are to be confirmed, and what holds the others back.
    fn confirmation(&mut self, now: Instant) -> Option<Action> {
        // All are to be known before it can be told how many look gone at once.
        if self.confirming.is_some() || self.watched.values().any(|entry| entry.is_awaited(now)) {
            return None;
        }
        let room = self.room(now);
        let used_up = self.guard.used_up(self.left(now));
        let guard = &self.guard;
        let is_candidate = |entry: &Watched| {
            let uid = &entry.node.uid;
            entry.may_be_confirmed(now) && !guard.is_under_way(uid) && !(entry.is_weary() && guard.counts(uid))
        };
        let mut candidates: Vec<_> = self.watched.iter_mut().filter(|(_, entry)| is_candidate(entry)).collect();
        // What counts already may be tried again, and takes no room.
        candidates
            .sort_by_cached_key(|(_, entry)| (entry.is_weary(), !guard.counts(&entry.node.uid), entry.gone_since));
        let counted = candidates.iter().filter(|(_, entry)| guard.counts(&entry.node.uid)).count();
        let room = match room {
            Ok(room) => counted + room,
            Err(held) => {
                for (_, entry) in candidates {
                    entry.held = Some(held.clone());
                }
                return None;
            }
        };
        let next = if self.stop_record.is_true(self.guard.stopped_at()) {
            candidates.len().min(room).min(CONFIRMED_AT_ONCE)
        } else {
            0
        };
        for (place, (_, entry)) in candidates.iter_mut().enumerate() {
            entry.held = (place >= room).then(|| used_up.clone());
        }
        let next: Vec<_> = candidates.into_iter().take(next).collect();
        if next.is_empty() {
            return None;
        }
        let devices: BTreeSet<_> = next.iter().map(|(_, entry)| entry.device.clone()).collect();
        self.confirming = Some(next.into_iter().map(|(name, entry)| (name.clone(), entry.spell)).collect());
        Some(Action::Confirm(devices.into_iter().collect()))
    }

    /// How many Nodes may be deleted, or what holds all of them back.
    fn room(&mut self, now: Instant) -> Result<usize, Held> {
        let count = |which: fn(&Watched) -> bool| self.watched.values().filter(|entry| which(entry)).count();
        let (gone, unsure) = (count(Watched::looks_gone), count(Watched::is_unsure));
        if let Some(mass) = self.guard.assess(gone, unsure, self.ours) {
            return Err(Held::MassDisappearance(mass));
        }
        self.guard.room(self.left(now), now)
    }

    /// How many Nodes there are, without those whose deletion was begun and counts already.
    fn left(&self, now: Instant) -> usize {
        let counts = |entry: &&Watched| entry.is_deleted(now) || self.guard.counts(&entry.node.uid);
        self.ours - self.watched.values().filter(counts).count().min(self.ours)
    }

    /// Takes in what came of a confirmation; what is to be done now.
    pub fn confirmed(&mut self, results: Vec<(DeviceId, Result<Absence, NotGone>)>, now: Instant) -> Vec<Action> {
        let asked = self.confirming.take().unwrap_or_default();
        let mut proven = Vec::new();
        for (device, result) in results {
            // Only those that were not Ready already when it was asked, and have not been Ready since.
            let names = asked.iter().filter(|(name, spell)| {
                self.watched.get(*name).is_some_and(|entry| entry.spell == **spell && entry.device == device)
            });
            for name in names.map(|(name, _)| name.clone()).collect::<Vec<_>>() {
                let Some(entry) = self.watched.get_mut(&name) else { continue };
                match &result {
                    Ok(absence) => proven.push((name, absence.clone())),
                    Err(NotGone::Exists(device)) => entry.judge(Verdict::of_device(device), now),
                    Err(doubt) => {
                        entry.held = Some(Held::Unconfirmed { reason: doubt.to_string() });
                        entry.rest(now);
                    }
                }
            }
        }
        let mut actions = Vec::new();
        for (name, absence) in proven {
            // More may look gone by now than when it was asked.
            let (room, used_up) = (self.room(now), self.guard.used_up(self.left(now)));
            let Some(entry) = self.watched.get_mut(&name).filter(|entry| entry.may_be_confirmed(now)) else { continue };
            let uid = &entry.node.uid;
            if self.guard.is_under_way(uid) {
                continue;
            }
            let held = match room {
                Ok(0) if !self.guard.counts(uid) => Some(used_up),
                Ok(_) => None,
                Err(held) => Some(held),
            };
            if held.is_some() {
                entry.held = held;
                continue;
            }
            self.guard.begin(uid);
            entry.held = None;
            let tell = !entry.deletion_is_told;
            actions.push(Action::Delete { node: Arc::clone(&entry.node), absence, tell });
        }
        actions
    }

    /// The shutdown taint of a Node was written or is no longer called for, or could not be written and is left for a while.
    pub fn marked(&mut self, name: &NodeName, is_settled: bool, now: Instant) {
        if is_settled {
            self.marking.remove(name);
        } else {
            self.marking.insert(name.clone(), Some(now + LONGEST_PAUSE));
        }
    }

    /// The deletion of a Node has ended; and whether there is an Event by now that tells of it.
    pub fn deleted(&mut self, node: &Node, result: &Result<(), Setback>, is_told: bool, now: Instant) {
        match result {
            Ok(()) | Err(Setback::Unclear(_)) => self.guard.spend(&node.uid, now),
            Err(Setback::Refused(_) | Setback::Superseded) => self.guard.refund(&node.uid),
        }
        if let Some(entry) = self.watched.get_mut(&node.name).filter(|entry| entry.node.uid == node.uid) {
            entry.deletion_is_told = is_told;
            match result {
                Ok(()) => entry.deleted_at = Some(now),
                Err(Setback::Superseded) => entry.rest(now),
                Err(Setback::Refused(reason) | Setback::Unclear(reason)) => {
                    entry.held = Some(Held::Refused { reason: reason.clone() });
                    entry.rest(now);
                }
            }
        }
    }

    /// Whether a deletion is under way.
    #[must_use]
    pub fn is_deleting(&self) -> bool {
        self.watched.values().any(|entry| self.guard.is_under_way(&entry.node.uid))
    }

    /// What people should know, and what a process should that starts later.
    fn notices(&mut self, now: Instant) -> Vec<Action> {
        let limits = *self.guard.limits();
        let mut actions = Vec::new();
        self.told.forget(now);
        for node in self.left_alone.values() {
            if let Standing::LeftAlone(error) = Standing::of(node)
                && self.told.is_news(&node.uid, "left_alone", now)
            {
                actions.push(Action::Tell(Arc::clone(node), Notice::LeftAlone(error.to_string())));
            }
        }
        for entry in self.watched.values() {
            if let Some(held) = entry.held.as_ref().filter(|held| held.is_worth_telling())
                && self.told.is_news(&entry.node.uid, held.kind(), now)
            {
                let notice = Notice::DeletionHeldBack(held.message(&limits));
                actions.push(Action::Tell(Arc::clone(&entry.node), notice));
            }
        }
        let one = self.watched.values().find(|entry| entry.looks_gone()).map(|entry| &entry.node);
        actions.extend(self.stop_record.next(self.guard.stopped_at(), one, now));
        actions
    }

    /// What was to be recorded is, or is not.
    pub fn recorded(&mut self, is_recorded: bool, now: Instant) {
        self.stop_record.recorded(is_recorded, now);
    }

    /// How many Nodes are in which state.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let mut counts = Counts { not_ready: self.watched.len(), ..Counts::default() };
        for entry in self.watched.values() {
            match entry.verdict {
                Some(Verdict::Gone) => counts.gone += 1,
                Some(Verdict::ShutDown) => counts.shut_down += 1,
                Some(Verdict::There) => counts.there += 1,
                Some(Verdict::Unknown(_)) => counts.unknown += 1,
                None => {}
            }
            if let Some(held) = &entry.held {
                *counts.held.entry(held.kind()).or_default() += 1;
            }
        }
        counts
    }

    /// One of the Nodes whose device could not be asked for, and why, for the log.
    #[must_use]
    pub fn an_unknown(&self) -> Option<(&NodeName, String)> {
        self.watched.iter().find_map(|(name, entry)| match &entry.verdict {
            Some(Verdict::Unknown(error)) => Some((name, error.to_string())),
            _ => None,
        })
    }

    /// Each kind of what holds deletions back, with what is said of it, for the log.
    #[must_use]
    pub fn all_held(&self) -> Vec<(&Held, String)> {
        let held: BTreeMap<_, _> =
            self.watched.values().filter_map(|entry| entry.held.as_ref()).map(|held| (held.kind(), held)).collect();
        held.into_values().map(|held| (held, held.message(self.guard.limits()))).collect()
    }

    fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }
}
