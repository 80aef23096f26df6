//! Who holds which address.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::Availability;
use super::decision::{Because, Decision, Lost, Outcome, Sought};
use super::ground::{Ground, Seeker};
use super::request::{FROM_POOL, Families, Request, Wanted};
use super::runs::Runs;
use super::search::Tally;
use super::sharing::SharingKey;
use super::standing::{Had, fits};
use crate::config::Admission;
use crate::model::excerpt::NAME;
use crate::model::service::Service;
use crate::model::{AddressRange, Family, Few, ObjectKey, RangeSet, excerpt};

/// What one Service holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// In the order of the status.
    pub addresses: Vec<IpAddr>,
    /// The pool they come from.
    pub pool: String,
    sharing: SharingKey,
}

/// All assignments. One owner changes it, one decision at a time.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Ledger {
    services: BTreeMap<ObjectKey, Assignment>,
    holders: BTreeMap<IpAddr, Few<ObjectKey>>,
    /// The same addresses as runs.
    pub(super) used: Runs,
    /// The addresses that Services with a sharing key hold, and how many of them do, by the key.
    pub(super) by_key: BTreeMap<String, BTreeMap<IpAddr, usize>>,
    /// How many addresses have become free so far.
    pub(super) freed: u64,
    /// Something became free, or shareable for others, since [`Ledger::take_loosened`].
    loosened: bool,
    /// Addresses that came into use or went out of it since [`Ledger::take_touched`].
    touched: BTreeSet<IpAddr>,
}

impl Ledger {
    /// What this Service holds.
    pub fn assignment(&self, service: &ObjectKey) -> Option<&Assignment> {
        self.services.get(service)
    }

    /// All assignments, by Service.
    pub fn assignments(&self) -> impl Iterator<Item = (&ObjectKey, &Assignment)> {
        self.services.iter()
    }

    /// Every address in use and the Services that hold it.
    pub fn holders(&self) -> &BTreeMap<IpAddr, Few<ObjectKey>> {
        &self.holders
    }

    /// All addresses in use.
    pub fn in_use(&self) -> RangeSet {
        self.used.to_set()
    }

