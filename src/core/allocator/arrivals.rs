//! Pools that have just come: the MikrotikRouter that governs them may be on its way.
//!
//! One `kubectl apply`, Helm or `ArgoCD` writes a Service, an IPAddressPool and a MikrotikRouter one after the other, in an
//! order of its own (Services mostly first), and each kind has a watch of its own. Whoever gave a new pool's addresses
//! away at once would give away what the router has leased to a phone.

use std::collections::BTreeMap;
use std::time::Duration;

use super::event::Change;
use crate::config::{Config, Pool, PoolObject};
use crate::model::{Instant, ObjectKey};

/// How long a new pool gives nothing away unless a router has a say in it. What applies a folder of manifests needs some
/// ten milliseconds for each; and nobody who has just written a pool notices two seconds.
pub(super) const SETTLING: Duration = Duration::from_secs(2);

/// What a person reads.
pub(super) const WORDS: &str =
    "its IPAddressPool is two seconds old at most, and the MikrotikRouter that governs it may be on its way";

/// Since when they have been there.
#[derive(Debug, Default)]
pub(super) struct Arrivals(BTreeMap<ObjectKey, Instant>);

impl Arrivals {
    /// A change of the pools is about to be taken in. What the first list names was there before this process asked, and
    /// so were its routers.
    pub(super) fn note(
        &mut self,
        change: &Change<PoolObject>,
        known: &BTreeMap<ObjectKey, PoolObject>,
        first: bool,
        now: Instant,
    ) {
        let objects = match change {
            Change::Listed(objects) if !first => objects.as_slice(),
            Change::Applied(object) => std::slice::from_ref(object),
            Change::Listed(_) | Change::Deleted(_) => return,
        };
        let new = objects.iter().filter(|object| !known.contains_key(&object.key));
        self.0.extend(new.map(|object| (object.key.clone(), now)));
    }

    /// Forgets those that have been there for long enough: whether there were any, and when the next one will.
    pub(super) fn settle(&mut self, now: Instant) -> (bool, Option<Instant>) {
        let before = self.0.len();
        self.0.retain(|_, since| now < *since + SETTLING);
        let next = self.0.values().min().map(|since| *since + SETTLING);
        (self.0.len() < before, next)
    }

    /// Those of the configuration.
    pub(super) fn among<'a>(&self, config: &'a Config) -> Vec<&'a Pool> {
        if self.0.is_empty() {
            return Vec::new();
        }
        config
            .usable()
            .filter(|pool| self.0.contains_key(&pool.key))
            .collect()
    }
}
