//! Building blocks of the schemas: label selectors, conditions and lists of names with Kubernetes' own constraints,
//! and what every definition gets before it is installed.

use std::collections::BTreeMap;

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::{
    CustomResourceDefinition, JSONSchemaProps, JSONSchemaPropsOrArray, JSONSchemaPropsOrBool,
};
use schemars::{Schema, SchemaGenerator, json_schema};

use super::label;

/// Selectors in one list. Nobody writes hundreds; without a bound the API server prices the rules below as if the
/// list filled a whole request, and refuses the definition. Each is compared with each: the bound counts squared.
pub(super) const MAX_SELECTORS: u32 = 128;

/// Expressions in one selector, bounded for the same reason: 128 lists of 64 are near what the API server takes.
const MAX_EXPRESSIONS: u32 = 64;

/// Names in a list that must not repeat one: each is compared with each, so the bound counts squared.
const MAX_NAMES: u32 = 200;

/// The longest name that Kubernetes gives an object.
const MAX_NAME_LENGTH: u32 = 253;

/// A label selector as `metav1.LabelSelector` has it: operators from the closed list, with the values they need.
pub(super) fn label_selector(_: &mut SchemaGenerator) -> Schema {
    let takes_values = "self.operator in ['In', 'NotIn'] ? has(self.values) && size(self.values) > 0 \
                        : !has(self.values) || size(self.values) == 0";
    json_schema!({
        "type": "object",
        "x-kubernetes-map-type": "atomic",
        "properties": {
            "matchLabels": {
                "description": "Every one of these labels must be present with this value.",
                "type": "object",
                "additionalProperties": {"type": "string"},
            },
            "matchExpressions": {
                "description": "Every one of these must hold.",
                "type": "array",
                "x-kubernetes-list-type": "atomic",
                "maxItems": MAX_EXPRESSIONS,
                "x-kubernetes-validations": [{
                    "rule": "self.all(one, self.exists_one(other, other == one))",
                    "message": "an expression stands here twice: remove one of the two",
                }],
                "items": {
                    "type": "object",
                    "required": ["key", "operator"],
                    "properties": {
                        "key": {"description": "The label's key.", "type": "string"},
                        "operator": {
                            "description": "How the label is compared with the values.",
                            "type": "string",
                            "enum": ["In", "NotIn", "Exists", "DoesNotExist"],
                        },
                        "values": {
                            "description": "At least one for In and NotIn, none for Exists and DoesNotExist; none twice.",
                            "type": "array",
                            // A rule would be priced beyond any budget, a list in a list in a list. The selector as
                            // a whole is still atomic.
                            "x-kubernetes-list-type": "set",
                            "items": {"type": "string"},
                        },
                    },
                    "x-kubernetes-validations": [{
                        "rule": takes_values,
                        "message": "In and NotIn need at least one entry in values; Exists and DoesNotExist take none",
                    }],
                },
            },
        },
    })
}

/// A list of label selectors, none of them twice.
pub(super) fn label_selectors(generator: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": MAX_SELECTORS,
        "items": label_selector(generator),
        "x-kubernetes-validations": [{
            "rule": "self.all(one, self.exists_one(other, other == one))",
            "message": "a selector stands here twice: remove one of the two",
        }],
    })
}

/// A list of object names, none of them twice (MetalLB refuses repetitions too).
pub(super) fn unique_names(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "maxItems": MAX_NAMES,
        "items": {"type": "string", "maxLength": MAX_NAME_LENGTH},
        "x-kubernetes-validations": [{
            "rule": "self.all(name, self.exists_one(other, other == name))",
            "message": "a name stands here twice: remove one of the two",
        }],
    })
}

/// An integer without a format, as Go's `int` becomes one.
pub(super) fn integer(_: &mut SchemaGenerator) -> Schema {
    json_schema!({"type": "integer"})
}

/// `metav1.Condition`s, merged by type, with the constraints that Kubernetes puts on its own.
pub(super) fn conditions(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "array",
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": {
            "type": "object",
            "required": ["lastTransitionTime", "message", "reason", "status", "type"],
            "properties": {
                "lastTransitionTime": {
                    "description": "When status last changed.",
                    "type": "string",
                    "format": "date-time",
                },
                "message": {
                    "description": "What was seen and what to do, for a person.",
                    "type": "string",
                    "maxLength": 32768,
                },
                "observedGeneration": {
                    "description": "The metadata.generation that this was said of.",
                    "type": "integer",
                    "format": "int64",
                    "minimum": 0,
                },
                "reason": {
                    "description": "One word from a closed list.",
                    "type": "string",
                    "minLength": 1,
                    "maxLength": 1024,
                    "pattern": "^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$",
                },
                "status": {
                    "description": "True, False or Unknown.",
                    "type": "string",
                    "enum": ["True", "False", "Unknown"],
                },
                "type": {
                    "description": "What this condition is about.",
                    "type": "string",
                    "maxLength": 316,
                    "pattern": "^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$",
                },
            },
        },
    })
}

/// Whether the object must carry a `spec`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spec {
    Required,
    /// An object without one means the empty spec, as in MetalLB.
    Optional,
}

/// What the derived definition lacks: our label, an optional spec where MetalLB has one, and no traces of Rust.
pub(super) fn finish(mut crd: CustomResourceDefinition, spec: Spec) -> CustomResourceDefinition {
    crd.metadata.labels = Some(BTreeMap::from([(
        label::APP_NAME.to_owned(),
        label::APP_NAME_VALUE.to_owned(),
    )]));
    let schemas = crd
        .spec
        .versions
        .iter_mut()
        .filter_map(|version| version.schema.as_mut()?.open_api_v3_schema.as_mut());
    for schema in schemas {
        if spec == Spec::Optional {
            schema.required = None;
        }
        plain(schema);
        if let Some(status) = schema.properties.as_mut().and_then(|p| p.get_mut("status")) {
            without_defaults(status);
        }
    }
    crd
}

/// Drops titles (the names of Rust types) and `nullable`: where a field is not nullable, the API server removes
/// an explicit null, so `serviceAllocation:` with nothing behind it is the same as leaving the line out.
fn plain(schema: &mut JSONSchemaProps) {
    schema.title = None;
    schema.nullable = None;
    for child in children(schema) {
        plain(child);
    }
}

/// A status has no defaults: what is not there was not said.
fn without_defaults(schema: &mut JSONSchemaProps) {
    schema.default = None;
    for child in children(schema) {
        without_defaults(child);
    }
}

fn children(schema: &mut JSONSchemaProps) -> impl Iterator<Item = &mut JSONSchemaProps> {
    let items: Vec<&mut JSONSchemaProps> = match &mut schema.items {
        Some(JSONSchemaPropsOrArray::Schema(item)) => vec![item.as_mut()],
        Some(JSONSchemaPropsOrArray::Schemas(items)) => items.iter_mut().collect(),
        None => Vec::new(),
    };
    let values = match &mut schema.additional_properties {
        Some(JSONSchemaPropsOrBool::Schema(values)) => Some(values.as_mut()),
        _ => None,
    };
    let properties = schema.properties.iter_mut().flat_map(|p| p.values_mut());
    properties.chain(items).chain(values)
}

/// A string that is one address.
pub(super) fn address(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "string",
        // The longest text of an IPv6 address.
        "maxLength": 45,
        "x-kubernetes-validations": [{
            "rule": "isIP(self)",
            "message": "write one IPv4 or IPv6 address without a mask, such as 192.168.1.205",
        }],
    })
}
