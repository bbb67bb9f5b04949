//! Whether what is written beside the code is true: where links lead, which commands are named, what pictures show, and whether a
//! capability is added as its page says. Needs no network.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

#[path = "docs/capability.rs"]
mod capability;
#[path = "docs/commands.rs"]
mod commands;
#[path = "docs/links.rs"]
mod links;
#[path = "docs/page.rs"]
mod page;
#[path = "docs/pictures.rs"]
mod pictures;
#[path = "support/repository.rs"]
mod repository;
