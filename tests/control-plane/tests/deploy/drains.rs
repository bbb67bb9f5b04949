//! What a drain of a Node is allowed by `deploy/template/pod-disruption-budget.yaml`.

use control_plane::ControlPlane;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::policy::v1::PodDisruptionBudget;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::api::{EvictParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use serde_json::json;

use crate::workloads::{NAME, applied};

const BUDGET: &str = include_str!("../../../../deploy/template/pod-disruption-budget.yaml");

/// How many replicas there are, how many are ready, whether the one on the Node that is drained is, and whether it may go.
const DRAINS: [(i32, i32, bool, bool); 6] = [
    (1, 1, true, true),
    (1, 0, false, true),
    (2, 2, true, true),
    (2, 1, true, false),
    (2, 1, false, true),
    (2, 0, false, true),
];

/// A client that does not try again what may not be, as it would for minutes.
async fn client(control_plane: &ControlPlane) -> Client {
    let kubeconfig = Kubeconfig::from_yaml(&control_plane.kubeconfig()).unwrap();
    let mut config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    (config.default_retry, config.proxy_url) = (false, None);
    Client::try_from(config).unwrap()
}

#[tokio::test]
async fn a_drain_waits_for_the_last_of_several_that_works_and_for_no_other() {
    let (control_plane, [deployment, _]) = applied().await;
    control_plane.apply(BUDGET).await.unwrap();
    let pods: Api<Pod> = Api::namespaced(client(&control_plane).await, "kube-system");
    let budgets: Api<PodDisruptionBudget> = Api::namespaced(control_plane.client(), "kube-system");
    let pod = deployment.pod();
    let name = pod.metadata.name.as_deref().unwrap();
    for (replicas, ready, is_ready, may_go) in DRAINS {
        let _ = pods.create(&PostParams::default(), &pod).await;
        let status = if is_ready { "True" } else { "False" };
        let runs = json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": status}]}});
        pods.patch_status(name, &PatchParams::default(), &Patch::Merge(runs)).await.unwrap();

        // What Kubernetes' disruption controller writes of such Pods.
        let budget = budgets.get(NAME).await.unwrap();
        let Some(IntOrString::Int(most)) = budget.spec.unwrap().max_unavailable else { panic!() };
        let wanted = (replicas - most).max(0);
        let counted = json!({"status": {
            "observedGeneration": budget.metadata.generation,
            "expectedPods": replicas,
            "currentHealthy": ready,
            "desiredHealthy": wanted,
            "disruptionsAllowed": (ready - wanted).max(0),
            "disruptedPods": null,
        }});
        budgets.patch_status(NAME, &PatchParams::default(), &Patch::Merge(counted)).await.unwrap();

        let evicted = pods.evict(name, &EvictParams::default()).await;
        let drain = format!("{ready} of {replicas} are ready, this one: {is_ready}");
        match evicted {
            Ok(_) => assert!(may_go, "{drain}: it went"),
            Err(kube::Error::Api(status)) => assert!(!may_go && status.code == 429, "{drain}: {status:?}"),
            Err(error) => panic!("{drain}: {error}"),
        }
    }
}
