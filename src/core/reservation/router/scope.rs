//! What this router is asked to agree on, and what it holds of that.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

use super::{Landscape, Router};
use crate::config::{Pool, PoolState, RouterSpec};
use crate::model::{Few, MacAddr, Now, ObjectKey, RangeSet};
use crate::reservation::consumer::{self, Used};
use crate::reservation::held::is_ours;
use crate::reservation::marker::Owner;
use crate::reservation::observed::Reading;
use crate::reservation::plan::{self, Plan};
use crate::reservation::site::{self, Claim, Refusal};

impl Router {
    /// MAC addresses of our own nodes: those that answer for Services, and those that the router knows for the nodes'
    /// addresses.
    pub(super) fn node_macs(&self, landscape: &Landscape<'_>) -> BTreeSet<MacAddr> {
        let arps = self.reading.iter().flat_map(|reading| &reading.arps);
        let known = arps
            .filter(|row| landscape.nodes.iter().any(|(_, address)| *address == row.address))
            .filter_map(|row| row.mac);
        known.chain(landscape.announcers.values().copied()).collect()
    }

    /// The addresses of our ranges that the router still hands out: from its own pools, or from our row there, where
    /// somebody uses that.
    pub(super) fn uncut(&self, landscape: &Landscape<'_>) -> RangeSet {
        let ranges = self.ranges(landscape);
        let used = self.used_rows(landscape);
        used.iter().fold(self.in_pools(landscape), |all, used| {
            all.union(&used.row.ranges.intersection(&ranges))
        })
    }

    /// Our rows in `/ip/pool` that somebody uses, as far as they hold addresses of our ranges.
    pub(super) fn used_rows(&self, landscape: &Landscape<'_>) -> Vec<Used<'_>> {
        let ranges = self.ranges(landscape);
        let used = self.reading.iter().flat_map(consumer::used);
        used.filter(|used| !used.row.ranges.intersection(&ranges).is_empty())
            .collect()
    }

    /// The ranges of those pools.
    pub(super) fn ranges(&self, landscape: &Landscape<'_>) -> RangeSet {
        self.governed(landscape)
            .fold(RangeSet::new(), |all, pool| all.union(&pool.ranges))
    }

    /// The addresses of our ranges that some pool of the router's own still holds.
    pub(super) fn in_pools(&self, landscape: &Landscape<'_>) -> RangeSet {
        let handed_out = self.reading.as_ref().map(Reading::handed_out);
        handed_out
            .unwrap_or_default()
            .intersection(&self.ranges(landscape))
    }

    /// The pools that this router is asked to agree on.
    pub(super) fn governed<'a>(
        &'a self,
        landscape: &Landscape<'a>,
    ) -> impl Iterator<Item = &'a Pool> + use<'a> {
        let selector = self.object.spec.as_ref().ok().map(|spec| &spec.pool_selector);
        let config = landscape.config;
        config
            .usable()
            .filter(move |pool| selector.is_some_and(|selector| selector.matches(&pool.labels)))
    }

    /// Whether another board answers than the one that the record is of. (It is written to only once that is accepted.)
    pub(super) fn is_replaced(&self, reading: &Reading) -> bool {
        match (&self.object.serial, &reading.serial) {
            (None, None) => {
                let known = self.object.identity.as_ref().filter(|known| !known.is_empty());
                known.is_some_and(|known| *known != reading.identity)
            }
            (Some(enrolled), found) => found.as_ref() != Some(enrolled),
            (None, Some(_)) => false,
        }
    }

    /// What was taken and is not wanted: no pool of the cluster that this router is asked to agree on holds it, and
    /// nobody uses it. While a pool cannot be read nobody knows what it holds: then everything is wanted.
    pub(super) fn unwanted_now(&self, landscape: &Landscape<'_>) -> RangeSet {
        let (Ok(spec), Some(reading), Some(owner)) =
            (&self.object.spec, &self.reading, self.owner(landscape))
        else {
            return RangeSet::new();
        };
        let readable = landscape
            .config
            .pools
            .values()
            .all(|pool| pool.state == PoolState::Usable);
        if !readable || !landscape.complete {
            return RangeSet::new();
        }
        let own = reading.pools.iter().filter(|row| is_ours(&row.comment, &owner));
        let taken = self.object.taken.iter().map(|taken| &taken.ranges);
        let known = taken
            .chain(own.map(|row| &row.ranges))
            .fold(RangeSet::new(), |all, ranges| all.union(ranges));
        let wanted = if spec.shrink_pools {
            self.governed(landscape)
                .fold(RangeSet::new(), |all, pool| all.union(&pool.ranges))
        } else {
            RangeSet::new()
        };
        known.difference(&wanted).difference(landscape.in_use)
    }

