//! Pools, advertisements, routers and reservations as users wrote them, turned into one validated [`Config`] and the list of
//! what is wrong. Both processes use it, so both agree on what is valid.
//!
//! Validity is per object: a bad object excludes itself, a conflict between two excludes the younger
//! (`creationTimestamp`, then name), and everything else goes on working.
//!
//! **Invariant:** the result does not depend on the order of the input.

pub mod advertisement;
pub mod allocation;
pub mod object;
pub mod pool;
pub mod problem;
mod repetition;
pub mod reservation;

use std::collections::BTreeMap;
use std::net::IpAddr;

pub use advertisement::Advertisement;
pub use allocation::{Admission, Allocation};
pub use object::{
    AdvertisementObject, PoolObject, PoolSpec, ReservationObject, ReservationSpec, RouterMode, RouterObject,
    RouterSpec,
};
pub use pool::{Pool, PoolState};
pub use problem::{Kind, ObjectRef, Problem, ProblemKind};
pub use reservation::Reservation;

use crate::model::ObjectKey;

/// The validated configuration.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// Every IPAddressPool that exists, by name; unusable ones say why and keep what they had assigned.
    pub pools: BTreeMap<String, Pool>,
    /// Every L2Advertisement that exists, by name.
    pub advertisements: BTreeMap<String, Advertisement>,
    /// The valid AddressReservations, by address.
    pub reservations: BTreeMap<IpAddr, Reservation>,
    /// What is wrong, ordered by object.
    pub problems: Vec<Problem>,
    /// The last address and the pool of each range of the usable pools, by its first address.
    places: BTreeMap<IpAddr, (IpAddr, String)>,
    /// The reserved addresses of each Service.
    reserved: BTreeMap<ObjectKey, Vec<IpAddr>>,
}

/// Which pool lets an address stay where it is, and on what ground.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keeper<'a> {
    /// A usable pool holds the address.
    Pool(&'a Pool),
    /// The pool it came from exists but is unusable: until it is readable again it excludes nothing.
    Unusable(&'a Pool),
}

impl Keeper<'_> {
    /// The pool's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Pool(pool) | Self::Unusable(pool) => &pool.name,
        }
    }
}

impl Config {
    /// Validates all objects together.
    pub fn new(
        pools: &[PoolObject],
        advertisements: &[AdvertisementObject],
        routers: &[RouterObject],
    ) -> Self {
        let mut problems = Vec::new();
        let pools = pool::validate(pools, &mut problems);
        let advertisements = advertisement::validate(advertisements, &pools, &mut problems);
        problem::of_routers(routers, &pools, &mut problems);
        problems.sort();
        problems.dedup();
        let usable = pools.values().filter(|pool| pool.state == PoolState::Usable);
        let places = usable.flat_map(|pool| {
            let ranges = pool.ranges.ranges().iter();
            ranges.map(|range| (range.first(), (range.last(), pool.name.clone())))
        });
        Self {
            places: places.collect(),
            pools,
            advertisements,
            reservations: BTreeMap::new(),
            problems,
            reserved: BTreeMap::new(),
        }
    }

    /// The same with AddressReservations, which only the allocator acts on.
    #[must_use]
    pub fn with_reservations(mut self, objects: &[ReservationObject]) -> Self {
        self.reservations = reservation::validate(objects, &self.pools, &mut self.problems);
        self.problems.sort();
        self.problems.dedup();
        self.reserved.clear();
        for reservation in self.reservations.values() {
            if let Some(service) = &reservation.service {
                let addresses = self.reserved.entry(service.clone()).or_default();
                addresses.push(reservation.address);
            }
        }
        self
    }

    /// What is wrong, a line each: while there is any, the configuration is invalid.
    pub fn faults(&self) -> Vec<String> {
        self.lines(|kind| kind == ProblemKind::Invalid)
    }

    /// What is valid and has no effect as things are, a line each: fields that this version does not act on, and objects
    /// that concern nothing yet. MetalLB calls such a configuration valid, and what is missing may come later.
    pub fn warnings(&self) -> Vec<String> {
        self.lines(|kind| kind != ProblemKind::Invalid)
    }

    fn lines(&self, wanted: impl Fn(ProblemKind) -> bool) -> Vec<String> {
        let problems = self.problems.iter().filter(|problem| wanted(problem.kind));
        problems.map(ToString::to_string).collect()
    }

    /// The addresses that are kept for this Service, the lowest of a family first.
    pub fn reserved_for(&self, service: &ObjectKey) -> impl Iterator<Item = &Reservation> {
        let addresses = self.reserved.get(service).into_iter().flatten();
        addresses.filter_map(|address| self.reservations.get(address))
    }

    /// Whether some pool cannot be used: then nobody knows which addresses it holds.
    pub fn has_unusable_pools(&self) -> bool {
        self.pools.values().any(|pool| pool.state == PoolState::Unusable)
    }

    /// The usable pool from which a Service may have this address. At most one is it: overlapping pools exclude each other.
    pub fn pool_of(&self, address: IpAddr) -> Option<&Pool> {
        self.pool_around(address).filter(|pool| !pool.avoids(address))
    }

    /// The usable pool in whose ranges the address lies, whether it is avoided there or not.
    pub fn pool_around(&self, address: IpAddr) -> Option<&Pool> {
        let (_, (last, name)) = self.places.range(..=address).next_back()?;
        (*last >= address).then(|| self.pools.get(name)).flatten()
    }

    /// Pools that may hand out addresses, by name.
    pub fn usable(&self) -> impl Iterator<Item = &Pool> {
        self.pools.values().filter(|pool| pool.state == PoolState::Usable)
    }

    /// Whether an address that a Service already has may stay: until its pool is deleted, or validly no longer
    /// holds it. `came_from` is the pool that the Service's annotation names.
    pub fn keeper(&self, address: IpAddr, came_from: Option<&str>) -> Option<Keeper<'_>> {
        if let Some(pool) = self.pool_of(address) {
            return Some(Keeper::Pool(pool));
        }
        let unusable = || self.pools.values().filter(|pool| pool.state != PoolState::Usable);
        unusable()
            .find(|pool| Some(pool.name.as_str()) == came_from)
            .or_else(|| unusable().find(|pool| pool.ranges.contains(address)))
            .map(Keeper::Unusable)
    }

    /// The advertisements under which addresses of this pool are announced. Ones that could not be read count
    /// only where no readable one selects the pool: an address is not dropped because of a slip of the pen.
    pub fn advertisements_of<'a>(&'a self, pool: &Pool) -> Vec<&'a Advertisement> {
        let (readable, broken): (Vec<_>, Vec<_>) = self
            .advertisements
            .values()
            .filter(|ad| ad.selects_pool(pool))
            .partition(|ad| !ad.broken);
        if readable.is_empty() { broken } else { readable }
    }
}

#[cfg(test)]
mod tests;
