//! What a burst of Nodes costs that join while the Packet API is away, from the moment at which it is back.

use std::time::Duration;

use actix::System;
use packet_api_server::{Outage, OutageKind};
use tokio::time::Instant;

use crate::invariants::UNINITIALIZED;
use crate::machine::taints;
use crate::world::World;

const NODES: usize = 100;
const PER_PAGE: u32 = 10;
/// Requests beside those for devices one by one: what finds out that the API is back, and a page of a list that is given up.
const BESIDE: usize = 3;
const BUDGET: (f64, u32, u32) = (20.0, 20, 8);
/// Longer than any Node waits before it is tried again.
const LONGEST: Duration = Duration::from_mins(1);

/// The requests from the end of an outage until every Node is initialised.
fn requests_after(kind: OutageKind, seed: u64) -> usize {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    fastrand::seed(seed);
    System::with_tokio_rt(runtime).block_on(async {
        let mut world = World::with(&mut fastrand::Rng::with_seed(seed), NODES, PER_PAGE, BUDGET).await;
        world.packet.set_outage(Some(Outage::new(kind)));
        world.pass(Duration::from_mins(1)).await;
        world.packet.set_outage(None);
        let (before, back) = (world.packet.requests().count(), Instant::now());
        let is_tainted = |world: &World| {
            let nodes = world.kubernetes.store().nodes();
            nodes.iter().filter(|node| taints(node).contains(&UNINITIALIZED)).count()
        };
        while is_tainted(&world) > 0 {
            world.pass(Duration::from_secs(1)).await;
            assert!(back.elapsed() < LONGEST, "{kind:?}: {} Nodes are not initialised", is_tainted(&world));
        }
        world.packet.requests().count() - before
    })
}

#[test]
fn an_outage_is_followed_by_no_flood() {
    for kind in [OutageKind::Refuse, OutageKind::Reset, OutageKind::Status(503)] {
        let counts: Vec<_> = (1..=5).map(|seed| requests_after(kind, seed)).collect();
        println!("{kind:?}: {counts:?}");
        // Where the Nodes happen to wait one by one when the API is back, each is asked for as it comes, within the budget; more
        // than that is a flood. Where they have asked already, one list answers all.
        assert!(counts.iter().all(|count| *count <= NODES + BESIDE), "{kind:?}: {counts:?}");
        let by_list = counts.iter().filter(|count| **count <= 11 + 15).count();
        assert!(by_list > counts.len() / 2, "{kind:?}: {counts:?}");
    }
}