    pub(super) fn claims(&self, landscape: &Landscape<'_>) -> (Vec<Claim>, Vec<(String, Refusal)>) {
        let (Some(reading), Ok(spec)) = (&self.reading, &self.object.spec) else {
            return (vec![], vec![]);
        };
        let (mut claims, mut refusals) = (Vec::new(), Vec::new());
        // Of two that are too much together the younger is refused.
        let mut pools: Vec<&Pool> = self.governed(landscape).collect();
        pools.sort_by_key(|pool| &pool.seniority);
        for pool in pools {
            match site::claim(pool, reading, spec, landscape.nodes, &claims) {
                Ok(claim) => claims.push(claim),
                Err(refusal) => refusals.push((pool.name.clone(), refusal)),
            }
        }
        claims.sort_by(|one, other| one.pool.cmp(&other.pool));
        (claims, refusals)
    }

    /// The difference as it stands: what would be written, were nothing else in the way.
    pub fn plan(&self, landscape: &Landscape<'_>, now: Now) -> Plan {
        let (claims, _) = self.claims(landscape);
        self.plan_with(&claims, landscape, now)
    }

    pub(super) fn plan_with(&self, claims: &[Claim], landscape: &Landscape<'_>, now: Now) -> Plan {
        let (Some(reading), Ok(spec), Some(owner)) =
            (&self.reading, &self.object.spec, self.owner(landscape))
        else {
            return Plan::default();
        };
        let assigned = self.assigned(landscape);
        // Of what was not wanted for long, what is not wanted now either.
        let unwanted = self.unwanted.for_long(spec.release_delay, now.mono);
        let unwanted = unwanted.intersection(&self.unwanted_now(landscape));
        let evictable = self.evictable(claims, landscape, now.mono);
        let kept = self.kept(landscape);
        let ground = plan::Ground {
            owner: &owner,
            spec,
            reading,
            claims,
            assigned: &assigned,
            kept: &kept,
            noted: &self.noted,
            adopted: landscape.adopted,
            evictable: &evictable,
            announcers: landscape.announcers,
            taken: &self.object.taken,
            inherits: &self.twins.inherits,
            unmade: self.promises.unmade(),
            replaced: self.is_replaced(reading),
            unwanted: &unwanted,
            confirmed: &self.object.confirmed.removals,
            departed: &self.departed,
            now: now.mono,
        };
        if self.object.deleting {
            return plan::release(&ground, landscape.in_use, now.wall);
        }
        let mut plan = plan::difference(&ground, now.wall);
        plan.due(self.unwanted.next_due(spec.release_delay, now.mono));
        plan
    }

    pub(super) fn assigned(&self, landscape: &Landscape<'_>) -> BTreeMap<IpAddr, Few<ObjectKey>> {
        let governed: Vec<&Pool> = self.governed(landscape).collect();
        let governed = |address| governed.iter().any(|pool| pool.ranges.contains(address));
        // A pool that became unusable takes nothing away: what already stands on the router for an address that a
        // Service still has stays there.
        let usable = |address| {
            landscape
                .config
                .usable()
                .any(|pool| pool.ranges.contains(address))
        };
        let owner = self.owner(landscape);
        let stands = |address| {
            let rows = self.reading.iter().flat_map(|reading| &reading.leases);
            let mut ours =
                rows.filter(|row| owner.as_ref().is_some_and(|owner| is_ours(&row.comment, owner)));
            ours.any(|row| row.address == address)
                || self
                    .object
                    .taken
                    .iter()
                    .any(|taken| taken.ranges.contains(address))
        };
        let ours = |address: &IpAddr| governed(*address) || (!usable(*address) && stands(*address));
        landscape
            .assigned
            .iter()
            .filter(|(a, _)| ours(a))
            .map(|(a, s)| (*a, s.clone()))
            .collect()
    }

    pub(super) fn owner(&self, landscape: &Landscape<'_>) -> Option<Owner> {
        let spec = self.object.spec.as_ref().ok()?;
        Some(Owner {
            cluster: spec.cluster_name.clone(),
            uid: landscape.cluster_uid.to_owned(),
            adopts: spec.adopt_from.clone(),
        })
    }

    pub(super) fn poll_interval(&self) -> Duration {
        self.object
            .spec
            .as_ref()
            .map_or(Duration::from_secs(30), |spec: &RouterSpec| spec.poll_interval)
    }
}
