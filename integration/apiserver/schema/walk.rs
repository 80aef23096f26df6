//! Pruning and defaulting: the two passes that change an object.

use serde_json::Value;

use super::Schema;

/// Drops unknown fields below `value`, whose own path is `path`.
pub(super) fn prune(schema: Schema<'_>, value: &mut Value, path: &str, unknown: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.retain(|name, value| {
            let inner = format!("{path}.{name}");
            match schema.field(name) {
                Some(schema) => prune(schema, value, &inner, unknown),
                None if !schema.keeps(name) => {
                    unknown.push(inner);
                    return false;
                }
                None => {}
            }
            true
        }),
        Value::Array(list) => {
            for (index, value) in list.iter_mut().enumerate() {
                if let Some(items) = schema.items() {
                    prune(items, value, &format!("{path}[{index}]"), unknown);
                }
            }
        }
        _ => {}
    }
}

/// Sets missing fields to their defaults. A null where none may stand counts as missing.
pub(super) fn set_defaults(schema: Schema<'_>, value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, value| {
                !value.is_null() || schema.field(name).is_none_or(|schema| schema.is("nullable"))
            });
            for (name, declared) in schema.keyword("properties").as_object().into_iter().flatten() {
                if let Some(default) = declared.get("default").filter(|_| !fields.contains_key(name)) {
                    fields.insert(name.clone(), default.clone());
                }
            }
            for (name, value) in fields {
                if let Some(schema) = schema.field(name) {
                    set_defaults(schema, value);
                }
            }
        }
        Value::Array(list) => {
            for value in list {
                if let Some(items) = schema.items() {
                    set_defaults(items, value);
                }
            }
        }
        _ => {}
    }
}
