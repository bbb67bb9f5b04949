//! The Pods of both workloads: whom they run as, where they may run, what is asked of them, and how they are replaced.

use k8s_openapi::api::core::v1::{Container, Probe, Secret};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::Api;

use crate::workloads::applied;

/// The scheme, path and port that a probe asks.
fn asked(container: &Container, probe: Option<&Probe>) -> (String, String, i32) {
    let get = probe.unwrap().http_get.as_ref().unwrap();
    let port = match &get.port {
        IntOrString::Int(port) => *port,
        IntOrString::String(name) => {
            let ports = container.ports.iter().flatten();
            ports.clone().find(|port| port.name.as_ref() == Some(name)).unwrap().container_port
        }
    };
    (get.scheme.clone().unwrap(), get.path.clone().unwrap(), port)
}

#[tokio::test]
async fn each_pod_finds_its_account_and_its_credentials() {
    let (control_plane, workloads) = applied().await;
    for workload in workloads {
        let pod = workload.template.spec.unwrap();
        let account = pod.service_account_name.as_deref().unwrap();
        control_plane.service_account_kubeconfig("kube-system", account).await.expect("the account is there");

        let volume = &pod.volumes.as_ref().unwrap()[0];
        let secret_name = volume.secret.as_ref().unwrap().secret_name.as_deref().unwrap();
        let secrets: Api<Secret> = Api::namespaced(control_plane.client(), "kube-system");
        let secret = secrets.get(secret_name).await.unwrap();

        let container = &pod.containers[0];
        let mount = &container.volume_mounts.as_ref().unwrap()[0];
        assert_eq!(mount.name, volume.name);
        let path = container.args.as_ref().unwrap().iter().find_map(|arg| arg.strip_prefix("--cloud-config=")).unwrap();
        let (folder, key) = path.rsplit_once('/').unwrap();
        assert_eq!(folder, mount.mount_path);

        let config = &secret.data.unwrap()[key];
        let config: serde_json::Value = serde_json::from_slice(&config.0).unwrap();
        assert!(config["apiKey"].is_string() && config["projectID"].is_string(), "{config}");
    }
}

#[tokio::test]
async fn each_pod_is_admitted_above_what_people_run_and_tolerates_a_node_that_is_not_initialised() {
    let (control_plane, workloads) = applied().await;
    for workload in workloads {
        let admitted = workload.admitted(&control_plane).await;
        // People's own classes end at 1,000,000,000; from 2,000,000,000 a kubelet evicts nothing.
        assert_eq!(admitted.priority, Some(2_000_000_000), "the priority class is the cluster-critical one");
        let tolerated = |key: &str, effect: &str| {
            admitted.tolerations.iter().flatten().any(|toleration| {
                toleration.key.as_deref() == Some(key)
                    && toleration.effect.as_deref().is_none_or(|tolerated| tolerated == effect)
                    && toleration.toleration_seconds.is_none()
            })
        };
        for (key, effect) in [
            ("node.cloudprovider.kubernetes.io/uninitialized", "NoSchedule"),
            ("node.kubernetes.io/not-ready", "NoSchedule"),
            ("node.kubernetes.io/not-ready", "NoExecute"),
            ("node-role.kubernetes.io/control-plane", "NoSchedule"),
            ("CriticalAddonsOnly", "NoExecute"),
        ] {
            assert!(tolerated(key, effect), "{key}:{effect} keeps the Pod of a {} off its Node", workload.kind);
        }
    }
}

#[tokio::test]
async fn probes_ask_where_health_is_served_and_a_new_version_can_take_the_port() {
    let (control_plane, workloads) = applied().await;
    for workload in workloads {
        let pod = workload.admitted(&control_plane).await;
        let container = &pod.containers[0];
        // Nothing is said of --secure-port, so it is the one that every controller manager has.
        assert!(!container.args.iter().flatten().any(|flag| flag.starts_with("--secure-port")));
        let https = |path: &str| ("HTTPS".to_owned(), path.to_owned(), 10258);
        assert_eq!(asked(container, container.liveness_probe.as_ref()), https("/livez"));
        assert_eq!(asked(container, container.readiness_probe.as_ref()), https("/readyz"));

        // A port of the host, of which there is one: whoever leaves has to leave before the next one comes.
        assert_eq!(container.ports.as_ref().unwrap()[0].host_port, Some(10258));
        let strategy = (Some("RollingUpdate".to_owned()), Some(IntOrString::Int(0)));
        assert_eq!(workload.strategy, strategy, "{}", workload.kind);
        // Eight seconds for writes under way, and two for the rest.
        assert!(pod.termination_grace_period_seconds.unwrap() > 10);
    }
}
