//! The page of plots.

mod axes;
mod charts;
mod page;

pub(crate) use axes::{Axis, Draw, Plot, ROLES, SIZE, failed, svg};
pub(crate) use page::page;
