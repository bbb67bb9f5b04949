//! The Nodes of a run: who there is, how they join, what is seen of them and what must be true of them.

pub(crate) mod checks;
pub(crate) mod events;
pub(crate) mod fleet;
pub(crate) mod floor;
pub(crate) mod kubelets;
pub(crate) mod observation;
