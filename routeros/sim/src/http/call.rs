//! A request as the router reads it.

use hyper::Method;
use hyper::body::Bytes;

use crate::trap::Trap;

/// One request, its body read.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The path as it was sent: percent-encoding matters (`%2A` is not `*`).
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) authorization: Option<String>,
    pub(crate) body: Bytes,
}

impl Call {
    /// A POST of `print` reads, every other POST, PUT, PATCH and DELETE writes.
    pub(crate) fn writes(&self) -> bool {
        match self.method {
            Method::PUT | Method::PATCH | Method::DELETE => true,
            Method::POST => !self.path.trim_end_matches('/').ends_with("/print"),
            _ => false,
        }
    }

    /// The body's object; an empty body is an empty object.
    pub(crate) fn object(&self) -> Result<serde_json::Map<String, serde_json::Value>, Trap> {
        if self.body.is_empty() {
            return Ok(serde_json::Map::new());
        }
        match serde_json::from_slice(&self.body) {
            Ok(serde_json::Value::Object(object)) => Ok(object),
            _ => Err(Trap::bad_json()),
        }
    }
}

/// Properties of a body as texts: strings, booleans and whole numbers are taken; `.id` and the like are not
/// properties.
pub(crate) fn arguments(
    object: &serde_json::Map<String, serde_json::Value>,
) -> Result<Vec<(String, String)>, Trap> {
    let named = object
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), ".id" | "numbers" | ".proplist" | ".query"));
    named
        .map(|(name, value)| Ok((name.clone(), text(name, value)?)))
        .collect()
}

/// A JSON value as the console would read it.
pub(crate) fn text(name: &str, value: &serde_json::Value) -> Result<String, Trap> {
    match value {
        serde_json::Value::String(text) => Ok(text.clone()),
        serde_json::Value::Bool(flag) => Ok(flag.to_string()),
        serde_json::Value::Number(number) if !number.is_f64() => Ok(number.to_string()),
        _ => Err(Trap::invalid_value(name)),
    }
}
