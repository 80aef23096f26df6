//! Secrets: `stringData` is folded into `data`, which must be base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::object;

/// What was sent as `data` must be base64. The message never shows a value.
pub(crate) fn check_data(secret: &Value) -> Result<(), String> {
    let entries = secret["data"].as_object().into_iter().flatten();
    let mut bad =
        entries.filter(|(_, value)| value.as_str().is_none_or(|text| STANDARD.decode(text).is_err()));
    bad.next().map_or(Ok(()), |(key, _)| {
        Err(format!("illegal base64 data in data[{key}]"))
    })
}

/// Sets the type and folds `stringData` into `data`.
pub(crate) fn prepare(secret: &mut Value) {
    object::default(secret, "type", "Opaque");
    let plain = object::remove(secret, "stringData");
    for (key, value) in plain.as_object().into_iter().flatten() {
        object::default(secret, "data", json!({}));
        secret["data"][key] = json!(STANDARD.encode(value.as_str().unwrap_or_default()));
    }
}
