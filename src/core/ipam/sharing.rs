//! When two Services may hold one address: MetalLB's rules, exactly.
//!
//! Both have the same non-empty `allow-shared-ip` key, the same backend key, and no port of one protocol in common.
//! The backend key is empty under `externalTrafficPolicy: Cluster` and the selector under `Local`: local traffic for
//! two sets of Pods cannot arrive on one node for both.

use std::collections::BTreeSet;

use super::request;
use crate::model::Labels;
use crate::model::service::Service;

/// What of a Service matters for sharing; hardly any shares, and then there is nothing to keep.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct SharingKey(Option<Box<Sharing>>);

/// Of one with an `allow-shared-ip` key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Sharing {
    key: String,
    backend: Labels,
    ports: BTreeSet<(String, u16)>,
}

impl SharingKey {
    /// The key of this Service. One that shares nothing has nothing to compare: its ports are not kept a second time.
    pub fn of(service: &Service) -> Self {
        let (key, _) = request::annotation(service, "allow-shared-ip");
        Self(key.map(|key| {
            let backend = service.local_traffic_only.then(|| service.selector.clone());
            Box::new(Sharing {
                key: key.to_owned(),
                backend: backend.unwrap_or_default(),
                ports: service.ports.clone(),
            })
        }))
    }

    /// The `allow-shared-ip` key, of a Service that has one.
    pub(super) fn key(&self) -> Option<&str> {
        self.0.as_ref().map(|sharing| sharing.key.as_str())
    }

    /// Whether two Services with these keys may hold one address.
    pub fn shares_with(&self, other: &Self) -> bool {
        let (Some(this), Some(other)) = (&self.0, &other.0) else {
            return false;
        };
        this.key == other.key && this.backend == other.backend && this.ports.is_disjoint(&other.ports)
    }
}
