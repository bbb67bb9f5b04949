//! `flapping`: for `--flapping-seconds` every Node reports another status every two seconds, and needs nothing.
//!
//! What heartbeats and a bad network look like. Every report is an event that the program sees, and almost none of them is a
//! question for the Packet API. Only of a Node that is not ready must be asked whether its device is still there; one of
//! fifty is not, every other time. Each of these may cost one request in each round of looking, one in five seconds.

use super::super::limits::{Facts, Limit};
use super::super::scene::Scene;
use crate::error::LabError;
use std::time::{Duration, Instant};

pub(super) const ABOUT: &str = "Every Node's status changes every two seconds; one of fifty is not ready now and then";
/// How often a Node reports.
const INTERVAL: Duration = Duration::from_secs(2);
/// Of how many Nodes one is not ready, in every other round.
const NOT_READY_EVERY: usize = 50;
/// How often the program looks after Nodes that are not ready, unless it is told otherwise (`--node-monitor-period`).
const MONITOR_PERIOD: Duration = Duration::from_secs(5);

pub(super) async fn play(scene: &Scene<'_>) -> Result<(), LabError> {
    scene.already_initialised(0..scene.len()).await?;
    scene.start().await?;
    scene.settled().await?;
    scene.measure();
    let end = Instant::now() + Duration::from_secs_f64(scene.options.flapping_seconds);
    let mut next = tokio::time::interval(INTERVAL);
    let mut round = 0;
    // The last round is an even one, in which all are ready.
    while Instant::now() < end || !usize::is_multiple_of(round, 2) {
        next.tick().await;
        round += 1;
        scene.report_status(round, NOT_READY_EVERY).await?;
    }
    scene.until_all_are_initialised().await;
    Ok(())
}

pub(super) fn limits(facts: &Facts) -> Vec<Limit> {
    let rounds = 1 + facts.seconds.div_ceil(MONITOR_PERIOD.as_secs());
    let rounds = usize::try_from(rounds).unwrap_or(usize::MAX);
    let reckoning = format!("{} Nodes not ready, {rounds} rounds", facts.not_ready);
    let mut limits = vec![Limit::requests(facts.requests, facts.not_ready * rounds, reckoning)];
    let writes = facts.node_writes;
    limits.extend(writes.map(|writes| Limit::at_most("writes to Nodes that need nothing", writes, 0, String::new())));
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_tells_is_not_checked() {
        assert_eq!(limits(&Facts::default()).len(), 1);
        let told = limits(&Facts { node_writes: Some(1), ..Facts::default() });
        assert_eq!(told.iter().map(|limit| limit.held).collect::<Vec<_>>(), [true, false]);
    }
}
