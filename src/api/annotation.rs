//! Annotations. Those on Services are read under two prefixes: `metallb.io/`, and MetalLB's older
//! `metallb.universe.tf/`, which still works and is reported as deprecated.

use std::collections::BTreeMap;

/// An annotation that a person writes on a Service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Annotation {
    name: &'static str,
}

/// Wanted addresses, separated by commas: one, or one of each family.
pub const LOAD_BALANCER_IPS: Annotation = Annotation {
    name: "loadBalancerIPs",
};
/// The pool to take the address from.
pub const ADDRESS_POOL: Annotation = Annotation { name: "address-pool" };
/// Services with the same key here may share an address. Empty: no sharing.
pub const ALLOW_SHARED_IP: Annotation = Annotation {
    name: "allow-shared-ip",
};

/// Written by the allocator on a Service that has an address: the pool that it came from.
pub const IP_ALLOCATED_FROM_POOL: &str = "metallb.io/ip-allocated-from-pool";

/// On the Lease of a survey: the addresses that were asked for in the last complete round (`a-b,c`).
pub const COVERED: &str = "tiklb.io/covered";
/// On the Lease of a survey: those of them that somebody answered for.
pub const OCCUPIED: &str = "tiklb.io/occupied";

const PREFIX: &str = "metallb.io/";
const OLD_PREFIX: &str = "metallb.universe.tf/";

/// An annotation as it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found<'a> {
    /// Its value.
    pub value: &'a str,
    /// It stands under the old prefix.
    pub deprecated: bool,
}

impl Annotation {
    /// The key to write.
    pub fn key(self) -> String {
        format!("{PREFIX}{}", self.name)
    }

    /// The key of older manifests.
    pub fn old_key(self) -> String {
        format!("{OLD_PREFIX}{}", self.name)
    }

    /// The annotation's value; where both prefixes are used, the new one wins even when it is empty, as in MetalLB.
    pub fn find(self, annotations: &BTreeMap<String, String>) -> Option<Found<'_>> {
        let at = |key: &str, deprecated| annotations.get(key).map(|value| Found { value, deprecated });
        at(&self.key(), false).or_else(|| at(&self.old_key(), true))
    }
}

#[cfg(test)]
mod tests;
