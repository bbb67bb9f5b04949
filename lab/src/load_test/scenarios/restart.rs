//! `restart`: all Nodes join in a burst, and half way through the program is killed (SIGKILL) and started again.
//!
//! What a machine that dies looks like. State comes back from the two APIs alone; nothing is lost, and the two programs
//! together cost no more than two bursts would and stay within one budget.

use super::super::limits::{Facts, Limit};
use super::super::scene::Scene;
use super::join_burst::BESIDES;
use crate::error::LabError;

pub(super) const ABOUT: &str = "The program is killed in the middle of a burst, and started again";

pub(super) async fn play(scene: &Scene<'_>) -> Result<(), LabError> {
    scene.start().await?;
    scene.settled().await?;
    scene.measure();
    let (half, burst) = (scene.len() / 2, scene.burst() / 2);
    scene.join(0..half, burst).await?;
    scene.kill().await?;
    let (started, joined) = tokio::join!(scene.start(), scene.join(half..scene.len(), burst));
    started.and(joined)?;
    scene.until_all_are_initialised().await;
    Ok(())
}

pub(super) fn limits(facts: &Facts) -> Vec<Limit> {
    let at_most = 2 * (facts.pages + BESIDES);
    vec![Limit::requests(facts.requests, at_most, format!("twice {} pages + {BESIDES}", facts.pages))]
}
