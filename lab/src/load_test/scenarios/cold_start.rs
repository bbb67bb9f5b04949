//! `cold-start`: all Nodes are registered and wait; then the program starts.
//!
//! What an upgrade, a lost leader or a new cluster looks like. Everything is known at once, so the devices should be read
//! once: their pages, and up to three requests besides.

use super::super::limits::{Facts, Limit};
use super::super::scene::Scene;
use crate::error::LabError;
use std::time::Duration;

pub(super) const ABOUT: &str = "All Nodes are there before the program starts";
/// What may be asked besides the devices' pages.
const BESIDES: usize = 3;

pub(super) async fn play(scene: &Scene<'_>) -> Result<(), LabError> {
    scene.join(0..scene.len(), Duration::ZERO).await?;
    scene.until_seen(scene.len()).await?;
    scene.measure();
    scene.start().await?;
    scene.until_all_are_initialised().await;
    Ok(())
}

pub(super) fn limits(facts: &Facts) -> Vec<Limit> {
    vec![Limit::requests(facts.requests, facts.pages + BESIDES, format!("{} pages + {BESIDES}", facts.pages))]
}
