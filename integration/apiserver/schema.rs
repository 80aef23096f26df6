//! Structural schemas of custom resources: unknown fields are dropped, defaults set, values checked.
//!
//! No CEL: `x-kubernetes-validations` are judged on a real API server only. Source of the rules:
//! <https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/>.

mod check;
mod walk;

use serde_json::Value;

use super::status::Cause;

/// One node of an `openAPIV3Schema`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schema<'a>(&'a Value);

impl<'a> Schema<'a> {
    /// The root, or any node, of a schema.
    pub(crate) fn new(schema: &'a Value) -> Self {
        Self(schema)
    }

    fn keyword(self, name: &str) -> &'a Value {
        &self.0[name]
    }

    fn number(self, keyword: &str) -> Option<u64> {
        self.0[keyword].as_u64()
    }

    fn is(self, flag: &str) -> bool {
        self.0[flag].as_bool().unwrap_or_default()
    }

    /// The schema of a field; `None` where the schema knows no such field.
    fn field(self, name: &str) -> Option<Self> {
        let declared = self.0["properties"].get(name);
        let additional = self
            .0
            .get("additionalProperties")
            .filter(|schema| schema.is_object());
        declared.or(additional).map(Schema)
    }

    /// The schema of the items of a list.
    fn items(self) -> Option<Self> {
        self.0.get("items").map(Schema)
    }

    /// A field that the schema does not name is kept all the same.
    fn keeps(self, name: &str) -> bool {
        let meta =
            matches!(name, "apiVersion" | "kind" | "metadata") && self.is("x-kubernetes-embedded-resource");
        meta || self.is("x-kubernetes-preserve-unknown-fields")
            || self.0["additionalProperties"].as_bool().unwrap_or_default()
    }
}

/// Drops the fields that the schema does not know and returns their paths.
pub(crate) fn prune(schema: Schema<'_>, object: &mut Value) -> Vec<String> {
    let mut unknown = Vec::new();
    for_each_root_field(schema, object, |schema, value, name| {
        if let Some(schema) = schema {
            walk::prune(schema, value, name, &mut unknown);
        } else {
            unknown.push(name.to_owned());
        }
        schema.is_some()
    });
    unknown
}

/// Sets the defaults, then checks every value.
pub(crate) fn default_and_check(schema: Schema<'_>, object: &mut Value) -> Vec<Cause> {
    walk::set_defaults(schema, object);
    let mut causes = Vec::new();
    check::required(schema, object, "", &mut causes);
    for_each_root_field(schema, object, |schema, value, name| {
        if let Some(schema) = schema {
            check::value(schema, value, name, &mut causes);
        }
        true
    });
    causes
}

/// The patterns of a schema that are no regular expressions.
pub(crate) fn bad_patterns(schema: &Value) -> Vec<&str> {
    let own = schema["pattern"]
        .as_str()
        .filter(|pattern| regex::Regex::new(pattern).is_err());
    let fields = schema.as_object().into_iter().flatten();
    // What stands there as a value is no part of the schema.
    let inner = fields.filter(|(name, _)| !matches!(name.as_str(), "default" | "enum" | "example"));
    let items = schema.as_array().into_iter().flatten();
    inner
        .map(|(_, inner)| inner)
        .chain(items)
        .flat_map(bad_patterns)
        .chain(own)
        .collect()
}

/// The root's own type and metadata belong to the API server, not to the schema. Fields for which `visit` is false are
/// dropped.
fn for_each_root_field(
    schema: Schema<'_>,
    object: &mut Value,
    mut visit: impl FnMut(Option<Schema<'_>>, &mut Value, &str) -> bool,
) {
    if let Some(fields) = object.as_object_mut() {
        fields.retain(|name, value| {
            let own = matches!(name.as_str(), "apiVersion" | "kind" | "metadata");
            own || schema.field(name).is_none() && schema.keeps(name)
                || visit(schema.field(name), value, name)
        });
    }
}

#[cfg(test)]
mod tests;