    /// The addresses in use that lie in a range.
    pub fn in_use_within(&self, range: &AddressRange) -> impl Iterator<Item = AddressRange> + use<'_> {
        self.used.within(range)
    }

    /// Whether, since this was last asked, a Service may have come to fit that did not fit before: an address lost a
    /// holder, or a holder shares in another way.
    pub fn take_loosened(&mut self) -> bool {
        std::mem::take(&mut self.loosened)
    }

    /// The addresses that came into use or went out of it since this was last asked.
    pub fn take_touched(&mut self) -> BTreeSet<IpAddr> {
        std::mem::take(&mut self.touched)
    }

    /// Forgets a Service; what it held, if anything.
    pub fn release(&mut self, service: &ObjectKey) -> Option<Assignment> {
        let assignment = self.services.remove(service)?;
        self.loosened = true;
        for address in &assignment.addresses {
            if let Some(holders) = self.holders.get_mut(address) {
                holders.remove(service);
                if holders.is_empty() {
                    self.holders.remove(address);
                    self.used.remove(*address);
                    self.touched.insert(*address);
                    self.freed += 1;
                }
            }
            self.count_key(&assignment.sharing, *address, false);
        }
        Some(assignment)
    }

    fn count_key(&mut self, sharing: &SharingKey, address: IpAddr, more: bool) {
        let Some(key) = sharing.key() else { return };
        let addresses = self.by_key.entry(key.to_owned()).or_default();
        let count = addresses.entry(address).or_default();
        *count = if more { *count + 1 } else { count.saturating_sub(1) };
        if *count == 0 {
            addresses.remove(&address);
        }
        if addresses.is_empty() {
            self.by_key.remove(key);
        }
    }

    /// Reclaims what the statuses say, the senior Service first, before any decision is made. Without this a wish
    /// that has been waiting for an address would take it from a Service whose turn comes later.
    pub fn adopt<'a>(&mut self, services: impl IntoIterator<Item = &'a Service>, ground: &Ground<'_>) {
        let mut services: Vec<&Service> = services.into_iter().filter(|s| ground.serves(s)).collect();
        services.sort_by_key(|service| &service.seniority);
        for service in services {
            let had = self.had(&Seeker::new(service, ground.config), ground);
            if !had.kept.is_empty() {
                self.record(service, &had.stay());
            }
        }
    }

    /// Decides about one Service and records what it holds from now on.
    pub fn decide(&mut self, service: &Service, ground: &Ground<'_>) -> Decision {
        if !service.is_load_balancer || service.deleting {
            let ours = self.release(&service.key).is_some() || service.annotations.contains_key(FROM_POOL);
            let outcome = if ours { Outcome::Pending } else { Outcome::NotOurs };
            return Decision {
                outcome,
                because: Because::NotLoadBalancer,
            };
        }
        if service.class.as_deref() != ground.class {
            self.release(&service.key);
            return Decision {
                outcome: Outcome::NotOurs,
                because: Because::OtherClass,
            };
        }
        let seeker = Seeker::new(service, ground.config);
        let had = self.had(&seeker, ground);
        let decision = match Request::of(service) {
            Ok(request) => match &ground.withheld {
                Some(why) if had.is_nothing() => had.stay_or_wait(why.clone()),
                _ => self.serve(&seeker, &request, had, ground),
            },
            Err(error) => had.stay_or_wait(Because::BadRequest(error)),
        };
        self.record(service, &decision.outcome);
        decision
    }

    fn record(&mut self, service: &Service, outcome: &Outcome) {
        let Outcome::Assigned { addresses, pool } = outcome else {
            self.release(&service.key);
            return;
        };
        let assignment = Assignment {
            addresses: addresses.clone(),
            pool: pool.clone(),
            sharing: SharingKey::of(service),
        };
        if self.services.get(&service.key) == Some(&assignment) {
            return;
        }
        self.release(&service.key);
        for address in addresses {
            let holders = self.holders.entry(*address).or_default();
            if holders.is_empty() {
                self.used.insert(*address);
                self.touched.insert(*address);
            }
            holders.insert(service.key.clone());
            self.count_key(&assignment.sharing, *address, true);
        }
        self.services.insert(service.key.clone(), assignment);
    }

    /// The Service that keeps the seeker from this address, if any.
    pub(super) fn blocker(&self, address: IpAddr, seeker: &Seeker<'_>) -> Option<&ObjectKey> {
        let others = self.holders.get(&address)?.iter();
        let mut others = others.filter(|key| **key != seeker.service.key);
        others.find(|key| {
            let other = self.services.get(*key);
            other.is_none_or(|other| !seeker.sharing.shares_with(&other.sharing))
        })
    }

    /// Another Service that has left this address, while its status may still name it.
    fn still_named<'a>(
        &self,
        address: IpAddr,
        seeker: &Seeker<'_>,
        ground: &Ground<'a>,
    ) -> Option<&'a ObjectKey> {
        let holders = self.holders.get(&address);
        let left = |key: &&ObjectKey| holders.is_none_or(|holders| !holders.contains(*key));
        let mut left = ground.names(address).filter(left);
        left.find(|key| **key != seeker.service.key)
    }

    fn serve(&self, seeker: &Seeker<'_>, request: &Request, had: Had, ground: &Ground<'_>) -> Decision {
        let mut had = had.of(request.families);
        if !had.kept.is_empty() && fits(request, &had.kept, &had.pool) {
            match self.keep(seeker, request.families, had, ground) {
                Ok(decision) => return decision,
                Err(left) => had = *left,
            }
        }
        let pool = request.pool.as_deref();
        let found = match &request.wanted {
            Wanted::Exactly(addresses) => self.exactly(seeker, addresses, pool, ground),
            Wanted::Any => self
                .reserved(seeker, request, ground)
                .unwrap_or_else(|| self.automatic(seeker, pool, request.families, ground)),
        };
        match found {
            Ok(decision) => had.leave(decision),
            Err(because) => {
                // One address where both are required is none.
                if had.usable
                    && request.families == Families::Both
                    && request.families.missing(&had.kept).is_some()
                {
                    had.give_up(Lost::Families);
                }
                had.stay_or_wait(because)
            }
        }
    }

    /// The Service stays where it is; what it lacks is added from the same pool. What it must give up comes back.
    fn keep(
        &self,
        seeker: &Seeker<'_>,
        families: Families,
        mut had: Had,
        ground: &Ground<'_>,
    ) -> Result<Decision, Box<Had>> {
        let Some(missing) = families.missing(&had.kept) else {
            let because = if had.usable {
                Because::AlreadyAssigned
            } else {
                Because::PoolUnusable
            };
            return Ok(had.stay_because(because));
        };
        let Some(at) = ground.place_of(&had.pool).filter(|_| had.usable) else {
            return Ok(had.stay_because(Because::PoolUnusable));
        };
        let mut tally = Tally::default();
        if let Some(address) = self.fill(at, missing, seeker, ground, &mut tally) {
            had.kept.push(address);
            return Ok(had.stay_because(Because::FamilyAdded));
        }
        let why = tally.failure(Sought::One(missing), [ground.pool(at)].into_iter());
        if families == Families::Both {
            had.give_up(Lost::Families);
            return Err(Box::new(had));
        }
        // One of two went away with its range: another pool that has both is nearer to what it had than one address.
        if had.lost.is_some() {
            let both = self.first_free(seeker, ground.automatic(), Sought::Both, ground);
            if let Ok(decision) = both {
                return Ok(had.leave(decision));
            }
        }
        Ok(had.stay_because(Because::OneFamily(Box::new(why))))
    }

    /// An address of this family from this pool: one that is reserved for the Service first.
    fn fill(
        &self,
        at: usize,
        family: Family,
        seeker: &Seeker<'_>,
        ground: &Ground<'_>,
        tally: &mut Tally,
    ) -> Option<IpAddr> {
        let pool = ground.pool(at);
        let reserved = ground.config.reserved_for(&seeker.service.key);
        let mut reserved = reserved.map(|kept| kept.address);
        let found = reserved.find(|address| self.serves(*address, pool, family, seeker, ground));
        found.or_else(|| self.lowest(at, family, seeker, ground, tally))
    }

    fn exactly(
        &self,
        seeker: &Seeker<'_>,
        addresses: &[IpAddr],
        pool: Option<&str>,
        ground: &Ground<'_>,
    ) -> Result<Decision, Because> {
        let mut from: Option<&str> = None;
        for &address in addresses {
            let found = ground.config.pool_around(address);
            let found = found.ok_or(Because::OutsidePools(address))?;
            let name = || found.name.clone();
            if let Some(wanted) = pool.filter(|wanted| *wanted != found.name) {
                return Err(Because::OutsideRequestedPool {
                    address,
                    pool: excerpt(wanted, NAME),
                });
            }
            if found.avoids(address) {
                return Err(Because::Avoided {
                    address,
                    pool: name(),
                });
            }
            match ground.admits(found, seeker.service) {
                Admission::Yes => {}
                Admission::No => return Err(Because::NotServed { pool: name() }),
                Admission::Unknown => return Err(Because::NamespaceUnseen { pool: name() }),
            }
            if from.is_some_and(|first| first != found.name) {
                return Err(Because::TwoPools(addresses.to_vec()));
            }
            self.usable(address, seeker, ground)?;
            from = Some(&found.name);
        }
        let pool = from.ok_or(Because::NoPools)?;
        Ok(assigned(addresses.to_vec(), pool.to_owned(), Because::Requested))
    }

    /// The lowest reserved address that can be had: a reservation is a request that stands beside the Service. `None`
    /// where nothing is reserved for it in the pools that it may be served from.
    fn reserved(
        &self,
        seeker: &Seeker<'_>,
        request: &Request,
        ground: &Ground<'_>,
    ) -> Option<Result<Decision, Because>> {
        let pool = request.pool.as_deref();
        let mut failed = None;
        for reservation in ground.config.reserved_for(&seeker.service.key) {
            let address = reservation.address;
            let outside = match ground.config.pool_of(address) {
                Some(found) => {
                    pool.is_some_and(|wanted| wanted != found.name)
                        || ground.admits(found, seeker.service) == Admission::No
                }
                // It may be in one that cannot be read: another address would be for good.
                None => pool.is_some() || !ground.config.has_unusable_pools(),
            };
            if outside || !request.families.include(Family::of(address)) {
                continue;
            }
            match self.reserved_with(address, seeker, request.families, ground) {
                Ok(Decision { outcome, .. }) => {
                    let because = Because::Reserved(reservation.key.name.clone());
                    return Some(Ok(Decision { outcome, because }));
                }
                // That passes: another one would be for good.
                Err(because @ Because::Unproven { .. }) => return Some(Err(because)),
                // One of the family that it can do without, and none of the other beside it: it has more elsewhere.
                Err(_) if request.families.can_do_without(Family::of(address)) => {}
                Err(because) => _ = failed.get_or_insert(because),
            }
        }
        failed.map(Err)
    }

    /// A reserved address, and beside it one of the other family where the Service has two.
    fn reserved_with(
        &self,
        address: IpAddr,
        seeker: &Seeker<'_>,
        families: Families,
        ground: &Ground<'_>,
    ) -> Result<Decision, Because> {
        let decision = self.exactly(seeker, &[address], None, ground)?;
        let (Some(missing), Outcome::Assigned { pool, .. }) =
            (families.missing(&[address]), &decision.outcome)
        else {
            return Ok(decision);
        };
        let Some(at) = ground.place_of(pool) else {
            return Ok(decision);
        };
        let mut tally = Tally::default();
        if let Some(other) = self.fill(at, missing, seeker, ground, &mut tally) {
            let mut both = vec![address, other];
            both.sort();
            return Ok(assigned(both, pool.clone(), Because::Requested));
        }
        if families == Families::Prefer(Family::of(address)) {
            return Ok(decision);
        }
        Err(tally.failure(Sought::One(missing), [ground.pool(at)].into_iter()))
    }

    /// Whether the seeker may have an address that is named: by itself, or by a reservation for it.
    pub(super) fn usable(
        &self,
        address: IpAddr,
        seeker: &Seeker<'_>,
        ground: &Ground<'_>,
    ) -> Result<(), Because> {
        let kept = ground.config.reservations.get(&address);
        if let Some(other) = kept.filter(|kept| kept.service.as_ref() != Some(&seeker.service.key)) {
            return Err(Because::ReservedForOther {
                address,
                reservation: other.key.name.clone(),
                service: other.service.clone(),
            });
        }
        let by = self.blocker(address, seeker);
        if let Some(by) = by.or_else(|| self.still_named(address, seeker, ground)) {
            let by = by.clone();
            return Err(Because::Taken { address, by });
        }
        if self.holders.contains_key(&address) {
            return Ok(()); // Shared: it is in use by us already, nothing is left to prove.
        }
        match ground.occupancy.of(address) {
            Availability::Free | Availability::OnRequest(_) => Ok(()),
            Availability::Reserved(_) if seeker.leased.contains(&address) => Ok(()),
            Availability::Held(by) | Availability::Reserved(by) => Err(Because::Held { address, by }),
            Availability::Unproven(why) => Err(Because::Unproven { address, why }),
        }
    }

    /// From the pool that is asked for, or from those that serve who asks for nothing: where the Service would have two
    /// addresses, from the first pool that has both.
    fn automatic(
        &self,
        seeker: &Seeker<'_>,
        pool: Option<&str>,
        families: Families,
        ground: &Ground<'_>,
    ) -> Result<Decision, Because> {
        let named = match pool {
            Some(name) => {
                let unavailable = || Because::PoolUnavailable(excerpt(name, NAME));
                let at = ground.place_of(name).ok_or_else(unavailable)?;
                if ground.admits(ground.pool(at), seeker.service) == Admission::No {
                    let pool = name.to_owned();
                    return Err(Because::NotServed { pool });
                }
                Some(at)
            }
            None => None,
        };
        let search = |sought| match named {
            Some(at) => self.first_free(seeker, std::iter::once(at), sought, ground),
            None => self.first_free(seeker, ground.automatic(), sought, ground),
        };
        match families {
            Families::One(family) => search(Sought::One(family)),
            Families::Both => search(Sought::Both),
            Families::Prefer(primary) => search(Sought::Both).or_else(|because| match because {
                Because::NamespaceUnseen { .. } => Err(because),
                _ => search(Sought::One(primary)),
            }),
        }
    }

    fn first_free(
        &self,
        seeker: &Seeker<'_>,
        pools: impl Iterator<Item = usize> + Clone,
        sought: Sought,
        ground: &Ground<'_>,
    ) -> Result<Decision, Because> {
        let mut tally = Tally::default();
        for at in pools.clone() {
            let pool = ground.pool(at);
            match ground.admits(pool, seeker.service) {
                Admission::Yes => {}
                Admission::No => continue,
                Admission::Unknown => {
                    let pool = pool.name.clone();
                    return Err(Because::NamespaceUnseen { pool });
                }
            }
            if let Some(addresses) = self.pick(at, sought, seeker, ground, &mut tally) {
                let skipped = tally.skipped;
                return Ok(assigned(
                    addresses,
                    pool.name.clone(),
                    Because::FirstFree { skipped },
                ));
            }
        }
        let pools = pools.map(|at| ground.pool(at));
        let mine = pools.filter(|pool| ground.admits(pool, seeker.service) == Admission::Yes);
        Err(tally.failure(sought, mine))
    }
}

pub(super) fn assigned(addresses: Vec<IpAddr>, pool: String, because: Because) -> Decision {
    Decision {
        outcome: Outcome::Assigned { addresses, pool },
        because,
    }
}
