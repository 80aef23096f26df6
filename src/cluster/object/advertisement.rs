//! `L2Advertisement`.

use tiklb_core::config::object::{AdvertisementObject, AdvertisementSpec, PreferredNodes};

use super::selector::{selector, selectors};
use super::{Known, Stored, Verdict, key_of, seniority_of};
use crate::api::advertisement::PreferredNodeSelector;
use crate::api::{Decoded, L2Advertisement, L2AdvertisementSpec};

/// An advertisement; of one that cannot be decoded, why.
pub fn advertisement(Decoded(object): Decoded<L2Advertisement>) -> Verdict<Known<AdvertisementObject>> {
    let (metadata, spec) = match object {
        Ok(object) => (object.metadata, Ok(spec(object.spec))),
        Err(bad) => (bad.metadata, Err(bad.error.to_string())),
    };
    let key = key_of(&metadata);
    let value = AdvertisementObject {
        key: key.clone(),
        seniority: seniority_of(&metadata, &key),
        spec,
    };
    let stored = Stored::undecoded(&metadata);
    Verdict::Keep(Known { value, stored })
}

fn spec(written: L2AdvertisementSpec) -> AdvertisementSpec {
    AdvertisementSpec {
        pools: written.ip_address_pools,
        pool_selectors: selectors(written.ip_address_pool_selectors),
        node_selectors: selectors(written.node_selectors),
        service_selectors: selectors(written.service_selectors),
        interfaces: written.interfaces,
        preferred_nodes: written
            .preferred_node_selectors
            .into_iter()
            .map(preferred)
            .collect(),
    }
}

fn preferred(written: PreferredNodeSelector) -> PreferredNodes {
    PreferredNodes {
        weight: written.weight.into(),
        preference: selector(written.preference),
    }
}
