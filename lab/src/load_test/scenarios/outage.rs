//! `outage`: all Nodes join in a burst, and half way through the Packet API goes away for `--outage-seconds`.
//!
//! What a bad day looks like. The machines of the second half are installed just before the API returns, so that nobody can
//! know of them earlier, not even from an answer that was under way when it went: the second half waits, or the outage was
//! none. No Node is harmed by it, the API is not run over when it is back, and within half a minute every Node is
//! initialised. The bare loop asks the Packet API nothing, and so its burst is an undisturbed one.

use super::super::controller::Contender;
use super::super::limits::{Facts, Limit};
use super::super::scene::Scene;
use crate::error::LabError;
use std::time::Duration;

pub(super) const ABOUT: &str = "The Packet API goes away in the middle of a burst, and returns";
/// Within how many seconds of the return all Nodes are to be initialised.
const WITHIN: f64 = 30.0;

pub(super) async fn play(scene: &Scene<'_>) -> Result<(), LabError> {
    let (half, burst) = (scene.len() / 2, scene.burst() / 2);
    // Otherwise the first half's answers would do for the second half, and nobody would notice the outage.
    scene.not_installed_yet(half..scene.len());
    scene.start().await?;
    scene.settled().await?;
    scene.measure();
    scene.join(0..half, burst).await?;
    if scene.contender == Contender::BareLoop {
        scene.join(half..scene.len(), burst).await?;
    } else {
        scene.packet_api_goes(scene.options.outage_kind);
        let away = tokio::time::sleep(Duration::from_secs_f64(scene.options.outage_seconds));
        let (joined, ()) = tokio::join!(scene.join(half..scene.len(), burst), away);
        joined?;
        // Not before: an answer is put together after its latency, so one that was asked for in time would tell of them.
        scene.installed(half..scene.len());
        scene.packet_api_returns();
    }
    scene.until_all_are_initialised().await;
    Ok(())
}

pub(super) fn limits(facts: &Facts) -> Vec<Limit> {
    let half = facts.nodes / 2;
    vec![
        Limit::at_most("Nodes initialised at the return", facts.initialised_at_return, half, "half of them".to_owned()),
        Limit::seconds("all Nodes initialised after the return", facts.all_initialised_after_return, WITHIN),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outage_in_which_more_than_half_of_the_nodes_were_initialised_was_none() {
        let held = |initialised_at_return, after| {
            let all_initialised_after_return = Some(after);
            let facts = Facts { nodes: 11, initialised_at_return, all_initialised_after_return, ..Facts::default() };
            limits(&facts).iter().map(|limit| limit.held).collect::<Vec<_>>()
        };
        assert_eq!(held(5, 2.0), [true, true]);
        assert_eq!(held(6, -2.0), [false, true]);
        assert_eq!(held(5, 31.0), [true, false]);
    }
}
