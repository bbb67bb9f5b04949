//! The Kubernetes API of a run, and what keeps somebody's from harm.

pub(crate) mod borrowed;
pub(crate) mod cluster;
