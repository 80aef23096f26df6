//! Pools that have just come: the MikrotikRouter that governs them, or a pool that goes before them, may be on its way.
//!
//! One `kubectl apply`, Helm or `ArgoCD` writes a Service, IPAddressPools and a MikrotikRouter one after the other, in an
//! order of its own (Services mostly first), and each kind has a watch of its own. Whoever gave a new pool's addresses
//! away at once would give away what the router has leased to a phone; and whoever let a Service make do with another pool
//! meanwhile would have it there for good.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::config::{Config, Pool};
use crate::model::{Instant, ObjectKey, RangeSet};

/// How long nothing is given away after IPv4 addresses have come into a pool that no router has a say in. What applies a
/// folder of manifests needs some ten milliseconds for each; and nobody who has just written a pool notices two seconds.
pub(super) const SETTLING: Duration = Duration::from_secs(2);

/// Pools with new addresses, and which addresses are new no more: of IPv4, which alone routers hand out and reserve here.
#[derive(Debug, Default)]
pub(super) struct Arrivals {
    since: BTreeMap<ObjectKey, Instant>,
    /// A pool that is renamed or split brings nothing new.
    known: RangeSet,
}

impl Arrivals {
    /// The configuration is another one. `first`: it is the first, which was there before this process, and so were its
    /// routers.
    pub(super) fn update(&mut self, config: &Config, first: bool, now: Instant) {
        self.since
            .retain(|key, _| config.usable().any(|pool| pool.key == *key));
        for pool in config.usable() {
            let addresses = pool.ranges.v4();
            if first {
                self.known = self.known.union(&addresses);
            } else if !self.known.contains_all(&addresses) {
                self.since.entry(pool.key.clone()).or_insert(now);
            }
        }
    }

    /// Forgets those that have been there for long enough: whether there were any, and when the next one will.
    pub(super) fn settle(&mut self, config: &Config, now: Instant) -> (bool, Option<Instant>) {
        let due = |since: &Instant| *since + SETTLING <= now;
        let settled = self.since.values().any(due);
        if settled {
            for pool in config.usable() {
                if self.since.get(&pool.key).is_some_and(due) {
                    self.known = self.known.union(&pool.ranges.v4());
                }
            }
            self.since.retain(|_, since| !due(since));
        }
        let next = self.since.values().min().map(|since| *since + SETTLING);
        (settled, next)
    }

    /// One that no router has a say in.
    pub(super) fn ungoverned(&self, config: &Config, governed: impl Fn(IpAddr) -> bool) -> Option<String> {
        if self.since.is_empty() {
            return None;
        }
        let new = |pool: &&Pool| self.since.contains_key(&pool.key);
        let free = |pool: &&Pool| {
            pool.ranges
                .v4()
                .ranges()
                .iter()
                .any(|range| !governed(range.first()))
        };
        let found = config.usable().filter(new).find(free)?;
        Some(found.name.clone())
    }
}
