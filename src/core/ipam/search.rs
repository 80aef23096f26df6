//! Looking for the lowest address of a pool that can be had.
//!
//! Used addresses are jumped over run by run, and what was found unusable by the network or by a reservation is remembered
//! for as long as the ground stays: so the cost of one Service does not grow with the number of them.

use std::net::IpAddr;

use super::decision::{Because, SKIPPED_SHOWN, Sought};
use super::ground::{Ground, Seeker};
use super::{Availability, Holder, Ledger};
use crate::config::Pool;
use crate::model::Family;
use crate::model::range::successor;

/// How many free addresses one search looks at: a pool of which the network refuses the first million is no home
/// network, and the search must end.
const SEARCH_LIMIT: usize = 1 << 20;

/// How far a pool was searched for one family. Everything before is in use, or not to be had by anybody who does not name
/// it.
#[derive(Debug, Clone, Default)]
pub(super) struct Walk {
    range: usize,
    next: Option<IpAddr>,
    looked: usize,
    /// Addresses that had become free when it began: if more have since, it begins anew.
    freed: u64,
    tally: Tally,
}

/// What was seen on the way to a free address.
#[derive(Debug, Clone, Default)]
pub(super) struct Tally {
    pub(super) skipped: Vec<(IpAddr, Holder)>,
    held: usize,
    reserved: usize,
    unproven: Option<Because>,
}

impl Tally {
    fn add(&mut self, other: &Self) {
        let room = SKIPPED_SHOWN.saturating_sub(self.skipped.len());
        self.skipped.extend(other.skipped.iter().take(room).cloned());
        self.held += other.held;
        self.reserved += other.reserved;
        if self.unproven.is_none() {
            self.unproven.clone_from(&other.unproven);
        }
    }

    fn held(&mut self, address: IpAddr, by: Holder) {
        self.held += 1;
        if self.skipped.len() < SKIPPED_SHOWN {
            self.skipped.push((address, by));
        }
    }

    /// Why nothing was found in these pools.
    pub(super) fn failure<'a>(self, sought: Sought, pools: impl Iterator<Item = &'a Pool>) -> Because {
        let pools: Vec<String> = pools.map(|pool| pool.name.clone()).collect();
        if pools.is_empty() {
            return Because::NoPools;
        }
        self.unproven.unwrap_or(Because::Exhausted {
            sought,
            pools,
            held: self.held,
            reserved: self.reserved,
        })
    }
}

impl Ledger {
    /// An address of this family for each that is sought, all from one pool.
    pub(super) fn pick(
        &self,
        at: usize,
        sought: Sought,
        seeker: &Seeker<'_>,
        ground: &Ground<'_>,
        tally: &mut Tally,
    ) -> Option<Vec<IpAddr>> {
        let mut lowest = |family| self.lowest(at, family, seeker, ground, tally);
        match sought {
            Sought::One(family) => Some(vec![lowest(family)?]),
            Sought::Both => Family::BOTH.into_iter().map(lowest).collect(),
        }
    }

    /// The lowest address of a pool that is free, or that the Service may share.
    pub(super) fn lowest(
        &self,
        at: usize,
        family: Family,
        seeker: &Seeker<'_>,
        ground: &Ground<'_>,
        tally: &mut Tally,
    ) -> Option<IpAddr> {
        let pool = ground.pool(at);
        let mut walks = ground.walks.borrow_mut();
        let walk = &mut walks[at][usize::from(family == Family::V6)];
        let free = self.advance(walk, pool, family, ground);
        tally.add(&walk.tally);
        // The walk passes by what writes may have put into a status. For the Service of that status it is free.
        let sent = ground.sent(&seeker.service.key);
        let sent = sent.filter(|address| matches!(ground.occupancy.of(*address), Availability::Free));
        let shared = seeker.sharing.key().and_then(|key| self.by_key.get(key));
        let shared = shared.into_iter().flat_map(|addresses| addresses.keys().copied());
        let others = sent
            .chain(shared)
            .filter(|address| self.serves(*address, pool, family, seeker, ground));
        let place = |address: &IpAddr| {
            let range = pool.order.iter().position(|range| range.contains(*address));
            (range, *address)
        };
        free.into_iter().chain(others).min_by_key(place)
    }

    /// Whether a pool serves the seeker with this address of this family.
    pub(super) fn serves(
        &self,
        address: IpAddr,
        pool: &Pool,
        family: Family,
        seeker: &Seeker<'_>,
        ground: &Ground<'_>,
    ) -> bool {
        Family::of(address) == family && pool.holds(address) && self.usable(address, seeker, ground).is_ok()
    }

    /// To the next free address. The walk stays there: whoever takes it puts it in use.
    fn advance(&self, walk: &mut Walk, pool: &Pool, family: Family, ground: &Ground<'_>) -> Option<IpAddr> {
        if walk.freed != self.freed {
            *walk = Walk {
                freed: self.freed,
                ..Walk::default()
            };
        }
        while let Some(range) = pool.order.get(walk.range) {
            let from = walk.next.unwrap_or(range.first());
            let inside = |address: &IpAddr| range.contains(*address);
            let free = self.used.first_free(from).filter(inside);
            let Some(address) = free.filter(|address| Family::of(*address) == family) else {
                (walk.range, walk.next) = (walk.range + 1, None);
                continue;
            };
            walk.next = Some(address);
            if walk.looked >= SEARCH_LIMIT || is_free(address, pool, ground, &mut walk.tally) {
                return (walk.looked < SEARCH_LIMIT).then_some(address);
            }
            walk.looked += 1;
            walk.next = successor(address).filter(inside);
            walk.range += usize::from(walk.next.is_none());
        }
        None
    }
}

/// Whether anybody may have this address, which nobody in the ledger has. One that is reserved comes to its Service in
/// another way.
fn is_free(address: IpAddr, pool: &Pool, ground: &Ground<'_>, tally: &mut Tally) -> bool {
    if pool.avoids(address) || ground.names(address).next().is_some() {
        return false;
    }
    if ground.config.reservations.contains_key(&address) {
        tally.reserved += 1;
        return false;
    }
    match ground.occupancy.of(address) {
        Availability::Free => return true,
        Availability::Held(by) | Availability::Reserved(by) | Availability::OnRequest(by) => {
            tally.held(address, by);
        }
        Availability::Unproven(why) => {
            tally.unproven.get_or_insert(Because::Unproven { address, why });
        }
    }
    false
}
