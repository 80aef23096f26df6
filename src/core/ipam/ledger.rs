//! Who holds which address.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::decision::{Because, Decision, Outcome, SKIPPED_SHOWN};
use super::request::{FROM_POOL, Request, Wanted, leased_by_others};
use super::sharing::SharingKey;
use super::{Availability, Occupancy};
use crate::config::{Config, Keeper, Pool};
use crate::model::excerpt::NAME;
use crate::model::service::Service;
use crate::model::{ObjectKey, RangeSet, excerpt};

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
    holders: BTreeMap<IpAddr, BTreeSet<ObjectKey>>,
}

/// What a decision is made on besides the ledger.
pub struct Ground<'a> {
    /// The validated configuration.
    pub config: &'a Config,
    /// What the network knows.
    pub occupancy: &'a dyn Occupancy,
    /// `--lb-class`: `None` serves Services without a class only.
    pub class: Option<&'a str>,
}

impl Ground<'_> {
    fn serves(&self, service: &Service) -> bool {
        service.is_load_balancer && !service.deleting && service.class.as_deref() == self.class
    }
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
    pub fn holders(&self) -> &BTreeMap<IpAddr, BTreeSet<ObjectKey>> {
        &self.holders
    }

    /// All addresses in use.
    pub fn in_use(&self) -> RangeSet {
        self.holders.keys().copied().collect()
    }

    /// Forgets a Service; what it held, if anything.
    pub fn release(&mut self, service: &ObjectKey) -> Option<Assignment> {
        let assignment = self.services.remove(service)?;
        for address in &assignment.addresses {
            if let Some(holders) = self.holders.get_mut(address) {
                holders.remove(service);
                if holders.is_empty() {
                    self.holders.remove(address);
                }
            }
        }
        Some(assignment)
    }

    /// Reclaims what the statuses say, the senior Service first, before any decision is made. Without this a wish
    /// that has been waiting for an address would take it from a Service whose turn comes later.
    pub fn adopt<'a>(&mut self, services: impl IntoIterator<Item = &'a Service>, ground: &Ground<'_>) {
        let mut services: Vec<&Service> = services.into_iter().filter(|s| ground.serves(s)).collect();
        services.sort_by_key(|service| &service.seniority);
        for service in services {
            if let Current::MayStay { addresses, pool, .. } = self.current(service, ground) {
                self.record(service, &Outcome::Assigned { addresses, pool });
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
        let current = self.current(service, ground);
        let decision = match Request::of(service) {
            Ok(request) => self.serve(service, &request, current, ground),
            Err(error) => stay_or_wait(current, Because::BadRequest(error)),
        };
        self.record(service, &decision.outcome);
        decision
    }

    fn record(&mut self, service: &Service, outcome: &Outcome) {
        self.release(&service.key);
        if let Outcome::Assigned { addresses, pool } = outcome {
            for address in addresses {
                self.holders
                    .entry(*address)
                    .or_default()
                    .insert(service.key.clone());
            }
            let sharing = SharingKey::of(service);
            let assignment = Assignment {
                addresses: addresses.clone(),
                pool: pool.clone(),
                sharing,
            };
            self.services.insert(service.key.clone(), assignment);
        }
    }

    /// What the Service has now, if it may stay there. The ledger knows better than a copy of the Service that may
    /// be older than our own last write.
    fn current(&self, service: &Service, ground: &Ground<'_>) -> Current {
        let recorded = self.services.get(&service.key);
        let came_from = recorded
            .map(|a| a.pool.as_str())
            .or_else(|| service.annotations.get(FROM_POOL).map(String::as_str));
        let addresses = recorded.map_or(&service.ingress, |a| &a.addresses);
        if addresses.is_empty() {
            return Current::Nothing;
        }
        let keepers: Option<Vec<Keeper<'_>>> = addresses
            .iter()
            .map(|address| ground.config.keeper(*address, came_from))
            .collect();
        let sharing = SharingKey::of(service);
        let blocked = addresses
            .iter()
            .any(|address| self.blocker(*address, service, &sharing).is_some());
        match keepers {
            Some(keepers) if !blocked => Current::MayStay {
                addresses: addresses.clone(),
                pool: keepers[0].name().to_owned(),
                usable: keepers.iter().all(|k| matches!(k, Keeper::Pool(_))),
            },
            _ => Current::MustGo,
        }
    }

    /// The Service that keeps `service` from this address, if any.
    fn blocker(&self, address: IpAddr, service: &Service, sharing: &SharingKey) -> Option<&ObjectKey> {
        self.holders
            .get(&address)?
            .iter()
            .filter(|key| **key != service.key)
            .find(|key| {
                self.services
                    .get(*key)
                    .is_none_or(|other| !sharing.shares_with(&other.sharing))
            })
    }

    fn serve(&self, service: &Service, request: &Request, current: Current, ground: &Ground<'_>) -> Decision {
        if let Current::MayStay {
            addresses,
            pool,
            usable,
        } = &current
            && fits(request, addresses, pool)
        {
            let because = if *usable {
                Because::AlreadyAssigned
            } else {
                Because::PoolUnusable
            };
            return assigned(addresses.clone(), pool.clone(), because);
        }
        let pool = request.pool.as_deref();
        let found = match &request.wanted {
            Wanted::Exactly(addresses) => self.exactly(service, addresses, pool, ground),
            Wanted::Any => self
                .reserved(service, pool, ground)
                .unwrap_or_else(|| self.first_free(service, pool, ground)),
        };
        match found {
            Ok(decision) => decision,
            Err(because) => stay_or_wait(current, because),
        }
    }

    fn exactly(
        &self,
        service: &Service,
        addresses: &[IpAddr],
        pool: Option<&str>,
        ground: &Ground<'_>,
    ) -> Result<Decision, Because> {
        let mut from = None;
        for &address in addresses {
            let found = ground
                .config
                .pool_of(address)
                .ok_or(Because::OutsidePools(address))?;
            if let Some(wanted) = pool.filter(|wanted| *wanted != found.name) {
                return Err(Because::OutsideRequestedPool {
                    address,
                    pool: excerpt(wanted, NAME),
                });
            }
            self.usable(address, service, true, ground)?;
            from = Some(found);
        }
        let pool = from.ok_or(Because::NoPools)?;
        Ok(assigned(
            addresses.to_vec(),
            pool.name.clone(),
            Because::Requested,
        ))
    }

    /// The lowest reserved address that can be had: a reservation is a request that stands beside the Service. `None`
    /// where nothing is reserved for it in the pools that it may be served from.
    fn reserved(
        &self,
        service: &Service,
        pool: Option<&str>,
        ground: &Ground<'_>,
    ) -> Option<Result<Decision, Because>> {
        let family = service.cluster_ips.first().map(IpAddr::is_ipv4);
        let mut failed = None;
        for reservation in ground.config.reserved_for(&service.key) {
            let address = reservation.address;
            let outside = match ground.config.pool_of(address) {
                Some(found) => pool.is_some_and(|wanted| wanted != found.name),
                // It may be in one that cannot be read: another address would be for good.
                None => pool.is_some() || !ground.config.has_unusable_pools(),
            };
            if outside || family.is_some_and(|ipv4| ipv4 != address.is_ipv4()) {
                continue;
            }
            match self.exactly(service, &[address], pool, ground) {
                Ok(Decision { outcome, .. }) => {
                    let because = Because::Reserved(reservation.key.name.clone());
                    return Some(Ok(Decision { outcome, because }));
                }
                // That passes: another one would be for good.
                Err(because @ Because::Unproven { .. }) => return Some(Err(because)),
                Err(because) => _ = failed.get_or_insert(because),
            }
        }
        failed.map(Err)
    }

    /// `named`: the Service asks for this very address.
    fn usable(
        &self,
        address: IpAddr,
        service: &Service,
        named: bool,
        ground: &Ground<'_>,
    ) -> Result<(), Because> {
        let reservation = ground.config.reservations.get(&address);
        if let Some(other) = reservation.filter(|kept| kept.service.as_ref() != Some(&service.key)) {
            return Err(Because::ReservedForOther {
                address,
                reservation: other.key.name.clone(),
                service: other.service.clone(),
            });
        }
        if let Some(by) = self.blocker(address, service, &SharingKey::of(service)) {
            return Err(Because::Taken {
                address,
                by: by.clone(),
            });
        }
        if self.holders.contains_key(&address) {
            return Ok(()); // Shared: it is in use by us already, nothing is left to prove.
        }
        match ground.occupancy.of(address) {
            Availability::Free => Ok(()),
            Availability::Reserved(_) if leased_by_others(service, ground.config).contains(&address) => {
                Ok(())
            }
            Availability::OnRequest(_) if named => Ok(()),
            Availability::Held(by) | Availability::Reserved(by) | Availability::OnRequest(by) => {
                Err(Because::Held { address, by })
            }
            Availability::Unproven(why) => Err(Because::Unproven { address, why }),
        }
    }

    fn first_free(
        &self,
        service: &Service,
        pool: Option<&str>,
        ground: &Ground<'_>,
    ) -> Result<Decision, Because> {
        let pools: Vec<&Pool> = match pool {
            Some(name) => {
                let found = ground.config.usable().find(|p| p.name == name);
                vec![found.ok_or_else(|| Because::PoolUnavailable(excerpt(name, NAME)))?]
            }
            None => ground.config.usable().filter(|p| p.auto_assign).collect(),
        };
        let mut search = Search::default();
        for pool in &pools {
            if let Some(address) = candidates(pool)
                .find(|address| search.accepts(*address, self.usable(*address, service, false, ground)))
            {
                let because = Because::FirstFree {
                    skipped: search.skipped,
                };
                return Ok(assigned(vec![address], pool.name.clone(), because));
            }
        }
        Err(search.failure(&pools))
    }
}

