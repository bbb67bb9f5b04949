//! Who may do what in a control plane, and how manifests get into it.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test may panic")]

use control_plane::{ControlPlane, Error};
use k8s_openapi::api::core::v1::{Node, Secret, ServiceAccount};
use kube::Api;
use kube::api::{DeleteParams, ListParams, PostParams};

const READER: &str = "
# A comment and an empty document come before the first object.
---
apiVersion: v1
kind: Namespace
metadata: { name: reading-room }
---
apiVersion: v1
kind: ServiceAccount
metadata: { name: reader, namespace: reading-room }
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: { name: reader }
rules: [{ apiGroups: [''], resources: [nodes], verbs: [get, list] }]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: { name: reader }
roleRef: { apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: reader }
subjects: [{ kind: ServiceAccount, name: reader, namespace: reading-room }]
---
apiVersion: v1
kind: Node
metadata: { name: ewr1-worker-1 }
";

fn is_forbidden<T: std::fmt::Debug>(answer: kube::Result<T>) {
    let error = answer.unwrap_err();
    assert!(matches!(&error, kube::Error::Api(status) if status.code == 403), "{error:?}");
}

#[tokio::test]
async fn a_service_account_may_do_what_its_role_grants_and_nothing_else() {
    let control_plane = ControlPlane::start().await.unwrap();
    control_plane.apply(READER).await.unwrap();

    let kubeconfig = control_plane.service_account_kubeconfig("reading-room", "reader").await.unwrap();
    let reader = control_plane.client_for(&kubeconfig).await.unwrap();

    let nodes: Api<Node> = Api::all(reader.clone());
    assert_eq!(nodes.list(&ListParams::default()).await.unwrap().items.len(), 1);
    let node = nodes.get("ewr1-worker-1").await.unwrap();
    is_forbidden(nodes.replace("ewr1-worker-1", &PostParams::default(), &node).await);
    is_forbidden(nodes.delete("ewr1-worker-1", &DeleteParams::default()).await);
    is_forbidden(Api::<Secret>::namespaced(reader, "reading-room").list(&ListParams::default()).await);
}

#[tokio::test]
async fn manifests_are_applied_whole_and_again_or_refused_with_the_object_named() {
    let control_plane = ControlPlane::start().await.unwrap();
    control_plane.apply(READER).await.unwrap();
    control_plane.apply(READER).await.expect("applying the same again changes nothing");

    let homeless = "{ apiVersion: v1, kind: ServiceAccount, metadata: { name: homeless } }";
    control_plane.apply(homeless).await.unwrap();
    let accounts: Api<ServiceAccount> = Api::namespaced(control_plane.client(), "default");
    assert!(accounts.get_opt("homeless").await.unwrap().is_some());

    let misspelt = "{ apiVersion: v1, kind: ServiceAccount, metadata: { name: misspelt }, secretz: [] }";
    let error = control_plane.apply(misspelt).await.unwrap_err();
    assert!(error.to_string().contains("ServiceAccount misspelt"), "{error}");
    assert!(accounts.get_opt("misspelt").await.unwrap().is_none());

    let error = control_plane.apply("{ apiVersion: v1, kind: Node, metadata: {} }").await.unwrap_err();
    assert!(matches!(&error, Error::Manifest(why) if why == "a Node without a name"), "{error:?}");
    let error = control_plane.apply("kind: [").await.unwrap_err();
    assert!(matches!(error, Error::Manifest(_)), "{error:?}");

    let error = control_plane.service_account_kubeconfig("default", "nobody").await.unwrap_err();
    assert!(error.to_string().contains("ServiceAccount default/nobody"), "{error}");
}
