//! The table of permissions in `deploy/README.md`: an API server on which `deploy/template/access.yaml` is applied allows what it
//! says, and nothing else.

use std::collections::BTreeSet;
use std::time::Instant;

use control_plane::ControlPlane;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::api::PostParams;
use kube::{Api, Client};

use crate::workloads::{ACCESS, PATIENCE};

const README: &str = include_str!("../../../../deploy/README.md");

const VERBS: [&str; 8] = ["get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"];

/// What the verbs are tried on besides what the table has: what would hurt most if it were granted by mistake.
const RESOURCES: [&str; 9] = [
    "nodes/proxy",
    "events.events.k8s.io",
    "secrets",
    "configmaps",
    "pods",
    "pods/exec",
    "serviceaccounts/token",
    "leases.coordination.k8s.io",
    "clusterrolebindings.rbac.authorization.k8s.io",
];

/// Where they are tried besides: in all namespaces, and in some that have what others rely on.
const NAMESPACES: [&str; 4] = ["", "default", "kube-system", "kube-node-lease"];

/// A row of the table.
#[derive(Debug)]
struct Row<'a> {
    verbs: Vec<&'a str>,
    /// As kubectl has it: `leases.coordination.k8s.io`.
    resource: &'a str,
    /// Empty for all.
    namespace: &'a str,
    /// Empty for all.
    name: &'a str,
}

/// What is tried: a verb, a resource, a namespace and a name.
type Attempt<'a> = (&'a str, &'a str, &'a str, &'a str);

fn table() -> Vec<Row<'static>> {
    let (_, table) = README.split_once("\n| verbs | what | namespace | name |").unwrap();
    let rows = table.split("\n\n").next().unwrap().lines().filter_map(|line| line.strip_prefix("| `"));
    let plain = |cell: &'static str| cell.trim().trim_matches('`');
    rows.map(|row| {
        let cells: Vec<_> = row.split(" |").collect();
        let [verbs, resource, namespace, name, why, _] = cells[..] else { panic!("{row}") };
        assert!(!why.trim().is_empty(), "{row}: it does not say what needs it");
        let verbs = verbs.split(", ").map(plain).collect();
        Row { verbs, resource: plain(resource), namespace: plain(namespace), name: plain(name) }
    })
    .collect()
}

async fn may(client: &Client, (verb, resource, namespace, name): Attempt<'_>) -> bool {
    let (kind, group) = resource.split_once('.').unwrap_or((resource, ""));
    let (kind, subresource) = kind.split_once('/').unwrap_or((kind, ""));
    let attributes = ResourceAttributes {
        namespace: Some(namespace.to_owned()),
        name: Some(name.to_owned()),
        verb: Some(verb.to_owned()),
        group: Some(group.to_owned()),
        resource: Some(kind.to_owned()),
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

#[tokio::test]
async fn the_controller_may_do_what_the_table_says_and_nothing_else() {
    let control_plane = ControlPlane::start().await.unwrap();
    control_plane.apply(ACCESS).await.unwrap();
    let kubeconfig = control_plane.service_account_kubeconfig("kube-system", "cloud-controller-manager").await.unwrap();
    let controller = control_plane.client_for(&kubeconfig).await.unwrap();

    let table = table();
    assert!(table.len() > 8, "{table:?}");
    let mut attempts = BTreeSet::new();
    for resource in table.iter().map(|row| row.resource).chain(RESOURCES) {
        let own = table.iter().filter(|row| row.resource == resource);
        let own: Vec<_> = own.map(|row| (row.namespace, row.name)).collect();
        for (namespace, name) in NAMESPACES.map(|namespace| (namespace, "")).into_iter().chain(own) {
            attempts.extend(VERBS.map(|verb| (verb, resource, namespace, name)));
        }
    }
    let is_in_table = |(verb, resource, namespace, name): &Attempt<'_>| {
        table.iter().any(|row| {
            row.verbs.contains(verb)
                && row.resource == *resource
                && (row.namespace.is_empty() || row.namespace == *namespace)
                && (row.name.is_empty() || row.name == *name)
        })
    };
    let (granted, others): (Vec<_>, Vec<_>) = attempts.into_iter().partition(is_in_table);
    let begun = Instant::now();
    for attempt in granted {
        // The API server takes a moment to see what was applied.
        while !may(&controller, attempt).await {
            assert!(begun.elapsed() < PATIENCE, "{attempt:?} is in the table in deploy/README.md, and refused");
        }
    }
    for attempt in others {
        assert!(!may(&controller, attempt).await, "{attempt:?} is allowed, and not in the table in deploy/README.md");
    }
}
