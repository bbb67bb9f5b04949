//! Who a client is.

use std::collections::BTreeMap;

use k8s_openapi::api::authentication::v1::UserInfo;

/// The name of whoever says nothing about themselves (apiserver `user.Anonymous`).
pub const ANONYMOUS: &str = "system:anonymous";
/// The group of those.
pub const UNAUTHENTICATED: &str = "system:unauthenticated";
/// The group of all others.
pub const AUTHENTICATED: &str = "system:authenticated";
/// The group that may do anything (apiserver `user.SystemPrivilegedGroup`).
pub const MASTERS: &str = "system:masters";

/// Who a client is; in the extensions of every request that gets to a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The name, such as `system:serviceaccount:monitoring:prometheus`.
    pub name: String,
    /// What tells apart two of the same name, where it is known.
    pub uid: Option<String>,
    /// The groups.
    pub groups: Vec<String>,
    /// What else is known.
    pub extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// A client that says nothing about itself.
    #[must_use]
    pub fn anonymous() -> Self {
        let (name, groups) = (ANONYMOUS.to_owned(), vec![UNAUTHENTICATED.to_owned()]);
        Self { name, uid: None, groups, extra: BTreeMap::new() }
    }

    /// A client that has proven who it is, and so is one of [`AUTHENTICATED`] (apiserver `AuthenticatedGroupAdder`).
    pub(super) fn authenticated(
        name: String,
        uid: Option<String>,
        mut groups: Vec<String>,
        extra: BTreeMap<String, Vec<String>>,
    ) -> Self {
        let is_anonymous = name == ANONYMOUS || groups.iter().any(|group| group == UNAUTHENTICATED);
        if !is_anonymous && !groups.iter().any(|group| group == AUTHENTICATED) {
            groups.push(AUTHENTICATED.to_owned());
        }
        Self { name, uid, groups, extra }
    }

    /// The user of a token, as the API server names it; none where it names nobody.
    pub(super) fn reviewed(info: UserInfo) -> Option<Self> {
        let name = info.username.filter(|name| !name.is_empty())?;
        let extra = info.extra.unwrap_or_default();
        let uid = info.uid.filter(|uid| !uid.is_empty());
        Some(Self::authenticated(name, uid, info.groups.unwrap_or_default(), extra))
    }

    /// Whether nobody knows who this is.
    #[must_use]
    pub fn is_anonymous(&self) -> bool {
        self.name == ANONYMOUS || self.is_in(UNAUTHENTICATED)
    }

    /// Whether the user is of a group.
    #[must_use]
    pub fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|own| own == group)
    }
}
