//! Since when nobody can be given an address by the router's DHCP pools, and who put addresses back.
//!
//! Nothing here is one flag for everything: each address waits for its own last cut, and each IPAddressPool has its own
//! quarrel with people. A range that is refused, or left where it is, neither holds up the others nor spares them a wait.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::memory::{UNDONE_LIMIT, UNDONE_WINDOW};
use super::{LEASES_SETTLE, Landscape, Router, Trust, Work};
use crate::model::{Instant, RangeSet, Timestamp};
use crate::reservation::record;
use crate::reservation::site::Claim;
use crate::reservation::write::Write;

/// What is known of the router's pools from one look to the next.
#[derive(Debug, Clone, Default)]
pub(super) struct Exclusion {
    /// What they handed out at the last look.
    handed_out: RangeSet,
    /// What they have ceased to hand out, and when that was known: what was offered just before shows only in leases
    /// that are read [`LEASES_SETTLE`] later. Gone with the reading that does.
    ceased: Vec<(RangeSet, Instant)>,
    /// What is being given back, or was to be, until a reading shows what came of it.
    given_back: RangeSet,
    /// By IPAddressPool: what of it nobody handed out at the last look.
    out: BTreeMap<String, RangeSet>,
    /// By IPAddressPool: when people put some of it back.
    put_back: BTreeMap<String, Vec<Instant>>,
}

impl Exclusion {
    fn cease(&mut self, ranges: RangeSet, now: Instant) {
        if !ranges.is_empty() {
            self.ceased.push((ranges, now));
        }
    }

    /// Leases were read from `began` on.
    fn settle(&mut self, began: Instant) {
        self.ceased.retain(|(_, at)| *at + LEASES_SETTLE > began);
    }

    /// The address may be with a client that was offered it before it was taken out.
    pub(super) fn is_unsettled(&self, address: IpAddr) -> bool {
        self.ceased.iter().any(|(ranges, _)| ranges.contains(address))
    }

    /// The address may be handed out already, though no reading says so.
    pub(super) fn is_given_back(&self, address: IpAddr) -> bool {
        self.given_back.contains(address)
    }

    /// When leases must be read for the sake of these addresses.
    fn settled_at(&self, ours: &RangeSet) -> Option<Instant> {
        let of_ours = self
            .ceased
            .iter()
            .filter(|(ranges, _)| !ranges.intersection(ours).is_empty());
        of_ours.map(|(_, at)| *at + LEASES_SETTLE).min()
    }

    /// People want things tried again.
    pub(super) fn forgive(&mut self) {
        self.put_back.clear();
    }

    fn put_back(&mut self, pool: &str, now: Instant) {
        let times = self.put_back.entry(pool.to_owned()).or_default();
        if times.len() <= UNDONE_LIMIT {
            times.retain(|at| now.since(*at) < UNDONE_WINDOW);
            times.push(now);
        }
    }

    /// How often an IPAddressPool's range was put back, if that was so often that it is left in the router's pools.
    pub(super) fn left(&self, pool: &str) -> Option<usize> {
        let times = self.put_back.get(pool)?.len();
        (times > UNDONE_LIMIT).then_some(times)
    }
}

impl Router {
    /// A write is about to be sent: from now on what it gives back may be handed out.
    pub(super) fn note_begin(&mut self, work: &Work) {
        let Work::Write(planned) = work else { return };
        if let Write::SetPoolRanges { row, ranges } = &planned.write {
            let given = &mut self.exclusion.given_back;
            *given = given.union(&ranges.difference(&row.ranges));
        }
    }

    /// A good reading ended: what its leases show, and what it shows of what was not known.
    pub(super) fn note_settled(&mut self, wall: Timestamp, now: Instant) {
        let given = std::mem::take(&mut self.exclusion.given_back);
        self.exclusion.settle(self.began);
        // Whether it was handed out for a moment nobody knows.
        self.exclusion.cease(given, now);
        if self.last_good_read.is_none() {
            let young = self.taken_lately(wall);
            self.exclusion.cease(young, now);
        }
    }

    /// What a process before this one may have taken so lately that its leases have not settled.
    fn taken_lately(&self, wall: Timestamp) -> RangeSet {
        let young = self.object.taken.iter();
        let young = young.filter(|taken| record::is_young(taken, wall));
        young.fold(RangeSet::new(), |all, taken| all.union(&taken.ranges))
    }

    /// What the router's pools hand out changed by a write of ours, or was read.
    pub(super) fn note_exclusion(&mut self, landscape: &Landscape<'_>, now: Instant, by_reading: bool) {
        let Some(reading) = &self.reading else { return };
        let foreign = reading.handed_out();
        // Not only what an IPAddressPool holds: one may be made in the next moment.
        let handed_out = foreign.union(&self.uncut(landscape));
        let ceased = self.exclusion.handed_out.difference(&handed_out);
        self.exclusion.cease(ceased, now);
        self.exclusion.handed_out = handed_out;
        if self.trust == Trust::Agreed {
            self.note_put_back(&foreign, landscape, now, by_reading);
        }
        if let Some(settled) = self.exclusion.settled_at(&self.ranges(landscape)) {
            self.next_read = self.next_read.min(settled);
        }
    }

    /// What we took and a pool has again, by nobody's doing of ours. Readings that do not agree (a router that starts,
    /// another board) say nothing of people.
    fn note_put_back(
        &mut self,
        foreign: &RangeSet,
        landscape: &Landscape<'_>,
        now: Instant,
        by_reading: bool,
    ) {
        let taken = self.object.taken.iter();
        let taken = taken.fold(RangeSet::new(), |all, taken| {
            all.union(&taken.ranges.difference(&self.promises.open(&taken.pool)))
        });
        let mut out = BTreeMap::new();
        for pool in self.governed(landscape) {
            out.insert(pool.name.clone(), pool.ranges.difference(foreign));
        }
        for (pool, before) in std::mem::replace(&mut self.exclusion.out, out) {
            let is_governed = self.exclusion.out.contains_key(&pool);
            let back = before.intersection(foreign).intersection(&taken);
            if by_reading && is_governed && !back.is_empty() {
                self.exclusion.put_back(&pool, now);
            }
        }
        let pools = &landscape.config.pools;
        self.exclusion.put_back.retain(|pool, _| pools.contains_key(pool));
    }

    /// Takes out of the claims what people put back so often that it is left to them, and names the router's pools
    /// that have it.
    pub(super) fn leave_put_back(&self, claims: &mut [Claim]) -> Vec<String> {
        if self.object.spec.as_ref().is_ok_and(|spec| !spec.shrink_pools) {
            return Vec::new(); // Nothing is taken anyway.
        }
        let left = claims
            .iter_mut()
            .filter(|claim| self.exclusion.left(&claim.pool).is_some());
        let cuts = left.flat_map(|claim| claim.cuts.drain(..));
        cuts.map(|cut| format!("pool {}", cut.row.name)).collect()
    }

    /// What of `uncut` is left to people, and how often they put it back.
    pub(super) fn put_back_for_good(
        &self,
        uncut: &RangeSet,
        landscape: &Landscape<'_>,
    ) -> Option<(RangeSet, usize)> {
        let (mut ranges, mut most) = (RangeSet::new(), 0);
        for pool in self.governed(landscape) {
            if let Some(times) = self.exclusion.left(&pool.name) {
                ranges = ranges.union(&pool.ranges.intersection(uncut));
                most = times.max(most);
            }
        }
        (!ranges.is_empty()).then_some((ranges, most))
    }
}
