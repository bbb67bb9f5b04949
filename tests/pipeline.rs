//! The steps of the pipeline, run as people and workflows run them: `make …` in a checkout. What takes no image runs with all other
//! tests; `make pipeline-test` runs the whole way to a registry.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "pipeline/checkout.rs"]
mod checkout;
#[path = "pipeline/image.rs"]
mod image;
#[path = "pipeline/preparing.rs"]
mod preparing;
#[path = "pipeline/publishing.rs"]
mod publishing;
#[path = "pipeline/refusals.rs"]
mod refusals;
#[path = "pipeline/registry.rs"]
mod registry;
#[path = "support/repository.rs"]
mod repository;
#[path = "pipeline/workflows.rs"]
mod workflows;
