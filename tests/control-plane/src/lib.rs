//! A real Kubernetes control plane, etcd and kube-apiserver, for tests and demonstrations.
//!
//! [`ControlPlane::start`] starts both on loopback with RBAC on, in a folder of their own, on a port of their own, so that
//! any number of them run at once; dropping the value stops them and removes the folder. There is no controller manager,
//! no scheduler and no kubelet: what is written stays as it was written, and every field that changes was changed by the
//! program under test.
//!
//! The two binaries come from `KUBEBUILDER_ASSETS` where that is set (the layout of `setup-envtest`), and are built with
//! Go otherwise, once: see [`binaries`].
#![forbid(unsafe_code)]

mod audit;
pub mod binaries;
mod control_plane;
mod error;
mod kubeconfig;
mod manifest;
mod process;
mod startup;

pub use audit::AuditedRequest;
pub use control_plane::ControlPlane;
pub use error::Error;
