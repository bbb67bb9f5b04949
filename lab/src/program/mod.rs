//! The shipped binary as a process, what it uses, and what its log says.

pub(crate) mod log;
pub(crate) mod log_tail;
pub(crate) mod product;
pub(crate) mod usage;
