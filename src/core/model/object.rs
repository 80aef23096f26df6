//! Names of Kubernetes objects.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use litemap::LiteMap;

use super::Timestamp;

/// Labels or annotations of an object, in as much memory as they need: a `BTreeMap` with one entry takes half a KiB, and
/// most objects have one or two.
pub type Labels = LiteMap<String, String>;

/// An object's namespace and name, which are kept once however often they are cloned: a dozen tables name each of ten
/// thousand Services.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct ObjectKey(Arc<Place>);

/// Where an object is found.
#[derive(PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Place {
    /// Empty for cluster-scoped kinds.
    pub namespace: String,
    /// The object's name.
    pub name: String,
}

impl Deref for ObjectKey {
    type Target = Place;

    fn deref(&self) -> &Place {
        &self.0
    }
}

impl fmt::Debug for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectKey")
            .field("namespace", &self.namespace)
            .field("name", &self.name)
            .finish()
    }
}

impl ObjectKey {
    /// A namespaced object's key.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>) -> Self {
        Self(Arc::new(Place {
            namespace: namespace.into(),
            name: name.into(),
        }))
    }
}

impl fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            f.write_str(&self.name)
        } else {
            write!(f, "{}/{}", self.namespace, self.name)
        }
    }
}

/// An object's `metadata.uid`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Uid(pub String);

impl Uid {
    /// The first eight hexadecimal digits: enough to tell two clusters of one name apart, short enough for a
    /// comment that a person reads.
    pub fn short(&self) -> String {
        self.0.chars().filter(char::is_ascii_hexdigit).take(8).collect()
    }
}

impl fmt::Display for Uid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A Kubernetes node's name, which is kept once however often it is cloned: each address has its candidates.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct NodeName(pub Arc<str>);

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for NodeName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}

/// The age order of objects that dispute something: older first, equal ages by key. The younger one loses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Seniority {
    /// `metadata.creationTimestamp`.
    pub created: Timestamp,
    /// Decides between objects of one second.
    pub key: ObjectKey,
}
