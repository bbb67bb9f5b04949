//! The files of `deploy/`, against the API server that has to accept them.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use control_plane::ControlPlane;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::authorization::v1::{
    NonResourceAttributes, ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec,
    SubjectAccessReview, SubjectAccessReviewSpec,
};
use k8s_openapi::api::core::v1::{Container, Pod, PodSpec, Probe, Secret, Service};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::api::PostParams;
use kube::{Api, Client};

const ACCESS: &str = include_str!("../../../deploy/template/access.yaml");
const DEPLOYMENT: &str = include_str!("../../../deploy/template/deployment.yaml");
const SECRET: &str = include_str!("../../../deploy/secret.example.yaml");
const SERVICE: &str = include_str!("../../../deploy/monitoring/service.yaml");
/// Of a kind that an API server without Prometheus Operator does not know.
const SERVICE_MONITOR: &str = include_str!("../../../deploy/monitoring/service-monitor.yaml");

/// Everything that the controller needs: verb, API group, resource, subresource.
const GRANTED: [(&str, &str, &str, &str); 11] = [
    ("get", "", "nodes", ""),
    ("list", "", "nodes", ""),
    ("watch", "", "nodes", ""),
    ("patch", "", "nodes", ""),
    ("delete", "", "nodes", ""),
    ("patch", "", "nodes", "status"),
    ("create", "", "events", ""),
    ("list", "", "events", ""),
    ("get", "coordination.k8s.io", "leases", ""),
    ("create", "coordination.k8s.io", "leases", ""),
    ("update", "coordination.k8s.io", "leases", ""),
];

/// What it needs to find out who may read what it serves.
const REVIEWS: [(&str, &str, &str, &str); 2] = [
    ("create", "authentication.k8s.io", "tokenreviews", ""),
    ("create", "authorization.k8s.io", "subjectaccessreviews", ""),
];

const VERBS: [&str; 8] = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

/// What the verbs are tried on: what is granted in part, and what would hurt most if it were granted by mistake.
const RESOURCES: [(&str, &str, &str); 11] = [
    ("", "nodes", ""),
    ("", "nodes", "status"),
    ("", "nodes", "proxy"),
    ("", "events", ""),
    ("events.k8s.io", "events", ""),
    ("coordination.k8s.io", "leases", ""),
    ("", "secrets", ""),
    ("", "configmaps", ""),
    ("", "pods", ""),
    ("", "serviceaccounts", "token"),
    ("rbac.authorization.k8s.io", "clusterrolebindings", ""),
];

async fn with_everything_applied() -> ControlPlane {
    let control_plane = ControlPlane::start().await.unwrap();
    for manifest in [ACCESS, SECRET, DEPLOYMENT] {
        control_plane.apply(manifest).await.unwrap();
    }
    control_plane
}

async fn may(client: &Client, verb: &str, group: &str, resource: &str, subresource: &str) -> bool {
    let attributes = ResourceAttributes {
        namespace: Some("kube-system".to_owned()),
        verb: Some(verb.to_owned()),
        group: Some(group.to_owned()),
        resource: Some(resource.to_owned()),
        subresource: Some(subresource.to_owned()),
        ..ResourceAttributes::default()
    };
    let review = SelfSubjectAccessReview {
        spec: SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..Default::default() },
        ..Default::default()
    };
    let reviews: Api<SelfSubjectAccessReview> = Api::all(client.clone());
    reviews.create(&PostParams::default(), &review).await.unwrap().status.unwrap().allowed
}

fn pod_of(deployment: &Deployment) -> &PodSpec {
    deployment.spec.as_ref().unwrap().template.spec.as_ref().unwrap()
}

/// The deployment, and the Pod that the API server makes of it.
async fn admitted(control_plane: &ControlPlane) -> (Deployment, PodSpec) {
    let deployments: Api<Deployment> = Api::namespaced(control_plane.client(), "kube-system");
    let deployment = deployments.get("packet-cloud-controller-manager").await.unwrap();
    let mut pod = Pod { spec: Some(pod_of(&deployment).clone()), ..Pod::default() };
    pod.metadata.name = Some("as-the-deployment-makes-it".to_owned());
    let pods: Api<Pod> = Api::namespaced(control_plane.client(), "kube-system");
    let pod = pods.create(&PostParams::default(), &pod).await.unwrap().spec.unwrap();
    (deployment, pod)
}

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
async fn the_controller_may_do_what_it_needs_and_nothing_else() {
    let control_plane = ControlPlane::start().await.unwrap();
    control_plane.apply(ACCESS).await.unwrap();
    let kubeconfig = control_plane.service_account_kubeconfig("kube-system", "cloud-controller-manager").await.unwrap();
    let controller = control_plane.client_for(&kubeconfig).await.unwrap();

    let mut granted = Vec::new();
    let reviews = REVIEWS.map(|(_, group, resource, subresource)| (group, resource, subresource));
    for (group, resource, subresource) in RESOURCES.into_iter().chain(reviews) {
        for verb in VERBS {
            if may(&controller, verb, group, resource, subresource).await {
                granted.push((verb, group, resource, subresource));
            }
        }
    }
    let (mut granted, mut wanted) = (granted, [GRANTED.as_slice(), &REVIEWS].concat());
    granted.sort_unstable();
    wanted.sort_unstable();
    assert_eq!(granted, wanted);
}

