//! The Lease, as it is reached over the network. Needs `get`, `create` and `update`, and nothing besides, because that is what
//! the manifests in use grant.

use k8s_openapi::api::coordination::v1;
use k8s_openapi::jiff::Timestamp;
use kube::Api;
use kube::api::{ApiResource, DynamicObject, PostParams};
use kube::core::ObjectMeta;
use tokio::time::{Instant, timeout_at};

use super::candidate::{Answer, Request};
use super::lease::{Claim, Lease};
use super::trouble::Trouble;
use crate::config::ElectionSettings;
use crate::kubernetes::client_error::shown;

/// The Lease.
#[derive(Clone)]
pub(super) struct Lock {
    leases: Api<DynamicObject>,
    kind: ApiResource,
    namespace: String,
    name: String,
}

impl Lock {
    pub(super) fn new(client: kube::Client, settings: &ElectionSettings) -> Self {
        let kind = ApiResource::erase::<v1::Lease>(&());
        let leases = Api::namespaced_with(client, &settings.namespace, &kind);
        Self { leases, kind, namespace: settings.namespace.clone(), name: settings.name.clone() }
    }

    /// Namespace and name.
    pub(super) fn describe(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// Has a request answered, and waits until `deadline` at most. What went wrong comes with an answer that is unknown.
    ///
    /// The client sends a request again that was answered 429, 503 or 504. That is harmless: it does so within this time and
    /// not after it, an update is of one version, and whoever asks counts from before the first.
    pub(super) async fn ask(&self, request: Request, deadline: Instant) -> (Answer, Option<Trouble>) {
        let asked = Instant::now();
        let (verb, answered) = match request {
            Request::Read => ("get", timeout_at(deadline, self.leases.get(&self.name)).await),
            Request::Create(claim) => ("create", timeout_at(deadline, self.create(&claim)).await),
            Request::Update(lease, claim) => ("update", timeout_at(deadline, self.update(&lease, &claim)).await),
        };
        let error = match answered {
            Ok(Ok(object)) if object.metadata.resource_version.is_some() => {
                return (Answer::Is(Lease::new(object)), None);
            }
            // Whatever that is, an update of it would go over what others have written.
            Ok(Ok(_)) => {
                let reason = "what was answered has no resource version".to_owned();
                return (Answer::Unknown, Some(Trouble::Unreachable { verb, lease: self.describe(), reason }));
            }
            Ok(Err(error)) => error,
            Err(_) => {
                let within = deadline.saturating_duration_since(asked);
                return (Answer::Unknown, Some(Trouble::NoAnswer { verb, lease: self.describe(), within }));
            }
        };
        match (verb, code(&error)) {
            ("get" | "update", Some(404)) => (Answer::Missing, None),
            ("create" | "update", Some(409)) => (Answer::Conflict, None),
            _ => (Answer::Unknown, Some(self.trouble(verb, error))),
        }
    }

    async fn create(&self, claim: &Claim) -> kube::Result<DynamicObject> {
        let mut lease = DynamicObject::new(&self.name, &self.kind);
        lease.metadata = ObjectMeta { namespace: Some(self.namespace.clone()), ..lease.metadata };
        lease.data = claim.data(Timestamp::now());
        self.leases.create(&PostParams::default(), &lease).await
    }

    async fn update(&self, lease: &Lease, claim: &Claim) -> kube::Result<DynamicObject> {
        self.leases.replace(&self.name, &PostParams::default(), &lease.with(claim, Timestamp::now())).await
    }

    fn trouble(&self, verb: &'static str, error: kube::Error) -> Trouble {
        let lease = self.describe();
        match error {
            kube::Error::Api(status) => {
                let message = status.message;
                match status.code {
                    401 => Trouble::Unauthorized { verb, lease, message },
                    403 => Trouble::Forbidden { verb, lease, message },
                    404 => Trouble::NoNamespace { lease, message },
                    code => Trouble::Refused { verb, lease, code, message },
                }
            }
            error => Trouble::Unreachable { verb, lease, reason: shown(&error) },
        }
    }
}

fn code(error: &kube::Error) -> Option<u16> {
    match error {
        kube::Error::Api(status) => Some(status.code),
        _ => None,
    }
}
