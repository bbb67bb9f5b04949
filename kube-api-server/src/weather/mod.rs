//! What makes the server a bad one to be a client of: faults, slow answers, a limit on requests, cut watches, lost history.

pub(crate) mod fault_text;
pub(crate) mod faults;
pub(crate) mod latency;
pub(crate) mod limit;
pub(crate) mod periodic;
