//! The two workloads of `deploy/template/`, as the API server has them once everything is applied.

use std::time::Duration;

use control_plane::ControlPlane;
use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use k8s_openapi::api::core::v1::{Pod, PodSpec, PodTemplateSpec};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::Api;
use kube::api::PostParams;

pub(crate) const ACCESS: &str = include_str!("../../../../deploy/template/access.yaml");
const DEPLOYMENT: &str = include_str!("../../../../deploy/template/deployment.yaml");
const DAEMON_SET: &str = include_str!("../../../../deploy/template/daemonset.yaml");
const SECRET: &str = include_str!("../../../../deploy/secret.example.yaml");

pub(crate) const NAME: &str = "packet-cloud-controller-manager";

/// Longer than an API server takes to see what was applied, on a busy machine.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// A `Deployment` or a `DaemonSet`.
pub(crate) struct Workload {
    pub(crate) kind: &'static str,
    pub(crate) template: PodTemplateSpec,
    /// How Pods are replaced: the type, and how many there may be beyond those that are wanted.
    pub(crate) strategy: (Option<String>, Option<IntOrString>),
}

impl Workload {
    /// The Pod that it makes, for any namespace.
    pub(crate) fn pod(&self) -> Pod {
        let mut pod = Pod { spec: self.template.spec.clone(), ..Pod::default() };
        pod.metadata.labels = self.template.metadata.as_ref().and_then(|metadata| metadata.labels.clone());
        pod.metadata.name = Some(format!("of-the-{}", self.kind));
        pod
    }

    /// What the API server makes of that Pod in `kube-system`.
    pub(crate) async fn admitted(&self, control_plane: &ControlPlane) -> PodSpec {
        let pods: Api<Pod> = Api::namespaced(control_plane.client(), "kube-system");
        pods.create(&PostParams::default(), &self.pod()).await.unwrap().spec.unwrap()
    }
}

/// A control plane with everything applied, and both workloads.
pub(crate) async fn applied() -> (ControlPlane, [Workload; 2]) {
    let control_plane = ControlPlane::start().await.unwrap();
    for manifest in [ACCESS, SECRET, DEPLOYMENT, DAEMON_SET] {
        control_plane.apply(manifest).await.unwrap();
    }
    let deployments: Api<Deployment> = Api::namespaced(control_plane.client(), "kube-system");
    let deployment = deployments.get(NAME).await.unwrap().spec.unwrap();
    let daemon_sets: Api<DaemonSet> = Api::namespaced(control_plane.client(), "kube-system");
    let daemon_set = daemon_sets.get(NAME).await.unwrap().spec.unwrap();
    let (rolled, updated) = (deployment.strategy.unwrap(), daemon_set.update_strategy.unwrap());
    let workloads = [
        Workload {
            kind: "deployment",
            template: deployment.template,
            strategy: (rolled.type_, rolled.rolling_update.unwrap().max_surge),
        },
        Workload {
            kind: "daemonset",
            template: daemon_set.template,
            strategy: (updated.type_, updated.rolling_update.unwrap().max_surge),
        },
    ];
    (control_plane, workloads)
}
