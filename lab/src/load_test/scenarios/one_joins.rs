//! `one-joins`: one Node joins a cluster whose Nodes are all initialised.
//!
//! The everyday case. It costs one request for one device, however large the cluster is.

use super::super::limits::{Facts, Limit};
use super::super::scene::Scene;
use crate::error::LabError;
use std::time::Duration;

pub(super) const ABOUT: &str = "One Node joins many that are initialised";

pub(super) async fn play(scene: &Scene<'_>) -> Result<(), LabError> {
    let last = scene.len() - 1;
    scene.already_initialised(0..last).await?;
    scene.start().await?;
    scene.settled().await?;
    scene.measure();
    scene.join(last..last + 1, Duration::ZERO).await?;
    scene.until_all_are_initialised().await;
    Ok(())
}

pub(super) fn limits(facts: &Facts) -> Vec<Limit> {
    vec![Limit::requests(facts.requests, 1, "one device".to_owned())]
}
