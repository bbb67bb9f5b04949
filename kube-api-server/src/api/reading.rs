//! GET: one object, a list, or a watch, in the form that the client accepts.

use axum::http::{Method, StatusCode};
use axum::response::Response;
use serde_json::{Value, json};

use super::accept::Accepted;
use super::path::Target;
use super::table::{self, IncludeObject};
use super::{Api, Call, list, wait_for, watch};
use crate::status::{ApiError, quoted};

fn include(call: &Call) -> IncludeObject {
    IncludeObject::parse(call.query.get("includeObject"))
}

/// One object.
pub(super) async fn one(api: &Api, call: &Call, target: &Target) -> Result<Response, ApiError> {
    let accepted = call.accepted()?;
    let version = call.query.get("resourceVersion");
    if !version.is_empty() {
        let asked = version.parse().map_err(|_| {
            let shown = quoted(version);
            ApiError::internal(format!(
                "resourceVersion: Invalid value: {shown}: strconv.ParseUint: parsing {shown}: invalid syntax"
            ))
        })?;
        wait_for(api, asked).await?;
    }
    let record = api
        .store
        .get(target.resource, &target.namespace, &target.name)
        .ok_or_else(|| ApiError::not_found(target.resource.plural(), target.resource.group(), &target.name))?;
    Ok(match accepted {
        Accepted::Table => {
            let table =
                table::of_one(target.resource, &record.to_value(), include(call), true, api.store.clock().timestamp());
            super::json(StatusCode::OK, table.to_string())
        }
        Accepted::PartialObjectMetadata => super::json(StatusCode::OK, table::partial(&record.value()).to_string()),
        _ => super::json(StatusCode::OK, record.object()),
    })
}

/// A list or a watch.
pub(super) async fn collection(api: &Api, call: &Call, target: &Target) -> Result<Response, ApiError> {
    let accepted = call.accepted()?;
    let options = call.query.list_options()?;
    let namespace = &target.namespace;
    if options.watch {
        // A watch of one object is a watch of a collection with a field selector.
        let form = match accepted {
            Accepted::Table => watch::Form::Table(include(call)),
            _ => watch::Form::Object,
        };
        let body = watch::open(&api.store, target.resource, namespace, &options, form, &api.watches)?;
        return Ok(super::json(StatusCode::OK, body));
    }
    if let Some(version) = options.resource_version.filter(|_| options.continue_from.is_empty()) {
        wait_for(api, version).await?;
    }
    let page = list::page(&api.store, target.resource, namespace, &options)?;
    let objects = || -> Vec<Value> { page.records.iter().map(|record| record.to_value()).collect() };
    Ok(match accepted {
        Accepted::Table => {
            let table = table::of_many(
                target.resource,
                page.metadata(),
                &objects(),
                include(call),
                api.store.clock().timestamp(),
            );
            super::json(StatusCode::OK, table.to_string())
        }
        Accepted::PartialObjectMetadataList => {
            let items: Vec<Value> = objects().iter().map(table::partial).collect();
            let list = json!({
                "kind": "PartialObjectMetadataList",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": page.metadata(),
                "items": items,
            });
            super::json(StatusCode::OK, list.to_string())
        }
        _ => super::json(StatusCode::OK, page.to_bytes(target.resource)),
    })
}

/// The list of Pods, which is empty. They cannot be created, nor watched.
pub(super) fn no_pods(api: &Api, call: &Call) -> Result<Response, ApiError> {
    call.accepted()?;
    if call.method != Method::GET {
        return Err(ApiError::method_not_allowed());
    }
    if call.query.list_options()?.watch {
        return Err(ApiError::no_such_resource());
    }
    let list = json!({
        "kind": "PodList",
        "apiVersion": "v1",
        "metadata": { "resourceVersion": api.store.resource_version().to_string() },
        "items": [],
    });
    Ok(super::json(StatusCode::OK, list.to_string()))
}