#[tokio::test]
async fn the_deployment_finds_its_account_and_its_credentials() {
    let control_plane = with_everything_applied().await;
    let deployments: Api<Deployment> = Api::namespaced(control_plane.client(), "kube-system");
    let deployment = deployments.get("packet-cloud-controller-manager").await.unwrap();
    let pod = pod_of(&deployment);
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

#[tokio::test]
async fn the_pod_is_admitted_and_tolerates_a_node_that_is_not_initialised() {
    let control_plane = with_everything_applied().await;
    let (_, admitted) = admitted(&control_plane).await;

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
    ] {
        assert!(tolerated(key, effect), "{key}:{effect} keeps the Pod off a new cluster's Node");
    }
}

#[tokio::test]
async fn probes_ask_where_health_is_served_and_a_new_version_can_take_the_port() {
    let control_plane = with_everything_applied().await;
    let (deployment, pod) = admitted(&control_plane).await;
    let container = &pod.containers[0];
    // Nothing is said of --secure-port, so it is the one that every controller manager has.
    assert!(!container.args.iter().flatten().any(|flag| flag.starts_with("--secure-port")));
    let https = |path: &str| ("HTTPS".to_owned(), path.to_owned(), 10258);
    assert_eq!(asked(container, container.liveness_probe.as_ref()), https("/livez"));
    assert_eq!(asked(container, container.readiness_probe.as_ref()), https("/readyz"));

    // A port of the host, of which there is one: whoever leaves has to leave before the next one comes.
    assert_eq!(container.ports.as_ref().unwrap()[0].host_port, Some(10258));
    let strategy = deployment.spec.unwrap().strategy.unwrap();
    assert_eq!(strategy.type_.as_deref(), Some("RollingUpdate"));
    assert_eq!(strategy.rolling_update.unwrap().max_surge, Some(IntOrString::Int(0)));
    // Eight seconds for writes under way, and two for the rest.
    assert!(pod.termination_grace_period_seconds.unwrap() > 10);
}

#[tokio::test]
async fn prometheus_finds_every_replica_and_may_read_its_metrics_and_nothing_else() {
    let control_plane = with_everything_applied().await;
    control_plane.apply(SERVICE).await.unwrap();
    let (deployment, pod) = admitted(&control_plane).await;
    let services: Api<Service> = Api::namespaced(control_plane.client(), "kube-system");
    let service = services.get("packet-cloud-controller-manager").await.unwrap();

    let spec = service.spec.unwrap();
    let pod_labels = deployment.spec.unwrap().template.metadata.unwrap().labels.unwrap();
    let selector = spec.selector.unwrap();
    assert!(!selector.is_empty() && selector.iter().all(|(name, value)| pod_labels.get(name) == Some(value)));
    assert_eq!((spec.cluster_ip.as_deref(), spec.publish_not_ready_addresses), (Some("None"), Some(true)));
    let port = &spec.ports.as_ref().unwrap()[0];
    let container_port = &pod.containers[0].ports.as_ref().unwrap()[0];
    assert_eq!(port.target_port, container_port.name.clone().map(IntOrString::String));
    assert_eq!(port.port, container_port.container_port);

    let monitor: serde_json::Value = serde_saphyr::from_str(SERVICE_MONITOR).unwrap();
    assert_eq!(monitor["metadata"]["namespace"].as_str(), service.metadata.namespace.as_deref());
    let service_labels = serde_json::to_value(service.metadata.labels).unwrap();
    for (name, value) in monitor["spec"]["selector"]["matchLabels"].as_object().unwrap() {
        assert_eq!(&service_labels[name], value);
    }
    let endpoint = &monitor["spec"]["endpoints"][0];
    assert_eq!(endpoint["port"].as_str(), port.name.as_deref());
    assert_eq!((&endpoint["scheme"], &endpoint["path"]), (&"https".into(), &"/metrics".into()));

    let mut allowed = Vec::new();
    for path in ["/metrics", "/status", "/configz", "/debug/flags/v"] {
        let asked = NonResourceAttributes { path: Some(path.to_owned()), verb: Some("get".to_owned()) };
        let user = Some("system:serviceaccount:monitoring:prometheus-k8s".to_owned());
        let spec = SubjectAccessReviewSpec { non_resource_attributes: Some(asked), user, ..Default::default() };
        let review = SubjectAccessReview { spec, ..Default::default() };
        let reviews: Api<SubjectAccessReview> = Api::all(control_plane.client());
        if reviews.create(&PostParams::default(), &review).await.unwrap().status.unwrap().allowed {
            allowed.push(path);
        }
    }
    assert_eq!(allowed, ["/metrics"]);
}
