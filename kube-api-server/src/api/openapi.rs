//! The OpenAPI v3 documents, as far as kubectl looks: which fields there are, and that the server validates them itself.

use serde_json::{Map, Value, json};

use crate::resource::Resource;
use crate::schema::Schema;

const GROUPS: [(&str, &str); 2] = [("api/v1", ""), ("apis/coordination.k8s.io/v1", "coordination.k8s.io")];

/// `/openapi/v3`: where the documents are.
pub(crate) fn index() -> Value {
    let paths: Map<String, Value> = GROUPS
        .iter()
        .map(|(path, _)| {
            (
                (*path).to_owned(),
                json!({ "serverRelativeURL": format!("/openapi/v3/{path}?hash={}", env!("CARGO_PKG_VERSION")) }),
            )
        })
        .collect();
    json!({ "paths": paths })
}

/// The document of a group version, by its path after `/openapi/v3/`.
pub(crate) fn document(schema: &Schema, path: &str) -> Option<Value> {
    let (_, group) = GROUPS.iter().find(|(known, _)| *known == path)?;
    let mut paths = Map::new();
    for resource in Resource::ALL.into_iter().filter(|resource| resource.group() == *group) {
        let scope = if resource.namespaced() { "namespaces/{namespace}/" } else { "" };
        let collection = format!("/{path}/{scope}{}", resource.plural());
        paths.insert(format!("{collection}/{{name}}"), item(resource));
        paths.insert(
            collection,
            json!({ "post": operation(resource, "post", &["dryRun", "fieldManager", "fieldValidation"]) }),
        );
    }
    Some(json!({
        "openapi": "3.0.0",
        "info": { "title": "Kubernetes", "version": "1.36" },
        "paths": paths,
        "components": { "schemas": schema.document() },
    }))
}

fn item(resource: Resource) -> Value {
    json!({
        "get": operation(resource, "get", &[]),
        "put": operation(resource, "put", &["dryRun", "fieldManager", "fieldValidation"]),
        "patch": operation(resource, "patch", &["dryRun", "fieldManager", "fieldValidation", "force"]),
        "delete": operation(resource, "delete", &["dryRun", "gracePeriodSeconds", "propagationPolicy"]),
    })
}

fn operation(resource: Resource, action: &str, parameters: &[&str]) -> Value {
    let parameters: Vec<Value> = parameters
        .iter()
        .map(|name| {
            let kind = match *name {
                "force" => "boolean",
                "gracePeriodSeconds" => "integer",
                _ => "string",
            };
            json!({ "name": name, "in": "query", "schema": { "type": kind, "uniqueItems": true } })
        })
        .collect();
    json!({
        "parameters": parameters,
        "responses": { "200": { "description": "OK" } },
        "x-kubernetes-action": action,
        "x-kubernetes-group-version-kind": { "group": resource.group(), "version": "v1", "kind": resource.kind() },
    })
}
