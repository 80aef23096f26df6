//! `v1` Namespace.

use k8s_openapi::api::core::v1 as core;
use tiklb_core::allocator::NamespaceObject;

use super::{Verdict, key_of, labels};

/// A namespace: its labels decide which pools are for its Services, and with tiklb's own everything goes.
pub fn namespace(object: core::Namespace) -> Verdict<NamespaceObject> {
    Verdict::Keep(NamespaceObject {
        key: key_of(&object.metadata),
        deleting: object.metadata.deletion_timestamp.is_some(),
        labels: labels(object.metadata.labels),
    })
}
