//! The four resources that are served, and what the API knows of each by name.

/// A kind of object that the server keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Resource {
    Nodes,
    Events,
    Namespaces,
    Leases,
}

impl Resource {
    pub(crate) const ALL: [Resource; 4] = [Resource::Nodes, Resource::Events, Resource::Namespaces, Resource::Leases];

    /// The resource of that plural name in that group, if it is served.
    pub(crate) fn find(group: &str, plural: &str) -> Option<Resource> {
        Resource::ALL.into_iter().find(|one| one.group() == group && one.plural() == plural)
    }

    pub(crate) fn plural(self) -> &'static str {
        match self {
            Resource::Nodes => "nodes",
            Resource::Events => "events",
            Resource::Namespaces => "namespaces",
            Resource::Leases => "leases",
        }
    }

    pub(crate) fn kind(self) -> &'static str {
        match self {
            Resource::Nodes => "Node",
            Resource::Events => "Event",
            Resource::Namespaces => "Namespace",
            Resource::Leases => "Lease",
        }
    }

    pub(crate) fn singular(self) -> &'static str {
        match self {
            Resource::Nodes => "node",
            Resource::Events => "event",
            Resource::Namespaces => "namespace",
            Resource::Leases => "lease",
        }
    }

    /// The API group; the core group is the empty string.
    pub(crate) fn group(self) -> &'static str {
        match self {
            Resource::Leases => "coordination.k8s.io",
            _ => "",
        }
    }

    pub(crate) fn api_version(self) -> &'static str {
        match self {
            Resource::Leases => "coordination.k8s.io/v1",
            _ => "v1",
        }
    }

    pub(crate) fn namespaced(self) -> bool {
        matches!(self, Resource::Events | Resource::Leases)
    }

    pub(crate) fn has_status(self) -> bool {
        matches!(self, Resource::Nodes | Resource::Namespaces)
    }

    /// Whether a PUT may create: kube-apiserver's strategies say yes for Events and Leases.
    pub(crate) fn created_by_update(self) -> bool {
        matches!(self, Resource::Events | Resource::Leases)
    }

    /// Whether a write must say which version it replaces.
    pub(crate) fn replaced_by_version_only(self) -> bool {
        self == Resource::Leases
    }

    pub(crate) fn short_names(self) -> &'static [&'static str] {
        match self {
            Resource::Nodes => &["no"],
            Resource::Events => &["ev"],
            Resource::Namespaces => &["ns"],
            Resource::Leases => &[],
        }
    }

    /// What discovery calls the way the objects are stored; fixed for a given kind and version.
    pub(crate) fn storage_version_hash(self) -> &'static str {
        match self {
            Resource::Nodes => "XwShjMxG9Fs=",
            Resource::Events => "r2yiGXH7wu8=",
            Resource::Namespaces => "Q3oi5N2YM8M=",
            Resource::Leases => "gqkMMb/YqFM=",
        }
    }

    pub(crate) fn verbs(self) -> &'static [&'static str] {
        match self {
            // A namespace's contents are deleted one by one, so namespaces as a collection are not deletable.
            Resource::Namespaces => &["create", "delete", "get", "list", "patch", "update", "watch"],
            _ => &["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
        }
    }

    /// The name of its type in the OpenAPI document.
    pub(crate) fn schema_name(self) -> &'static str {
        match self {
            Resource::Nodes => "io.k8s.api.core.v1.Node",
            Resource::Events => "io.k8s.api.core.v1.Event",
            Resource::Namespaces => "io.k8s.api.core.v1.Namespace",
            Resource::Leases => "io.k8s.api.coordination.v1.Lease",
        }
    }
}
