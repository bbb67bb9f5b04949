//! `join-burst`: the program is at work, and all Nodes join within `--burst-seconds`.
//!
//! What an autoscaler or a new node pool looks like. The first Nodes may be looked up one by one, but the rest by reading the
//! devices' pages once: these, and up to ten requests besides.

use super::super::limits::{Facts, Limit};
use super::super::scene::Scene;
use crate::error::LabError;

pub(super) const ABOUT: &str = "All Nodes join a program that is at work, in a burst";
/// What may be asked besides the devices' pages.
pub(super) const BESIDES: usize = 10;

pub(super) async fn play(scene: &Scene<'_>) -> Result<(), LabError> {
    scene.start().await?;
    scene.settled().await?;
    scene.measure();
    scene.join(0..scene.len(), scene.burst()).await?;
    scene.until_all_are_initialised().await;
    Ok(())
}

pub(super) fn limits(facts: &Facts) -> Vec<Limit> {
    vec![Limit::requests(facts.requests, facts.pages + BESIDES, format!("{} pages + {BESIDES}", facts.pages))]
}
