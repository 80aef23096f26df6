//! The metadata of objects, which are plain JSON here.

use serde_json::{Value, json};

/// `metadata.name`, or empty.
pub(crate) fn name(object: &Value) -> &str {
    text(object, "name")
}

/// `metadata.namespace`, or empty.
pub(crate) fn namespace(object: &Value) -> &str {
    text(object, "namespace")
}

/// `metadata.uid`, or empty.
pub(crate) fn uid(object: &Value) -> &str {
    text(object, "uid")
}

/// `metadata.resourceVersion`, or empty.
pub(crate) fn resource_version(object: &Value) -> &str {
    text(object, "resourceVersion")
}

/// A text of the metadata, or empty.
pub(crate) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object["metadata"][field].as_str().unwrap_or_default()
}

/// `metadata.finalizers`.
pub(crate) fn finalizers(object: &Value) -> impl Iterator<Item = &str> {
    items(&object["metadata"]["finalizers"])
        .iter()
        .filter_map(Value::as_str)
}

/// The deletion of the object was asked for and waits for its finalizers.
pub(crate) fn is_deleting(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

/// The UIDs of the objects that own this one.
pub(crate) fn owners(object: &Value) -> impl Iterator<Item = &str> {
    items(&object["metadata"]["ownerReferences"])
        .iter()
        .filter_map(|owner| owner["uid"].as_str())
}

/// The items of a list; none where there is no list.
pub(crate) fn items(list: &Value) -> &[Value] {
    list.as_array().map_or(&[], Vec::as_slice)
}

/// Sets a field of the metadata, or removes it where the value is null.
pub(crate) fn set(object: &mut Value, field: &str, value: Value) {
    if !object["metadata"].is_object() {
        object["metadata"] = json!({});
    }
    if let Some(metadata) = object["metadata"].as_object_mut() {
        if value.is_null() {
            metadata.remove(field);
        } else {
            metadata.insert(field.to_owned(), value);
        }
    }
}

/// Removes a field of an object where it is one.
pub(crate) fn remove(object: &mut Value, field: &str) -> Value {
    object
        .as_object_mut()
        .and_then(|fields| fields.remove(field))
        .unwrap_or_default()
}

/// Sets a field of an object where it is missing or null.
pub(crate) fn default(object: &mut Value, field: &str, value: impl Into<Value>) {
    if let Some(fields) = object.as_object_mut() {
        let slot = fields.entry(field).or_insert(Value::Null);
        if slot.is_null() {
            *slot = value.into();
        }
    }
}

/// What metadata of the API looks like for a time: seconds, UTC.
pub(crate) fn now() -> Value {
    let now = jiff::Timestamp::now();
    json!(now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}
