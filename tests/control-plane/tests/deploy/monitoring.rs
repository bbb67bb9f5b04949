//! Prometheus, as `deploy/monitoring/` has it find the Pods of `deploy/template/`.

use std::time::Instant;

use control_plane::ControlPlane;
use k8s_openapi::api::authorization::v1::{NonResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use k8s_openapi::api::core::v1::Service;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use kube::Api;
use kube::api::PostParams;

use crate::workloads::{NAME, PATIENCE, applied};

const SERVICE: &str = include_str!("../../../../deploy/monitoring/service.yaml");
/// Of a kind that an API server without Prometheus Operator does not know.
const SERVICE_MONITOR: &str = include_str!("../../../../deploy/monitoring/service-monitor.yaml");

#[tokio::test]
async fn prometheus_finds_every_replica_and_may_read_its_metrics_and_nothing_else() {
    let (control_plane, workloads) = applied().await;
    control_plane.apply(SERVICE).await.unwrap();
    let services: Api<Service> = Api::namespaced(control_plane.client(), "kube-system");
    let service = services.get(NAME).await.unwrap();

    let spec = service.spec.unwrap();
    let selector = spec.selector.unwrap();
    assert_eq!((spec.cluster_ip.as_deref(), spec.publish_not_ready_addresses), (Some("None"), Some(true)));
    let port = &spec.ports.as_ref().unwrap()[0];
    for pod in workloads.map(|workload| workload.pod()) {
        let labels = pod.metadata.labels.unwrap();
        assert!(!selector.is_empty() && selector.iter().all(|(name, value)| labels.get(name) == Some(value)));
        let spec = pod.spec.unwrap();
        let container_port = &spec.containers[0].ports.as_ref().unwrap()[0];
        assert_eq!(port.target_port, container_port.name.clone().map(IntOrString::String));
        assert_eq!(port.port, container_port.container_port);
    }

    let monitor: serde_json::Value = serde_saphyr::from_str(SERVICE_MONITOR).unwrap();
    assert_eq!(monitor["metadata"]["namespace"].as_str(), service.metadata.namespace.as_deref());
    let service_labels = serde_json::to_value(service.metadata.labels).unwrap();
    for (name, value) in monitor["spec"]["selector"]["matchLabels"].as_object().unwrap() {
        assert_eq!(&service_labels[name], value);
    }
    let endpoint = &monitor["spec"]["endpoints"][0];
    assert_eq!(endpoint["port"].as_str(), port.name.as_deref());
    assert_eq!((&endpoint["scheme"], &endpoint["path"]), (&"https".into(), &"/metrics".into()));

    let begun = Instant::now();
    while !may_read(&control_plane, "/metrics").await {
        assert!(begun.elapsed() < PATIENCE, "/metrics is refused");
    }
    for path in ["/status", "/configz", "/debug/flags/v"] {
        assert!(!may_read(&control_plane, path).await, "{path}");
    }
}

/// Whether the account of Prometheus may read that.
async fn may_read(control_plane: &ControlPlane, path: &str) -> bool {
    let asked = NonResourceAttributes { path: Some(path.to_owned()), verb: Some("get".to_owned()) };
    let user = Some("system:serviceaccount:monitoring:prometheus-k8s".to_owned());
    let spec = SubjectAccessReviewSpec { non_resource_attributes: Some(asked), user, ..Default::default() };
    let review = SubjectAccessReview { spec, ..Default::default() };
    let reviews: Api<SubjectAccessReview> = Api::all(control_plane.client());
    reviews.create(&PostParams::default(), &review).await.unwrap().status.unwrap().allowed
}
