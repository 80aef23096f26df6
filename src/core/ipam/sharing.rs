//! When two Services may hold one address: MetalLB's rules, exactly.
//!
//! Both have the same non-empty `allow-shared-ip` key, the same backend key, and no port of one protocol in common.
//! The backend key is empty under `externalTrafficPolicy: Cluster` and the selector under `Local`: local traffic for
//! two sets of Pods cannot arrive on one node for both.

use std::collections::BTreeSet;

use super::request;
use crate::model::Labels;
use crate::model::service::Service;

/// What of a Service matters for sharing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SharingKey {
    key: String,
    backend: Labels,
    ports: BTreeSet<(String, u16)>,
}

impl SharingKey {
    /// The key of this Service. One that shares nothing has nothing to compare: its ports are not kept a second time.
    pub fn of(service: &Service) -> Self {
        let (key, _) = request::annotation(service, "allow-shared-ip");
        let Some(key) = key else {
            return Self::default();
        };
        Self {
            key: key.to_owned(),
            backend: if service.local_traffic_only {
                service.selector.clone()
            } else {
                Labels::new()
            },
            ports: service.ports.clone(),
        }
    }

    /// The `allow-shared-ip` key, of a Service that has one.
    pub(super) fn key(&self) -> Option<&str> {
        (!self.key.is_empty()).then_some(self.key.as_str())
    }

    /// Whether two Services with these keys may hold one address.
    pub fn shares_with(&self, other: &Self) -> bool {
        !self.key.is_empty()
            && self.key == other.key
            && self.backend == other.backend
            && self.ports.is_disjoint(&other.ports)
    }
}
