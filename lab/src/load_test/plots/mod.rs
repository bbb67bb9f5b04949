//! The page of plots.

mod axes;
mod charts;
mod page;

pub(crate) use page::page;
