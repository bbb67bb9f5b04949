//! `rolling-reboot`: one batch of Nodes after the other comes anew, a tenth of them each; the next when the last is done.
//!
//! What an upgrade of the machines looks like. In every other batch the Nodes are deleted and registered anew, as those of
//! machines that are installed again; in the others the kubelet puts the taint on the Node that it finds, which still has
//! its provider ID. A batch costs no more than to read the devices once.

use super::super::limits::{Facts, Limit};
use super::super::scene::Scene;
use crate::error::LabError;

pub(super) const ABOUT: &str = "A tenth of the Nodes after the other is registered anew, or tainted again";
/// How many batches there are.
const BATCHES: usize = 10;
/// What may be asked besides the devices' pages, in all batches together.
const BESIDES: usize = 3;

pub(super) async fn play(scene: &Scene<'_>) -> Result<(), LabError> {
    let size = scene.len().div_ceil(BATCHES);
    scene.already_initialised(0..scene.len()).await?;
    scene.start().await?;
    scene.settled().await?;
    scene.measure();
    for (number, start) in (0..scene.len()).step_by(size).enumerate() {
        let batch = start..scene.len().min(start + size);
        if number.is_multiple_of(2) {
            scene.come_anew(batch).await?;
        } else {
            scene.taint_again(batch).await?;
        }
        scene.until_all_are_initialised().await;
    }
    Ok(())
}

pub(super) fn limits(facts: &Facts) -> Vec<Limit> {
    let size = facts.nodes.div_ceil(BATCHES);
    // Fewer where the sizes are rounded up: eleven Nodes are five pairs and one more.
    let batches = facts.nodes.div_ceil(size.max(1));
    // A batch smaller than the list has pages is asked for Node by Node.
    let each = facts.pages.min(size);
    let at_most = batches * each + BESIDES;
    vec![Limit::requests(facts.requests, at_most, format!("{batches} batches of {each}, + {BESIDES}"))]
}

#[cfg(test)]
mod tests {
    #![allow(clippy::float_cmp, reason = "these numbers are exact")]
    use super::*;

    #[test]
    fn there_are_as_many_batches_as_nodes_are_taken_at_a_time() {
        let most = |nodes| limits(&Facts { nodes, pages: 100, ..Facts::default() })[0].at_most;
        assert_eq!([most(0), most(5), most(11), most(100)], [3.0, 5.0 + 3.0, 6.0 * 2.0 + 3.0, 10.0 * 10.0 + 3.0]);
    }
}
