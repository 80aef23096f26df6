//! What the allocator shows besides routers: pools, and whether it leads.
//!
//! MetalLB also names a `metallb_allocator_services_allocated_total`, which it never sets; it is left out here.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use tiklb_core::allocator::PoolCounts;
use tokio::sync::watch;

use super::family::Family;
use super::{Reading, Registry};

const LEADER: Family = Family::gauge(
    "tiklb_allocator_leader",
    "1 while this replica leads; the sum over all replicas is 1.",
);
/// MetalLB's names: gauges, in spite of their ending.
const TOTAL: Family = Family::gauge(
    "metallb_allocator_addresses_total",
    "Addresses in a pool, by pool.",
);
const IN_USE: Family = Family::gauge(
    "metallb_allocator_addresses_in_use_total",
    "Addresses of a pool that a Service has, by pool.",
);
const V4_TOTAL: Family = Family::gauge(
    "metallb_allocator_ipv4_addresses_total",
    "IPv4 addresses in a pool, by pool.",
);
const V4_IN_USE: Family = Family::gauge(
    "metallb_allocator_ipv4_addresses_in_use_total",
    "IPv4 addresses of a pool that a Service has, by pool.",
);
const V6_TOTAL: Family = Family::gauge(
    "metallb_allocator_ipv6_addresses_total",
    "IPv6 addresses in a pool, by pool.",
);
const V6_IN_USE: Family = Family::gauge(
    "metallb_allocator_ipv6_addresses_in_use_total",
    "IPv6 addresses of a pool that a Service has, by pool.",
);

/// How full a pool is, in addresses.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PoolUse {
    /// The pool's name.
    pub pool: String,
    /// IPv4 addresses in it.
    pub ipv4_total: u64,
    /// Those that a Service has.
    pub ipv4_in_use: u64,
    /// IPv6 addresses in it.
    pub ipv6_total: u64,
    /// Those that a Service has.
    pub ipv6_in_use: u64,
}

impl PoolUse {
    /// Out of what core counted. More than an `i64` holds stays its maximum: MetalLB's sum overflows there.
    pub fn new(pool: impl Into<String>, counts: PoolCounts) -> Self {
        let number = |count: i64| u64::try_from(count).unwrap_or_default();
        let total = |used: i64, free: i64| number(used.saturating_add(free));
        Self {
            pool: pool.into(),
            ipv4_total: total(counts.assigned_v4, counts.available_v4),
            ipv4_in_use: number(counts.assigned_v4),
            ipv6_total: total(counts.assigned_v6, counts.available_v6),
            ipv6_in_use: number(counts.assigned_v6),
        }
    }
}

/// Registers the pools as the allocator last published them, and whether this replica leads.
pub fn register(registry: &mut Registry, pools: watch::Receiver<Arc<[PoolUse]>>, leads: Reading<bool>) {
    registry.register_collector(Box::new(Allocator { pools, leads }));
}

#[derive(Debug)]
struct Allocator {
    pools: watch::Receiver<Arc<[PoolUse]>>,
    leads: Reading<bool>,
}

impl Collector for Allocator {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        LEADER.write(&mut encoder, u64::from(self.leads.now()))?;
        let pools = Arc::clone(&self.pools.borrow());
        let mut write = |family: Family, value: fn(&PoolUse) -> u64| {
            let rows = pools
                .iter()
                .map(|pool| ([("pool", pool.pool.clone())], value(pool)));
            family.write_all(&mut encoder, rows)
        };
        write(TOTAL, |pool| pool.ipv4_total.saturating_add(pool.ipv6_total))?;
        write(IN_USE, |pool| pool.ipv4_in_use.saturating_add(pool.ipv6_in_use))?;
        write(V4_TOTAL, |pool| pool.ipv4_total)?;
        write(V4_IN_USE, |pool| pool.ipv4_in_use)?;
        write(V6_TOTAL, |pool| pool.ipv6_total)?;
        write(V6_IN_USE, |pool| pool.ipv6_in_use)
    }
}

#[cfg(test)]
mod tests;
