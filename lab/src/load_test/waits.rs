//! Who waits for initialisation, since when, and until when: a pure record that the watch and the kubelets fill in.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::look::Look;

/// A wait that is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wait {
    /// When the API server had taken in the Node, or its taint.
    pub(crate) since: Instant,
    /// When the watch saw the Node without the taint.
    pub(crate) until: Instant,
}

impl Wait {
    /// How long it was, where what was before `from` does not count. Nothing at all where the watch was quicker than the
    /// answer to the kubelet.
    pub(crate) fn length(&self, from: Instant) -> Duration {
        self.until.saturating_duration_since(self.since.max(from))
    }
}

/// How far things are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Nodes whose present state was seen.
    pub(crate) seen: usize,
    /// Waits that began.
    pub(crate) begun: usize,
    /// Waits that ended well.
    pub(crate) initialised: usize,
    /// Waits that ended with the Node, and not by the lab's hand.
    pub(crate) gone: usize,
    /// Nodes that somebody else than the lab removed, whether they waited or not.
    pub(crate) removed: usize,
    /// Nodes that lost the taint before they had a provider ID, addresses and labels.
    pub(crate) incomplete: usize,
}

/// The record of a run.
#[derive(Debug, Default)]
pub(crate) struct Waits {
    nodes: HashMap<String, State>,
    over: Vec<Wait>,
    began: Vec<Instant>,
    counts: Counts,
}

#[derive(Debug, Default)]
struct State {
    /// The newest state that the watch showed, and when.
    latest: Option<(Look, Instant)>,
    /// When it began to wait, and the version that it was tainted in: what is newer and has no taint is initialised.
    waiting: Option<(Instant, u64)>,
    /// Whether the lab is about to remove it.
    leaves: bool,
    /// Whether somebody else has removed it once; it is counted once.
    removed: bool,
}

impl Waits {
    /// How far things are.
    pub(crate) const fn counts(&self) -> Counts {
        self.counts
    }

    /// The waits that are over, in the order in which they ended.
    pub(crate) fn over(&self) -> &[Wait] {
        &self.over
    }

    /// When each wait began.
    pub(crate) fn began(&self) -> &[Instant] {
        &self.began
    }

    /// The Nodes that have the taint.
    pub(crate) fn tainted(&self) -> impl Iterator<Item = &Look> {
        let latest = self.nodes.values().filter_map(|state| state.latest.as_ref());
        latest.map(|(look, _)| look).filter(|look| look.taint_place.is_some())
    }

    /// The Node was registered with the taint, or got it again, in this version or a newer one.
    pub(crate) fn begins(&mut self, name: &str, since: Instant, version: u64) {
        self.counts.begun += 1;
        self.began.push(since);
        self.nodes.entry(name.to_owned()).or_default().waiting = Some((since, version));
        self.look_whether_it_is_over(name);
    }

    /// The watch shows the Node so.
    pub(crate) fn seen(&mut self, look: Look, now: Instant) {
        let name = look.name().to_owned();
        let state = self.nodes.entry(name.clone()).or_default();
        match &state.latest {
            // A list after an interruption shows again what was seen.
            Some((known, _)) if known.version() >= look.version() => return,
            Some(_) => {}
            None => self.counts.seen += 1,
        }
        state.latest = Some((look, now));
        self.look_whether_it_is_over(&name);
    }

    /// The lab is about to remove the Node. Returns its uid, where it is there.
    pub(crate) fn leaves(&mut self, name: &str) -> Option<String> {
        let state = self.nodes.get_mut(name)?;
        let (look, _) = state.latest.as_ref()?;
        state.leaves = true;
        look.uid().map(ToOwned::to_owned)
    }

    /// The lab has not found the Node where it should be; where it was `to_wait`, it will do so in vain.
    pub(crate) fn missing(&mut self, name: &str, to_wait: bool) {
        self.counts.gone += usize::from(to_wait);
        let state = self.nodes.entry(name.to_owned()).or_default();
        self.counts.removed += usize::from(!std::mem::replace(&mut state.removed, true));
    }

    /// The watch shows that the Node is gone.
    pub(crate) fn gone(&mut self, look: &Look) {
        let Some(state) = self.nodes.get_mut(look.name()) else { return };
        if state.latest.take().is_some() {
            self.counts.seen -= 1;
        }
        if !std::mem::take(&mut state.leaves) {
            self.counts.removed += usize::from(!std::mem::replace(&mut state.removed, true));
        }
        if state.waiting.take_if(|(_, version)| *version < look.version()).is_some() {
            self.counts.gone += 1;
        }
    }

