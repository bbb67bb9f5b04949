//! A real kube-apiserver says who may read what is served, asked under the ServiceAccount of `deploy/`.

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use control_plane::ControlPlane;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use kube::api::PostParams;
use packet_cloud_controller_manager::config::ServingSettings;
use packet_cloud_controller_manager::serving::{Access, Listening};
use packet_cloud_controller_manager::telemetry::metrics::AccessMetrics;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::stage::token_of;

const ACCESS: &str = include_str!("../../deploy/template/access.yaml");

/// What Prometheus needs, as docs/reference/serving.md has it, for its account and for a group of people; and an account without it.
pub(crate) const READERS: &str = "
{apiVersion: v1, kind: ServiceAccount, metadata: {name: prometheus}}
---
{apiVersion: v1, kind: ServiceAccount, metadata: {name: nobody}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: packet-ccm-metrics-reader}
rules: [{nonResourceURLs: [/metrics], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: packet-ccm-metrics-reader}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: packet-ccm-metrics-reader}
subjects:
  - {kind: ServiceAccount, name: prometheus, namespace: default}
  - {apiGroup: rbac.authorization.k8s.io, kind: Group, name: operators}
";

/// A server with `/healthz` and `/metrics`, whose access the cluster reviews. Answers where it is.
async fn serve(cluster: kube::Client, settings: &ServingSettings) -> String {
    let routes = Router::new().route("/healthz", get(|| async { "ok" })).route("/metrics", get(|| async { "metrics" }));
    let access = Arc::new(Access::new(settings, &cluster, AccessMetrics::default()).await.unwrap());
    let listening = Listening::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), settings).unwrap();
    let url = format!("https://{}", listening.local_addr().unwrap());
    tokio::spawn(listening.serve(routes, access, std::future::pending()));
    url
}

pub(crate) fn client() -> reqwest::ClientBuilder {
    reqwest::Client::builder().tls_danger_accept_invalid_certs(true).no_proxy()
}

/// The status and message of what is answered.
pub(crate) async fn read(client: &reqwest::Client, url: &str, token: Option<&str>) -> (u16, String) {
    let mut request = client.get(url);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let response = request.send().await.unwrap();
    let (status, body) = (response.status().as_u16(), response.text().await.unwrap());
    let message =
        serde_json::from_str::<Value>(&body).ok().and_then(|body| body["message"].as_str().map(str::to_owned));
    (status, message.unwrap_or(body))
}

/// An authority in PEM, and the certificates and keys of clients with these names and groups.
pub(crate) fn certificates<const N: usize>(clients: &[(&str, &str); N]) -> (String, [reqwest::Identity; N]) {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let (authority, issuer) = (params.self_signed(&key).unwrap().pem(), Issuer::new(params, key));
    let of_client = |(name, group): &(&str, &str)| {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, *name);
        params.distinguished_name.push(DnType::OrganizationName, *group);
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let pem = params.signed_by(&key, &issuer).unwrap().pem() + &key.serialize_pem();
        reqwest::Identity::from_pem(pem.as_bytes()).unwrap()
    };
    (authority, clients.each_ref().map(of_client))
}

/// Has a cluster say that it believes the client certificates of this authority. An API server that believes some says so by
/// itself; the one of the tests does not.
pub(crate) async fn publish(cluster: &ControlPlane, authority: String) {
    let mut map = ConfigMap { data: Some([("client-ca-file".to_owned(), authority)].into()), ..ConfigMap::default() };
    map.metadata.name = Some("extension-apiserver-authentication".to_owned());
    let maps = Api::<ConfigMap>::namespaced(cluster.client(), "kube-system");
    maps.create(&PostParams::default(), &map).await.unwrap();
}

#[tokio::test]
async fn who_may_read_metrics_is_what_the_cluster_says() {
    let cluster = ControlPlane::start().await.unwrap_or_else(|error| panic!("{error}"));
    cluster.apply(ACCESS).await.unwrap();
    cluster.apply(READERS).await.unwrap();
    let account = async |namespace, name| cluster.service_account_kubeconfig(namespace, name).await.unwrap();
    let controller = account("kube-system", "cloud-controller-manager").await;
    let controller = cluster.client_for(&controller).await.unwrap();

    let (authority, identities) = certificates(&[("jane", "operators"), ("joe", "dev"), ("root", "system:masters")]);
    publish(&cluster, authority).await;
    let server = serve(controller, &ServingSettings::default()).await;
    let metrics = format!("{server}/metrics");

    let anybody = client().build().unwrap();
    assert_eq!(read(&anybody, &format!("{server}/healthz"), None).await, (200, "ok".to_owned()));
    let prometheus = token_of(&account("default", "prometheus").await);
    assert_eq!(read(&anybody, &metrics, Some(&prometheus)).await, (200, "metrics".to_owned()));
    let forbidden = |user: &str| (403, format!("forbidden: User \"{user}\" cannot get path \"/metrics\""));
    let nobody = token_of(&account("default", "nobody").await);
    assert_eq!(read(&anybody, &metrics, Some(&nobody)).await, forbidden("system:serviceaccount:default:nobody"));
    assert_eq!(read(&anybody, &metrics, None).await, forbidden("system:anonymous"));
    assert_eq!(read(&anybody, &metrics, Some("wrong")).await, (401, "Unauthorized".to_owned()));
    assert_eq!(read(&anybody, &metrics, Some(cluster.admin_token())).await.0, 200);

    let by_certificate = |identity: &reqwest::Identity| client().identity(identity.clone()).build().unwrap();
    let [jane, joe, root] = identities.each_ref().map(by_certificate);
    while read(&jane, &metrics, None).await == forbidden("system:anonymous") {
        // The authority is being looked up.
        tokio::task::yield_now().await;
    }
    assert_eq!(read(&jane, &metrics, None).await, (200, "metrics".to_owned()));
    assert_eq!(read(&joe, &metrics, None).await, forbidden("joe"));
    assert_eq!(read(&root, &format!("{server}/else"), None).await.0, 404);
}

#[tokio::test]
async fn without_the_grants_health_is_all_that_is_served() {
    let cluster = ControlPlane::start().await.unwrap_or_else(|error| panic!("{error}"));
    cluster.apply(READERS).await.unwrap();
    let account = async |name| cluster.service_account_kubeconfig("default", name).await.unwrap();
    let weak = cluster.client_for(&account("nobody").await).await.unwrap();
    let server = serve(weak, &ServingSettings::default()).await;
    let (anybody, metrics) = (client().build().unwrap(), format!("{server}/metrics"));

    let (status, message) = read(&anybody, &metrics, Some(&token_of(&account("prometheus").await))).await;
    let said =
        "tokenreviews.authentication.k8s.io is forbidden: User \"system:serviceaccount:default:nobody\" cannot create";
    assert!(status == 401 && message.contains(said), "{status} {message}");
    let (status, message) = read(&anybody, &metrics, None).await;
    let said = "Internal Server Error: \"/metrics\": subjectaccessreviews.authorization.k8s.io is forbidden: User";
    assert!(status == 500 && message.starts_with(said), "{status} {message}");
    assert_eq!(read(&anybody, &format!("{server}/healthz"), None).await, (200, "ok".to_owned()));
}
