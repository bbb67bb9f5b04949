//! What Nodes that are not Ready for long cost the Packet API, in a world where nothing else happens.

use std::time::Duration;

use actix::System;

use crate::world::World;

/// The default budget.
const BUDGET: (f64, u32, u32) = (10.0, 20, 8);
/// How long is counted: whole times of what is asked every 75 s and every five minutes.
const COUNTED: Duration = Duration::from_mins(15);

/// Requests a minute where so many of the Nodes are not Ready, of a project with so many devices.
fn requests_per_minute(nodes: usize, not_ready: usize, devices: usize, per_page: u32) -> f64 {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
    System::with_tokio_rt(runtime).block_on(async {
        let mut dice = fastrand::Rng::with_seed(1);
        let mut world = World::with(&mut dice, nodes, per_page, BUDGET).await;
        world.packet.store().create_devices(devices - nodes, "of-somebody-else-");
        world.pass(Duration::from_mins(10)).await;
        for machine in &mut world.machines[..not_ready] {
            (machine.is_well, machine.since) = (false, tokio::time::Instant::now());
        }
        world.pass(Duration::from_mins(10)).await;
        let before = world.packet.requests().count();
        world.pass(COUNTED).await;
        assert_eq!(world.violations.all(), Vec::<String>::new());
        #[allow(clippy::cast_precision_loss, reason = "some thousand requests")]
        let asked = (world.packet.requests().count() - before) as f64;
        asked / 15.0
    })
}

#[test]
fn fifty_nodes_not_ready_cost_sixty_requests_a_minute_at_most_and_a_thousand_the_lists_that_cover_them() {
    println!(
        "| Nodes | not Ready | devices in the project | devices on a page | requests a minute |\n|---|---|---|---|---|"
    );
    // The refreshes of all addresses, every five minutes, are among them.
    for (nodes, not_ready, devices, per_page, most) in [
        (50, 0, 50, 1_000, 1.0),
        (50, 1, 50, 1_000, 3.0),
        (50, 50, 50, 1_000, 60.0),
        (50, 50, 5_000, 100, 60.0),
        (50, 50, 200, 1, 60.0),
        // A list every 75 s, and one every five minutes.
        (1_000, 1_000, 1_000, 1_000, 6.0),
        (1_000, 1_000, 1_000, 100, 12.0),
    ] {
        let counted = requests_per_minute(nodes, not_ready, devices, per_page);
        println!("| {nodes} | {not_ready} | {devices} | {per_page} | {counted:.1} |");
        assert!(counted <= most, "{not_ready} of {nodes} Nodes, {devices} devices, {per_page} on a page: {counted}");
    }
}
