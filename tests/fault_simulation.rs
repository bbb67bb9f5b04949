//! The whole controller in a simulated world: the real actors, both simulated APIs in one process, on one thread, under a clock
//! that leaps from one event to the next. One seed decides what happens and when: every latency, fault, lost answer, cut watch,
//! crash and handover. After each step what must always hold is checked, and once the faults have ended, that everything comes
//! right.
//!
//! In a world where nothing happens it is counted what Nodes that are not Ready cost.
//!
//! `make fault-test SEEDS=1000` runs many seeds; `make fault-test SEED=17` one, and tells its story.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "fault_simulation/chaos.rs"]
mod chaos;
#[path = "fault_simulation/invariants.rs"]
mod invariants;
#[path = "fault_simulation/machine.rs"]
mod machine;
#[path = "fault_simulation/network.rs"]
mod network;
#[path = "fault_simulation/outage.rs"]
mod outage;
#[path = "fault_simulation/process.rs"]
mod process;
#[path = "fault_simulation/run.rs"]
mod run;
#[path = "fault_simulation/secrecy.rs"]
mod secrecy;
#[path = "fault_simulation/steady_state.rs"]
mod steady_state;
#[path = "fault_simulation/world.rs"]
mod world;
