//! `throttled` and `throttled-silently`: all Nodes join in a burst, and the Packet API allows `--rate-limit` requests, with
//! headers that say how many are left, or with nothing but the 429.
//!
//! What a token looks like that is shared, or an API that is protected. With a budget below the limit there is no 429; with
//! a greater one there is at most one in each minute, because a 429 closes the gate for everybody. A thousand Nodes are
//! initialised within the first minute either way: their devices fit on eleven pages.

use super::super::limits::{Facts, Limit};
use super::super::scene::Scene;
use super::join_burst;
use crate::error::LabError;

pub(super) const ABOUT: &str = "All Nodes join in a burst; the Packet API limits the rate, and says what is left";
pub(super) const ABOUT_SILENTLY: &str = "All Nodes join in a burst; the Packet API limits the rate, and says nothing";
/// Within how many seconds all Nodes are to be initialised, where their devices fit on the pages that may be read in a minute.
const WITHIN: f64 = 60.0;

pub(super) async fn play(scene: &Scene<'_>) -> Result<(), LabError> {
    join_burst::play(scene).await
}

pub(super) fn limits(facts: &Facts) -> Vec<Limit> {
    let mut limits = Vec::new();
    if facts.fits_into_a_minute {
        limits.push(Limit::seconds("all Nodes initialised", facts.all_initialised_after, WITHIN));
    }
    let (at_most, why) = if facts.budget_is_below_the_limit {
        (0, "the budget is below the limit".to_owned())
    } else {
        let minutes = usize::try_from(facts.seconds.div_ceil(60).max(1)).unwrap_or(usize::MAX);
        (minutes, "one in each minute".to_owned())
    };
    limits.push(Limit::at_most("answers 429", facts.refused, at_most, why));
    limits
}
