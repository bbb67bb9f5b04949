//! docs/guides/migration.md, followed: its commands are run by a shell, with kubectl and helm, on a real API server that has what
//! the older programs' manifests and chart made.

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment};
use k8s_openapi::api::core::v1::{Secret, ServiceAccount};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::Api;
use kube::api::ListParams;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;

use crate::helm::objects;
use crate::inherited_nodes::{BY_METRO_AND_FACILITY, Forms, PACKET_CCM as PACKET_CCM_FORMS, assert_forms, whole};
use crate::migrating_cluster::Cluster;
use crate::who_led::{Verdict, judge};

const GUIDE: &str = include_str!("../../docs/guides/migration.md");
const PACKET_CCM: &str = include_str!("../fixtures/migration/packet-ccm.yaml");
const EQUINIX_METAL: &str = include_str!("../fixtures/migration/cloud-provider-equinix-metal.yaml");
const ACCESS: &str = include_str!("../../deploy/template/access.yaml");
const DEPLOYMENT: &str = include_str!("../../deploy/template/deployment.yaml");
pub(crate) const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/migration/chart");

/// The timings of Kubernetes.
const LEASE: Duration = Duration::from_secs(15);

/// What stands between the fences of a section, of one language.
fn blocks(heading: &str, language: &str) -> Vec<String> {
    let (_, section) = GUIDE.split_once(&format!("\n## {heading}\n")).unwrap_or_else(|| panic!("no section {heading}"));
    let section = section.split("\n## ").next().unwrap();
    let mut blocks = section.split("```").skip(1).step_by(2).map(|block| block.split_once('\n').unwrap());
    let found: Vec<_> =
        blocks.by_ref().filter(|(named, _)| *named == language).map(|(_, text)| text.to_owned()).collect();
    found
}

/// A line as it is printed whatever the number of bytes, and without what newer versions of kubectl say besides.
fn comparable(line: &str) -> String {
    let line: String = line.chars().filter(|c| !c.is_ascii_digit()).collect();
    line.split(" from ").next().unwrap().trim_end().to_owned()
}

/// Does what a section says, and answers what was printed. What the guide shows of it was among that.
async fn follow(cluster: &Cluster, heading: &str) -> Vec<String> {
    let (mut printed, scripts) = (Vec::new(), blocks(heading, "sh"));
    assert!(!scripts.is_empty(), "nothing to run in {heading}");
    for script in scripts {
        printed.push(cluster.shell(&script.replace("REGISTRY", "registry.example")).await);
    }
    if heading.starts_with("From") {
        let seen: BTreeSet<_> = printed.iter().flat_map(|text| text.lines()).map(comparable).collect();
        for line in blocks(heading, "text").iter().flat_map(|text| text.lines()) {
            assert!(seen.contains(&comparable(line)), "not printed: {line}\n{printed:#?}");
        }
    }
    printed
}

/// What the older program's objects are in the cluster, without what the API server notes of each write.
async fn access(cluster: &Cluster) -> Vec<Value> {
    let client = &cluster.stage.admin;
    let name = "system:cloud-controller-manager";
    let role = Api::<ClusterRole>::all(client.clone()).get(name).await.unwrap();
    let binding = Api::<ClusterRoleBinding>::all(client.clone()).get(name).await.unwrap();
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), "kube-system");
    let account = accounts.get(&binding.subjects.as_ref().unwrap()[0].name).await.unwrap();
    [serde_json::to_value(role.rules).unwrap(), serde_json::to_value((binding.subjects, binding.role_ref)).unwrap()]
        .into_iter()
        .chain([account.metadata.name.unwrap().into()])
        .collect()
}

/// What the names of objects begin with that are ours alone.
const OURS: &str = "system:cloud-controller-manager:";

/// The objects in the cluster that are ours alone.
async fn ours(cluster: &Cluster) -> BTreeSet<String> {
    let (client, all) = (&cluster.stage.admin, ListParams::default());
    let bindings = Api::<ClusterRoleBinding>::all(client.clone()).list_metadata(&all).await.unwrap();
    let in_namespaces = Api::<RoleBinding>::all(client.clone()).list_metadata(&all).await.unwrap();
    let roles = Api::<Role>::all(client.clone()).list_metadata(&all).await.unwrap();
    let named = |kind: &str, name: Option<String>| format!("{kind} `{}`", name.unwrap());
    let bindings = bindings.items.into_iter().map(|one| named("ClusterRoleBinding", one.metadata.name));
    let in_namespaces = in_namespaces.items.into_iter().map(|one| named("RoleBinding", one.metadata.name));
    let roles = roles.items.into_iter().map(|one| named("Role", one.metadata.name));
    bindings.chain(in_namespaces).chain(roles).filter(|name| name.contains(OURS)).collect()
}

