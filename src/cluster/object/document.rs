//! A part of an object as the text that it is sent as.
//!
//! One record of who announces a Service is 400 bytes of text and four kilobytes as a tree, and a speaker with a thousand
//! Services keeps several of each: what is only compared and handed on is kept as text.

use std::sync::Arc;

use serde_json::Value;

/// JSON, with the fields of each object in the order of their names: equal texts are equal values.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document(Arc<str>);

impl Document {
    /// As a tree, for who looks into it.
    pub fn value(&self) -> Value {
        // What was made from a tree can be read.
        serde_json::from_str(&self.0).unwrap_or_default()
    }
}

impl From<Value> for Document {
    fn from(value: Value) -> Self {
        Self(value.to_string().into())
    }
}

#[cfg(test)]
mod tests;
