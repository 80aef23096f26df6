//! Patches: JSON merge patch for everything, strategic merge patch for core kinds.

mod strategic;

use serde_json::{Map, Value};

pub(crate) use self::strategic::strategic_merge;

/// RFC 7386: null removes, objects merge, everything else replaces.
pub(crate) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    for (name, change) in changes {
        if let Some(fields) = target.as_object_mut() {
            if change.is_null() {
                fields.remove(name);
            } else {
                merge(fields.entry(name).or_insert(Value::Null), change);
            }
        }
    }
}

#[cfg(test)]
mod tests;
