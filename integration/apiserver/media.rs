//! Media types: in which form an answer was asked for.

use std::sync::Arc;

use serde_json::{Value, json};

use super::resource::Resource;
use super::status::Refusal;
use super::table::{self, Include, partial_metadata};

/// The form of an answer that holds objects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The objects themselves.
    Plain,
    /// A table for a person.
    Table(Include),
    /// Type and metadata alone.
    Metadata,
}

/// Parameters of one media type: `application/json;as=Table;v=v1;g=meta.k8s.io`.
fn parameters(media: &str) -> (&str, Vec<(&str, &str)>) {
    let mut parts = media.split(';').map(str::trim);
    let kind = parts.next().unwrap_or_default();
    (kind, parts.filter_map(|part| part.split_once('=')).collect())
}

/// The first spoken form that the client accepts.
pub(crate) fn negotiate(accept: &str, include: &str) -> Result<Form, Refusal> {
    if accept.trim().is_empty() {
        return Ok(Form::Plain);
    }
    let include = match include {
        "None" => Include::None,
        "Object" => Include::Object,
        _ => Include::Metadata,
    };
    let form = |media: &str| {
        let (kind, parameters) = parameters(media);
        let value = |name: &str| {
            parameters
                .iter()
                .find(|(key, _)| *key == name)
                .map(|(_, value)| *value)
        };
        if !matches!(kind, "application/json" | "application/*" | "*/*") {
            return None;
        }
        match (value("as"), value("v"), value("g")) {
            (None, ..) => Some(Form::Plain),
            (Some("Table"), Some("v1"), Some("meta.k8s.io")) => Some(Form::Table(include)),
            (Some("PartialObjectMetadata" | "PartialObjectMetadataList"), Some("v1"), _) => {
                Some(Form::Metadata)
            }
            _ => None,
        }
    };
    accept
        .split(',')
        .find_map(form)
        .ok_or_else(Refusal::not_acceptable)
}

/// The aggregated discovery document was asked for; returns its media type.
pub(crate) fn aggregated_discovery(accept: &str) -> Option<String> {
    let wanted = |media: &&str| {
        let (kind, parameters) = parameters(media);
        kind == "application/json"
            && [
                ("as", "APIGroupDiscoveryList"),
                ("g", "apidiscovery.k8s.io"),
                ("v", "v2"),
            ]
            .iter()
            .all(|wanted| parameters.contains(wanted))
    };
    accept
        .split(',')
        .find(wanted)
        .map(|media| media.trim().to_owned())
}

impl Form {
    /// One object in this form. `headers` is false for the later events of a watch.
    pub(crate) fn object(self, resource: &Resource, stored: &Arc<Value>, headers: bool) -> Value {
        match self {
            Self::Plain => resource.external(stored),
            Self::Metadata => partial_metadata(stored),
            Self::Table(include) => {
                let metadata = json!({ "resourceVersion": stored["metadata"]["resourceVersion"] });
                table::table(
                    resource,
                    std::slice::from_ref(stored),
                    include,
                    headers,
                    &metadata,
                )
            }
        }
    }

    /// A list in this form.
    pub(crate) fn list(self, resource: &Resource, objects: &[Arc<Value>], metadata: &Value) -> Value {
        match self {
            Self::Table(include) => table::table(resource, objects, include, true, metadata),
            Self::Metadata => json!({
                "kind": "PartialObjectMetadataList",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": metadata,
                "items": objects.iter().map(|stored| partial_metadata(stored)).collect::<Vec<_>>(),
            }),
            Self::Plain => json!({
                "kind": format!("{}List", resource.kind),
                "apiVersion": resource.api_version(),
                "metadata": metadata,
                "items": objects.iter().map(|stored| item(resource, stored)).collect::<Vec<_>>(),
            }),
        }
    }
}

/// Items of lists of built-in kinds do not repeat their type.
fn item(resource: &Resource, stored: &Value) -> Value {
    let mut item = resource.external(stored);
    if let Some(fields) = item.as_object_mut().filter(|_| resource.custom.is_none()) {
        fields.remove("apiVersion");
        fields.remove("kind");
    }
    item
}

#[cfg(test)]
mod tests;