/// What a Service has at the moment of a decision.
enum Current {
    Nothing,
    MayStay {
        addresses: Vec<IpAddr>,
        pool: String,
        usable: bool,
    },
    MustGo,
}

/// What was seen on the way to a free address.
#[derive(Default)]
struct Search {
    skipped: Vec<(IpAddr, super::Holder)>,
    held: usize,
    reserved: usize,
    unproven: Option<Because>,
}

impl Search {
    fn accepts(&mut self, address: IpAddr, usable: Result<(), Because>) -> bool {
        match usable {
            Ok(()) => return true,
            Err(Because::Held { by, .. }) => {
                self.held += 1;
                if self.skipped.len() < SKIPPED_SHOWN {
                    self.skipped.push((address, by));
                }
            }
            Err(because @ Because::Unproven { .. }) => {
                self.unproven.get_or_insert(because);
            }
            Err(Because::ReservedForOther { .. }) => self.reserved += 1,
            Err(_) => {}
        }
        false
    }

    fn failure(self, pools: &[&Pool]) -> Because {
        if pools.is_empty() {
            return Because::NoPools;
        }
        let names = pools.iter().map(|p| p.name.clone()).collect();
        self.unproven.unwrap_or(Because::Exhausted {
            pools: names,
            held: self.held,
            reserved: self.reserved,
        })
    }
}

