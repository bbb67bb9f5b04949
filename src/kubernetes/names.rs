//! The strings that clusters depend on, letter by letter.

/// The taint of a Node that no cloud controller has filled in (Kubernetes `cloud-provider`, `TaintExternalCloudProvider`).
pub const UNINITIALIZED_TAINT: &str = "node.cloudprovider.kubernetes.io/uninitialized";

/// The taint of a Node whose machine is switched off (Kubernetes `cloud-provider`, `TaintNodeShutdown`).
pub const SHUTDOWN_TAINT: &str = "node.cloudprovider.kubernetes.io/shutdown";

/// The annotation in which a kubelet names its `--node-ip` (Kubernetes `cloud-provider`, `AnnotationAlphaProvidedIPAddr`).
pub const PROVIDED_NODE_IP_ANNOTATION: &str = "alpha.kubernetes.io/provided-node-ip";

/// The instance type, and the name it had in beta (Kubernetes well-known labels).
pub const INSTANCE_TYPE_LABEL: &str = "node.kubernetes.io/instance-type";
/// The beta twin of [`INSTANCE_TYPE_LABEL`].
pub const BETA_INSTANCE_TYPE_LABEL: &str = "beta.kubernetes.io/instance-type";
/// The region (Kubernetes well-known labels).
pub const REGION_LABEL: &str = "topology.kubernetes.io/region";
/// The beta twin of [`REGION_LABEL`].
pub const BETA_REGION_LABEL: &str = "failure-domain.beta.kubernetes.io/region";
/// The zone (Kubernetes well-known labels).
pub const ZONE_LABEL: &str = "topology.kubernetes.io/zone";
/// The beta twin of [`ZONE_LABEL`].
pub const BETA_ZONE_LABEL: &str = "failure-domain.beta.kubernetes.io/zone";

/// Each label of ours with its beta twin.
pub const LABEL_TWINS: [(&str, &str); 3] =
    [(INSTANCE_TYPE_LABEL, BETA_INSTANCE_TYPE_LABEL), (REGION_LABEL, BETA_REGION_LABEL), (ZONE_LABEL, BETA_ZONE_LABEL)];

/// The component that Events name as their source, and managed fields as their manager (Kubernetes `cloud-provider`).
pub const COMPONENT: &str = "cloud-node-controller";
/// The same, of what is said and written about Nodes that are not Ready (Kubernetes `cloud-provider`).
pub const LIFECYCLE_COMPONENT: &str = "cloud-node-lifecycle-controller";
/// The same, of what is said about the Lease (Kubernetes `cloud-provider`).
pub const LEADER_COMPONENT: &str = "cloud-controller-manager";
