//! What each kind does to an object before it is stored: the registry strategies of a real API server, as far as
//! tiklb, the demo and a person can see them.

use serde_json::{Value, json};

use super::object;
use super::resource::Resource;
use super::schema::{self, Schema};
use super::service::{self, Addresses};
use super::status::{Cause, Refusal};
use super::store::Part;
use super::{definition, event, metadata, secret, webhook};

/// What happens to fields that the schema does not know (`fieldValidation`). Built-in kinds have no schema here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FieldValidation {
    /// They are dropped.
    Ignore,
    /// They are dropped, and the answer says so in `Warning` headers: the API's default.
    Warn,
    /// The request is refused: kubectl's default.
    Strict,
}

/// Drops fields that the schema does not know, and returns the warnings.
pub(crate) fn prune(
    resource: &Resource,
    sent: &mut Value,
    fields: FieldValidation,
) -> Result<Vec<String>, Refusal> {
    let Some(custom) = &resource.custom else {
        return Ok(Vec::new());
    };
    let unknown = schema::prune(Schema::new(&custom.schema), sent);
    let lines: Vec<String> = unknown
        .iter()
        .map(|path| format!("unknown field \"{path}\""))
        .collect();
    match fields {
        FieldValidation::Ignore => Ok(Vec::new()),
        FieldValidation::Strict if !lines.is_empty() => {
            let (kind, version) = (&resource.kind, &resource.version);
            let message = format!(
                "{kind} in version \"{version}\" cannot be handled as a {kind}: strict decoding error: {}",
                lines.join(", ")
            );
            Err(Refusal::bad_request(message))
        }
        FieldValidation::Warn | FieldValidation::Strict => Ok(lines),
    }
}

/// Defaults and checks on creation.
pub(crate) fn create(
    resource: &Resource,
    object: &mut Value,
    addresses: &mut Addresses,
) -> Result<(), Vec<Cause>> {
    // A Node registers itself with its status; everything else starts without one.
    if resource.has_status && resource.plural != "nodes" {
        object::remove(object, "status");
    }
    let mut causes = metadata::check(resource, object);
    if let Some(custom) = &resource.custom {
        causes.extend(schema::default_and_check(Schema::new(&custom.schema), object));
        return refuse(causes);
    }
    match resource.plural.as_str() {
        "services" => causes.extend(service::create(object, addresses)),
        "events" => causes.extend(event::create(object, resource.group == event::GROUP)),
        "customresourcedefinitions" => causes.extend(definition::prepare(object)),
        "secrets" => secret::prepare(object),
        "namespaces" => fresh_namespace(object),
        "pods" => object["status"] = json!({ "phase": "Pending", "qosClass": "BestEffort" }),
        "endpointslices" => default_endpoints(object),
        "validatingwebhookconfigurations" => webhook::prepare(object),
        _ => {}
    }
    refuse(causes)
}

/// Defaults and checks on update.
pub(crate) fn update(
    resource: &Resource,
    object: &mut Value,
    before: &Value,
    part: Part,
    addresses: &mut Addresses,
) -> Result<(), Vec<Cause>> {
    let mut causes = metadata::check(resource, object);
    if let Some(custom) = &resource.custom {
        causes.extend(schema::default_and_check(Schema::new(&custom.schema), object));
        return refuse(causes);
    }
    match resource.plural.as_str() {
        "services" if part == Part::Main => causes.extend(service::update(object, before, addresses)),
        "services" => causes.extend(service::check_status(object)),
        "events" => causes.extend(event::update(object, before, resource.group == event::GROUP)),
        "customresourcedefinitions" if part == Part::Main => causes.extend(definition::prepare(object)),
        "secrets" => secret::prepare(object),
        "namespaces" => named_namespace(object),
        "endpointslices" => default_endpoints(object),
        "validatingwebhookconfigurations" => webhook::prepare(object),
        _ => {}
    }
    refuse(causes)
}

fn refuse(causes: Vec<Cause>) -> Result<(), Vec<Cause>> {
    if causes.is_empty() { Ok(()) } else { Err(causes) }
}

fn fresh_namespace(namespace: &mut Value) {
    named_namespace(namespace);
    object::default(namespace, "spec", json!({ "finalizers": ["kubernetes"] }));
    namespace["status"] = json!({ "phase": "Active" });
}

/// Selectors find a namespace by this label, which the API server keeps.
fn named_namespace(namespace: &mut Value) {
    let name = object::name(namespace).to_owned();
    if !namespace["metadata"]["labels"].is_object() {
        object::set(namespace, "labels", json!({}));
    }
    namespace["metadata"]["labels"]["kubernetes.io/metadata.name"] = json!(name);
}

fn default_endpoints(slice: &mut Value) {
    default_ports(slice, "protocol", "TCP");
    default_ports(slice, "name", "");
    for endpoint in slice
        .get_mut("endpoints")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        object::default(endpoint, "conditions", json!({}));
    }
}

/// Sets a field in each of the `ports` that lacks it.
pub(crate) fn default_ports(holder: &mut Value, field: &str, value: &str) {
    for port in holder
        .get_mut("ports")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        object::default(port, field, value);
    }
}
