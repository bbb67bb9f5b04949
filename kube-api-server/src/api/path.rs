//! Which resource an address means.

use crate::resource::Resource;
use crate::validation::Door;

/// Objects of one kind, or one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) resource: Resource,
    /// Empty for all, or for what has no namespace.
    pub(crate) namespace: String,
    /// Empty for the collection.
    pub(crate) name: String,
    pub(crate) door: Door,
}

/// What an address leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Target(Target),
    /// All Pods, of which there are none: kubectl describes a Node, and drains it, by asking for them.
    Pods,
    /// Below a group version that is served, but no resource of it that is.
    NoSuchResource,
    /// Anything else; discovery and health are looked up by the whole path.
    Other,
}

/// Reads a path, such as `/api/v1/nodes/n/status`.
pub(crate) fn parse(path: &str) -> Place {
    let parts: Vec<&str> = path.trim_matches('/').split('/').collect();
    let (group, rest) = match parts.as_slice() {
        ["api", "v1", rest @ ..] => ("", rest),
        ["apis", "coordination.k8s.io", "v1", rest @ ..] => ("coordination.k8s.io", rest),
        _ => return Place::Other,
    };
    let found = match rest {
        [] => return Place::Other,
        ["pods"] | ["namespaces", _, "pods"] if group.is_empty() => return Place::Pods,
        ["namespaces", namespace, plural, more @ ..]
            if !matches!(*plural, "status" | "finalize") || !group.is_empty() =>
        {
            Resource::find(group, plural)
                .filter(|resource| resource.namespaced())
                .map(|resource| (resource, *namespace, more))
        }
        // A namespaced resource without a namespace means all of them, and has no single objects.
        [plural, more @ ..] => Resource::find(group, plural)
            .filter(|resource| !resource.namespaced() || more.is_empty())
            .map(|resource| (resource, "", more)),
    };
    let Some((resource, namespace, more)) = found else { return Place::NoSuchResource };
    let (name, door) = match more {
        [] => ("", Door::Main),
        [name] => (*name, Door::Main),
        [name, "status"] if resource.has_status() => (*name, Door::Status),
        _ => return Place::NoSuchResource,
    };
    Place::Target(Target { resource, namespace: namespace.to_owned(), name: name.to_owned(), door })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(resource: Resource, namespace: &str, name: &str, door: Door) -> Place {
        Place::Target(Target { resource, namespace: namespace.to_owned(), name: name.to_owned(), door })
    }

    #[test]
    fn paths_lead_to_resources() {
        let main = Door::Main;
        assert_eq!(parse("/api/v1/nodes"), target(Resource::Nodes, "", "", main));
        assert_eq!(parse("/api/v1/nodes/n/status"), target(Resource::Nodes, "", "n", Door::Status));
        assert_eq!(parse("/api/v1/namespaces/default"), target(Resource::Namespaces, "", "default", main));
        assert_eq!(
            parse("/api/v1/namespaces/default/status"),
            target(Resource::Namespaces, "", "default", Door::Status)
        );
        assert_eq!(parse("/api/v1/namespaces/default/events"), target(Resource::Events, "default", "", main));
        assert_eq!(parse("/api/v1/events"), target(Resource::Events, "", "", main));
        let leases = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/l";
        assert_eq!(parse(leases), target(Resource::Leases, "kube-system", "l", main));
    }

    #[test]
    fn what_is_not_served_is_told_apart() {
        assert_eq!(parse("/api/v1/pods"), Place::Pods);
        assert_eq!(parse("/api/v1/pods/p"), Place::NoSuchResource);
        assert_eq!(parse("/api/v1/services"), Place::NoSuchResource);
        assert_eq!(parse("/api/v1/events/e"), Place::NoSuchResource);
        assert_eq!(parse("/api/v1/namespaces/default/nodes"), Place::NoSuchResource);
        assert_eq!(parse("/api/v1"), Place::Other);
        assert_eq!(parse("/healthz"), Place::Other);
        assert_eq!(parse("/apis/apps/v1/deployments"), Place::Other);
    }
}
