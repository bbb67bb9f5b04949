//! What the Helm chart makes: the same as `deploy/template/`, accepted by a real API server and read by the program.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use clap::Parser;
use control_plane::ControlPlane;
use k8s_openapi::ByteString;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Secret;
use k8s_openapi::api::rbac::v1::ClusterRole;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::Api;
use packet_cloud_controller_manager::config::{Config, Flags};
use serde_json::Value;

use crate::helm::{AS_DELIVERED, CHART, EVERYTHING, helm, objects, rendered, template, the};
use crate::stage::PATIENCE;

const ACCESS: &str = include_str!("../../deploy/template/access.yaml");
const DEPLOYMENT: &str = include_str!("../../deploy/template/deployment.yaml");
const DAEMON_SET: &str = include_str!("../../deploy/template/daemonset.yaml");
const BUDGET: &str = include_str!("../../deploy/template/pod-disruption-budget.yaml");
const SECRET: &str = include_str!("../../deploy/secret.example.yaml");
const SERVICE_MONITOR: &str = include_str!("../fixtures/service-monitor.yaml");
const VERSIONS: &str = include_str!("../../deploy/helm/packet-cloud-controller-manager/Chart.yaml");
const SETTINGS: &str = include_str!("../../docs/reference/settings.md");

const ON_THE_CONTROL_PLANE: &[&str] = &["--set=kind=DaemonSet,credentials.existingSecret=packet-cloud-config"];
const TWO_REPLICAS: &[&str] = &["--set=replicas=2,credentials.existingSecret=packet-cloud-config"];
const WITHOUT_A_BUDGET: &[&str] =
    &["--set=podDisruptionBudget.create=false,credentials.existingSecret=packet-cloud-config"];
const WITH_TOKEN: &[&str] = &["--set=credentials.apiKey=a-token,credentials.projectID=a-project"];
const ONE_WITHOUT_ELECTION: &[&str] = &["--set=leaderElection=false,credentials.existingSecret=a-secret"];
const INTO_ACCOUNT_OF_OTHERS: &[&str] =
    &["--set=credentials.existingSecret=a-secret,serviceAccount.create=false,rbac.create=false"];

const VALUES: [&[&str]; 8] = [
    AS_DELIVERED,
    ON_THE_CONTROL_PLANE,
    TWO_REPLICAS,
    WITHOUT_A_BUDGET,
    WITH_TOKEN,
    ONE_WITHOUT_ELECTION,
    INTO_ACCOUNT_OF_OTHERS,
    EVERYTHING,
];

fn container(workload: &Value) -> &Value {
    &workload["spec"]["template"]["spec"]["containers"][0]
}

/// The object without its labels, which only say who made it.
fn unlabelled(object: &Value) -> Value {
    let mut object = object.clone();
    object["metadata"].as_object_mut().unwrap().remove("labels");
    object
}

