//! `v1` Namespace.

use k8s_openapi::api::core::v1 as core;
use tiklb_core::allocator::NamespaceObject;

use super::{Verdict, key_of, labels};

/// A namespace: its labels decide which pools are for its Services.
pub fn namespace(object: core::Namespace) -> Verdict<NamespaceObject> {
    Verdict::Keep(NamespaceObject {
        key: key_of(&object.metadata),
        labels: labels(object.metadata.labels),
    })
}
