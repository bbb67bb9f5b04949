//! Which level of Pod Security the Pods take, and why.

use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::PostParams;

use crate::workloads::applied;

#[tokio::test]
async fn nothing_but_the_hosts_network_keeps_the_pods_from_the_strictest_level() {
    let (control_plane, workloads) = applied().await;
    for level in ["baseline", "restricted"] {
        let namespace = format!(
            "{{apiVersion: v1, kind: Namespace, metadata: {{name: {level}, labels: {{pod-security.kubernetes.io/enforce: {level}}}}}}}"
        );
        control_plane.apply(&namespace).await.unwrap();
    }
    let (baseline, restricted): (Api<Pod>, Api<Pod>) =
        (Api::namespaced(control_plane.client(), "baseline"), Api::namespaced(control_plane.client(), "restricted"));
    for workload in workloads {
        let mut pod = workload.pod();
        let Err(kube::Error::Api(refused)) = baseline.create(&PostParams::default(), &pod).await else { panic!() };
        let (_, why) = refused.message.split_once("violates PodSecurity \"baseline:latest\": ").unwrap();
        let port = "hostPort (container \"cloud-controller-manager\" uses hostPort 10258)";
        assert_eq!(why, format!("host namespaces (hostNetwork=true), {port}"));

        let spec = pod.spec.as_mut().unwrap();
        spec.host_network = None;
        spec.containers[0].ports = None;
        // Probes name the port.
        spec.containers[0].liveness_probe = None;
        spec.containers[0].readiness_probe = None;
        restricted.create(&PostParams::default(), &pod).await.unwrap();
    }
}
