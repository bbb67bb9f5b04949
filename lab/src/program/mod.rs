//! The shipped binary as a process, and what its log says.

pub(crate) mod log_tail;
pub(crate) mod product;
