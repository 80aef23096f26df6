//! Secrets: `stringData` is folded into `data`, which must be base64.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::object;
use super::status::Cause;

/// Defaults and checks. Messages never show a value.
pub(crate) fn prepare(secret: &mut Value) -> Vec<Cause> {
    object::default(secret, "type", "Opaque");
    let plain = object::remove(secret, "stringData");
    for (key, value) in plain.as_object().into_iter().flatten() {
        object::default(secret, "data", json!({}));
        secret["data"][key] = json!(STANDARD.encode(value.as_str().unwrap_or_default()));
    }
    let entries = secret["data"].as_object().into_iter().flatten();
    entries
        .filter(|(_, value)| value.as_str().is_none_or(|text| STANDARD.decode(text).is_err()))
        .map(|(key, _)| {
            Cause::invalid(
                format!("data[{key}]"),
                &json!("<redacted>"),
                "illegal base64 data",
            )
        })
        .collect()
}
