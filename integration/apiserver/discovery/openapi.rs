//! As much `OpenAPI` v3 as `kubectl apply` reads: that PATCH takes `fieldValidation`, and which patches a kind takes.
//!
//! kubectl looks up the kind by `x-kubernetes-group-version-kind` on the PATCH operation. Where it finds
//! `fieldValidation` it leaves validation to the server. A strategic merge patch is not announced, although it is
//! understood: kubectl would then want the merge keys of every core kind here; so it uses those that it was compiled with.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::apiserver::resource::Resource;

/// `/openapi/v3`: a document for each group and version.
pub(crate) fn index(resources: &[Arc<Resource>]) -> Value {
    let paths: Map<String, Value> = resources
        .iter()
        .map(|resource| {
            let path = root(resource);
            let url = format!("/openapi/v3/{path}");
            (path, json!({ "serverRelativeURL": url }))
        })
        .collect();
    json!({ "paths": paths })
}

/// `/openapi/v3/<root>`; `None` where nobody has it.
pub(crate) fn document(resources: &[Arc<Resource>], path: &str) -> Option<Value> {
    let mut paths = Map::new();
    let mut schemas = Map::new();
    for resource in resources.iter().filter(|resource| root(resource) == path) {
        paths.insert(
            object_path(resource),
            json!({ "patch": patch_operation(resource) }),
        );
        let (name, schema) = schema(resource);
        schemas.insert(name, schema);
    }
    let document = json!({
        "openapi": "3.0.0",
        "info": { "title": "lab", "version": "v1" },
        "paths": paths,
        "components": { "schemas": schemas },
    });
    (!schemas.is_empty()).then_some(document)
}

fn root(resource: &Resource) -> String {
    let prefix = if resource.group.is_empty() { "api" } else { "apis" };
    format!("{prefix}/{}", resource.api_version())
}

fn object_path(resource: &Resource) -> String {
    let namespace = if resource.namespaced {
        "/namespaces/{namespace}"
    } else {
        ""
    };
    format!("/{}{namespace}/{}/{{name}}", root(resource), resource.plural)
}

fn kind(resource: &Resource) -> Value {
    json!({ "group": resource.group, "version": resource.version, "kind": resource.kind })
}

fn patch_operation(resource: &Resource) -> Value {
    let parameter = json!({ "name": "fieldValidation", "in": "query", "schema": { "type": "string" } });
    json!({
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": kind(resource),
        "parameters": [parameter],
        "requestBody": { "content": { "application/merge-patch+json": {} } },
        "responses": { "200": { "description": "OK" } },
    })
}

fn schema(resource: &Resource) -> (String, Value) {
    let mut schema = resource
        .custom
        .as_ref()
        .map_or_else(|| json!({ "type": "object" }), |custom| custom.schema.clone());
    schema["x-kubernetes-group-version-kind"] = json!([kind(resource)]);
    let reversed: Vec<&str> = resource
        .group
        .split('.')
        .rev()
        .filter(|part| !part.is_empty())
        .collect();
    let name = [
        reversed.join("."),
        resource.version.clone(),
        resource.kind.clone(),
    ];
    (
        name.into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("."),
        schema,
    )
}
