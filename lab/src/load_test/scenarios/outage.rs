//! `outage`: all Nodes join in a burst, and half way through the Packet API goes away for `--outage-seconds`.
//!
//! What a bad day looks like. The machines of the second half are installed during the outage, so that nobody can know of them
//! before. No Node is harmed by it, the API is not run over when it is back, and within half a minute every
//! Node is initialised. The bare loop asks the Packet API nothing, and so its burst is an undisturbed one.

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
    scene.installed(half..scene.len());
    if scene.contender == Contender::BareLoop {
        scene.join(half..scene.len(), burst).await?;
    } else {
        scene.packet_api_goes(scene.options.outage_kind);
        let away = tokio::time::sleep(Duration::from_secs_f64(scene.options.outage_seconds));
        let (joined, ()) = tokio::join!(scene.join(half..scene.len(), burst), away);
        joined?;
        scene.packet_api_returns();
    }
    scene.until_all_are_initialised().await;
    Ok(())
}

pub(super) fn limits(facts: &Facts) -> Vec<Limit> {
    vec![Limit::seconds("all Nodes initialised after the return", facts.all_initialised_after_return, WITHIN)]
}