    fn look_whether_it_is_over(&mut self, name: &str) {
        let Some(state) = self.nodes.get_mut(name) else { return };
        let Some((look, until)) = &state.latest else { return };
        let Some((since, version)) = state.waiting else { return };
        if look.taint_place.is_none() && look.version() > version {
            state.waiting = None;
            self.over.push(Wait { since, until: *until });
            self.counts.initialised += 1;
            self.counts.incomplete += usize::from(!look.filled_in);
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]
    use super::*;
    use crate::nodes::checks::UNINITIALIZED_TAINT;
    use serde_json::json;

    fn look(version: u64, tainted: bool) -> Look {
        let taints = if tainted { json!([{ "key": UNINITIALIZED_TAINT }]) } else { json!([]) };
        let labels = json!({ "node.kubernetes.io/instance-type": "t", "topology.kubernetes.io/region": "r" });
        let metadata = json!({ "name": "n", "resourceVersion": version.to_string(), "labels": labels });
        let spec = json!({ "providerID": "packet://1", "taints": taints });
        let status = json!({ "addresses": [{}] });
        serde_json::from_value(json!({ "metadata": metadata, "spec": spec, "status": status })).unwrap()
    }

    fn after(seconds: u64) -> Instant {
        static START: std::sync::LazyLock<Instant> = std::sync::LazyLock::new(Instant::now);
        *START + Duration::from_secs(seconds)
    }

    #[test]
    fn a_wait_ends_with_the_first_state_without_the_taint() {
        let mut waits = Waits::default();
        waits.begins("n", after(1), 5);
        waits.seen(look(5, true), after(2));
        assert_eq!((waits.counts().initialised, waits.counts().incomplete), (0, 0));
        waits.seen(look(6, false), after(4));
        waits.seen(look(7, false), after(9));
        assert_eq!(waits.over(), [Wait { since: after(1), until: after(4) }]);
        assert_eq!(waits.over()[0].length(after(0)), Duration::from_secs(3));
        assert_eq!(waits.over()[0].length(after(2)), Duration::from_secs(2));
    }

    #[test]
    fn the_watch_may_be_quicker_than_the_answer_to_the_kubelet() {
        let mut waits = Waits::default();
        waits.seen(look(5, true), after(1));
        waits.seen(look(6, false), after(2));
        waits.begins("n", after(3), 5);
        assert_eq!(waits.counts().initialised, 1);
        assert_eq!(waits.over()[0].length(after(0)), Duration::ZERO);
    }

    #[test]
    fn what_a_node_was_before_it_was_registered_anew_does_not_end_its_wait() {
        let mut waits = Waits::default();
        waits.seen(look(5, false), after(1));
        waits.leaves("n");
        waits.begins("n", after(2), 9);
        waits.seen(look(7, false), after(3));
        waits.gone(&look(8, false));
        assert_eq!((waits.counts().initialised, waits.counts().gone, waits.counts().removed), (0, 0, 0));
        waits.seen(look(9, true), after(4));
        waits.seen(look(10, false), after(5));
        assert_eq!(waits.counts().initialised, 1);
    }

    #[test]
    fn a_node_that_is_initialised_from_the_beginning_waits_for_nothing() {
        let mut waits = Waits::default();
        waits.seen(look(5, false), after(1));
        waits.leaves("n");
        waits.gone(&look(6, false));
        assert_eq!(waits.counts(), Counts::default());
    }

    #[test]
    fn a_node_that_somebody_removes_though_it_is_initialised_is_counted_once_however_that_is_noticed() {
        let mut waits = Waits::default();
        waits.seen(look(5, false), after(1));
        waits.gone(&look(6, false));
        assert_eq!((waits.counts().gone, waits.counts().removed), (0, 1));
        assert_eq!(waits.leaves("n"), None);
        waits.missing("n", true);
        assert_eq!((waits.counts().gone, waits.counts().removed), (1, 1));
    }

    #[test]
    fn a_node_that_somebody_removes_while_it_waits_is_counted() {
        let mut waits = Waits::default();
        waits.begins("n", after(1), 5);
        waits.seen(look(5, true), after(1));
        waits.gone(&look(6, true));
        assert_eq!((waits.counts().gone, waits.counts().removed), (1, 1));
    }

    #[test]
    fn a_node_that_loses_its_taint_with_nothing_filled_in_is_counted() {
        let mut waits = Waits::default();
        waits.begins("n", after(1), 5);
        let mut early = look(6, false);
        early.filled_in = false;
        waits.seen(early, after(2));
        assert_eq!(waits.counts().incomplete, 1);
    }
}
