//! `v1` Secret: values that are never shown.

use std::collections::BTreeMap;
use std::fmt;

use k8s_openapi::api::core::v1 as core;
use secrecy::{ExposeSecret, SecretSlice};
use tiklb_core::model::ObjectKey;

use super::{Verdict, key_of};

/// A Secret's data.
#[derive(Clone)]
pub struct SecretObject {
    /// Namespace and name.
    pub key: ObjectKey,
    /// `metadata.resourceVersion`: another one, other data perhaps.
    pub resource_version: String,
    data: BTreeMap<String, SecretSlice<u8>>,
}

impl SecretObject {
    /// The value under a key.
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.data.get(key).map(ExposeSecret::expose_secret)
    }
}

impl fmt::Debug for SecretObject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecretObject")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// Two Secrets of one name and version are the same: their data is not looked at.
impl PartialEq for SecretObject {
    fn eq(&self, other: &Self) -> bool {
        (&self.key, &self.resource_version) == (&other.key, &other.resource_version)
    }
}

/// A Secret.
pub fn secret(object: core::Secret) -> Verdict<SecretObject> {
    let data = object.data.unwrap_or_default().into_iter();
    Verdict::Keep(SecretObject {
        key: key_of(&object.metadata),
        resource_version: object.metadata.resource_version.unwrap_or_default(),
        data: data
            .map(|(key, value)| (key, SecretSlice::from(value.0)))
            .collect(),
    })
}