/// Kind and name of each object of a text.
fn named(yaml: &str) -> BTreeSet<String> {
    let name = |object: &Value| {
        format!("{} `{}`", object["kind"].as_str().unwrap(), object["metadata"]["name"].as_str().unwrap())
    };
    objects(yaml).iter().map(name).collect()
}

/// Follows the guide from the older program, by `steps`, and back, by `back`; what both left is as it was.
async fn there_and_back(cluster: &Cluster, forms: Forms, steps: &str, back: impl AsyncFnOnce(&Cluster)) {
    let stage = &cluster.stage;
    cluster.works("theirs").await;
    let old = stage.inherited("old-", 5, forms).await;
    let witness = stage.inherited("witness-", 1, forms).await.remove(0);
    let (before, access_before) = (whole(stage, &old).await, access(cluster).await);

    let looked = follow(cluster, "Before you begin").await;
    let heads = |text: &str| text.lines().next().unwrap().split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    for (seen, sample) in looked.iter().zip(blocks("Before you begin", "text")) {
        assert_eq!(heads(seen), heads(&sample));
    }
    let row = looked[1].lines().find(|line| line.starts_with("old-0000")).unwrap();
    assert!(row.contains(forms.region) && row.ends_with(forms.zone.unwrap_or("<none>")), "{row}");

    println!("{}", follow(cluster, steps).await.join(""));
    cluster.works("ours").await;
    let (device, node) = stage.joined("new-1").await;
    assert_forms(&device, &node, forms);
    stage.refreshed(&witness, forms).await;
    println!("{}", follow(cluster, "Look whether it works").await.join(""));
    assert!(whole(stage, &old).await == before, "a Node has changed");
    let made: BTreeSet<_> = named(ACCESS).into_iter().filter(|name| name.contains(OURS)).collect();
    assert_eq!(ours(cluster).await, made);
    let joined = whole(stage, std::slice::from_ref(&device)).await;

    back(cluster).await;
    cluster.works("theirs").await;
    assert_eq!(access(cluster).await, access_before);
    assert_eq!(ours(cluster).await, BTreeSet::new());
    assert!(whole(stage, &old).await == before && whole(stage, &[device]).await == joined, "a Node has changed");
    assert_eq!(*cluster.seen.lock().unwrap(), ["theirs", "nobody", "ours", "nobody", "theirs"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_leads_from_packet_ccm_and_back() {
    let cluster = Cluster::start().await;
    cluster.file("old.yaml", PACKET_CCM);
    // As release 0.0.4 had it, and with the key that is added; then with credentials that are true.
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: packet-cloud-config, namespace: kube-system}\n";
    let oldest = format!("{secret}stringData: {{apiKey: a, projectID: b}}");
    cluster.file("oldest-secret.yaml", &oldest);
    cluster.shell("kubectl apply --filename=oldest-secret.yaml --filename=deploy/secret.example.yaml").await;
    let secrets: Api<Secret> = Api::namespaced(cluster.stage.admin.clone(), "kube-system");
    let keys: Vec<_> = secrets.get("packet-cloud-config").await.unwrap().data.unwrap().into_keys().collect();
    assert_eq!(keys, ["apiKey", "cloud-sa.json", "projectID"]);
    cluster.secret("packet-cloud-config").await;
    cluster.shell("kubectl apply --filename=old.yaml").await;
    let over = cluster.try_shell("kubectl apply --filename=deploy/template/deployment.yaml").await.unwrap_err();
    assert!(over.contains("spec.selector") && over.contains("immutable"), "{over}");
    let deployments: Api<Deployment> = Api::namespaced(cluster.stage.admin.clone(), "kube-system");
    let deployment = async || deployments.get("packet-cloud-controller-manager").await.unwrap().spec.unwrap();
    follow(&cluster, "The image alone").await;
    let image = deployment().await.template.spec.unwrap().containers.remove(0).image.unwrap();
    assert!(image.starts_with("registry.example/"), "{image}");
    there_and_back(&cluster, PACKET_CCM_FORMS, "From packet-ccm", async |cluster| {
        follow(cluster, "Go back").await;
    })
    .await;
    assert_eq!(deployment().await.selector.match_labels.unwrap()["app"], "packet-cloud-controller-manager");
}

/// Who led, and that nobody wrote who did not. The last leader still runs.
fn who_led(cluster: &Cluster, account: &str) -> Verdict {
    let log = cluster.stage.cluster.audited_writes().unwrap();
    let users = [
        format!("system:serviceaccount:kube-system:{account}"),
        "system:serviceaccount:kube-system:cloud-controller-manager".into(),
    ];
    let verdict = judge(&log, &[&users[0], &users[1]], LEASE);
    assert!(verdict.by_non_leaders.is_empty(), "{verdict}\n{:#?}", verdict.by_non_leaders);
    verdict
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_leads_from_cloud_provider_equinix_metal_and_back_and_only_whoever_leads_writes() {
    let cluster = Cluster::start().await;
    cluster.file("old.yaml", EQUINIX_METAL);
    cluster.secret("metal-cloud-config").await;
    cluster.shell("kubectl apply --filename=old.yaml").await;
    there_and_back(&cluster, BY_METRO_AND_FACILITY, "From cloud-provider-equinix-metal", async |cluster| {
        let log = std::fs::read_to_string(cluster.stage.log()).unwrap();
        assert!(log.contains("standing by: another process leads"), "{log}");
        follow(cluster, "Go back").await;
    })
    .await;
    let daemon_sets: Api<DaemonSet> = Api::namespaced(cluster.stage.admin.clone(), "kube-system");
    daemon_sets.get("cloud-provider-equinix-metal").await.unwrap();
    let verdict = who_led(&cluster, "cloud-controller-manager");
    println!("{verdict}");
    assert!(verdict.handovers >= 1 && verdict.longest_gap < LEASE + Duration::from_secs(5), "{verdict}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guide_leads_from_the_chart_of_cloud_provider_equinix_metal_and_back() {
    let cluster = Cluster::start().await;
    let stage = &cluster.stage;
    let config =
        serde_json::json!({"config": {"apiKey": stage.packet.token(), "projectID": stage.packet.project_id()}});
    cluster.file("old-values.yaml", &config.to_string());
    cluster.file("values.yaml", "{log: {verbosity: 4}}");
    let install =
        format!("helm --namespace=kube-system install cloud-provider-equinix-metal {CHART} --values=old-values.yaml");
    cluster.shell(&install).await;
    // What a live annotation does not do, and that one has to go before the other comes.
    cluster
        .shell(
            "kubectl --namespace=kube-system annotate secret cloud-provider-equinix-metal helm.sh/resource-policy=keep",
        )
        .await;
    let ours = "helm --namespace=kube-system install ours deploy/helm/packet-cloud-controller-manager --set=credentials.existingSecret=a";
    let both = cluster.try_shell(ours).await.unwrap_err();
    assert!(both.contains("ClusterRole") && both.contains("release-name"), "{both}");
    let secrets: Api<Secret> = Api::namespaced(stage.admin.clone(), "kube-system");
    let secret = secrets.get("cloud-provider-equinix-metal").await.unwrap().data;
    let section = "From the Helm chart of cloud-provider-equinix-metal";
    there_and_back(&cluster, BY_METRO_AND_FACILITY, section, async |cluster| {
        assert!(secrets.get_opt("cloud-provider-equinix-metal").await.unwrap().is_none());
        assert_eq!(secrets.get("metal-cloud-config").await.unwrap().data, secret);
        let (_, back) = GUIDE.split_once("\n## Go back\n").unwrap();
        let uninstall = "helm --namespace=kube-system uninstall packet-ccm";
        assert!(back.contains(uninstall));
        cluster.shell(uninstall).await;
        cluster.works("nobody").await;
        cluster.shell(&install).await;
    })
    .await;
    assert!(!stage.folder.path().join("cloud-sa.json").exists(), "the token lies about");
    let verdict = who_led(&cluster, "cloud-provider-equinix-metal");
    assert!(verdict.handovers >= 1, "{verdict}");
}

#[test]
fn the_names_that_old_and_new_objects_share_are_told() {
    let ours: BTreeSet<_> = named(ACCESS).into_iter().chain(named(DEPLOYMENT)).collect();
    let chart =
        crate::helm::helm(&["template", "cloud-provider-equinix-metal", CHART, "--namespace=kube-system"]).unwrap();
    for (row, theirs) in
        [("| packet-ccm |", PACKET_CCM), ("| cloud-provider-equinix-metal |", EQUINIX_METAL), ("| its chart |", &chart)]
    {
        let told = GUIDE.lines().find(|line| line.starts_with(row)).unwrap();
        // Kinds of one name stand together: ClusterRole and ClusterRoleBinding `…`.
        let told = told.replace(
            "ClusterRole and ClusterRoleBinding",
            "ClusterRole `system:cloud-controller-manager`, ClusterRoleBinding",
        );
        let told: BTreeSet<_> =
            told[row.len()..].trim_end_matches(" |").split(',').map(|name| name.trim().to_owned()).collect();
        let shared: BTreeSet<_> = named(theirs).intersection(&ours).cloned().collect();
        assert_eq!(told, shared, "{row}");
    }
}