/// How many addresses one search looks at: a /12 of them, or a pool of 2^96 whose first million are taken, is no
/// home network, and the search must end.
const SEARCH_LIMIT: usize = 1 << 20;

/// The addresses of a pool in the order in which they are handed out.
fn candidates(pool: &Pool) -> impl Iterator<Item = IpAddr> + '_ {
    let ipv4 = pool.order.iter().filter(|range| range.first().is_ipv4());
    let addresses = ipv4.flat_map(crate::model::AddressRange::iter).take(SEARCH_LIMIT);
    addresses.filter(|address| !(pool.avoid_buggy_ips && ends_in_0_or_255(*address)))
}

fn ends_in_0_or_255(address: IpAddr) -> bool {
    matches!(address, IpAddr::V4(v4) if matches!(v4.octets()[3], 0 | 255))
}

fn fits(request: &Request, addresses: &[IpAddr], pool: &str) -> bool {
    let asked_for = match &request.wanted {
        Wanted::Any => true,
        Wanted::Exactly(wanted) => wanted == addresses,
    };
    asked_for && request.pool.as_deref().is_none_or(|wanted| wanted == pool)
}

fn assigned(addresses: Vec<IpAddr>, pool: String, because: Because) -> Decision {
    Decision {
        outcome: Outcome::Assigned { addresses, pool },
        because,
    }
}

fn stay_or_wait(current: Current, because: Because) -> Decision {
    match current {
        Current::MayStay { addresses, pool, .. } => {
            assigned(addresses, pool, Because::Stays(Box::new(because)))
        }
        Current::MustGo => Decision {
            outcome: Outcome::Pending,
            because: Because::NoLongerAllowed(Box::new(because)),
        },
        Current::Nothing => Decision {
            outcome: Outcome::Pending,
            because,
        },
    }
}
