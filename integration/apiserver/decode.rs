//! Reading what a client sent as an object of a resource: what is refused here is a 400, before any rule of the kind.

use serde_json::{Value, json};

use super::object;
use super::resource::Resource;
use super::secret;
use super::status::Refusal;

/// Fills in kind and version where the resource leaves no doubt, and refuses what is no such object.
pub(crate) fn decode(resource: &Resource, namespace: &str, sent: &mut Value) -> Result<(), Refusal> {
    check_kind(resource, sent)?;
    check_namespace(resource, namespace, sent)?;
    for field in ["labels", "annotations"] {
        check_map(resource, field, &sent["metadata"][field])?;
    }
    if resource.storage.is_core("secrets") {
        secret::check_data(sent).map_err(|why| unfit(resource, &why))?;
    }
    Ok(())
}

fn unfit(resource: &Resource, why: &str) -> Refusal {
    let (kind, version) = (&resource.kind, &resource.version);
    Refusal::bad_request(format!(
        "{kind} in version \"{version}\" cannot be handled as a {kind}: {why}"
    ))
}

/// A built-in kind may be left out; a custom one must be named.
fn check_kind(resource: &Resource, sent: &mut Value) -> Result<(), Refusal> {
    if !sent.is_object() || !(sent["metadata"].is_object() || sent["metadata"].is_null()) {
        return Err(unfit(resource, "it is not an object with metadata"));
    }
    let named = sent["kind"].as_str().is_some_and(|kind| !kind.is_empty());
    if !named && resource.custom.is_some() {
        let kind = &resource.kind;
        let message =
            format!("the object provided is unrecognized (must be of type {kind}): Object 'Kind' is missing");
        return Err(Refusal::bad_request(message));
    }
    let (api_version, kind) = (json!(resource.api_version()), json!(resource.kind));
    object::default(sent, "apiVersion", api_version.clone());
    object::default(sent, "kind", kind.clone());
    if sent["kind"] == kind && sent["apiVersion"] == api_version {
        return Ok(());
    }
    Err(Refusal::bad_request(format!(
        "the API version in the data ({}, Kind={}) does not match the expected API version ({}, Kind={})",
        sent["apiVersion"].as_str().unwrap_or_default(),
        sent["kind"].as_str().unwrap_or_default(),
        resource.api_version(),
        resource.kind,
    )))
}

fn check_namespace(resource: &Resource, namespace: &str, sent: &Value) -> Result<(), Refusal> {
    let named = object::namespace(sent);
    if named.is_empty() || resource.namespaced && named == namespace {
        return Ok(());
    }
    Err(Refusal::bad_request(
        "the namespace of the provided object does not match the namespace sent on the request",
    ))
}

fn check_map(resource: &Resource, field: &str, map: &Value) -> Result<(), Refusal> {
    let entries = map
        .as_object()
        .map(|entries| entries.values().all(Value::is_string));
    if map.is_null() || entries == Some(true) {
        return Ok(());
    }
    Err(unfit(
        resource,
        &format!("metadata.{field} must be a map of strings"),
    ))
}
