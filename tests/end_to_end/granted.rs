//! What the roles that a manifest binds to a ServiceAccount allow, one permission at a time, and which of them requests need.

use std::fmt;
use std::time::Instant;

use control_plane::{AuditedRequest, ControlPlane};
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SubjectAccessReview, SubjectAccessReviewSpec};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, PolicyRule, Role, RoleBinding, RoleRef, Subject};
use kube::Api;
use kube::api::PostParams;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::helm::objects;
use crate::stage::PATIENCE;

/// One verb on one resource in one place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Permission {
    /// Empty for the core group.
    pub(crate) group: String,
    /// With its subresource, such as `nodes/status`.
    pub(crate) resource: String,
    /// Empty for what is in no namespace, and for all namespaces.
    pub(crate) namespace: String,
    /// Of the only object that it is for; empty where it is for all.
    pub(crate) name: String,
    pub(crate) verb: String,
    /// The role that has it.
    pub(crate) role: String,
}

impl Permission {
    /// Whether a request needs this one. One that stays within a namespace does not need what is granted for all of them.
    pub(crate) fn is_needed_by(&self, request: &AuditedRequest) -> bool {
        self.group == request.group
            && self.resource == request.resource
            && self.namespace == request.namespace
            && (self.name.is_empty() || self.name == request.name)
            && self.verb == request.verb
    }
}

impl fmt::Display for Permission {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = if self.group.is_empty() { String::new() } else { format!(".{}", self.group) };
        let place = if self.namespace.is_empty() { "cluster" } else { &self.namespace };
        let what = format!("{}{group} {}", self.resource, self.name);
        write!(formatter, "{:<6} {what:<53} {place:<11} {}", self.verb, self.role)
    }
}

/// What the bindings of `manifest` give the `ServiceAccount`. A role that the manifest does not have is the cluster's own.
pub(crate) async fn granted(
    cluster: &ControlPlane,
    manifest: &str,
    (namespace, account): (&str, &str),
) -> Vec<Permission> {
    let manifest = objects(manifest);
    let is_bound = |subjects: &Option<Vec<Subject>>| {
        let mut subjects = subjects.iter().flatten();
        subjects.any(|subject| subject.name == account && subject.namespace.as_deref() == Some(namespace))
    };
    let mut granted = Vec::new();
    for binding in all::<ClusterRoleBinding>("ClusterRoleBinding", &manifest) {
        if is_bound(&binding.subjects) {
            granted.extend(permissions(cluster, &manifest, &binding.role_ref, "").await);
        }
    }
    for binding in all::<RoleBinding>("RoleBinding", &manifest) {
        if is_bound(&binding.subjects) {
            let place = binding.metadata.namespace.unwrap();
            granted.extend(permissions(cluster, &manifest, &binding.role_ref, &place).await);
        }
    }
    granted.sort();
    granted
}

/// Waits until the API server lets the account do that: it takes a moment to see what was applied.
pub(crate) async fn in_force(cluster: &ControlPlane, granted: &[Permission], user: &str) {
    let (reviews, begun) = (Api::<SubjectAccessReview>::all(cluster.client()), Instant::now());
    for permission in granted {
        let (resource, subresource) = permission.resource.split_once('/').unwrap_or((&permission.resource, ""));
        let asked = ResourceAttributes {
            group: Some(permission.group.clone()),
            resource: Some(resource.to_owned()),
            subresource: Some(subresource.to_owned()),
            namespace: Some(permission.namespace.clone()),
            name: Some(permission.name.clone()),
            verb: Some(permission.verb.clone()),
            ..ResourceAttributes::default()
        };
        let (resource_attributes, user) = (Some(asked), Some(user.to_owned()));
        let spec = SubjectAccessReviewSpec { resource_attributes, user, ..SubjectAccessReviewSpec::default() };
        let review = SubjectAccessReview { spec, ..SubjectAccessReview::default() };
        while !reviews.create(&PostParams::default(), &review).await.unwrap().status.unwrap().allowed {
            assert!(begun.elapsed() < PATIENCE, "{permission} is granted, and refused");
        }
    }
}

fn all<K: DeserializeOwned>(kind: &str, manifest: &[Value]) -> Vec<K> {
    let of_kind = manifest.iter().filter(|object| object["kind"] == kind);
    of_kind.map(|object| serde_json::from_value(object.clone()).unwrap()).collect()
}

/// What a role allows in a namespace, or everywhere.
async fn permissions(cluster: &ControlPlane, manifest: &[Value], role: &RoleRef, namespace: &str) -> Vec<Permission> {
    let is_meant = |name: &Option<String>| name.as_deref() == Some(&role.name);
    let (own, rules) = match role.kind.as_str() {
        "ClusterRole" => {
            let mut own = all::<ClusterRole>("ClusterRole", manifest).into_iter();
            let own = own.find(|own| is_meant(&own.metadata.name));
            let roles: Api<ClusterRole> = Api::all(cluster.client());
            (
                own.is_some(),
                match own {
                    Some(own) => own.rules,
                    None => roles.get(&role.name).await.unwrap().rules,
                },
            )
        }
        "Role" => {
            let mut own = all::<Role>("Role", manifest).into_iter();
            let own =
                own.find(|own| is_meant(&own.metadata.name) && own.metadata.namespace.as_deref() == Some(namespace));
            let roles: Api<Role> = Api::namespaced(cluster.client(), namespace);
            (
                own.is_some(),
                match own {
                    Some(own) => own.rules,
                    None => roles.get(&role.name).await.unwrap().rules,
                },
            )
        }
        kind => panic!("{kind} is no role"),
    };
    let title = if own { role.name.clone() } else { format!("{} (Kubernetes' own)", role.name) };
    rules.into_iter().flatten().flat_map(|rule| expanded(&rule, namespace, &title)).collect()
}

fn expanded(rule: &PolicyRule, namespace: &str, title: &str) -> Vec<Permission> {
    assert!(rule.non_resource_urls.iter().flatten().next().is_none(), "{title} grants paths: {rule:?}");
    let any = [String::new()];
    let names = rule.resource_names.as_deref().filter(|names| !names.is_empty()).unwrap_or(&any);
    let mut permissions = Vec::new();
    for group in rule.api_groups.iter().flatten() {
        for resource in rule.resources.iter().flatten() {
            for name in names {
                for verb in &rule.verbs {
                    permissions.push(Permission {
                        group: group.clone(),
                        resource: resource.clone(),
                        namespace: namespace.to_owned(),
                        name: name.clone(),
                        verb: verb.clone(),
                        role: title.to_owned(),
                    });
                }
            }
        }
    }
    permissions
}
