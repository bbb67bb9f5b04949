//! The three kinds of patch that say what to change; the fourth, server-side apply, is in `ownership`.

pub(crate) mod json_patch;
pub(crate) mod strategic;
