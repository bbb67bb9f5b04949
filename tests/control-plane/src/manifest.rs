//! Applying a manifest as `kubectl apply --server-side` does: every document, in the order of the file.

use kube::api::{DynamicObject, Patch, PatchParams};
use kube::core::GroupVersionKind;
use kube::discovery::{self, Scope};
use kube::{Api, Client, ResourceExt};

use crate::Error;

/// Who owns the fields that are applied here.
const FIELD_MANAGER: &str = "control-plane";

/// Creates or updates each object of a multi-document YAML text. A namespaced object without a namespace goes to
/// `default`. Stops at the first one that is refused; those before it stay.
pub(crate) async fn apply(client: &Client, manifest: &str) -> Result<(), Error> {
    let objects: Vec<DynamicObject> =
        serde_saphyr::from_multiple(manifest).map_err(|error| Error::Manifest(error.to_string()))?;
    for object in &objects {
        apply_one(client, object).await?;
    }
    Ok(())
}

async fn apply_one(client: &Client, object: &DynamicObject) -> Result<(), Error> {
    let types = object.types.as_ref().ok_or_else(|| Error::Manifest("a document without a kind".to_owned()))?;
    let kind = GroupVersionKind::try_from(types).map_err(|error| Error::Manifest(error.to_string()))?;
    let name =
        object.metadata.name.as_deref().ok_or_else(|| Error::Manifest(format!("a {} without a name", kind.kind)))?;
    let doing = format!("applying {} {name}", kind.kind);

    let (resource, capabilities) = discovery::pinned_kind(client, &kind).await.map_err(Error::api(doing.clone()))?;
    let api: Api<DynamicObject> = match capabilities.scope {
        Scope::Cluster => Api::all_with(client.clone(), &resource),
        Scope::Namespaced => {
            let namespace = object.namespace().unwrap_or_else(|| "default".to_owned());
            Api::namespaced_with(client.clone(), &namespace, &resource)
        }
    };
    let parameters = PatchParams::apply(FIELD_MANAGER).force().validation_strict();
    api.patch(name, &parameters, &Patch::Apply(object)).await.map_err(Error::api(doing))?;
    Ok(())
}
