//! One object that cannot be decoded must not stop the watch of its kind, and must say which field is wrong.

use std::borrow::Cow;
use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;
use serde_path_to_error::Path;
use tiklb_core::model::excerpt::{SENTENCE, excerpt};

/// Characters of a decoder's words, and of a field's place.
const WORDS: usize = SENTENCE / 4;

/// An object of a list or a watch: decoded, or what is wrong with it. Deserialising it succeeds for anything with
/// readable metadata, like [`kube::core::DeserializeGuard`], which however forgets where the fault is.
#[derive(Debug, Clone)]
pub struct Decoded<K>(pub Result<K, Undecodable>);

/// An object that exists and cannot be used.
#[derive(Debug, Clone)]
pub struct Undecodable {
    /// Its metadata, so that it can still be named and tracked.
    pub metadata: ObjectMeta,
    /// What is wrong.
    pub error: DecodeError,
}

/// Which field is wrong, why, and where to read what belongs there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{}{message}; `kubectl explain {explain}` shows what belongs there",
    Prefix(path)
)]
pub struct DecodeError {
    /// The field, such as `spec.addresses[0]`; empty when the fault is the object itself.
    pub path: String,
    /// What is wrong with it.
    pub message: String,
    /// What to ask `kubectl explain`: the kind, then the field without list positions.
    pub explain: String,
}

/// Decodes one object.
///
/// # Errors
/// The first field that does not hold what it should.
pub fn decode<K>(object: Value) -> Result<K, DecodeError>
where
    K: Resource<DynamicType = ()> + DeserializeOwned,
{
    serde_path_to_error::deserialize(object).map_err(|error| {
        let path = written_path(error.path());
        DecodeError {
            // A decoder quotes what it could not read.
            message: excerpt(error.inner().to_string(), WORDS),
            explain: explained(&K::kind(&()).to_lowercase(), error.path()),
            path,
        }
    })
}

impl<'de, K> Deserialize<'de> for Decoded<K>
where
    K: Resource<DynamicType = ()> + DeserializeOwned,
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = Value::deserialize(deserializer)?;
        let metadata = object.get("metadata").cloned().unwrap_or_default();
        Ok(Self(decode(object).map_err(|error| Undecodable {
            metadata: serde_json::from_value(metadata).unwrap_or_default(),
            error,
        })))
    }
}

impl<K: Resource> Resource for Decoded<K> {
    type DynamicType = K::DynamicType;
    type Scope = K::Scope;

    fn kind(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::kind(dt)
    }

    fn group(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::group(dt)
    }

    fn version(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::version(dt)
    }

    fn plural(dt: &Self::DynamicType) -> Cow<'_, str> {
        K::plural(dt)
    }

    fn meta(&self) -> &ObjectMeta {
        self.0.as_ref().map_or_else(|bad| &bad.metadata, K::meta)
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        self.0.as_mut().map_or_else(|bad| &mut bad.metadata, K::meta_mut)
    }
}

struct Prefix<'a>(&'a str);

impl fmt::Display for Prefix<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => Ok(()),
            path => write!(f, "{path}: "),
        }
    }
}

/// The path as a person writes it; the library calls the object itself `.`.
fn written_path(path: &Path) -> String {
    let written = path.to_string();
    if written == "." {
        String::new()
    } else {
        excerpt(written, WORDS)
    }
}

fn explained(kind: &str, path: &Path) -> String {
    use serde_path_to_error::Segment;
    let field = path
        .iter()
        .fold(kind.to_owned(), |explain, segment| match segment {
            Segment::Map { key } => format!("{explain}.{key}"),
            _ => explain,
        });
    excerpt(field, WORDS)
}

#[cfg(test)]
mod tests;