/// The configuration that the program has in the container that the chart makes.
fn configuration(objects: &[Value]) -> Config {
    let container = container(the("Deployment", objects));
    let folder = tempfile::tempdir().unwrap();
    let secret: Secret = serde_json::from_value(the("Secret", objects).clone()).unwrap();
    for (name, ByteString(content)) in secret.data.unwrap() {
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    let mounted =
        |argument: &Value| argument.as_str().unwrap().replace("/etc/cloud-sa", folder.path().to_str().unwrap());
    let arguments = container["args"].as_array().unwrap().iter().map(mounted);
    let flags = Flags::try_parse_from(std::iter::once("ccm".to_owned()).chain(arguments)).unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let variables = container["env"].as_array().into_iter().flatten();
    let variables: BTreeMap<_, _> = variables.map(|one| (text(&one["name"]), text(&one["value"]))).collect();
    Config::load(&flags, |name| variables.get(name).cloned()).unwrap()
}

/// The keys of the file in docs/reference/settings.md that have an effect, and whether a change takes effect live.
fn documented_settings() -> Vec<(String, bool)> {
    let rows = SETTINGS.lines().filter_map(|line| line.strip_prefix("| `")).filter(|row| row.contains("METAL_"));
    let cells = rows.map(|row| row.split('|').map(str::trim).collect::<Vec<_>>());
    cells.filter(|cells| !cells[0].contains(", ")).map(|cells| (cells[0].replace('`', ""), cells[3] == "●")).collect()
}

#[test]
fn the_chart_is_of_the_version_of_the_program() {
    let chart = &objects(VERSIONS)[0];
    assert_eq!(chart["version"], env!("CARGO_PKG_VERSION"));
    assert_eq!(chart["appVersion"], env!("CARGO_PKG_VERSION"));
}

#[test]
fn helm_has_nothing_against_the_chart_whatever_is_set() {
    for values in VALUES {
        helm(&[&["lint", "--strict", CHART], values].concat()).unwrap_or_else(|error| panic!("{values:?}: {error}"));
    }
}

/// Kind, namespace and name.
fn title(object: &Value) -> String {
    let metadata = &object["metadata"];
    format!("{} {} {}", object["kind"], metadata["namespace"], metadata["name"])
}

/// The chart with those values makes what these files have, and nothing else.
fn makes(values: &[&str], manifests: &[&str]) {
    let by_title = |objects: Vec<Value>| -> BTreeMap<String, Value> {
        objects.iter().map(|object| (title(object), unlabelled(object))).collect()
    };
    let mut chart = by_title(rendered(values));
    for (title, manifest) in by_title(manifests.iter().flat_map(|manifest| objects(manifest)).collect()) {
        let made = chart.remove(&title).unwrap_or_else(|| panic!("{values:?}: {title} is missing"));
        assert_eq!(made, manifest, "{values:?}");
    }
    assert!(chart.is_empty(), "{values:?}: no file has {:?}", chart.keys());
}

#[test]
fn as_delivered_the_chart_is_the_manifests() {
    makes(AS_DELIVERED, &[ACCESS, DEPLOYMENT, BUDGET]);
    makes(ON_THE_CONTROL_PLANE, &[ACCESS, DAEMON_SET]);
    makes(WITHOUT_A_BUDGET, &[ACCESS, DEPLOYMENT]);
    let two = DEPLOYMENT.replace("\n  replicas: 1\n", "\n  replicas: 2\n");
    assert_ne!(two, DEPLOYMENT);
    makes(TWO_REPLICAS, &[ACCESS, &two, BUDGET]);
}

#[test]
fn a_daemon_set_has_the_same_pods_on_the_control_plane_alone() {
    let pod = |kind: &str, manifest: &str| the(kind, &objects(manifest))["spec"]["template"].clone();
    let mut made = pod("DaemonSet", DAEMON_SET);
    let affinity = made["spec"].as_object_mut().unwrap().remove("affinity").unwrap();
    assert!(affinity.to_string().contains("node-role.kubernetes.io/control-plane"), "{affinity}");
    assert_eq!(made, pod("Deployment", DEPLOYMENT));
}

#[test]
fn what_may_be_done_to_a_lease_is_for_the_one_that_is_elected_by() {
    let role = |values: &[&str]| {
        let is_it = |object: &Value| {
            object["kind"] == "Role" && object["metadata"]["name"].to_string().contains("leader-election")
        };
        rendered(values).into_iter().find(is_it)
    };
    let other = "--set=extraArgs={--leader-elect-resource-name=ccm,--leader-elect-resource-namespace=metal}";
    let named = role(&[AS_DELIVERED[0], other]).unwrap();
    assert_eq!(named["metadata"]["namespace"], "metal");
    assert_eq!(named["rules"][0]["resourceNames"], serde_json::json!(["ccm"]));
    assert!(role(AS_DELIVERED).is_some() && role(ONE_WITHOUT_ELECTION).is_none());
}

#[test]
fn the_program_reads_every_setting_of_the_chart_where_a_change_of_it_takes_effect() {
    let shown = configuration(&rendered(EVERYTHING)).shown();
    let defaults = configuration(&rendered(WITH_TOKEN)).shown();
    assert_eq!(
        documented_settings(),
        shown.iter().map(|setting| (setting.key.to_owned(), setting.live)).collect::<Vec<_>>()
    );
    for (setting, default) in shown.iter().zip(defaults) {
        let key = setting.key;
        assert!(key == "apiKey" || setting.value != default.value, "{key} of the chart has no effect");
        assert_eq!(setting.live, setting.source.contains("cloud-sa.json"), "{key} comes from {}", setting.source);
        assert!(setting.source != "default", "{key}");
        assert!(["apiKey", "projectID"].contains(&key) || default.source == "default", "{key} is set by nobody");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_api_server_takes_what_the_chart_makes() {
    let cluster = ControlPlane::start().await.unwrap();
    cluster.apply(SERVICE_MONITOR).await.unwrap();
    cluster.apply("{apiVersion: v1, kind: Namespace, metadata: {name: observing}}").await.unwrap();
    let definitions: Api<CustomResourceDefinition> = Api::all(cluster.client());
    let begun = Instant::now();
    let is_served = |definition: CustomResourceDefinition| {
        let conditions = definition.status.and_then(|status| status.conditions).unwrap_or_default();
        conditions.iter().any(|condition| condition.type_ == "Established" && condition.status == "True")
    };
    let mut glances = tokio::time::interval(Duration::from_millis(50));
    while !is_served(definitions.get("servicemonitors.monitoring.coreos.com").await.unwrap()) {
        assert!(begun.elapsed() < PATIENCE);
        glances.tick().await;
    }
    for values in VALUES {
        cluster.apply(&template(values).unwrap()).await.unwrap_or_else(|error| panic!("{values:?}: {error}"));
    }
}

/// A release in a real cluster.
struct Release {
    cluster: ControlPlane,
    folder: tempfile::TempDir,
}

impl Release {
    async fn nowhere_yet() -> Self {
        let release = Self { cluster: ControlPlane::start().await.unwrap(), folder: tempfile::tempdir().unwrap() };
        std::fs::write(release.kubeconfig(), release.cluster.kubeconfig()).unwrap();
        release
    }

    fn kubeconfig(&self) -> std::path::PathBuf {
        self.folder.path().join("kubeconfig")
    }

    fn helm(&self, arguments: &[&str]) -> String {
        let kubeconfig = format!("--kubeconfig={}", self.kubeconfig().display());
        helm(&[arguments, &["--namespace=kube-system", &kubeconfig]].concat()).unwrap()
    }

    async fn deployment(&self) -> Option<Deployment> {
        let deployments: Api<Deployment> = Api::namespaced(self.cluster.client(), "kube-system");
        deployments.get_opt("packet-cloud-controller-manager").await.unwrap()
    }

    /// How often the Deployment was changed, other than in its labels.
    async fn generation(&self) -> i64 {
        self.deployment().await.unwrap().metadata.generation.unwrap()
    }

    /// The file in the Secret of the chart.
    async fn file(&self) -> Option<Value> {
        let secrets: Api<Secret> = Api::namespaced(self.cluster.client(), "kube-system");
        let secret = secrets.get_opt("packet-cloud-controller-manager-config").await.unwrap()?;
        Some(serde_json::from_slice(&secret.data.unwrap()["cloud-sa.json"].0).unwrap())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_replaces_pods_only_for_what_takes_no_effect_live() {
    let release = Release::nowhere_yet().await;
    let upgrade =
        |further: &str| release.helm(&["upgrade", "ccm", CHART, "--reuse-values", &format!("--set={further}")]);
    let notes = release.helm(&[&["install", "ccm", CHART], WITH_TOKEN].concat());
    assert!(notes.contains("status"), "{notes}");
    assert_eq!(release.file().await.unwrap()["apiKey"], "a-token");
    let installed = release.generation().await;

    upgrade("credentials.apiKey=a-new-token,settings.rateLimit.burst=7,settings.safety.deletionShare=5%");
    let file = release.file().await.unwrap();
    assert_eq!((&file["apiKey"], &file["rateLimit"]["burst"]), (&"a-new-token".into(), &7.into()));
    assert_eq!(file["safety"]["deletionShare"], "5%");
    assert_eq!(release.generation().await, installed, "Pods are replaced for what takes effect live");

    upgrade("settings.topology=metro-facility");
    assert_eq!(release.generation().await, installed + 1, "no Pod is replaced for what takes a restart");

    release.helm(&["uninstall", "ccm"]);
    assert!(release.deployment().await.is_none() && release.file().await.is_none());
    let roles: Api<ClusterRole> = Api::all(release.cluster.client());
    assert!(roles.get_opt("system:cloud-controller-manager").await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_release_takes_over_what_the_manifests_made_without_replacing_it() {
    let release = Release::nowhere_yet().await;
    for manifest in [ACCESS, SECRET, DEPLOYMENT, BUDGET] {
        release.cluster.apply(manifest).await.unwrap();
    }
    let before = release.deployment().await.unwrap();
    release.helm(&[&["install", "ccm", CHART, "--take-ownership"], AS_DELIVERED].concat());
    let after = release.deployment().await.unwrap();
    assert_eq!(before.metadata.uid, after.metadata.uid);
    assert_eq!(before.spec, after.spec, "a new Pod takes the place of the old one");
    assert_eq!(after.metadata.labels.unwrap()["app.kubernetes.io/managed-by"], "Helm");
}
