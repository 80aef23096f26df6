//! `IPAddressPool`.

use tiklb_core::config::object::{PoolObject, PoolSpec, ServiceAllocation};

use super::selector::selectors;
use super::{Known, Stored, Verdict, key_of, labels, seniority_of};
use crate::api::{self, Decoded, IPAddressPool};

/// A pool; of one that cannot be decoded, why.
pub fn pool(Decoded(object): Decoded<IPAddressPool>) -> Verdict<Known<PoolObject>> {
    let (metadata, spec, stored) = match object {
        Ok(object) => {
            let stored = Stored::of(&object.metadata, object.status.as_ref());
            (object.metadata, Ok(spec(object.spec)), stored)
        }
        Err(bad) => {
            let stored = Stored::undecoded(&bad.metadata);
            (bad.metadata, Err(bad.error.to_string()), stored)
        }
    };
    let key = key_of(&metadata);
    let value = PoolObject {
        key: key.clone(),
        seniority: seniority_of(&metadata, &key),
        labels: labels(metadata.labels),
        spec,
    };
    Verdict::Keep(Known { value, stored })
}

fn spec(written: api::IPAddressPoolSpec) -> PoolSpec {
    PoolSpec {
        addresses: written.addresses,
        auto_assign: written.auto_assign,
        avoid_buggy_ips: written.avoid_buggy_ips,
        service_allocation: written.service_allocation.map(|allocation| ServiceAllocation {
            priority: allocation.priority,
            namespaces: allocation.namespaces,
            namespace_selectors: selectors(allocation.namespace_selectors),
            service_selectors: selectors(allocation.service_selectors),
        }),
    }
}
